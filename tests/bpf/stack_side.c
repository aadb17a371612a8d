// SPDX-License-Identifier: GPL-2.0-only
/* The header alone: what it expects of who includes it is here. Its functions stay in this file,
 * for the kernel side's own are in others. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#include "stack_side.h"

#include <assert.h>
#include <string.h>

#undef __noinline
#define __noinline static __attribute__((noinline))

static struct pyleak_alloc_control control;
static struct pyleak_alloc_progress progress;

static void count_loss(enum pyleak_alloc_loss reason)
{
	progress.losses[reason]++;
}

#define stacks stack_side_stacks
#define codes stack_side_codes
#define known stack_side_known
#define live stack_side_live
#define blank stack_side_blank
#include "alloc_stack.bpf.h"

#define BASE 0x7f1300000000ULL
#define ROOM (1U << 20)
#define FRAME_ROOM 0x180
#define CODE_ROOM 0x100
#define ITEM_BYTES 8
#define BASIC_BYTES 48

#define NONE PYLEAK_NO_REGISTER
static const struct pyleak_frames layouts[] = {
	/* Up to 3.10: PyFrameObject; no owner, no bytecode in the code object. */
	{ 6, 0x18, NONE, 0x20, 0x18, 0x78, NONE, 3, 0x7c, 0, 0x68, 0x60, 0x70, 0x24, 0x30, 0x48 },
	{ 9, 0x18, NONE, 0x20, 0x18, 0x68, NONE, 3, 0x6c, 0, 0x70, 0x68, 0x78, 0x28, 0x30, 0x48 },
	{ 10, 0x18, NONE, 0x20, 0x18, 0x60, NONE, 3, 0x64, 0, 0x70, 0x68, 0x78, 0x28, 0x30, 0x48 },
	{ 11, 0x38, 8, 0x20, 0x30, 0x38, 0x45, 3, 0x46, 0xb8, 0x80, 0x70, 0x88, 0x48, 0x30, 0x48 },
	{ 12, 0x38, 0, 0, 8, 0x38, 0x46, 3, 0x47, 0xc0, 0x80, 0x70, 0x88, 0x44, 0x28, 0x38 },
	{ 13, 0x48, NONE, 0, 8, 0x38, 0x46, 3, 0x47, 0xc8, 0x80, 0x70, 0x88, 0x44, 0x28, 0x38 },
	{ 14, 0x48, NONE, 0, 8, 0x38, 0x4a, 3, 0x4b, 0xd0, 0x80, 0x70, 0x88, 0x44, 0x28, 0x38 },
};
const __u32 minors[] = { 6, 9, 10, 11, 12, 13, 14 };
const size_t minor_cnt = sizeof(minors) / sizeof(minors[0]);

struct pyleak_alloc_state thread_state;
static __u64 used, tstate, cframe, newest;

__u64 make_room(size_t bytes)
{
	__u64 address = used;

	used += (bytes + 15) & ~15ULL;
	assert(used <= BASE + ROOM);
	return address;
}

void put_bytes(__u64 address, const void *bytes, size_t size)
{
	void *to = shim_memory(address, size);

	assert(to);
	memcpy(to, bytes, size);
}

void put_word(__u64 address, __u64 word)
{
	put_bytes(address, &word, sizeof(word));
}

void start_thread(__u32 minor)
{
	size_t i = 0;

	while (layouts[i].minor != minor)
		assert(++i < minor_cnt);
	control.frames = layouts[i];
	shim_map_memory(BASE, ROOM);
	used = BASE;
	thread_state.tstate_at = make_room(8);
	tstate = make_room(0x100);
	cframe = make_room(0x20);
	newest = 0;
	put_word(thread_state.tstate_at, tstate);
	if (control.frames.cframe_frame != NONE)
		put_word(tstate + control.frames.tstate_frame, cframe);
}

static __u64 str_of(__u32 state_word, const void *chars, size_t bytes, __u64 len)
{
	bool ascii = state_word & PYLEAK_STR_ASCII;
	__u32 data = ascii ? control.frames.string_data : control.frames.string_data_wide;
	__u64 str = make_room(data + bytes + 4), hash = len * 31;

	for (size_t i = 0; i < bytes && i < 64; i++)
		hash = hash * 31 + ((const __u8 *)chars)[i];
	put_word(str + PYLEAK_STR_LENGTH, len);
	put_word(str + PYLEAK_STR_HASH, hash);
	put_word(str + PYLEAK_STR_STATE, state_word);
	put_bytes(str + data, chars, bytes);
	return str;
}

__u64 make_str(const char *text)
{
	return str_of(PYLEAK_STR_ASCII | PYLEAK_STR_COMPACT | 1 << 2, text, strlen(text),
		      strlen(text));
}

__u64 make_wide_str(__u32 kind, __u8 fill, __u64 len)
{
	static __u8 chars[4096];

	assert(len * kind <= sizeof(chars));
	memset(chars, fill, len * kind);
	return str_of(PYLEAK_STR_COMPACT | kind << 2, chars, len * kind, len);
}

