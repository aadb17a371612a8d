/* SPDX-License-Identifier: GPL-2.0-only */
/* Python stacks: of the thread that runs, by the function that runs; counted by type and stack,
 * with the objects that live. Works on `control` and count_loss() of who includes it.
 *
 * A stack of 512 bytes serves the whole chain of calls, so what needs room is a function of its
 * own that returns before the next is called. */
#ifndef PYLEAK_ALLOC_STACK_BPF_H
#define PYLEAK_ALLOC_STACK_BPF_H

#include "read_user.bpf.h"

/* Large values, of which few are used: room is taken when it is needed. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PYLEAK_ALLOC_MAX_STACKS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct pyleak_stack_key);
	__type(value, struct pyleak_stack_value);
} stacks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PYLEAK_ALLOC_MAX_CODES);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct pyleak_code_key);
	__type(value, struct pyleak_code);
} codes SEC(".maps");

/* A code object as it was met first, and when it was seen last that it still is that one. */
struct known_code {
	__u64 since_ns;
	__u64 checked_ns;
	__u32 check;
	__u32 padding;
};

/* By address. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PYLEAK_ALLOC_MAX_CODES);
	__type(key, __u64);
	__type(value, struct known_code);
} known SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PYLEAK_ALLOC_MAX_LIVE);
	__type(key, __u64);
	__type(value, struct pyleak_live_object);
} live SEC(".maps");

/* What a new entry of `stacks` and `codes` is before it is filled: too large for our stack. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct pyleak_code);
} blank SEC(".maps");

#define FRAME_WORDS 16
#define FRAME_MASK ((FRAME_WORDS - 1) * 8)
/* Frames that are not Python's are passed over; a chain without an end is not. */
#define STEPS_MAX (2 * PYLEAK_STACK_FRAMES)
/* A read of user memory costs 130 ns or more, a look-up 35. So a code object that was the same for
 * this long is taken for the same for this long again: those that are made, run and freed in turn
 * are never trusted. */
#define TRUST_NS 10000000
#define SAME_HASH_MAX 4
#define STACK_ITEMS_MAX (1ULL << 40) /* items of an object; more is garbage */

/* The verifier must see the comparison that was made with `value`. */
#define KEEP(value) __asm__ volatile("" : "+r"(value))

/* ---- code objects */

/* Copies at most `room` bytes of a str, `of_end` its last ones, and says which characters they
 * are; 0: none were copied. `room` is a multiple of 4. */
static __always_inline __u32 copy_str(__u64 str, __u8 *to, __u32 room, bool of_end, __u32 *len)
{
	const struct pyleak_frames *frames = &control.frames;
	__u64 head[PYLEAK_STR_STATE / 8 + 1], bytes, from;
	__u32 state;

	if (!read_user(head, sizeof(head), str))
		return 0;
	state = head[PYLEAK_STR_STATE / 8];
	if (!(state & PYLEAK_STR_COMPACT))
		return 0;
	from = str + (state & PYLEAK_STR_ASCII ? frames->string_data : frames->string_data_wide);
	*len = head[PYLEAK_STR_LENGTH / 8];
	bytes = (__u64)*len * PYLEAK_STR_KIND(state);
	if (bytes > room) {
		if (of_end)
			from += bytes - room;
		bytes = room;
	}
	KEEP(bytes);
	if (bytes > room || !read_user(to, bytes, from))
		return 0;
	return state;
}

__noinline int copy_name(struct pyleak_code *to, __u64 name)
{
	if (!to)
		return -1;
	to->name_state = copy_str(name, to->name, PYLEAK_CODE_NAME, false, &to->name_len);
	return to->name_state ? 0 : -1;
}

__noinline int copy_file(struct pyleak_code *to, __u64 file)
{
	if (!to)
		return -1;
	to->file_state = copy_str(file, to->file, PYLEAK_CODE_FILE, true, &to->file_len);
	return to->file_state ? 0 : -1;
}

