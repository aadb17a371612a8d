/* SPDX-License-Identifier: GPL-2.0-only */
/* Counts by type. A new object has no type yet where it is counted: it is pending until the next
 * event of its interpreter. Up to 3.11 that may be one of a collection that this very allocation
 * sets off, while its memory still holds the type of what was there before: it is deferred to the
 * collection's end.
 *
 * One read of user memory costs more than all else here together, so each hit makes one. */
#ifndef PYLEAK_ALLOC_COUNT_BPF_H
#define PYLEAK_ALLOC_COUNT_BPF_H

static __always_inline bool read_head(struct alloc_head *head, __u64 object)
{
	if (read_user(head, sizeof(*head), object + OB_TYPE))
		return true;
	/* At the very end of a mapping: no items. */
	head->items = 0;
	if (read_user(&head->type, sizeof(head->type), object + OB_TYPE))
		return true;
	count_loss(PYLEAK_ALLOC_LOSS_FAULT);
	return false;
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

/* An object of one was made: the pending or the deferred one. */
__noinline int meet_suspect(__u32 index, __u32 is_deferred, __u32 slot_at, __u64 items)
{
	struct pyleak_alloc_state *state = bpf_map_lookup_elem(&states, &index);
	const struct pyleak_alloc_type *slot = &types[slot_at & TYPE_MASK];
	struct pyleak_alloc_site *site;
	__u64 begin_ns = bpf_ktime_get_ns();

	if (!state)
		return 0;
	site = site_of(state->pending_site);
	if (is_deferred && state->deferred_has_stack) {
		record_stack(&state->deferred_stack, state->deferred, slot, items);
	} else if (!is_deferred && state->pending_has_stack) {
		record_stack(&state->stack, state->pending, slot, items);
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

static __always_inline void book_alloc(__u32 index, bool is_deferred, const struct alloc_head *head,
				       __u64 made)
{
	struct pyleak_alloc_type *slot = slot_of(head->type);

	if (!slot)
		return;
	add_alloc(slot, made);
	if (slot->flags & PYLEAK_ALLOC_SUSPECT && control.stacks)
		meet_suspect(index, is_deferred, slot - types, head->items);
}

static __always_inline void book_free(__u64 object, const struct alloc_head *head)
{
	struct pyleak_alloc_type *slot = slot_of(head->type);

	if (!slot)
		return;
	add_free(slot);
	if (slot->flags & PYLEAK_ALLOC_META)
		bury(object);
	if (slot->flags & PYLEAK_ALLOC_SUSPECT)
		lose_suspect(object);
}

/* Its type is known once the collection that it set off has ended, or when it is freed. */
__noinline int settle_deferred(__u32 index, __u64 freed)
{
	struct pyleak_alloc_state *state = bpf_map_lookup_elem(&states, &index);
	struct alloc_head head;
	__u32 collecting = 0;

	if (!state || !state->deferred)
		return 0;
	if (state->deferred != freed && state->collecting &&
	    read_user(&collecting, sizeof(collecting), state->collecting) && collecting)
		return 0;
	if (read_head(&head, state->deferred))
		book_alloc(index, true, &head, epoch_now());
	state->deferred = 0;
	return 0;
}

static __always_inline void settle_pending(struct pyleak_alloc_state *state, __u32 index)
{
	struct alloc_head head;

	if (!state->pending)
		return;
	if (read_head(&head, state->pending))
		book_alloc(index, false, &head, state->pending_epoch);
	state->pending = 0;
}

static __always_inline void pass_alloc(struct pyleak_alloc_state *state, __u32 index, __u64 object,
				       __u32 site_at, bool is_hot)
{
	settle_pending(state, index);
	state->allocs++;
	state->pending = object;
	state->pending_site = site_at;
	state->pending_epoch = epoch_now();
	state->pending_has_stack = 0;
	if (is_hot && control.stacks)
		fill_stack(state);
}

static __always_inline void pass_free(struct pyleak_alloc_state *state, __u32 index, __u64 object)
{
	bool is_pending = state->pending == object;
	struct alloc_head head;

	/* Made and freed with nothing between: one read does for both. */
	if (!is_pending)
		settle_pending(state, index);
	state->frees++;
	if (object && read_head(&head, object)) {
		if (is_pending)
			book_alloc(index, false, &head, state->pending_epoch);
		book_free(object, &head);
	}
	state->pending = 0;
}

static __always_inline void pass_site(void *ctx, __u32 site_at)
{
	const struct pyleak_alloc_site *site = site_of(site_at);
	__u64 count = count_address(ctx, site), object = object_of(ctx, site);
	struct pyleak_alloc_state *state;
	__u32 index = 0;

	__sync_fetch_and_add(&progress.hits, 1);
	spend(control.hit_ns);
	if (!object)
		count_loss(PYLEAK_ALLOC_LOSS_FAULT);
	if (state_counts[0] != count) {
		int taken = take_state(count);

		if (taken < 0)
			return;
		index = taken;
	}
	state = bpf_map_lookup_elem(&states, &index);
	if (!state)
		return;
	if (state->deferred)
		settle_deferred(index, site->is_free ? object : 0);
	if (site->is_free)
		pass_free(state, index, object);
	else
		pass_alloc(state, index, object, site_at, site->is_hot);
}

/* ---- collections */

/* What was pending may have set this one off. */
__noinline int defer_pending(__u32 index)
{
	struct pyleak_alloc_state *state = bpf_map_lookup_elem(&states, &index);
	__u32 collecting = 0;

	if (!state || !state->pending || !state->collecting ||
	    !read_user(&collecting, sizeof(collecting), state->collecting) || !collecting)
		return 0;
	/* Of a collection before, which has ended. */
	if (state->deferred) {
		struct alloc_head head;

		if (read_head(&head, state->deferred))
			book_alloc(index, true, &head, epoch_now());
	}
	state->deferred = state->pending;
	state->deferred_has_stack = state->pending_has_stack;
	if (state->pending_has_stack)
		state->deferred_stack = state->stack;
	state->pending = 0;
	return 0;
}

static long visit_state(__u32 index, void *unused)
{
	if (!state_counts[index & (PYLEAK_ALLOC_MAX_COUNTS - 1)])
		return 1;
	defer_pending(index);
	return 0;
}

static __always_inline void pass_collection(void)
{
	__sync_fetch_and_add(&progress.hits, 1);
	spend(control.hit_ns);
	bpf_loop(PYLEAK_ALLOC_MAX_COUNTS, visit_state, 0, 0);
}

#endif
