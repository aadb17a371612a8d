/* SPDX-License-Identifier: BSD-2-Clause */
/* Follows the kernel side's table of types. Slots are never moved or emptied while probes are in,
 * so a slot's place is what a type is known by: its address may become another type's. */
#include "collect/exact_state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

int exact_create(const struct exact_options *options, struct exact **out)
{
	struct exact *exact = calloc(1, sizeof(*exact));

	if (!exact)
		return -ENOMEM;
	exact->options = *options;
	exact->step_ns = options->armed_ns;
	*out = exact;
	return 0;
}

void exact_forget_resting(struct exact *exact, struct resting_type *resting)
{
	HASH_DEL(exact->resting, resting);
	free(resting->name);
	free(resting);
}

void exact_destroy(struct exact *exact)
{
	struct resting_type *resting, *next;

	if (!exact)
		return;
	HASH_ITER (hh, exact->resting, resting, next)
		exact_forget_resting(exact, resting);
	for (size_t i = 0; i < exact->slot_cnt; i++)
		free(exact->slots[i].name);
	exact_forget_pending(exact);
	free(exact->slots);
	free(exact->rows);
	free(exact);
}

/* The kernel side writes allocs_at and frees_at, then epoch, then allocs or frees: read the other
 * way round, an old epoch tells that allocs and frees have not moved since. */
struct slot_reading exact_read_slot(const volatile struct pyleak_alloc_type *slot)
{
	struct slot_reading reading = { .type = __atomic_load_n(&slot->type, __ATOMIC_ACQUIRE) };

	if (!reading.type)
		return reading;
	reading.is_dead = __atomic_load_n(&slot->flags, __ATOMIC_ACQUIRE) & PYLEAK_ALLOC_DEAD;
	reading.allocs = __atomic_load_n(&slot->allocs, __ATOMIC_ACQUIRE);
	reading.frees = __atomic_load_n(&slot->frees, __ATOMIC_ACQUIRE);
	reading.epoch = __atomic_load_n(&slot->epoch, __ATOMIC_ACQUIRE);
	reading.allocs_at = __atomic_load_n(&slot->allocs_at, __ATOMIC_ACQUIRE);
	reading.frees_at = __atomic_load_n(&slot->frees_at, __ATOMIC_ACQUIRE);
	return reading;
}

char *exact_name(struct exact *exact, raddr_t type, bool *own)
{
	const struct py_type *known = py_types_get(exact->options.types, type);

	if (!known)
		return NULL;
	*own = known->own;
	return strdup(known->name);
}

/* A type that is gone already had its name where something else may be now. */
static int name_slot(struct exact *exact, const volatile struct pyleak_alloc_type *slot,
		     struct slot_state *state)
{
	_cleanup_free_ char *name = NULL;

	if (!state->is_dead) {
		name = exact_name(exact, state->type, &state->own);
		if (!name)
			return -ENOMEM;
	}
	if (exact_read_slot(slot).is_dead) {
		free(name);
		name = strdup("<freed type>");
		state->own = false;
	}
	state->name = take_ptr(name);
	return state->name ? 0 : -ENOMEM;
}

/* Its objects that no probe had met come with it: with the first of the slots of its address,
 * which is the one that has died, if one has. */
static void wake_resting(struct exact *exact, struct slot_state *state)
{
	struct resting_type *resting;

	HASH_FIND(hh, exact->resting, &state->type, sizeof(state->type), resting);
	if (!resting)
		return;
	state->anchored = true;
	state->live = resting->live;
	state->drift = resting->drift;
	state->name = take_ptr(resting->name);
	state->own = resting->own;
	exact_forget_resting(exact, resting);
}

static int meet_slot(struct exact *exact, const struct exact_input *input, size_t i,
		     const struct slot_reading *reading)
{
	struct slot_state *state = &exact->slots[i];

	state->type = reading->type;
	state->is_dead = reading->is_dead;
	wake_resting(exact, state);
	return state->name ? 0 : name_slot(exact, &input->slots[i], state);
}

/* Twice, the dead first: wake_resting(). */
static int meet_new(struct exact *exact, const struct exact_input *input)
{
	for (int alive = 0; alive < 2; alive++) {
		for (size_t i = 0; i < exact->slot_cnt; i++) {
			struct slot_reading reading;
			int err;

			if (exact->slots[i].type)
				continue;
			reading = exact_read_slot(&input->slots[i]);
			if (!reading.type || (!alive && !reading.is_dead))
				continue;
			err = meet_slot(exact, input, i, &reading);
			if (err)
				return err;
		}
	}
	return 0;
}

static void follow(struct exact *exact, const struct exact_input *input, double interval_s)
{
	struct exact_counts *counts = &exact->counts;
	uint64_t allocs = 0, frees = 0;

	for (size_t i = 0; i < exact->slot_cnt; i++) {
		struct slot_state *state = &exact->slots[i];
		struct slot_reading reading;

		if (!state->type)
			continue;
		reading = exact_read_slot(&input->slots[i]);
		state->is_dead = reading.is_dead;
		if (interval_s > 0) {
			state->alloc_per_s = (double)(reading.allocs - state->allocs) / interval_s;
			state->free_per_s = (double)(reading.frees - state->frees) / interval_s;
		}
		state->allocs = reading.allocs;
		state->frees = reading.frees;
		allocs += reading.allocs;
		frees += reading.frees;
	}
	if (interval_s > 0) {
		counts->interval_s = interval_s;
		counts->alloc_per_s = (double)(allocs - counts->allocs) / interval_s;
		counts->free_per_s = (double)(frees - counts->frees) / interval_s;
	}
	counts->allocs = allocs;
	counts->frees = frees;
}

static void take_progress(struct exact *exact, const struct exact_input *input)
{
#define WORDS(name, words) { #name, words, 0 },
	static const struct loss losses[] = { PYLEAK_ALLOC_LOSSES(WORDS) };
#undef WORDS
	struct exact_counts *counts = &exact->counts;

	counts->loss_cnt = 0;
	counts->losses = exact->losses;
	counts->target_share = 0;
	if (!input->progress)
		return;
	if (counts->elapsed_s > 0)
		counts->target_share = (double)input->progress->spent_ns / 1e9 / counts->elapsed_s;
	for (size_t i = 0; i < ARRAY_SIZE(losses); i++) {
		uint64_t cnt = input->progress->losses[i];

		if (!cnt)
			continue;
		exact->losses[counts->loss_cnt] = losses[i];
		exact->losses[counts->loss_cnt++].cnt = cnt;
	}
}

static double seconds_between(uint64_t from_ns, uint64_t to_ns)
{
	return to_ns > from_ns ? (double)(to_ns - from_ns) / 1e9 : 0;
}

int exact_step(struct exact *exact, const struct exact_input *input,
	       const struct exact_census *census)
{
	double interval_s = seconds_between(exact->step_ns, input->now_ns);
	int err;

	if (input->slots && !exact->slots) {
		exact->slots = calloc(input->slot_cnt, sizeof(*exact->slots));
		if (!exact->slots)
			return -ENOMEM;
		exact->slot_cnt = input->slot_cnt;
	}
	err = meet_new(exact, input);
	if (!err && census)
		err = exact_anchor(exact, input, census);
	if (err)
		return err;
	follow(exact, input, interval_s);
	exact->counts.elapsed_s = seconds_between(exact->options.armed_ns, input->now_ns);
	take_progress(exact, input);
	exact->step_ns = input->now_ns;
	return exact_make_rows(exact, input);
}

const struct exact_counts *exact_counts(const struct exact *exact)
{
	return &exact->counts;
}
