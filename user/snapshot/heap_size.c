/* SPDX-License-Identifier: BSD-2-Clause */
/* Shallow sizes, as sys.getsizeof gives them. */
#include <string.h>

#include <linux/types.h>

#include "pyleak_wire.h"
#include "pyleak_object.h"
#include "snapshot/heap.h"

static uint64_t str_bytes(const struct heap *heap, const uint64_t *words)
{
	uint32_t state = (uint32_t)words[4], kind = state >> 2 & 7;
	uint64_t len = words[2], header = heap->reader.layout->string_data;

	if (!(state & 1 << 6))
		header += heap->minor >= 12 ? 0x10 : 0x18;
	return len > PYLEAK_MAX_ITEMS ? header : header + (len + 1) * (kind ? kind : 1);
}

static uint64_t int_bytes(const struct heap *heap, const struct heap_type *type, uint64_t word)
{
	uint64_t digits = heap->minor >= 12 ? word >> 3 : (int64_t)word < 0 ? -word : word;

	if (digits > PYLEAK_MAX_ITEMS)
		return type->basic_bytes;
	/* From 3.12 on tp_basicsize has one digit in it already. */
	return type->basic_bytes + 4 * (heap->minor >= 12 ? (digits ? digits - 1 : 0) : digits);
}

uint64_t heap_object_bytes(struct heap *heap, const struct heap_type *type, raddr_t object)
{
	uint64_t bytes = type->basic_bytes;
	struct pyleak_node node = {};
	struct pyleak_extent extent;
	const uint64_t *words = heap_words(heap, object, 6);
	const uint8_t *capacity;

	if (type->flags & FLAG_HAVE_GC) {
		bytes += heap->lists->head_bytes;
		if (heap->minor >= 11 && type->flags & PYLEAK_FLAG_PREHEADER)
			bytes += 16;
	}
	if (heap->minor >= 13 && type->flags & PYLEAK_FLAG_INLINE_VALUES) {
		capacity = image_at(heap->image, object + type->basic_bytes, 1);
		bytes += capacity ? pyleak_inline_values_bytes(*capacity) : 0;
	}
	if (!words)
		return bytes;
	switch (heap->graph->types[type->index].role) {
	case ROLE_STR:
		return bytes - type->basic_bytes + str_bytes(heap, words);
	case ROLE_NUMBER:
		return type->flags & PYLEAK_FLAG_LONG_SUBCLASS ? int_bytes(heap, type, words[2])
							       : bytes;
	case ROLE_BYTES:
		/* A bytearray has its text elsewhere; it has no items of its own. */
		if (!type->item_bytes)
			return bytes + (words[3] <= PYLEAK_MAX_ITEMS ? words[3] : 0);
		break;
	case ROLE_TYPE:
		return bytes; /* the slots lie in tp_basicsize's neighbourhood: few */
	default:
		break;
	}
	memcpy(&node.refcount, words, 48);
	pyleak_measure(type->size_kind, type->item_bytes, &node, &extent);
	if (type->size_kind == PYLEAK_KIND_DICT) {
		const uint64_t *keys = heap_words(heap, node.w20, 2);

		if (keys)
			extent.bytes = pyleak_dict_bytes(
				(uint32_t)heap->minor,
				(struct pyleak_dict_keys){ keys[0], keys[1] }, node.w28);
	}
	return bytes + extent.bytes;
}
