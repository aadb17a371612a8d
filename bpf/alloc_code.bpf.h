/* SPDX-License-Identifier: GPL-2.0-only */
/* Code objects: what tells them apart, and what they are called. Works on `control` and
 * count_loss() of who includes it. */
#ifndef PYLEAK_ALLOC_CODE_BPF_H
#define PYLEAK_ALLOC_CODE_BPF_H

#include "read_user.bpf.h"

/* Large values, of which few are used: room is taken when it is needed. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PYLEAK_ALLOC_MAX_CODES);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct pyleak_code_key);
	__type(value, struct pyleak_code);
} codes SEC(".maps");

/* What a new entry of `stacks` and `codes` is before it is filled: too large for our stack. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct pyleak_code);
} blank SEC(".maps");

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

/* A read of user memory costs 130 ns or more, a look-up 35. So a code object that was the same for
 * so long is trusted to be the same a short while more. Those that are made, run and freed in turn
 * live for less, also where the program waits for a processor between two of them. */
#define TRUST_AGE_NS 1000000000ULL
#define TRUST_NS 10000000

/* The verifier must see the comparison that was made with `value`. */
#define KEEP(value) __asm__ volatile("" : "+r"(value))

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

static __always_inline bool read_more(const struct code_words *code, __u64 *more)
{
	const struct pyleak_frames *frames = &control.frames;
	__u64 lines[PYLEAK_LINES_WORDS], name_hash;

	if (!read_user(&name_hash, sizeof(name_hash),
		       code_word(code, frames->code_name) + PYLEAK_STR_HASH) ||
	    !read_user(lines, sizeof(lines),
		       code_word(code, frames->code_lines) + PYLEAK_BYTES_SIZE))
		return false;
	*more = pyleak_code_more(name_hash, lines);
	return true;
}

/* False: not readable. */
static __always_inline bool read_code(struct code_words *code, __u64 address)
{
	const struct pyleak_frames *frames = &control.frames;
	__u64 begin = pyleak_code_begin(frames), more = 0;
	__u64 bytes = frames->code_lines + 8 - begin;

	__builtin_memset(code, 0, sizeof(*code));
	KEEP(bytes);
	if (bytes > sizeof(code->words) || !read_user(code->words, bytes, address + begin))
		return false;
	if (pyleak_code_needs_more(frames) && !read_more(code, &more))
		return false;
	code->check = pyleak_code_check(code->words, more);
	return true;
}

/* The check of a code object that is known from now on; 0: it was not readable. */
__noinline __u32 meet_code(__u64 address, __u64 now)
{
	struct known_code *met = bpf_map_lookup_elem(&known, &address);
	struct known_code fresh = { .since_ns = now, .checked_ns = now };
	struct code_words code;

	if (met && now - met->checked_ns < TRUST_NS &&
	    met->checked_ns - met->since_ns >= TRUST_AGE_NS)
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

#endif
