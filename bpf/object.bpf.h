/* SPDX-License-Identifier: GPL-2.0-only */
/* One object: its links, its type's counts, its shallow size, and its length if it is a
 * container worth following. */
#ifndef PYLEAK_OBJECT_BPF_H
#define PYLEAK_OBJECT_BPF_H

/* A read of user memory costs 50 to 150 ns, whatever its size, so a page that holds a second node
 * is read whole, and serves the nodes that follow in it: the lists wander, but over few pages at
 * a time. Nobody changes the memory meanwhile, the lock is held; a copy of an earlier slice is
 * stale. */
#define PAGE_BYTES 4096
#define PAGE_MASK (PAGE_BYTES - 1)
#define OBJECT_WORDS 48 /* bytes of an object that are looked at */

static __always_inline bool read_object(struct pyleak_node *node, __u64 address)
{
	void *to = &node->refcount;

	/* At the very end of a mapping: a list, the shortest object. What lies behind it is not
	 * looked at: its kind has no use for it. */
	return read_user(to, OBJECT_WORDS, address) || read_user(to, OBJECT_WORDS - 8, address) ||
	       read_user(to, OBJECT_WORDS - 24, address);
}

static __always_inline bool read_alone(struct pyleak_node *node, __u64 address)
{
	if (control.head_bytes == 16 && read_user(node, sizeof(*node), address))
		return true;
	return read_user(node, 16, address) && read_object(node, address + control.head_bytes);
}

/* The copy of the page around a node, or NULL while one node of it was met at most. */
static __always_inline struct pyleak_page *page_of(__u64 address)
{
	__u32 slot = (address / PAGE_BYTES) & (PYLEAK_PAGES - 1);
	struct pyleak_page *page = bpf_map_lookup_elem(&pages, &slot);
	__u64 base = address & ~(__u64)PAGE_MASK;

	if (!page)
		return 0;
	if (page->base != base || page->turn != walk.turn) {
		page->base = base;
		page->turn = walk.turn;
		page->copied = 0;
		return 0;
	}
	if (!page->copied)
		page->copied = read_user(page->words, PAGE_BYTES, base);
	return page->copied ? page : 0;
}

static __always_inline bool read_node(struct pyleak_node *node, __u64 address)
{
	__u32 at = address & PAGE_MASK, head = control.head_bytes & 0x38;
	struct pyleak_page *page = page_of(address);
	const __u8 *bytes;
	const __u64 *words;

	if (!page || at + head + OBJECT_WORDS > PAGE_BYTES)
		return read_alone(node, address);
	bytes = (const __u8 *)page->words;
	/* What the check above says, in the words that the verifier understands. */
	words = (const __u64 *)(bytes + (at & (PAGE_MASK - 7)));
	node->next = words[0];
	node->prev = words[1];
	words = (const __u64 *)((const __u8 *)words + head);
	node->refcount = words[0];
	node->type = words[1];
	node->size = words[2];
	node->w18 = words[3];
	node->w20 = words[4];
	node->w28 = words[5];
	return true;
}

__noinline int add_type(__u64 type, __u64 object)
{
	struct pyleak_type_count fresh = {};
	__u64 basic, item, flags;
	__u8 capacity = 0;

	basic = read_word(type + PYLEAK_TP_BASICSIZE);
	item = read_word(type + PYLEAK_TP_ITEMSIZE);
	flags = read_word(type + PYLEAK_TP_FLAGS);
	fresh.basic_bytes = (__u32)basic + control.head_bytes;
	fresh.item_bytes = item;
	fresh.flags_low = flags;
	fresh.kind = pyleak_kind_of(flags, item);
	if (type == control.set_types[0] || type == control.set_types[1])
		fresh.kind = PYLEAK_KIND_SET;
	if (control.minor >= 11 && flags & PYLEAK_FLAG_PREHEADER)
		fresh.basic_bytes += 16;
	if (control.minor >= 13 && flags & PYLEAK_FLAG_INLINE_VALUES &&
	    read_user(&capacity, sizeof(capacity), object + basic))
		fresh.basic_bytes += pyleak_inline_values_bytes(capacity);
	if (bpf_map_update_elem(&types, &type, &fresh, BPF_NOEXIST))
		count_loss(PYLEAK_LOSS_TYPES_FULL);
	return 0;
}

