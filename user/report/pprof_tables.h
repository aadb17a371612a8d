/* SPDX-License-Identifier: BSD-2-Clause */
/* Strings, functions and places of a profile, each of them once. Nobody but pprof.c includes this.
 */
#ifndef PYLEAK_PPROF_TABLES_H
#define PYLEAK_PPROF_TABLES_H

#include <stdbool.h>
#include <stdint.h>

#include "collect/alloc_stacks.h"
#include "profile.pb-c.h"

struct pprof_tables {
	struct pprof_string *strings;
	struct pprof_function *functions;
	struct pprof_location *locations;
	bool failed; /* for want of memory: what was returned since is no good */
};

/* The place of `text` in the table of strings, safe and not too long; 0 for "" and NULL. */
int64_t pprof_tables_string(struct pprof_tables *tables, const char *text);
/* The number of the frame's place in a function. */
uint64_t pprof_tables_location(struct pprof_tables *tables, const struct stack_frame *frame);
/* Lets the profile point to all of it. -ENOMEM also when something failed before. */
int pprof_tables_fill(struct pprof_tables *tables, Pyleak__Profile *profile);
/* And what pprof_tables_fill() made of the profile. */
void pprof_tables_deinit(struct pprof_tables *tables, Pyleak__Profile *profile);

#endif
