/* SPDX-License-Identifier: GPL-2.0-only */
/* The table of types: who has which slot, and its counts. Interpreters with locks of their own
 * change it at once, so slots are claimed and counts added to atomically. */
#ifndef PYLEAK_ALLOC_TYPES_BPF_H
#define PYLEAK_ALLOC_TYPES_BPF_H

#define OB_TYPE 8
#define OB_SIZE 16		   /* of objects with items */
#define TYPE_SUBCLASS (1ULL << 31) /* Py_TPFLAGS_TYPE_SUBCLASS: its objects are types */
#define TYPE_MASK (PYLEAK_ALLOC_MAX_TYPES - 1)
#define BASIC_BYTES_MAX (1ULL << 32)

static __always_inline bool is_metatype(__u64 type)
{
	__u64 flags = 0;

	return read_user(&flags, sizeof(flags), type + PYLEAK_TP_FLAGS) && flags & TYPE_SUBCLASS;
}

/* What a slot says of its type; negative: it is none, by which loss. */
static __always_inline int describe(struct pyleak_alloc_type *to, __u64 type)
{
	__u64 words[(PYLEAK_TP_FLAGS - OB_TYPE) / 8 + 1] = {};
	__u64 basic_bytes;

	if (!read_user(words, sizeof(words), type + OB_TYPE))
		return ~PYLEAK_ALLOC_LOSS_FAULT;
	basic_bytes = words[(PYLEAK_TP_BASICSIZE - OB_TYPE) / 8];
	/* An object's type is an object whose type is `type`, or derives from it. */
	if (!is_metatype(words[0]) || !basic_bytes || basic_bytes > BASIC_BYTES_MAX)
		return ~PYLEAK_ALLOC_LOSS_NO_TYPE;
	to->basic_bytes = basic_bytes;
	to->item_bytes = words[(PYLEAK_TP_ITEMSIZE - OB_TYPE) / 8];
	to->flags = words[(PYLEAK_TP_FLAGS - OB_TYPE) / 8] & TYPE_SUBCLASS ? PYLEAK_ALLOC_META : 0;
	return 0;
}

static __always_inline void fill(struct pyleak_alloc_type *slot,
				 const struct pyleak_alloc_type *with)
{
	slot->item_bytes = with->item_bytes;
	__sync_fetch_and_or(&slot->flags, with->flags);
	slot->basic_bytes = with->basic_bytes;
}

/* The index of the type's slot, which is taken if it has none; negative: ~ of a loss. */
__noinline int take_slot(__u64 type)
{
	struct pyleak_alloc_type told = {}, *slot;
	__u32 begin = pyleak_alloc_slot(type), at;
	int err;

	for (__u32 i = 0; i < PYLEAK_ALLOC_PROBES; i++) {
		__u64 holder;

		at = (begin + i) & TYPE_MASK;
		slot = &types[at];
		holder = slot->type;
		if (holder == type && slot->flags & PYLEAK_ALLOC_DEAD)
			continue;
		if (holder == type && slot->basic_bytes)
			return at;
		if (holder && holder != type)
			continue;
		err = told.basic_bytes ? 0 : describe(&told, type);
		if (err)
			return err;
		if (!holder)
			holder = __sync_val_compare_and_swap(&slot->type, 0, type);
		if (holder && holder != type)
			continue;
		fill(slot, &told);
		return at;
	}
	return ~PYLEAK_ALLOC_LOSS_TYPES_FULL;
}

/* The same; nearly always it is the first slot that is tried. */
static __always_inline int slot_of(__u64 type)
{
	__u32 at = pyleak_alloc_slot(type) & TYPE_MASK;
	const struct pyleak_alloc_type *slot = &types[at];

	if (slot->type == type && !(slot->flags & PYLEAK_ALLOC_DEAD) && slot->basic_bytes)
		return at;
	return take_slot(type);
}

/* An object whose type is a metatype was freed: no object of this type is left, and what is at its
 * address later is another type. */
__noinline int bury(__u64 type)
{
	__u32 begin = pyleak_alloc_slot(type);

	for (__u32 i = 0; i < PYLEAK_ALLOC_PROBES; i++) {
		struct pyleak_alloc_type *slot = &types[(begin + i) & TYPE_MASK];

		if (slot->type == type)
			__sync_fetch_and_or(&slot->flags, PYLEAK_ALLOC_DEAD);
	}
	return 0;
}

static __always_inline __u64 epoch_now(void)
{
	__u32 zero = 0;
	const __u64 *epoch = bpf_map_lookup_elem(&census_epoch, &zero);

	return epoch ? *epoch : 0;
}

/* Before the first change since a census: how the counts stood when it was complete. */
static __always_inline void enter_epoch(struct pyleak_alloc_type *slot, __u64 now)
{
	if (slot->epoch == now)
		return;
	slot->allocs_at = slot->allocs;
	slot->frees_at = slot->frees;
	/* Last: it says that the others are there. */
	__asm__ volatile("" ::: "memory");
	slot->epoch = now;
}

/* `made`: the epoch then. What was made before a census was there for it to count, though its type
 * was read only after. */
static __always_inline void add_alloc(struct pyleak_alloc_type *slot, __u64 made)
{
	__u64 now = epoch_now();

	if (made == now)
		enter_epoch(slot, now);
	__sync_fetch_and_add(&slot->allocs, 1);
	if (made == now)
		return;
	if (slot->epoch == now)
		__sync_fetch_and_add(&slot->allocs_at, 1);
	else
		enter_epoch(slot, now);
}

static __always_inline void add_free(struct pyleak_alloc_type *slot)
{
	enter_epoch(slot, epoch_now());
	__sync_fetch_and_add(&slot->frees, 1);
}

#endif