__noinline __u64 dict_bytes(__u64 address, __u64 values)
{
	struct pyleak_dict_keys keys;

	if (!read_user(&keys, sizeof(keys), address))
		return 0;
	return pyleak_dict_bytes(control.minor, keys, values);
}

__noinline int note_container(__u64 object, __u64 type, __u64 len, __u64 bytes)
{
	struct pyleak_container now = {
		.type = type,
		.census = progress.serial,
		.len = len,
		.bytes = bytes,
	};

	if (bpf_map_update_elem(&containers, &object, &now, BPF_ANY))
		count_loss(PYLEAK_LOSS_CONTAINERS_FULL);
	return 0;
}

/* Adds what was tallied to the map. */
static __always_inline void flush_tally(struct pyleak_tally *tally)
{
	__u64 key = tally->type;
	struct pyleak_type_count *type;

	if (!tally->live && !tally->young)
		return;
	type = bpf_map_lookup_elem(&types, &key);
	if (type) {
		if (type->census != progress.serial) {
			type->census = progress.serial;
			type->live = 0;
			type->bytes = 0;
		}
		type->live += tally->live;
		type->bytes += tally->bytes;
		type->young += tally->young;
	}
	tally->live = 0;
	tally->bytes = 0;
	tally->young = 0;
}

__noinline int flush_tallies(void)
{
	for (int i = 0; i < PYLEAK_TALLIES; i++) {
		flush_tally(&tallies[i]);
		tallies[i].type = 0;
	}
	return 0;
}

/* Makes the tally that of `type`. */
__noinline int take_tally(__u32 index, __u64 address, __u64 object)
{
	struct pyleak_tally *tally = &tallies[index & (PYLEAK_TALLIES - 1)];
	struct pyleak_type_count *type;

	flush_tally(tally);
	tally->type = 0;
	type = bpf_map_lookup_elem(&types, &address);
	if (!type) {
		add_type(address, object);
		type = bpf_map_lookup_elem(&types, &address);
		if (!type)
			return -1;
	}
	tally->type = address;
	tally->basic_bytes = type->basic_bytes;
	tally->item_bytes = type->item_bytes;
	tally->kind = type->kind;
	return 0;
}

/* The tally of an object's type; a look-up in the map costs 40 ns, and a few types make most of
 * a heap. NULL: the map is full. */
static __always_inline struct pyleak_tally *tally_of(const struct pyleak_node *node, __u64 object)
{
	__u32 index = ((node->type >> 4) ^ (node->type >> 10)) & (PYLEAK_TALLIES - 1);
	struct pyleak_tally *tally = &tallies[index];

	if (tally->type != node->type && take_tally(index, node->type, object))
		return 0;
	return tally;
}

static __always_inline void count_object(const struct pyleak_node *node, __u64 object)
{
	struct pyleak_tally *tally = tally_of(node, object);
	struct pyleak_extent extent;
	__u64 bytes;

	if (!tally)
		return;
	pyleak_measure(tally->kind, tally->item_bytes, node, &extent);
	if (tally->kind == PYLEAK_KIND_DICT)
		extent.bytes = dict_bytes(node->w20, node->w28);
	bytes = tally->basic_bytes + extent.bytes;
	tally->live++;
	tally->bytes += bytes;
	if (extent.len >= control.container_min)
		note_container(object, node->type, extent.len, bytes);
}

static __always_inline void count_young(const struct pyleak_node *node, __u64 object)
{
	struct pyleak_tally *tally = tally_of(node, object);

	if (tally)
		tally->young++;
}

#endif
