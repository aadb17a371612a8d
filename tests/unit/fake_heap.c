/* SPDX-License-Identifier: BSD-2-Clause */
/* The bytes lie in one buffer, handed out from its start and never given back. What a test
 * wants to be broken, it overwrites with fake_put(). */
#include "fake_heap.h"

#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

#include "attach/py_layout.h"
#include "pyleak_object.h"

/* DWARF of each build, and a walk over each of them while it ran. 3.7.3: from pycore_pystate.h
 * and its 24-byte PyGC_Head. */
const struct fake_build fake_builds[] = {
	{ "3.7.3", 7, 3, 24, 0x158, 0x1c0, 0x1e0, 0x228, 0x14c },
	{ "3.7.16", 7, 16, 32, 0x160, 0x200, 0x230, 0x278, 0x14c },
	{ "3.8.18", 8, 18, 16, 0x170, 0x1c0, 0x1d8, 0x220, 0x164 },
	{ "3.9.18", 9, 18, 16, 0x280, 0x2d0, 0x2e8, 0x330, 0x274 },
	{ "3.10.13", 10, 13, 16, 0x280, 0x2d0, 0x2e8, 0x330, 0x274 },
	{ "3.11.7", 11, 7, 16, 0x2a0, 0x2f0, 0x308, 0x350, 0x294 },
	{ "3.12.1", 12, 1, 16, 0x88, 0xd8, 0xf0, 0x138, 0x7c },
	{ "3.13.0", 13, 0, 16, 0x1d00, 0x1d50, 0x1d68, 0x1db0, 0x1cf4 },
	/* Debian aligns PyGC_Head to 4 bytes (gchead-alignment.diff). */
	{ "3.13.18", 13, 18, 16, 0x1cfc, 0x1d50, 0x1d68, 0x1db0, 0x1cf4 },
	{ "3.14.10", 14, 10, 16, 0x1d08, 0x1d50, 0x1d68, 0x1db0, 0x1cfc },
	{ "3.15.2", 15, 2, 16, 0x1cf0, 0x1d38, 0x1d50, 0x1d58, 0x1ce8 },
};
const size_t fake_build_cnt = sizeof(fake_builds) / sizeof(fake_builds[0]);

/* _Py_DebugOffsets: slots, and what the builds above have in them. */
static const uint32_t debug_slots[][7] = {
	{ 0x28, 0x40, 0x50, 0x58, 0x70, 0xc0, 0x238 },
	{ 0x28, 0x40, 0x58, 0x60, 0x78, 0xd8, 0x288 },
	{ 0x28, 0x40, 0x58, 0x60, 0x78, 0xf0, 0x2f0 },
};
static const uint32_t debug_values[][7] = {
	{ 0x278, 0x1c60, 0x1ce8, 0x1de8, 0x10, 0x98, 0xf0 },
	{ 0x328, 0x1c68, 0x1cf0, 0x1e08, 0x10, 0x98, 0x108 },
	{ 0x3a8, 0x1c60, 0x1ce8, 0x1da8, 0x10, 0xb0, 0xb0 },
};

static uint8_t *bytes_at(const struct fake_heap *heap, raddr_t at, size_t size)
{
	cr_assert(at >= FAKE_BASE && at - FAKE_BASE + size <= FAKE_BYTES, "outside the fake heap");
	return heap->bytes + (at - FAKE_BASE);
}

raddr_t fake_alloc(struct fake_heap *heap, size_t size)
{
	raddr_t at = FAKE_BASE + heap->used;

	heap->used += (size + 15) & ~15UL;
	bytes_at(heap, at, size);
	return at;
}

void fake_put(struct fake_heap *heap, raddr_t at, uint64_t word)
{
	memcpy(bytes_at(heap, at, sizeof(word)), &word, sizeof(word));
}

void fake_put32(struct fake_heap *heap, raddr_t at, uint32_t word)
{
	memcpy(bytes_at(heap, at, sizeof(word)), &word, sizeof(word));
}

uint64_t fake_get(const struct fake_heap *heap, raddr_t at)
{
	uint64_t word;

	memcpy(&word, bytes_at(heap, at, sizeof(word)), sizeof(word));
	return word;
}

raddr_t fake_text(struct fake_heap *heap, const char *text)
{
	raddr_t at = fake_alloc(heap, strlen(text) + 1);

	memcpy(bytes_at(heap, at, strlen(text) + 1), text, strlen(text) + 1);
	return at;
}

static void put_debug_offsets(struct fake_heap *heap, raddr_t runtime)
{
	int minor = heap->build->minor;

	memcpy(bytes_at(heap, runtime, 8), "xdebugpy", 8);
	fake_put(heap, runtime + 8,
		 0x030000f0ULL | (uint64_t)minor << 16 | (uint64_t)heap->build->micro << 8);
	for (size_t i = 0; i < 7; i++)
		fake_put(heap, runtime + debug_slots[minor - 13][i], debug_values[minor - 13][i]);
}

