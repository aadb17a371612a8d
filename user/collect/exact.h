/* SPDX-License-Identifier: BSD-2-Clause */
/* Exact mode: live counts that move with every allocation and free, anchored by censuses. */
#ifndef PYLEAK_EXACT_H
#define PYLEAK_EXACT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collect/sample.h"

/* One type. Live = live at the anchor + allocations - frees since. */
struct exact_type {
	const char *name;
	bool own;	      /* a class of the program itself */
	bool anchored;	      /* false: no census has met it: live is what is left of `allocs` */
	int64_t live;
	uint64_t allocs, frees; /* since the probes were armed */
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
	double elapsed_s;      /* armed since */
	double interval_s;     /* that the rates are over */
	uint64_t allocs, frees;
	double alloc_per_s, free_per_s;
	uint64_t censuses;     /* that anchored the counts */
	uint64_t drift;	       /* sum of the absolute drifts at the last census */
	uint64_t anchored_live; /* objects of that census */
	double target_share;   /* what the probes cost, of one core */
	const struct loss *losses;
	size_t loss_cnt;
};

#endif
