/* SPDX-License-Identifier: GPL-2.0-only */
/* Counts by type. A new object has no type yet where it is counted: it is pending until the next
 * event of its interpreter. Up to 3.11 that may be one of a collection that this very allocation
 * sets off, while its memory still holds what was there before: it is deferred to the collection's
 * end. Callbacks run before the collector does, so its hook alone does not tell; what was there
 * before has no references any more, or no type, or a pointer where references are counted.
 *
 * One read of user memory costs more than all else here together, so each hit makes one. */
#ifndef PYLEAK_ALLOC_COUNT_BPF_H
#define PYLEAK_ALLOC_COUNT_BPF_H

#define NEW_REFERENCES_MAX 16
/* With the index of a slot: the object has none or too many references for a new one. */
#define NOT_NEW (PYLEAK_ALLOC_MAX_TYPES)

/* The slot of an object's type; negative: ~ of a loss. A function of its own because it has a
 * small stack: since Linux 6.13 one of 64 bytes and more is not the thread's, and at each read into
 * it CONFIG_HARDENED_USERCOPY looks up whose memory that is (docs/design.md, 11). */
__noinline int slot_of_object(__u64 object)
{
	struct {
		__u64 refcount, type;
	} head;
	int slot_at;

	if (!read_user(&head, sizeof(head), object))
		return ~PYLEAK_ALLOC_LOSS_FAULT;
	slot_at = slot_of(head.type);
	return slot_at >= 0 && head.refcount - 1 >= NEW_REFERENCES_MAX ? slot_at | NOT_NEW
								       : slot_at;
}

/* ---- states */

static __always_inline void fill_state(struct pyleak_alloc_state *state, __u64 count)
{
	state->tstate_at = control.tstate_at;
	if (control.gil_from_count) {
		__u64 gil = read_word(count + control.gil_from_count);

		state->tstate_at = gil ? gil + control.holder_from_gil : 0;
	}
	state->collecting =
		control.collecting_from_count ? count + control.collecting_from_count : 0;
}

/* The index of the state of that count, which is taken if it has none; negative: a loss was
 * counted. */
__noinline int take_state(__u64 count)
{
	for (__u32 i = 0; i < PYLEAK_ALLOC_MAX_COUNTS; i++) {
		struct pyleak_alloc_state *state;
		__u64 holder = state_counts[i];
		__u32 key = i; /* its address is taken: then the verifier does not see it change */

		if (!holder)
			holder = __sync_val_compare_and_swap(&state_counts[i], 0, count);
		if (holder == count)
			return i;
		if (holder)
			continue;
		state = bpf_map_lookup_elem(&states, &key);
		if (state)
			fill_state(state, count);
		return i;
	}
	count_loss(PYLEAK_ALLOC_LOSS_COUNTS_FULL);
	return -1;
}

/* ---- suspect types */

static __always_inline void record_object(const struct pyleak_stack *stack, __u64 object,
					  const struct pyleak_alloc_type *slot)
{
	record_stack(stack, object, slot, slot->item_bytes ? read_word(object + OB_SIZE) : 0);
}

/* An object of one was made: the pending or the deferred one. */
__noinline int meet_suspect(__u32 index, __u32 is_deferred, __u32 slot_at)
{
	struct pyleak_alloc_state *state = bpf_map_lookup_elem(&states, &index);
	const struct pyleak_alloc_type *slot = &types[slot_at & TYPE_MASK];
	struct pyleak_alloc_site *site;
	__u64 begin_ns = bpf_ktime_get_ns();

	if (!state)
		return 0;
	site = site_of(state->pending_site);
	if (is_deferred && state->deferred_has_stack) {
		record_object(&state->deferred_stack, state->deferred, slot);
	} else if (!is_deferred && state->pending_has_stack) {
		record_object(&state->stack, state->pending, slot);
	} else if (!is_deferred && !site->is_hot) {
		count_loss(PYLEAK_ALLOC_LOSS_NO_STACK);
		site->is_hot = 1;
	}
	spend(bpf_ktime_get_ns() - begin_ns);
	return 0;
}

__noinline int lose_suspect(__u64 object)
{
	__u64 begin_ns = bpf_ktime_get_ns();

	note_freed(object);
	spend(bpf_ktime_get_ns() - begin_ns);
	return 0;
}

static __always_inline void fill_stack(struct pyleak_alloc_state *state)
{
	__u64 begin_ns = bpf_ktime_get_ns();

	state->pending_has_stack = take_stack(state);
	__sync_fetch_and_add(&progress.stacks, 1);
	spend(bpf_ktime_get_ns() - begin_ns);
}

/* ---- objects */

static __always_inline void book_alloc(__u32 index, bool is_deferred, int slot_at, __u64 made)
{
	struct pyleak_alloc_type *slot = &types[slot_at & TYPE_MASK];

	if (slot_at < 0) {
		count_refusal(slot_at);
		return;
	}
	add_alloc(slot, made);
	if (slot->flags & PYLEAK_ALLOC_SUSPECT && control.stacks)
		meet_suspect(index, is_deferred, slot_at);
}

static __always_inline void book_free(__u64 object, int slot_at)
{
	struct pyleak_alloc_type *slot = &types[slot_at & TYPE_MASK];

	if (slot_at < 0) {
		count_refusal(slot_at);
		return;
	}
	add_free(slot);
	if (slot->flags & PYLEAK_ALLOC_META)
		bury(object);
	if (slot->flags & PYLEAK_ALLOC_SUSPECT)
		lose_suspect(object);
}

