/* SPDX-License-Identifier: BSD-2-Clause */
/* Types by name, as everywhere: two interpreters have a type each for the same class, and a
 * program that makes classes in a loop makes many of one name. */
#include "collect/exact_state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "collect/free_lists.h"

#define OB_TYPE 8 /* PyObject.ob_type */

static int add_row(struct exact *exact, const struct exact_type *row)
{
	if (exact->row_cnt == exact->row_room) {
		size_t room = exact->row_room ? exact->row_room * 2 : 512;
		struct exact_type *grown = realloc(exact->rows, room * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		exact->rows = grown;
		exact->row_room = room;
	}
	exact->rows[exact->row_cnt++] = *row;
	return 0;
}

static int add_slots(struct exact *exact)
{
	int err = 0;

	for (size_t i = 0; !err && i < exact->slot_cnt; i++) {
		const struct slot_state *state = &exact->slots[i];
		struct exact_type row = {
			.name = state->name,
			.own = state->own,
			.anchored = state->anchored,
			.live = state->live + (int64_t)(state->allocs - state->allocs_at) -
				(int64_t)(state->frees - state->frees_at),
			.allocs = state->allocs,
			.frees = state->frees,
			.alloc_per_s = state->alloc_per_s,
			.free_per_s = state->free_per_s,
			.drift = state->drift,
			.is_dead = state->is_dead,
		};

		if (state->type)
			err = add_row(exact, &row);
	}
	return err;
}

static int add_resting(struct exact *exact)
{
	struct resting_type *resting, *next;
	int err = 0;

	HASH_ITER (hh, exact->resting, resting, next) {
		struct exact_type row = { .name = resting->name,
					  .own = resting->own,
					  .anchored = true,
					  .live = resting->live,
					  .drift = resting->drift };

		if (!err)
			err = add_row(exact, &row);
	}
	return err;
}

void exact_forget_pending(struct exact *exact)
{
	while (exact->pending_cnt)
		free(exact->pending_names[--exact->pending_cnt]);
}

/* Objects that were counted by no type yet: what they are can be read in the target. */
static int add_pending(struct exact *exact, const struct exact_input *input)
{
	int err = 0;

	for (size_t i = 0; !err && i < input->pending_cnt && i < PYLEAK_ALLOC_MAX_COUNTS; i++) {
		raddr_t type = remote_word(exact->options.remote, input->pending[i] + OB_TYPE);
		struct exact_type row = { .live = 1, .allocs = 1 };
		char *name;

		if (!type)
			continue;
		name = exact_name(exact, type, &row.own);
		if (!name)
			return -ENOMEM;
		exact->pending_names[exact->pending_cnt++] = name;
		row.name = name;
		row.anchored = exact->counts.censuses > 0;
		err = add_row(exact, &row);
	}
	return err;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct exact_type *)a)->name, ((const struct exact_type *)b)->name);
}

static void merge(struct exact_type *into, const struct exact_type *row)
{
	into->own |= row->own;
	into->anchored |= row->anchored;
	into->live += row->live;
	into->allocs += row->allocs;
	into->frees += row->frees;
	into->alloc_per_s += row->alloc_per_s;
	into->free_per_s += row->free_per_s;
	into->drift += row->drift;
	into->is_dead &= row->is_dead;
}

static void merge_names(struct exact *exact)
{
	struct exact_type *rows = exact->rows;
	size_t kept = 0;

	if (exact->row_cnt)
		qsort(rows, exact->row_cnt, sizeof(*rows), by_name);
	for (size_t i = 0; i < exact->row_cnt; i++) {
		if (kept && !strcmp(rows[kept - 1].name, rows[i].name))
			merge(&rows[kept - 1], &rows[i]);
		else
			rows[kept++] = rows[i];
	}
	exact->row_cnt = kept;
}

static int by_allocs(const void *a, const void *b)
{
	const struct exact_type *left = a, *right = b;

	if (left->allocs != right->allocs)
		return left->allocs > right->allocs ? -1 : 1;
	if (left->live != right->live)
		return left->live > right->live ? -1 : 1;
	return strcmp(left->name, right->name);
}

static void finish_rows(struct exact *exact)
{
	struct exact_counts *counts = &exact->counts;
	size_t kept = 0;

	counts->drift = 0;
	for (size_t i = 0; i < exact->row_cnt; i++) {
		struct exact_type *row = &exact->rows[i];

		if (!row->live && !row->allocs && !row->frees && !row->drift)
			continue;
		row->free_list = free_list_most(exact->options.minor, row->name,
						exact->options.interpreters);
		counts->drift += (uint64_t)llabs(row->drift);
		exact->rows[kept++] = *row;
	}
	exact->row_cnt = kept;
	if (kept)
		qsort(exact->rows, kept, sizeof(*exact->rows), by_allocs);
	counts->types = exact->rows;
	counts->cnt = kept;
}

int exact_make_rows(struct exact *exact, const struct exact_input *input)
{
	int err;

	exact->row_cnt = 0;
	exact_forget_pending(exact);
	err = add_slots(exact);
	if (!err)
		err = add_resting(exact);
	if (!err)
		err = add_pending(exact, input);
	if (err)
		return err;
	merge_names(exact);
	finish_rows(exact);
	return 0;
}
