/* SPDX-License-Identifier: BSD-2-Clause */
/* Where things are in each CPython. Offsets up to 3.12 are of x86-64 Linux release builds, read
 * from DWARF of real builds, and the same on arm64 but for what lies behind a mutex; they did not
 * move inside a minor version except where noted. Whatever is found through them is validated where
 * it is used (gc_lists.c walks the lists both ways, py_type.c compares names), so that a foreign
 * build is refused, not misread. */
#include "attach/py_layout.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

/* Of the GIL (pycore_gil.h), which up to 3.11 lies before the thread that runs. */
#define GIL_MUTEXES 2
#define MUTEX_BYTES_X86_64 40

static const struct py_layout layouts[] = {
	[6] = { .interpreter_modules = 0x10,
		.interpreter_threads = 0x8,
		.tstate_thread_id = 0x98,
		.ht_name = 0x340,
		.string_data = 0x30,
		.gc_is_global = true },
	[7] = { .interpreters_head = 0x18,
		.interpreter_modules = 0x28,
		.interpreter_threads = 0x8,
		.tstate_current = 0x5c8,
		.tstate_thread_id = 0xb0,
		.gc = 0x140,
		.gc_extent = 0x200,
		.gc_is_global = true,
		.ht_name = 0x340,
		.string_data = 0x30 },
	[8] = { .interpreters_head = 0x20,
		.interpreter_modules = 0x38,
		.interpreter_threads = 0x8,
		.tstate_current = 0x558,
		.tstate_thread_id = 0xb0,
		.gc = 0x158,
		.gc_extent = 0x200,
		.gc_is_global = true,
		.ht_name = 0x350,
		.string_data = 0x30 },
	[9] = { .interpreters_head = 0x20,
		.interpreter_modules = 0x358,
		.interpreter_threads = 0x8,
		.tstate_current = 0x238,
		.tstate_thread_id = 0xb0,
		.gc = 0x200,
		.gc_extent = 0x200,
		.ht_name = 0x348,
		.string_data = 0x30 },
	[10] = { .interpreters_head = 0x20,
		 .interpreter_modules = 0x358,
		 .interpreter_threads = 0x8,
		 .tstate_current = 0x238,
		 .tstate_thread_id = 0xb0,
		 .gc = 0x200,
		 .gc_extent = 0x200,
		 .ht_name = 0x350,
		 .string_data = 0x30 },
	[11] = { .interpreters_head = 0x28,
		 .interpreter_modules = 0x378,
		 .interpreter_threads = 0x10,
		 .tstate_current = 0x240,
		 .tstate_thread_id = 0x98,
		 .gc = 0x200,
		 .gc_extent = 0x200,
		 .ht_name = 0x350,
		 .string_data = 0x30 },
	[12] = { .interpreters_head = 0x28,
		 .interpreter_modules = 0x3b0,
		 .interpreter_threads = 0x48,
		 .interpreter_gil = 0x180,
		 .tstate_thread_id = 0x88,
		 .gc = 0x40,
		 .gc_extent = 0x200,
		 .ht_name = 0x358,
		 .string_data = 0x28 },
	[13] = { .ht_name = 0x358, .string_data = 0x28 },
	[14] = { .ht_name = 0x358, .string_data = 0x28 },
	[15] = { .ht_name = 0x360, .string_data = 0x28 },
};

/* Where _Py_DebugOffsets (pycore_debug_offsets.h) keeps what we need. The table of slots is the
 * same for every micro release of a minor version. */
struct debug_slots {
	uint32_t interpreters_head, interpreter_next, threads, gc, modules, gil, thread_id, gc_size;
};

static const struct debug_slots slots[] = {
	[13] = { 0x28, 0x40, 0x48, 0x50, 0x58, 0x70, 0xc0, 0x238 },
	[14] = { 0x28, 0x40, 0x48, 0x58, 0x60, 0x78, 0xd8, 0x288 },
	[15] = { 0x28, 0x40, 0x48, 0x58, 0x60, 0x78, 0xf0, 0x2f0 },
};

/* The same of frames: where struct py_frame_offsets is from, in its order. */
#define FRAME_OFFSETS (sizeof(struct py_frame_offsets) / sizeof(uint32_t))

