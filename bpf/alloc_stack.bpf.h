/* SPDX-License-Identifier: GPL-2.0-only */
/* Python stacks: of the thread that runs, by the function that runs; counted by type and stack,
 * with the objects that live. Works on `control` and count_loss() of who includes it.
 *
 * A stack of 512 bytes serves the whole chain of calls, so what needs room is a function of its
 * own that returns before the next is called. */
#ifndef PYLEAK_ALLOC_STACK_BPF_H
#define PYLEAK_ALLOC_STACK_BPF_H

#include "alloc_code.bpf.h"

/* Large values, as those of `codes`. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PYLEAK_ALLOC_MAX_STACKS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct pyleak_stack_key);
	__type(value, struct pyleak_stack_value);
} stacks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PYLEAK_ALLOC_MAX_LIVE);
	__type(key, __u64);
	__type(value, struct pyleak_live_object);
} live SEC(".maps");

#define FRAME_MASK ((PYLEAK_FRAME_WORDS - 1) * 8)
#define SAME_HASH_MAX 4
#define STACK_ITEMS_MAX (1ULL << 40) /* items of an object; more is garbage */

/* ---- frames */

/* What one frame says. */
struct frame_seen {
	__u64 code;
	__u64 previous;
	__u32 at;
	__u32 is_shim;
};

/* A frame has some of its words at offsets that are known when we run only. */
static __always_inline __u64 frame_word(const __u64 *words, __u32 at)
{
	at &= FRAME_MASK;
	KEEP(at);
	return *(const __u64 *)((const __u8 *)words + (at & FRAME_MASK));
}

static __always_inline __u32 instruction_of(const __u64 *words, __u64 code)
{
	const struct pyleak_frames *frames = &control.frames;
	__u64 word = frame_word(words, frames->frame_instruction), start;

	if (frames->minor <= 10) {
		__u32 last = word;

		/* Counted in units of two bytes in 3.10. */
		return last == PYLEAK_NOT_BEGUN || frames->minor != 10 ? last : 2 * last;
	}
	start = code + frames->code_bytecode;
	return word > start ? word - start : 0;
}

__noinline int read_frame(struct frame_seen *seen, __u64 frame)
{
	const struct pyleak_frames *frames = &control.frames;
	__u64 words[PYLEAK_FRAME_WORDS] = {};
	__u32 bytes = frames->frame_bytes, owner = frames->frame_owner;

	if (!seen || bytes > sizeof(words) || !read_user(words, bytes, frame))
		return -1;
	seen->code = frame_word(words, frames->frame_code);
	if (frames->minor >= 14) /* _PyStackRef: flags are in the low bits */
		seen->code &= ~3ULL;
	seen->previous = frame_word(words, frames->frame_previous);
	seen->at = instruction_of(words, seen->code);
	seen->is_shim = 0;
	if (owner != PYLEAK_NO_REGISTER)
		seen->is_shim =
			(frame_word(words, owner) >> (owner & 7) * 8 & 0xff) >= frames->first_shim;
	return 0;
}

struct stack_walk {
	struct pyleak_stack *to;
	__u64 frame;
	__u64 now_ns;
	struct frame_seen seen;
	__u32 failed;
	__u32 is_over;
};

static long walk_frame(__u32 index, void *context)
{
	struct stack_walk *walk = context;
	struct pyleak_stack *to = walk->to;
	__u32 cnt = to->cnt, check;

	walk->failed = 1;
	if (read_frame(&walk->seen, walk->frame))
		return 1;
	walk->failed = 0;
	walk->frame = walk->seen.previous;
	if (!walk->seen.is_shim) {
		KEEP(cnt);
		if (cnt >= PYLEAK_STACK_FRAMES)
			return 1;
		check = meet_code(walk->seen.code, walk->now_ns);
		walk->failed = !check;
		if (!check)
			return 1;
		to->frames[cnt].code = walk->seen.code;
		to->frames[cnt].at = walk->seen.at;
		to->frames[cnt].check = check;
		to->cnt = cnt + 1;
	}
	walk->is_over = !walk->frame;
	return walk->is_over ? 1 : 0;
}

/* The innermost frame; 0: there is none. False: not readable. */
static __always_inline bool newest_frame(__u64 tstate, __u64 *frame)
{
	const struct pyleak_frames *frames = &control.frames;

	if (!read_user(frame, sizeof(*frame), tstate + frames->tstate_frame))
		return false;
	return !*frame || frames->cframe_frame == PYLEAK_NO_REGISTER ||
	       read_user(frame, sizeof(*frame), *frame + frames->cframe_frame);
}

static __always_inline int lose_stack(struct pyleak_stack *stack, enum pyleak_alloc_loss reason)
{
	stack->cnt = 0;
	count_loss(reason);
	return -1;
}

