/* SPDX-License-Identifier: GPL-2.0-only */
/* One object: its links, its type's counts, its shallow size, and its length if it is a
 * container worth following. */
#ifndef PYLEAK_OBJECT_BPF_H
#define PYLEAK_OBJECT_BPF_H

/* A short object at the very end of a mapping makes the long read fail. */
static __always_inline bool read_node(struct pyleak_node *node, __u64 address)
{
	__u64 object = address + control.head_bytes;

	node->w18 = node->w20 = node->w28 = 0;
	if (control.head_bytes == 16)
		return read_user(node, sizeof(*node), address) ||
		       read_user(node, PYLEAK_NODE_SHORT, address);
	return read_user(&node->next, 16, address) &&
	       (read_user(&node->refcount, 48, object) || read_user(&node->refcount, 24, object));
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

static __always_inline struct pyleak_type_count *type_of(const struct pyleak_node *node, __u64 object)
{
	__u64 key = node->type;
	struct pyleak_type_count *type = bpf_map_lookup_elem(&types, &key);

	if (type)
		return type;
	add_type(key, object);
	return bpf_map_lookup_elem(&types, &key);
}

static __always_inline void count_object(const struct pyleak_node *node, __u64 object)
{
	struct pyleak_type_count *type = type_of(node, object);
	struct pyleak_extent extent;

	if (!type)
		return;
	if (type->census != progress.serial) {
		type->census = progress.serial;
		type->live = 0;
		type->bytes = 0;
	}
	extent = pyleak_measure(type->kind, type->item_bytes, node);
	if (type->kind == PYLEAK_KIND_DICT)
		extent.bytes = dict_bytes(node->w20, node->w28);
	type->live++;
	type->bytes += type->basic_bytes + extent.bytes;
	if (extent.len >= control.container_min)
		note_container(object, node->type, extent.len, type->basic_bytes + extent.bytes);
}

static __always_inline void count_young(const struct pyleak_node *node, __u64 object)
{
	struct pyleak_type_count *type = type_of(node, object);

	if (type)
		type->young++;
}

#endif