static __always_inline bool is_collecting(const struct pyleak_alloc_state *state)
{
	__u32 collecting = 0;

	return state->collecting && read_user(&collecting, sizeof(collecting), state->collecting) &&
	       collecting;
}

/* What is pending may have set off the collection that runs. 0: nothing was done. All that is made
 * while one is deferred has its type by its next event. */
__noinline int defer_pending(__u32 index)
{
	struct pyleak_alloc_state *state = bpf_map_lookup_elem(&states, &index);

	if (!state || !state->pending || state->deferred || !is_collecting(state))
		return 0;
	state->deferred = state->pending;
	state->deferred_has_stack = state->pending_has_stack;
	if (state->pending_has_stack)
		state->deferred_stack = state->stack;
	state->pending = 0;
	return 1;
}

/* Its type is known once that collection has ended, or when it is freed. */
__noinline int settle_deferred(__u32 index, __u64 freed)
{
	struct pyleak_alloc_state *state = bpf_map_lookup_elem(&states, &index);

	if (!state || !state->deferred || (state->deferred != freed && is_collecting(state)))
		return 0;
	book_alloc(index, true, slot_of_object(state->deferred), epoch_now());
	state->deferred = 0;
	return 0;
}

static __always_inline void settle_pending(struct pyleak_alloc_state *state, __u32 index)
{
	int slot_at;

	if (!state->pending)
		return;
	slot_at = slot_of_object(state->pending);
	if ((slot_at < 0 || slot_at & NOT_NEW) && state->collecting && defer_pending(index))
		return;
	book_alloc(index, false, slot_at, state->pending_epoch);
	state->pending = 0;
}

static __always_inline void pass_alloc(struct pyleak_alloc_state *state, __u32 index, __u64 object,
				       __u32 site_at, const struct pyleak_alloc_site *site)
{
	settle_pending(state, index); /* which may make the place hot */
	state->allocs++;
	state->pending = object;
	state->pending_site = site_at;
	state->pending_epoch = epoch_now();
	state->pending_has_stack = 0;
	if (site->is_hot && control.stacks)
		fill_stack(state);
}

static __always_inline void pass_free(struct pyleak_alloc_state *state, __u32 index, __u64 object)
{
	bool is_pending = state->pending == object;
	int slot_at;

	/* Made and freed with nothing between: one read does for both. */
	if (!is_pending)
		settle_pending(state, index);
	state->frees++;
	if (!object)
		return;
	slot_at = slot_of_object(object);
	if (is_pending)
		book_alloc(index, false, slot_at, state->pending_epoch);
	book_free(object, slot_at);
	state->pending = 0;
}

static __always_inline void pass_event(struct pyleak_alloc_state *state, __u32 index, __u64 object,
				       const struct pyleak_alloc_site *site, __u32 site_at)
{
	bool is_free = site->kind == PYLEAK_ALLOC_FREE;

	if (!object)
		count_loss(PYLEAK_ALLOC_LOSS_FAULT);
	if (state->deferred)
		settle_deferred(index, is_free ? object : 0);
	if (is_free)
		pass_free(state, index, object);
	else
		pass_alloc(state, index, object, site_at, site);
}

/* An object may be resized while it is made, as tuples are. */
__noinline int settle_object(__u32 index, __u64 object)
{
	struct pyleak_alloc_state *state = bpf_map_lookup_elem(&states, &index);

	if (state && state->deferred == object)
		settle_deferred(index, object);
	else if (state && state->pending == object)
		settle_pending(state, index);
	return 0;
}

static long settle_each(__u32 index, void *object)
{
	if (!state_counts[index & (PYLEAK_ALLOC_MAX_COUNTS - 1)])
		return 1;
	settle_object(index, *(__u64 *)object);
	return 0;
}

static long defer_each(__u32 index, void *unused)
{
	if (!state_counts[index & (PYLEAK_ALLOC_MAX_COUNTS - 1)])
		return 1;
	defer_pending(index);
	return 0;
}

/* Where nothing is allocated or freed. */
static __always_inline void pass_other(void *ctx, const struct pyleak_alloc_site *site)
{
	__u64 object;

	__sync_fetch_and_add(&progress.other_hits, 1);
	if (site->kind == PYLEAK_ALLOC_COLLECTION) {
		bpf_loop(PYLEAK_ALLOC_MAX_COUNTS, defer_each, 0, 0);
		return;
	}
	object = object_of(ctx, site);
	bpf_loop(PYLEAK_ALLOC_MAX_COUNTS, settle_each, &object, 0);
}

static __always_inline void pass_site(void *ctx, __u32 site_at)
{
	const struct pyleak_alloc_site *site = site_of(site_at);
	struct pyleak_alloc_state *state;
	__u32 index = 0;
	__u64 count;

	__sync_fetch_and_add(&progress.hits, 1);
	spend(control.hit_ns);
	if (site->kind >= PYLEAK_ALLOC_COLLECTION) {
		pass_other(ctx, site);
		return;
	}
	count = count_address(ctx, site);
	/* Beyond all of them, and found nowhere, if there is no room. */
	if (state_counts[0] != count)
		index = take_state(count);
	state = bpf_map_lookup_elem(&states, &index);
	if (state)
		pass_event(state, index, object_of(ctx, site), site, site_at);
}

#endif