__noinline int walk_stack(struct pyleak_alloc_state *state)
{
	struct stack_walk walk = {};
	__u64 tstate;

	if (!state)
		return -1;
	state->stack.cnt = 0;
	state->stack.is_cut = 0;
	tstate = state->tstate_at ? read_word(state->tstate_at) : 0;
	if (!tstate)
		return lose_stack(&state->stack, PYLEAK_ALLOC_LOSS_NO_THREAD);
	walk.now_ns = bpf_ktime_get_ns();
	walk.to = &state->stack;
	if (!newest_frame(tstate, &walk.frame))
		return lose_stack(&state->stack, PYLEAK_ALLOC_LOSS_NO_FRAME);
	if (!walk.frame)
		return 0;
	bpf_loop(PYLEAK_STACK_STEPS, walk_frame, &walk, 0);
	if (walk.failed)
		return lose_stack(&state->stack, PYLEAK_ALLOC_LOSS_NO_FRAME);
	state->stack.is_cut = !walk.is_over;
	return 0;
}

/* The running thread's Python stack, innermost first; of no frames where C runs alone. False: a
 * loss was counted. */
static __always_inline bool take_stack(struct pyleak_alloc_state *state)
{
	return walk_stack(state) == 0;
}

/* ---- what was made by which stack */

__noinline __u64 hash_stack(const struct pyleak_stack *stack)
{
	__u64 hash;

	if (!stack)
		return 0;
	hash = stack->is_cut;
	for (__u32 i = 0; i < PYLEAK_STACK_FRAMES && i < stack->cnt; i++)
		hash = pyleak_frame_hash(hash, &stack->frames[i]);
	return hash;
}

__noinline int is_same_stack(const struct pyleak_stack *one, const struct pyleak_stack *other)
{
	if (!one || !other || one->cnt != other->cnt || one->is_cut != other->is_cut)
		return 0;
	for (__u32 i = 0; i < PYLEAK_STACK_FRAMES && i < one->cnt; i++) {
		const struct pyleak_frame *a = &one->frames[i], *b = &other->frames[i];

		if (a->code != b->code || a->at != b->at || a->check != b->check)
			return 0;
	}
	return 1;
}

/* The entry of `key`, made if there is none. */
static __always_inline struct pyleak_stack_value *stack_entry(const struct pyleak_stack_key *key,
							      const struct pyleak_stack *stack)
{
	struct pyleak_stack_value *found = bpf_map_lookup_elem(&stacks, key);
	const void *nothing;
	__u32 zero = 0;

	if (found)
		return found;
	nothing = bpf_map_lookup_elem(&blank, &zero);
	if (!nothing)
		return 0;
	bpf_map_update_elem(&stacks, key, nothing, BPF_NOEXIST);
	found = bpf_map_lookup_elem(&stacks, key);
	if (found)
		found->stack = *stack;
	return found;
}

__noinline int count_freed(__u64 object)
{
	struct pyleak_live_object *found = bpf_map_lookup_elem(&live, &object);
	struct pyleak_stack_value *made;

	if (!found)
		return 0;
	made = bpf_map_lookup_elem(&stacks, &found->made);
	if (made) {
		__sync_fetch_and_add(&made->frees, 1);
		__sync_fetch_and_add(&made->freed_bytes, found->bytes);
	}
	bpf_map_delete_elem(&live, &object);
	return 0;
}

__noinline int count_made(const struct pyleak_stack *stack, __u64 object, __u64 type, __u64 bytes)
{
	struct pyleak_live_object made = { .made.type = type, .bytes = bytes };
	struct pyleak_stack_value *value = 0;

	if (!stack)
		return 0;
	/* What was there before was freed, only not before our eyes. */
	count_freed(object);
	made.made.hash = hash_stack(stack);
	for (int i = 0; i < SAME_HASH_MAX; i++) {
		value = stack_entry(&made.made, stack);
		if (!value || is_same_stack(&value->stack, stack))
			break;
		value = 0;
		made.made.hash++;
	}
	if (!value) {
		count_loss(PYLEAK_ALLOC_LOSS_STACKS_FULL);
		return 0;
	}
	__sync_fetch_and_add(&value->allocs, 1);
	__sync_fetch_and_add(&value->bytes, bytes);
	if (bpf_map_update_elem(&live, &object, &made, BPF_ANY))
		count_loss(PYLEAK_ALLOC_LOSS_LIVE_FULL);
	return 0;
}

/* An object of a suspect type was made by `stack`. */
static __always_inline void record_stack(const struct pyleak_stack *stack, __u64 object,
					 const struct pyleak_alloc_type *slot, __u64 items)
{
	__u64 bytes = slot->basic_bytes;

	if (items <= STACK_ITEMS_MAX)
		bytes += items * slot->item_bytes;
	count_made(stack, object, slot->type, bytes);
}

/* An object of a suspect type was freed. */
static __always_inline void note_freed(__u64 object)
{
	count_freed(object);
}

#endif
