/* SPDX-License-Identifier: BSD-2-Clause */
/* A freed block keeps most of what it held: only fields that depend on each other tell a live
 * object from it. dealloc leaves a dict with the count 0; in a freed bytearray the allocator's
 * link lies over the count. Offsets: docs of CPython 3.6 to 3.15 with a GIL, dictobject.c and
 * bytearrayobject.h. */
#include "collect/heap_object.h"

#include <errno.h>

#include <linux/types.h>

#include "pyleak_wire.h"
#include "pyleak_object.h"

/* What is read of an object: two words of the GC head, then the object. */
enum { WORD_GC, WORD_GC_2, WORD_COUNT, WORD_TYPE, WORD_SIZE, WORD_18, WORD_20, WORD_28, WORD_CNT };
#define BEFORE_OBJECT (WORD_COUNT * 8)

/* A link of the allocator is no count: the lowest heap lies above a program that is linked at
 * 4 MiB and is some MiB long. Nor is that of an immortal object, which is none of ours. */
#define MAX_REFCOUNT (8ULL << 20)
#define FLAGS_314 48 /* bit from which the word of the count holds flags, 3.14 and later */
#define BYTEARRAY_EXPORTS 0x30
#define MAX_EXPORTS (1U << 16)
#define UNTRACKED_REFS (-2) /* up to 3.7: _PyGC_REFS_UNTRACKED */

static bool is_alive(const struct heap_layout *layout, uint64_t count)
{
	if (layout->minor >= 14)
		count &= (1ULL << FLAGS_314) - 1;
	return count && count < MAX_REFCOUNT;
}

static bool is_untracked(const struct heap_layout *layout, const uint64_t *words)
{
	switch (layout->head_bytes) {
	case 16: /* _gc_next */
		return !words[WORD_GC];
	case 24: /* gc_refs, the third word of the head */
		return (int64_t)words[WORD_GC_2] >> 1 == UNTRACKED_REFS;
	default:
		return (int64_t)words[WORD_GC] >> 1 == UNTRACKED_REFS;
	}
}

bool heap_may_be_large(const struct heap_layout *layout, const uint64_t *words, size_t cnt,
		       size_t at)
{
	bool dict = words[at] == layout->dict_type;
	uint64_t len;

	if (at && !is_alive(layout, words[at - 1]))
		return false;
	if (at + 1 < cnt) {
		len = words[at + 1];
		if (len < (dict ? HEAP_DICT_MIN : HEAP_BYTEARRAY_MIN) || len > PYLEAK_MAX_ITEMS)
			return false;
	}
	return !dict || at < WORD_TYPE || is_untracked(layout, words + at - WORD_TYPE);
}

static uint64_t log2_index_bytes(uint64_t log2_slots)
{
	return log2_slots + (log2_slots < 8 ? 0 : log2_slots < 16 ? 1 : log2_slots < 32 ? 2 : 3);
}

/* `keys`: the first words of the table of a dict with `used` entries. */
static bool are_keys_sane(int minor, const uint64_t keys[5], uint64_t used)
{
	uint64_t slots, usable, entries;

	if (minor >= 11) {
		uint64_t log2_slots = keys[1] & 0xff;

		if (log2_slots < 3 || log2_slots > 40 ||
		    (keys[1] >> 8 & 0xff) != log2_index_bytes(log2_slots) ||
		    (keys[1] >> 16 & 0xff) > 1)
			return false;
		slots = 1ULL << log2_slots;
		usable = keys[2];
		entries = keys[3];
	} else {
		slots = keys[1];
		if (slots < 8 || slots > PYLEAK_MAX_ITEMS || slots & (slots - 1) || !keys[2])
			return false; /* [2] is the look-up function */
		usable = keys[3];
		entries = keys[4];
	}
	/* No other dict shares the keys of one that has no table of values. */
	return keys[0] == 1 && usable <= slots && entries <= slots && used <= entries &&
	       usable + entries <= (slots << 1) / 3;
}

static int read_dict(const struct heap_layout *layout, struct remote *remote,
		     const uint64_t words[WORD_CNT], struct counted_container *out)
{
	uint64_t keys[5], used = words[WORD_SIZE], table = words[WORD_20];

	if (!is_untracked(layout, words))
		return -EBADMSG;
	out->len = used;
	out->bytes = layout->dict_bytes + layout->head_bytes;
	if (!used)
		return 0; /* cleared: its keys are a constant of the interpreter's */
	if (!table || table % 8 || words[WORD_28] || remote_read(remote, table, keys, sizeof(keys)))
		return -EAGAIN;
	if (!are_keys_sane(layout->minor, keys, used))
		return -EAGAIN;
	out->bytes += pyleak_dict_bytes((uint32_t)layout->minor,
					(struct pyleak_dict_keys){ keys[0], keys[1] }, 0);
	return 0;
}

static int read_bytearray(const struct heap_layout *layout, struct remote *remote, raddr_t object,
			  const uint64_t words[WORD_CNT], struct counted_container *out)
{
	uint64_t size = words[WORD_SIZE], room = words[WORD_18];
	uint64_t bytes = words[WORD_20], start = words[WORD_28];
	uint8_t first;

	if (size > room || room > PYLEAK_MAX_ITEMS ||
	    remote_word32(remote, object + BYTEARRAY_EXPORTS) >= MAX_EXPORTS)
		return -EAGAIN;
	if (room && (!bytes || start < bytes || start - bytes > room - size ||
		     remote_read(remote, start, &first, 1)))
		return -EAGAIN;
	out->len = size;
	out->bytes = layout->bytearray_bytes + room;
	return 0;
}

int heap_read_object(const struct heap_layout *layout, struct remote *remote, raddr_t object,
		     struct counted_container *out)
{
	uint64_t words[WORD_CNT];

	if (remote_read(remote, object - BEFORE_OBJECT, words, sizeof(words)) ||
	    !is_alive(layout, words[WORD_COUNT]))
		return -EBADMSG;
	out->address = object;
	out->type = words[WORD_TYPE];
	if (out->type == layout->dict_type)
		return read_dict(layout, remote, words, out);
	if (out->type == layout->bytearray_type)
		return read_bytearray(layout, remote, object, words, out);
	return -EBADMSG;
}
