/* SPDX-License-Identifier: BSD-2-Clause */
/* The inside of exact counts, shared by the files that make them up and by nobody else: exact.c
 * (what moved, names, rates), exact_anchor.c (a census is there), exact_rows.c (types by name). */
#ifndef PYLEAK_EXACT_STATE_H
#define PYLEAK_EXACT_STATE_H

#include <uthash.h>

#include "collect/exact.h"

/* A slot as it was read at one moment. */
struct slot_reading {
	raddr_t type;
	uint64_t allocs, frees;
	uint64_t epoch, allocs_at, frees_at;
	bool is_dead;
};

/* What one slot of the table of types is to us. A type that takes over the address of one that was
 * freed has a slot of its own. */
struct slot_state {
	raddr_t type; /* 0: not met yet */
	char *name;
	bool own;
	bool is_dead;
	bool anchored;
	int64_t live; /* at the anchor, as allocs_at and frees_at */
	uint64_t allocs_at, frees_at;
	int64_t drift;
	uint64_t allocs, frees; /* at the last step */
	double alloc_per_s, free_per_s;
};

/* A type that a census met and no probe: its objects are as many as they were. */
struct resting_type {
	raddr_t address;
	char *name;
	bool own;
	int64_t live, drift;
	UT_hash_handle hh;
};

struct exact {
	struct exact_options options;
	struct slot_state *slots;
	size_t slot_cnt;
	struct resting_type *resting;
	uint64_t step_ns;
	char *pending_names[PYLEAK_ALLOC_MAX_COUNTS];
	size_t pending_cnt;
	struct exact_type *rows;
	size_t row_cnt, row_room;
	struct loss losses[PYLEAK_ALLOC_LOSS_CNT];
	struct exact_counts counts;
};

/* Consistent, though the kernel side may be writing. */
struct slot_reading exact_read_slot(const volatile struct pyleak_alloc_type *slot);
/* The name of the type at an address, as long as that is what it was. Free with free(). */
char *exact_name(struct exact *exact, raddr_t type, bool *own);

int exact_anchor(struct exact *exact, const struct exact_input *input,
		 const struct exact_census *census);
void exact_forget_resting(struct exact *exact, struct resting_type *resting);

void exact_forget_pending(struct exact *exact);
/* Makes the rows anew. */
int exact_make_rows(struct exact *exact, const struct exact_input *input);

#endif