static uint32_t stride_of(const struct fake_heap *heap)
{
	return heap->build->head_bytes == 32 ? 48 : heap->build->head_bytes + 8;
}

static void put_lists(struct fake_heap *heap, raddr_t owner)
{
	/* CPython 3.13 and later begin at 2000. */
	static const uint32_t thresholds[] = { 700, 10, 10 };
	raddr_t at = owner + heap->build->generations;

	for (int i = 0; i < PYLEAK_GENERATIONS; i++, at += stride_of(heap)) {
		fake_put(heap, at, at);
		fake_put(heap, at + 8, at);
		fake_put32(heap, at + heap->build->head_bytes, thresholds[i]);
	}
	at = owner + heap->build->permanent;
	fake_put(heap, at, at);
	fake_put(heap, at + 8, at);
	fake_put32(heap, owner + heap->build->enabled, 1);
}

void fake_heap_init(struct fake_heap *heap, const char *version)
{
	struct remote *remote;

	memset(heap, 0, sizeof(*heap));
	for (size_t i = 0; i < fake_build_cnt; i++) {
		if (!strcmp(fake_builds[i].version, version))
			heap->build = &fake_builds[i];
	}
	cr_assert_not_null(heap->build, "no build %s", version);
	heap->bytes = calloc(1, FAKE_BYTES);
	cr_assert_not_null(heap->bytes);
	cr_assert_eq(remote_open_buffer(FAKE_BASE, heap->bytes, FAKE_BYTES, &remote), 0);
	heap->python.minor = heap->build->minor;
	heap->python.micro = heap->build->micro;
	heap->python.runtime = fake_alloc(heap, 0x400);
	if (heap->build->minor >= 13)
		put_debug_offsets(heap, heap->python.runtime);
	cr_assert_eq(py_layout_load(heap->build->minor, heap->build->micro, remote,
				    heap->python.runtime, &heap->python.layout),
		     0, "%s", version);
	if (heap->python.layout.gc_is_global)
		put_lists(heap, heap->python.runtime);
	heap->reader = (struct py_reader){ .remote = remote,
					   .layout = &heap->python.layout,
					   .minor = heap->build->minor };
	heap->type_type = fake_static_type(heap, "type", 0x388, 0x28, 1U << 31);
	heap->reader.str_type = fake_static_type(heap, "str", 0x50, 0, 1U << 28);
}

void fake_heap_deinit(struct fake_heap *heap)
{
	remote_close(heap->reader.remote);
	free(heap->bytes);
}

raddr_t fake_interpreter(struct fake_heap *heap)
{
	raddr_t interpreter = fake_alloc(heap, 0x2000);

	fake_put(heap, interpreter + heap->python.layout.interpreter_next, heap->newest);
	fake_put(heap, heap->python.runtime + heap->python.layout.interpreters_head, interpreter);
	heap->newest = interpreter;
	if (!heap->python.layout.gc_is_global)
		put_lists(heap, interpreter);
	return interpreter;
}

raddr_t fake_lists(const struct fake_heap *heap, raddr_t interpreter)
{
	return heap->python.layout.gc_is_global ? heap->python.runtime : interpreter;
}

raddr_t fake_head(const struct fake_heap *heap, raddr_t interpreter, int list)
{
	raddr_t owner = fake_lists(heap, interpreter);

	if (!list)
		return owner + heap->build->permanent;
	return owner + heap->build->generations +
	       (raddr_t)(PYLEAK_YOUNG_LIST - list) * stride_of(heap);
}

raddr_t fake_object(struct fake_heap *heap, raddr_t interpreter, int list, raddr_t type,
		    size_t size)
{
	raddr_t node = fake_alloc(heap, heap->build->head_bytes + size);
	raddr_t head = fake_head(heap, interpreter, list);
	raddr_t last = fake_get(heap, head + 8);

	fake_put(heap, node, head);
	fake_put(heap, node + 8, last);
	fake_put(heap, last, node);
	fake_put(heap, head + 8, node);
	fake_put(heap, node + heap->build->head_bytes, 1);
	fake_put(heap, node + heap->build->head_bytes + 8, type);
	return node + heap->build->head_bytes;
}