__u64 make_bytes(__u8 fill, __u64 size)
{
	static __u8 bytes[8192];
	__u64 object = make_room(PYLEAK_BYTES_DATA + size);

	assert(size <= sizeof(bytes));
	memset(bytes, fill, size);
	put_word(object + PYLEAK_BYTES_SIZE, size);
	put_bytes(object + PYLEAK_BYTES_DATA, bytes, size);
	return object;
}

__u64 make_code(__u64 name, __u64 file, __u64 lines)
{
	__u64 code = make_room(CODE_ROOM);
	const __u32 first_line = 7;

	put_bytes(code + control.frames.code_first_line, &first_line, sizeof(first_line));
	put_word(code + control.frames.code_name, name);
	put_word(code + control.frames.code_file, file);
	put_word(code + control.frames.code_lines, lines);
	return code;
}

__u64 make_function(const char *name)
{
	return make_code(make_str(name), make_str("file.py"), make_bytes(0x80, 4));
}

void rename_code(__u64 code, __u64 name)
{
	put_word(code + control.frames.code_name, name);
}

void set_previous(__u64 frame, __u64 previous)
{
	put_word(frame + control.frames.frame_previous, previous);
}

void run_frame(__u64 frame)
{
	const struct pyleak_frames *frames = &control.frames;

	newest = frame;
	put_word(frames->cframe_frame == NONE ? tstate + frames->tstate_frame
					      : cframe + frames->cframe_frame,
		 frame);
}

__u64 push_frame(__u64 code, __u32 at, int owner)
{
	const struct pyleak_frames *frames = &control.frames;
	__u64 frame = make_room(FRAME_ROOM);
	const __u32 last = frames->minor == 10 ? at / 2 : at;
	const __u8 byte = owner;

	put_word(frame + frames->frame_code, frames->minor >= 14 ? code | 1 : code);
	if (frames->minor <= 10)
		put_bytes(frame + frames->frame_instruction, &last, sizeof(last));
	else
		put_word(frame + frames->frame_instruction, code + frames->code_bytecode + at);
	if (frames->frame_owner != NONE)
		put_bytes(frame + frames->frame_owner, &byte, 1);
	set_previous(frame, newest);
	run_frame(frame);
	return frame;
}

bool take(void)
{
	return take_stack(&thread_state);
}

void made(__u64 object, __u64 type, __u64 items)
{
	const struct pyleak_alloc_type slot = {
		.type = type,
		.basic_bytes = BASIC_BYTES,
		.item_bytes = ITEM_BYTES,
	};

	record_stack(&thread_state.stack, object, &slot, items);
}

void freed(__u64 object)
{
	note_freed(object);
}

__u64 lost(enum pyleak_alloc_loss reason)
{
	return progress.losses[reason];
}

__u64 lost_all(void)
{
	__u64 sum = 0;

	for (int i = 0; i < PYLEAK_ALLOC_LOSS_CNT; i++)
		sum += progress.losses[i];
	return sum;
}

const struct pyleak_code *code_of(const struct pyleak_frame *frame)
{
	struct pyleak_code_key key = { frame->code, frame->check };

	return bpf_map_lookup_elem(&codes, &key);
}

size_t codes_known(void)
{
	return shim_entries(&codes);
}

size_t stacks_known(void)
{
	return shim_entries(&stacks);
}

size_t objects_live(void)
{
	return shim_entries(&live);
}

struct pyleak_stack_value *stack_at(__u64 type, __u64 hash)
{
	struct pyleak_stack_key key = { type, hash };

	return bpf_map_lookup_elem(&stacks, &key);
}

__u64 state_hash(void)
{
	return hash_stack(&thread_state.stack);
}

struct pyleak_stack_value *counted(__u64 type)
{
	return stack_at(type, state_hash());
}

void put_stack(__u64 type, __u64 hash, const struct pyleak_stack_value *value)
{
	struct pyleak_stack_key key = { type, hash };

	bpf_map_update_elem(&stacks, &key, value, BPF_ANY);
}

void fill_codes(size_t room)
{
	static struct pyleak_code nothing;

	for (__u64 i = 1; i <= PYLEAK_ALLOC_MAX_CODES - room; i++) {
		struct pyleak_code_key key = { i, 0 };

		bpf_map_update_elem(&codes, &key, &nothing, BPF_ANY);
	}
}

void fill_stacks(size_t room)
{
	static struct pyleak_stack_value nothing;

	for (__u64 i = 1; i <= PYLEAK_ALLOC_MAX_STACKS - room; i++)
		put_stack(1, i, &nothing);
}

void fill_live(size_t room)
{
	struct pyleak_live_object nothing = {};

	for (__u64 i = 1; i <= PYLEAK_ALLOC_MAX_LIVE - room; i++)
		bpf_map_update_elem(&live, &i, &nothing, BPF_ANY);
}
