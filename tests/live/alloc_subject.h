/* SPDX-License-Identifier: BSD-2-Clause */
/* tests/programs/allocs.py under probes that count by type. */
#ifndef PYLEAK_ALLOC_SUBJECT_H
#define PYLEAK_ALLOC_SUBJECT_H

#include "attach/alloc_sites.h"
#include "attach/hooks.h"
#include "collect/alloc_probes.h"
#include "live/harness.h"

struct alloc_subject {
	struct program program;
	struct target target;
	struct python python;
	struct gc_lists lists;
	struct gc_hook hook;
	struct alloc_sites sites;
	struct alloc_probes_options options;
	struct alloc_probes *probes;
	struct pyleak_alloc_type then[PYLEAK_ALLOC_MAX_TYPES]; /* the table at subject_mark() */
	struct pyleak_alloc_progress then_progress;
	int64_t then_pending;
};

/* Starts the program and opens probes, which are not attached. Ends with subject_end(). */
struct alloc_subject *subject_begin(const char *python);
/* Opens them again, with the options as they are now. */
void subject_open(struct alloc_subject *subject);
void subject_end(struct alloc_subject *subject);
void subject_arm(struct alloc_subject *subject);

/* Says a command, and waits until the program is at rest in its next read. Borrowed until the next
 * command; NULL: the answer is no object. */
json_t *subject_ask(struct alloc_subject *subject, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void subject_await_rest(const struct alloc_subject *subject);

/* What was counted since the mark, of a type by its address; 0 = of all types. */
void subject_mark(struct alloc_subject *subject);
int64_t subject_allocs(const struct alloc_subject *subject, uint64_t type);
int64_t subject_frees(const struct alloc_subject *subject, uint64_t type);
/* The slot of a type that lives; of none all is 0. */
struct pyleak_alloc_type subject_slot(const struct alloc_subject *subject, uint64_t type);
int64_t subject_pending(const struct alloc_subject *subject);
uint64_t subject_losses(const struct alloc_subject *subject);

#endif