static raddr_t put_str(struct fake_heap *heap, uint32_t kind, bool ascii, size_t cnt)
{
	/* 1: compact; interned bits left out. */
	uint32_t state = kind << 2 | 1U << 5 | (ascii ? 1U << 6 : 0);
	raddr_t str = fake_alloc(heap, 0x48 + (cnt + 1) * kind);

	fake_put(heap, str, 1);
	fake_put(heap, str + 8, heap->reader.str_type);
	fake_put(heap, str + 0x10, cnt);
	fake_put(heap, str + 0x18, UINT64_MAX); /* no hash yet */
	fake_put32(heap, str + 0x20, state);
	return str;
}

raddr_t fake_str(struct fake_heap *heap, const char *ascii)
{
	size_t cnt = strlen(ascii);
	raddr_t str = put_str(heap, 1, true, cnt);
	/* PyASCIIObject has a wstr pointer up to 3.11. */
	raddr_t data = str + (heap->build->minor >= 12 ? 0x28 : 0x30);

	memcpy(bytes_at(heap, data, cnt + 1), ascii, cnt + 1);
	return str;
}

raddr_t fake_wide_str(struct fake_heap *heap, uint32_t kind, const uint32_t *chars, size_t cnt)
{
	raddr_t str = put_str(heap, kind, false, cnt);
	/* PyCompactUnicodeObject: utf8_length and utf8, and wstr_length up to 3.11. */
	raddr_t data = str + (heap->build->minor >= 12 ? 0x38 : 0x48);

	for (size_t i = 0; i < cnt; i++)
		memcpy(bytes_at(heap, data + i * kind, kind), &chars[i], kind);
	return str;
}

static raddr_t put_keys(struct fake_heap *heap, size_t cnt, bool unicode, raddr_t *entries)
{
	/* 2^3 slots, or 2^10 and an index of 2^11 bytes. */
	uint32_t log2 = cnt <= 5 ? 3 : 10, log2_index = cnt <= 5 ? 3 : 11;
	uint64_t slots = 1ULL << log2, index = 1ULL << log2_index;
	raddr_t keys = fake_alloc(heap, 0x28 + index + slots * 24);

	fake_put(heap, keys, 1);
	if (heap->build->minor >= 11) {
		fake_put(heap, keys + 8, log2 | log2_index << 8 | (unicode ? 1U : 0U) << 16);
		fake_put(heap, keys + 0x18, cnt);
		*entries = keys + 0x20 + index;
	} else {
		fake_put(heap, keys + 8, slots);
		fake_put(heap, keys + 0x20, cnt);
		*entries = keys + 0x28 + index;
	}
	return keys;
}

raddr_t fake_dict(struct fake_heap *heap, const struct fake_pair *pairs, size_t cnt, bool unicode)
{
	raddr_t dict = fake_alloc(heap, 0x30), entries;
	uint32_t hash = unicode && heap->build->minor >= 11 ? 0 : 8;

	fake_put(heap, dict, 1);
	fake_put(heap, dict + 0x10, cnt);
	fake_put(heap, dict + 0x20, put_keys(heap, cnt, unicode, &entries));
	for (size_t i = 0; i < cnt; i++) {
		fake_put(heap, entries + hash, pairs[i].key);
		fake_put(heap, entries + hash + 8, pairs[i].value);
		entries += hash + 16;
	}
	return dict;
}

raddr_t fake_static_type(struct fake_heap *heap, const char *tp_name, uint32_t basic_bytes,
			 uint32_t item_bytes, uint32_t flags)
{
	raddr_t type = fake_alloc(heap, 0x390);

	fake_put(heap, type, 1);
	fake_put(heap, type + 8, heap->type_type);
	fake_put(heap, type + PYLEAK_TP_NAME, fake_text(heap, tp_name));
	fake_put(heap, type + PYLEAK_TP_BASICSIZE, basic_bytes);
	fake_put(heap, type + PYLEAK_TP_ITEMSIZE, item_bytes);
	fake_put(heap, type + PYLEAK_TP_FLAGS, flags);
	return type;
}

raddr_t fake_heap_type(struct fake_heap *heap, const char *name, const char *module)
{
	raddr_t type = fake_static_type(heap, name, 0x20, 0, PYLEAK_FLAG_HEAPTYPE);
	struct fake_pair pair = {};

	/* PyHeapTypeObject: it moved with every change of the method tables before it. */
	static const uint32_t ht_name[] = {
		[7] = 0x340,  [8] = 0x350,  [9] = 0x348,  [10] = 0x350, [11] = 0x350,
		[12] = 0x358, [13] = 0x358, [14] = 0x358, [15] = 0x360
	};
	fake_put(heap, type + ht_name[heap->build->minor], fake_str(heap, name));
	if (module)
		pair = (struct fake_pair){ fake_str(heap, "__module__"), fake_str(heap, module) };
	fake_put(heap, type + PYLEAK_TP_DICT, fake_dict(heap, &pair, module ? 1 : 0, true));
	return type;
}