static const uint16_t frame_slots[][FRAME_OFFSETS] = {
	[13] = { 0xb8, 0xe8, 0xf0, 0xf8, 0x108, 0x118, 0x128, 0x130, 0x138, 0x158 },
	[14] = { 0xd0, 0x100, 0x108, 0x110, 0x120, 0x140, 0x150, 0x158, 0x160, 0x180 },
	[15] = { 0xd0, 0x140, 0x148, 0x150, 0x160, 0x180, 0x190, 0x198, 0x1a0, 0x1c0 },
};

#define DEBUG_COOKIE "xdebugpy"
#define DEBUG_VERSION 0x8
#define DEBUG_FREE_THREADED 0x10
#define DEBUG_BYTES 0x400

bool py_layout_debug_version(struct remote *remote, raddr_t runtime, uint32_t *hex,
			     bool *free_threaded)
{
	char cookie[8];

	if (!runtime || remote_read(remote, runtime, cookie, sizeof(cookie)) ||
	    memcmp(cookie, DEBUG_COOKIE, sizeof(cookie)))
		return false;
	*hex = remote_word32(remote, runtime + DEBUG_VERSION);
	*free_threaded = remote_word(remote, runtime + DEBUG_FREE_THREADED) != 0;
	return true;
}

/* An interpreter state has under 1 MiB in every known build. */
static bool take_offset(const uint8_t *bytes, uint32_t slot, uint32_t *out)
{
	uint64_t value;

	memcpy(&value, bytes + slot, sizeof(value));
	*out = (uint32_t)value;
	return value < 1 << 20 && value % 4 == 0;
}

/* Who uses them checks them: without them there are no stacks, but everything else. */
static void take_frame_offsets(int minor, const uint8_t *bytes, struct py_frame_offsets *out)
{
	uint32_t offsets[FRAME_OFFSETS] = {};

	for (size_t i = 0; i < FRAME_OFFSETS; i++) {
		uint64_t value;

		memcpy(&value, bytes + frame_slots[minor][i], sizeof(value));
		offsets[i] = value < 1 << 20 ? (uint32_t)value : UINT32_MAX;
	}
	memcpy(out, offsets, sizeof(*out));
}

static int load_debug_offsets(int minor, struct remote *remote, raddr_t runtime,
			      struct py_layout *layout)
{
	const struct debug_slots *slot = &slots[minor];
	uint8_t bytes[DEBUG_BYTES];
	uint32_t hex;
	bool free_threaded;

	if (!py_layout_debug_version(remote, runtime, &hex, &free_threaded) ||
	    (hex >> 16) != (0x300U | (uint32_t)minor) ||
	    remote_read(remote, runtime, bytes, sizeof(bytes)))
		return -EBADMSG;
	if (free_threaded)
		return -EOPNOTSUPP;
	if (!take_offset(bytes, slot->interpreters_head, &layout->interpreters_head) ||
	    !take_offset(bytes, slot->interpreter_next, &layout->interpreter_next) ||
	    !take_offset(bytes, slot->threads, &layout->interpreter_threads) ||
	    !take_offset(bytes, slot->modules, &layout->interpreter_modules) ||
	    !take_offset(bytes, slot->gil, &layout->interpreter_gil) ||
	    !take_offset(bytes, slot->thread_id, &layout->tstate_thread_id) ||
	    !take_offset(bytes, slot->gc, &layout->gc) ||
	    !take_offset(bytes, slot->gc_size, &layout->gc_extent))
		return -EBADMSG;
	take_frame_offsets(minor, bytes, &layout->frames);
	return 0;
}

int py_layout_load(int minor, int micro, struct remote *remote, raddr_t runtime,
		   struct py_layout *out)
{
	if (minor < PYTHON_OLDEST_MINOR || minor > PYTHON_NEWEST_MINOR)
		return -EOPNOTSUPP;
	*out = layouts[minor];
	/* 3.7.4 aligned PyGC_Head to 16 bytes, which moved what follows it (bpo-27987). */
	if (minor == 7 && micro <= 3)
		out->tstate_current = 0x570;
	if (out->tstate_current)
		out->tstate_current += GIL_MUTEXES * (sizeof(pthread_mutex_t) - MUTEX_BYTES_X86_64);
	return minor >= 13 ? load_debug_offsets(minor, remote, runtime, out) : 0;
}
