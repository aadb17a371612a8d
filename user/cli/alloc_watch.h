/* SPDX-License-Identifier: BSD-2-Clause */
/* Probes on the allocations of a session's process: all the time (--exact), or in windows that keep
 * to the budget. */
#ifndef PYLEAK_ALLOC_WATCH_H
#define PYLEAK_ALLOC_WATCH_H

#include "cli/session.h"
#include "collect/alloc_probes.h"
#include "collect/alloc_stacks.h"
#include "collect/exact.h"

struct alloc_watch;

/* Finds the places and loads the programs; with `exact` every allocation and free is counted from
 * here on, else nothing is until alloc_watch_suspect(). The session must outlive it. Logs one line
 * and returns -errno. */
int alloc_watch_open(struct session *session, bool exact, struct alloc_watch **out);
void alloc_watch_close(struct alloc_watch *watch);

/* Stacks of the allocations of types of this name, with or without its module, are wanted. -ENOENT:
 * none has been met so far; they are as soon as one is. */
int alloc_watch_suspect(struct alloc_watch *watch, const char *name);
/* Has a type of such a name been met? */
bool alloc_watch_has_suspects(const struct alloc_watch *watch);
/* No more windows; what was seen stays. */
void alloc_watch_rest(struct alloc_watch *watch);
/* Meets types that are new; to be called after every sample. */
int alloc_watch_step(struct alloc_watch *watch);
/* Allocations of all suspect types together whose stacks were taken. */
uint64_t alloc_watch_seen(const struct alloc_watch *watch);

/* What was seen of the suspect types; ends with alloc_stacks_deinit(). */
int alloc_watch_stacks(struct alloc_watch *watch, struct alloc_stacks *out);
/* With `exact`: valid until the next alloc_watch_step(). */
const struct exact_counts *alloc_watch_counts(const struct alloc_watch *watch);
/* "33 places (33 with the object's register), 9 free places; checked: 812 of 812 allocations seen"
 */
const char *alloc_watch_words(const struct alloc_watch *watch);
/* What the probes have cost the target so far, in ns. */
uint64_t alloc_watch_spent_ns(const struct alloc_watch *watch);

#endif
