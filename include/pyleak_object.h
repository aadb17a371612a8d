/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How an object is measured, for both sides: pure functions on words that were read from the
 * target. Offsets are those of every CPython 3.6 to 3.15 with a GIL. Every length is garbage
 * until proven otherwise. */
#ifndef PYLEAK_OBJECT_H
#define PYLEAK_OBJECT_H

#define PYLEAK_TP_NAME 0x18
#define PYLEAK_TP_BASICSIZE 0x20
#define PYLEAK_TP_ITEMSIZE 0x28
#define PYLEAK_TP_FLAGS 0xa8
#define PYLEAK_TP_BASE 0x100
#define PYLEAK_TP_DICT 0x108

#define PYLEAK_FLAG_INLINE_VALUES (1U << 2) /* 3.13 */
#define PYLEAK_FLAG_PREHEADER (3U << 3)	    /* MANAGED_WEAKREF 3.12, MANAGED_DICT 3.11 */
#define PYLEAK_FLAG_HEAPTYPE (1U << 9)
#define PYLEAK_FLAG_LONG_SUBCLASS (1U << 24)
#define PYLEAK_FLAG_LIST_SUBCLASS (1U << 25)
#define PYLEAK_FLAG_DICT_SUBCLASS (1U << 29)

#define PYLEAK_SHARED_KEYS 30	      /* SHARED_KEYS_MAX_SIZE, dictobject.c, 3.11 and later */
#define PYLEAK_MAX_ITEMS (1ULL << 40) /* a length above this is garbage */

/* GC links carry flags in their low bits (pycore_gc.h, CPython 3.8 and later). */
#define PYLEAK_LINK(word) ((word) & ~3ULL)

/* A GC head of 16 bytes and the object behind it. */
struct pyleak_node {
	__u64 next;
	__u64 prev;
	__u64 refcount;
	__u64 type;
	__u64 size; /* ob_size, ma_used, set fill */
	__u64 w18;  /* list: item array; set: used */
	__u64 w20;  /* list: allocated; set: mask; dict: keys */
	__u64 w28;  /* dict: values of a split table */
};

#define PYLEAK_NODE_SHORT 40 /* every object that the GC tracks is at least so long */

struct pyleak_extent {
	__u64 len;   /* own length of a container; 0 for anything else */
	__u64 bytes; /* shallow, beyond the type's basic size */
};

/* The first two words of a dict's table of keys. */
struct pyleak_dict_keys {
	__u64 refcount;
	__u64 shape; /* dk_size up to 3.10; then u8: log2 of size, log2 of index bytes, kind */
};

static inline __u32 pyleak_kind_of(__u32 flags, __u32 item_bytes)
{
	if (flags & PYLEAK_FLAG_LIST_SUBCLASS)
		return PYLEAK_KIND_LIST;
	if (flags & PYLEAK_FLAG_DICT_SUBCLASS)
		return PYLEAK_KIND_DICT;
	/* ob_size of an int holds its sign, and from 3.12 on other bits too. */
	if (item_bytes && !(flags & PYLEAK_FLAG_LONG_SUBCLASS))
		return PYLEAK_KIND_VAR;
	return PYLEAK_KIND_PLAIN;
}

/* Bytes of a dict's table: keys and, where they are apart, values (dictobject.c,
 * _PyDict_SizeOf). Keys that several dicts share are nobody's. */
static inline __u64 pyleak_dict_bytes(__u32 minor, struct pyleak_dict_keys keys, __u64 values)
{
	__u64 slots, index, usable, bytes, entry = 24;

	if (minor >= 11) {
		slots = 1ULL << (keys.shape & 0x3f);
		index = 0x20 + (1ULL << ((keys.shape >> 8) & 0x3f));
		if ((keys.shape >> 16) & 0xff)
			entry = 16; /* keys are all str: no hash is kept */
	} else {
		slots = keys.shape;
		index = 0x28 + slots * (slots <= 0xff ? 1 : slots <= 0xffff ? 2 : 4);
	}
	if (slots > PYLEAK_MAX_ITEMS)
		return 0;
	usable = (slots << 1) / 3;
	if (values && minor >= 11 && usable > PYLEAK_SHARED_KEYS)
		usable = PYLEAK_SHARED_KEYS;
	bytes = (values ? usable * 8 : 0) + (keys.refcount == 1 ? index + usable * entry : 0);
	return bytes > PYLEAK_MAX_ITEMS ? 0 : bytes;
}

/* The values that lie inside an instance, 3.13 and later (_PyInlineValuesSize); `capacity` is
 * their first byte. */
static inline __u32 pyleak_inline_values_bytes(__u8 capacity)
{
	return ((capacity + 7) & ~7U) + (capacity + 1) * 8;
}

/* A dict's bytes are not measured: its keys must be read first. */
static inline void pyleak_measure(__u32 kind, __u32 item_bytes, const struct pyleak_node *node,
				  struct pyleak_extent *out)
{
	struct pyleak_extent extent = { 0, 0 };

	switch (kind) {
	case PYLEAK_KIND_VAR:
		/* ob_size may be negative: the sign is another bit of information. */
		extent.bytes = (__s64)node->size < 0 ? -node->size : node->size;
		extent.bytes *= item_bytes;
		break;
	case PYLEAK_KIND_LIST:
		extent.len = node->size;
		extent.bytes = node->w20 * 8;
		break;
	case PYLEAK_KIND_DICT:
		extent.len = node->size;
		break;
	case PYLEAK_KIND_SET:
		extent.len = node->w18;
		if (node->w20 >= 8) /* smaller ones lie in the object */
			extent.bytes = (node->w20 + 1) * 16;
		break;
	case PYLEAK_KIND_DEQUE:
		extent.len = node->size;
		extent.bytes = (node->size / 64 + 1) * 0x210;
		break;
	}
	if (extent.len > PYLEAK_MAX_ITEMS)
		extent.len = 0;
	if (extent.bytes > PYLEAK_MAX_ITEMS)
		extent.bytes = 0;
	*out = extent;
}

#endif
