/* SPDX-License-Identifier: BSD-2-Clause */
/* A census says how many objects of each type there were at one moment, and the slots say how far
 * allocations and frees had come at that moment. What the census found and they did not foresee is
 * the drift. */
#include "collect/exact_state.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"

/* An address of the census whose objects have found their type. */
struct claimed {
	raddr_t address;
	UT_hash_handle hh;
};

struct anchoring {
	struct exact *exact;
	const struct exact_input *input;
	const struct exact_census *census;
	struct claimed *claimed;
	struct resting_type *resting; /* the new ones */
	int err;
};

static bool is_claimed(const struct anchoring *anchoring, raddr_t address)
{
	struct claimed *claimed;

	HASH_FIND(hh, anchoring->claimed, &address, sizeof(address), claimed);
	return claimed;
}

static void claim(struct anchoring *anchoring, raddr_t address)
{
	struct claimed *claimed;

	if (is_claimed(anchoring, address))
		return;
	claimed = calloc(1, sizeof(*claimed));
	if (!claimed) {
		anchoring->err = -ENOMEM;
		return;
	}
	claimed->address = address;
	HASH_ADD(hh, anchoring->claimed, address, sizeof(claimed->address), claimed);
}

static void anchor_slot(struct anchoring *anchoring, struct slot_state *state,
			const struct slot_reading *reading, int64_t live)
{
	bool is_moved = anchoring->census->epoch && reading->epoch == anchoring->census->epoch;
	uint64_t allocs = is_moved ? reading->allocs_at : reading->allocs;
	uint64_t frees = is_moved ? reading->frees_at : reading->frees;
	int64_t foreseen = state->live + (int64_t)(allocs - state->allocs_at) -
			   (int64_t)(frees - state->frees_at);

	state->drift = anchoring->exact->counts.censuses ? live - foreseen : 0;
	state->anchored = true;
	state->live = live;
	state->allocs_at = allocs;
	state->frees_at = frees;
}

/* A type that died before the census has no objects in it; one that died since has moved since.
 * `dead`: those first, because what is at their address now came later. */
static void anchor_slots(struct anchoring *anchoring, bool dead)
{
	struct exact *exact = anchoring->exact;
	uint64_t epoch = anchoring->census->epoch;

	for (size_t i = 0; !anchoring->err && i < exact->slot_cnt; i++) {
		struct slot_state *state = &exact->slots[i];
		struct slot_reading reading;
		const struct counted_type *counted = NULL;

		if (!state->type)
			continue;
		reading = exact_read_slot(&anchoring->input->slots[i]);
		if (reading.is_dead != dead)
			continue;
		if (epoch && reading.epoch > epoch) {
			/* A newer census is complete, which we have not seen: that one will do. */
			claim(anchoring, state->type);
			continue;
		}
		if ((!dead || (epoch && reading.epoch == epoch)) &&
		    !is_claimed(anchoring, state->type))
			counted = counts_find(anchoring->census->counts, state->type);
		if (counted)
			claim(anchoring, state->type);
		anchor_slot(anchoring, state, &reading, counted ? (int64_t)counted->live : 0);
	}
}

static void rest(const struct counted_type *counted, void *context)
{
	struct anchoring *anchoring = context;
	struct exact *exact = anchoring->exact;
	struct resting_type *before, *resting;

	exact->counts.anchored_live += counted->live;
	if (anchoring->err || !counted->live || is_claimed(anchoring, counted->address))
		return;
	resting = calloc(1, sizeof(*resting));
	if (!resting) {
		anchoring->err = -ENOMEM;
		return;
	}
	HASH_FIND(hh, exact->resting, &counted->address, sizeof(counted->address), before);
	resting->address = counted->address;
	resting->live = (int64_t)counted->live;
	if (exact->counts.censuses)
		resting->drift = resting->live - (before ? before->live : 0);
	resting->name = exact_name(exact, counted->address, &resting->own);
	if (!resting->name)
		anchoring->err = -ENOMEM;
	HASH_ADD(hh, anchoring->resting, address, sizeof(resting->address), resting);
}

/* Those that this census did not meet are gone, without a free that was seen. */
static void replace_resting(struct anchoring *anchoring)
{
	struct exact *exact = anchoring->exact;
	struct resting_type *old, *next, *found;

	HASH_ITER (hh, exact->resting, old, next) {
		HASH_FIND(hh, anchoring->resting, &old->address, sizeof(old->address), found);
		if (found || !old->live) {
			exact_forget_resting(exact, old);
			continue;
		}
		old->drift = -old->live;
		old->live = 0;
	}
	HASH_ITER (hh, anchoring->resting, found, next) {
		HASH_DEL(anchoring->resting, found);
		HASH_ADD(hh, exact->resting, address, sizeof(found->address), found);
	}
}

int exact_anchor(struct exact *exact, const struct exact_input *input,
		 const struct exact_census *census)
{
	struct anchoring anchoring = { .exact = exact, .input = input, .census = census };
	struct claimed *claimed, *next;

	anchor_slots(&anchoring, true);
	anchor_slots(&anchoring, false);
	exact->counts.anchored_live = 0;
	counts_each_type(census->counts, rest, &anchoring);
	replace_resting(&anchoring);
	HASH_ITER (hh, anchoring.claimed, claimed, next) {
		HASH_DEL(anchoring.claimed, claimed);
		free(claimed);
	}
	exact->counts.censuses++;
	exact->counts.approximate = census->approximate || !census->epoch;
	return anchoring.err;
}
