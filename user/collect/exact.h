/* SPDX-License-Identifier: BSD-2-Clause */
/* Exact mode: live counts that move with every allocation and free, anchored by censuses. */
#ifndef PYLEAK_EXACT_H
#define PYLEAK_EXACT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/types.h>

#include "collect/counts.h"
#include "collect/py_type.h"
#include "collect/sample.h"
#include "pyleak_alloc.h"

/* One type. Live = live at the anchor + allocations - frees since. */
struct exact_type {
	const char *name;
	bool own;      /* a class of the program itself */
	bool anchored; /* false: no census has met it: live is what is left of `allocs` */
	int64_t live;
	uint64_t allocs, frees;		/* since the probes were armed */
	double alloc_per_s, free_per_s; /* over the last interval */
	/* What the last census found more (or less) than the counts had said: untracked objects,
	 * free lists, objects that changed their class, misses. 0 before the second census. */
	int64_t drift;
	uint64_t free_list; /* objects of it that may wait in free lists for their next use */
	bool is_dead;	    /* the type itself was freed */
};

struct exact_counts {
	const struct exact_type *types; /* most allocations first */
	size_t cnt;
	double elapsed_s;  /* armed since */
	double interval_s; /* that the rates are over */
	uint64_t allocs, frees;
	double alloc_per_s, free_per_s;
	uint64_t censuses; /* that anchored the counts */
	/* The newest of them was not of one moment with the counts: it was cut in slices, or read
	 * from outside. */
	bool approximate;
	uint64_t drift;		/* sum of the absolute drifts at the last census */
	uint64_t anchored_live; /* objects of that census */
	double target_share;	/* what the probes cost, of one core */
	const struct loss *losses;
	size_t loss_cnt;
};

struct exact_options {
	struct py_types *types;
	struct remote *remote;
	int minor;
	uint32_t interpreters; /* each has its free lists */
	uint64_t armed_ns;     /* when the probes were armed, by clock_now_ns() */
};

/* What the probes know at one moment. */
struct exact_input {
	uint64_t now_ns;
	const volatile struct pyleak_alloc_type *slots; /* alloc_probes_types(), or NULL: none */
	size_t slot_cnt;				/* always the same */
	const volatile struct pyleak_alloc_progress *progress;
	/* alloc_probes_pending(), if the target has not run since: else their types may be those
	 * of what was at their addresses before. */
	const __u64 *pending;
	size_t pending_cnt;
};

/* A census that is complete since the last step. */
struct exact_census {
	struct counts *counts; /* by address of type */
	/* Its number, as in the slots. 0: it has none (read from outside): it is joined with the
	 * counts as they are now. */
	uint64_t epoch;
	bool approximate; /* as in exact_counts */
};

struct exact;

/* `options->types` and `remote` stay the caller's and must outlive it. */
int exact_create(const struct exact_options *options, struct exact **out);
void exact_destroy(struct exact *exact);

/* To be called at every interval, and often enough to meet a type while it lives: its name is read
 * here. `census` may be NULL: none since. 0 or -ENOMEM. */
int exact_step(struct exact *exact, const struct exact_input *input,
	       const struct exact_census *census);
/* As of the last step; valid until the next. */
const struct exact_counts *exact_counts(const struct exact *exact);

#endif
