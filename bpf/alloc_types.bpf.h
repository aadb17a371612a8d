/* SPDX-License-Identifier: GPL-2.0-only */
/* The table of types: who has which slot, and its counts. Interpreters with locks of their own
 * change it at once, so slots are claimed and counts added to atomically. */
#ifndef PYLEAK_ALLOC_TYPES_BPF_H
#define PYLEAK_ALLOC_TYPES_BPF_H

#define OB_TYPE 8
#define TYPE_SUBCLASS (1ULL << 31) /* Py_TPFLAGS_TYPE_SUBCLASS: its objects are types */
#define TYPE_MASK (PYLEAK_ALLOC_MAX_TYPES - 1)
#define BASIC_BYTES_MAX (1ULL << 32)

/* From ob_type on, what is looked at of an object. */
struct alloc_head {
	__u64 type;
	__u64 items; /* ob_size, if its type has items */
};

static __always_inline bool is_metatype(__u64 type)
{
	__u64 flags = 0;

	return read_user(&flags, sizeof(flags), type + PYLEAK_TP_FLAGS) && flags & TYPE_SUBCLASS;
}

/* What a slot says of its type. False: it is none, a loss was counted. */
static __always_inline bool describe(struct pyleak_alloc_type *to, __u64 type)
{
	__u64 words[(PYLEAK_TP_FLAGS - OB_TYPE) / 8 + 1] = {};
	__u64 basic_bytes;

	if (!read_user(words, sizeof(words), type + OB_TYPE)) {
		count_loss(PYLEAK_ALLOC_LOSS_FAULT);
		return false;
	}
	basic_bytes = words[(PYLEAK_TP_BASICSIZE - OB_TYPE) / 8];
	/* An object's type is an object whose type is `type`, or derives from it. */
	if (!is_metatype(words[0]) || !basic_bytes || basic_bytes > BASIC_BYTES_MAX) {
		count_loss(PYLEAK_ALLOC_LOSS_NO_TYPE);
		return false;
	}
	to->basic_bytes = basic_bytes;
	to->item_bytes = words[(PYLEAK_TP_ITEMSIZE - OB_TYPE) / 8];
	to->flags = words[(PYLEAK_TP_FLAGS - OB_TYPE) / 8] & TYPE_SUBCLASS ? PYLEAK_ALLOC_META : 0;
	return true;
}

static __always_inline void fill(struct pyleak_alloc_type *slot,
				 const struct pyleak_alloc_type *with)
{
	slot->item_bytes = with->item_bytes;
	__sync_fetch_and_or(&slot->flags, with->flags);
	slot->basic_bytes = with->basic_bytes;
}

/* The index of the type's slot, which is taken if it has none; negative: a loss was counted. */
__noinline int take_slot(__u64 type)
{
	struct pyleak_alloc_type told = {}, *slot;
	__u32 begin = pyleak_alloc_slot(type), at;

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
		if (!told.basic_bytes && !describe(&told, type))
			return -1;
		if (!holder)
			holder = __sync_val_compare_and_swap(&slot->type, 0, type);
		if (holder && holder != type)
			continue;
		fill(slot, &told);
		return at;
	}
	count_loss(PYLEAK_ALLOC_LOSS_TYPES_FULL);
	return -1;
}

/* NULL: a loss was counted. */
static __always_inline struct pyleak_alloc_type *slot_of(__u64 type)
{
	struct pyleak_alloc_type *slot = &types[pyleak_alloc_slot(type) & TYPE_MASK];
	int at;

	if (slot->type == type && !(slot->flags & PYLEAK_ALLOC_DEAD) && slot->basic_bytes)
		return slot;
	at = take_slot(type);
	return at < 0 ? 0 : &types[at & TYPE_MASK];
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
	barrier();
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