__noinline int copy_lines(struct pyleak_code *to, __u64 table)
{
	__u64 size = 0, part;

	if (!to || !read_user(&size, sizeof(size), table + PYLEAK_BYTES_SIZE) || size >> 31)
		return -1;
	part = size;
	if (part > PYLEAK_CODE_LINES)
		part = PYLEAK_CODE_LINES;
	KEEP(part);
	if (part > PYLEAK_CODE_LINES || !read_user(to->lines, part, table + PYLEAK_BYTES_DATA))
		return -1;
	to->lines_bytes = size;
	return 0;
}

/* `words` as pyleak_code_check() wants them. */
struct code_words {
	__u64 words[PYLEAK_CODE_WORDS];
	__u32 check;
	__u32 padding;
};

static __always_inline __u64 code_word(const struct code_words *code, __u32 at)
{
	__u32 index = (at - pyleak_code_begin(&control.frames)) / 8;

	KEEP(index);
	return index < PYLEAK_CODE_WORDS ? code->words[index] : 0;
}

/* Copies what it is called and where its lines are, if that is not known. */
__noinline int note_code(struct code_words *code, __u64 address)
{
	const struct pyleak_frames *frames = &control.frames;
	struct pyleak_code_key key = { .code = address };
	struct pyleak_code *found;
	const void *nothing;
	__u32 zero = 0;

	if (!code)
		return 0;
	key.check = code->check;
	if (bpf_map_lookup_elem(&codes, &key))
		return 0;
	nothing = bpf_map_lookup_elem(&blank, &zero);
	if (!nothing)
		return 0;
	bpf_map_update_elem(&codes, &key, nothing, BPF_NOEXIST);
	found = bpf_map_lookup_elem(&codes, &key);
	if (!found) {
		count_loss(PYLEAK_ALLOC_LOSS_CODES_FULL);
		return 0;
	}
	found->first_line =
		code_word(code, frames->code_first_line) >> (frames->code_first_line & 4) * 8;
	if (copy_lines(found, code_word(code, frames->code_lines)) ||
	    copy_file(found, code_word(code, frames->code_file)) ||
	    copy_name(found, code_word(code, frames->code_name)))
		count_loss(PYLEAK_ALLOC_LOSS_FAULT);
	return 0;
}

/* False: not readable. */
static __always_inline bool read_code(struct code_words *code, __u64 address)
{
	const struct pyleak_frames *frames = &control.frames;
	__u64 begin = pyleak_code_begin(frames), name_hash = 0;
	__u64 bytes = frames->code_lines + 8 - begin;

	__builtin_memset(code, 0, sizeof(*code));
	KEEP(bytes);
	if (bytes > sizeof(code->words) || !read_user(code->words, bytes, address + begin))
		return false;
	if (pyleak_code_needs_name(frames) &&
	    !read_user(&name_hash, sizeof(name_hash),
		       code_word(code, frames->code_name) + PYLEAK_STR_HASH))
		return false;
	code->check = pyleak_code_check(code->words, name_hash);
	return true;
}

/* The check of a code object that is known from now on; 0: it was not readable. */
__noinline __u32 meet_code(__u64 address, __u64 now)
{
	struct known_code *met = bpf_map_lookup_elem(&known, &address);
	struct known_code fresh = { .since_ns = now, .checked_ns = now };
	struct code_words code;

	if (met && now - met->checked_ns < TRUST_NS && met->checked_ns - met->since_ns >= TRUST_NS)
		return met->check;
	if (!read_code(&code, address))
		return 0;
	if (met && met->check == code.check) {
		met->checked_ns = now;
		return code.check;
	}
	note_code(&code, address);
	fresh.check = code.check;
	bpf_map_update_elem(&known, &address, &fresh, BPF_ANY);
	return code.check;
}

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
		__s32 last = word; /* -1: it has not begun */

		/* Counted in units of two bytes in 3.10. */
		return last < 0 ? 0 : frames->minor == 10 ? 2 * last : last;
	}
	start = code + frames->code_bytecode;
	return word > start ? word - start : 0;
}

__noinline int read_frame(struct frame_seen *seen, __u64 frame)
{
	const struct pyleak_frames *frames = &control.frames;
	__u64 words[FRAME_WORDS] = {};
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
	bpf_loop(STEPS_MAX, walk_frame, &walk, 0);
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
