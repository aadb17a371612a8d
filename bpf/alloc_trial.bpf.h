/* SPDX-License-Identifier: GPL-2.0-only */
/* The trial: compares what passes the places with the count itself. One that moved without a hit
 * was moved at a place that is not known. */
#ifndef PYLEAK_ALLOC_TRIAL_BPF_H
#define PYLEAK_ALLOC_TRIAL_BPF_H

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PYLEAK_ALLOC_MAX_COUNTS);
	__type(key, __u64);
	__type(value, struct pyleak_alloc_count);
} counts SEC(".maps");

static __always_inline struct pyleak_alloc_hits *hits_of(__u64 index)
{
	return &hits[index & (PYLEAK_ALLOC_MAX_SITES - 1)];
}

/* An object's type is an object whose type is `type`, or derives from it. */
static __always_inline void look_at(__u64 object, __u32 site)
{
	struct pyleak_alloc_hits *of = hits_of(site);

	if (is_metatype(read_word(read_word(object + OB_TYPE) + OB_TYPE)))
		__sync_fetch_and_add(&of->objects, 1);
	else
		__sync_fetch_and_add(&of->others, 1);
}

/* A collection sets the count to 0: it runs, or has run since. */
static __always_inline bool was_reset(struct pyleak_alloc_count *count)
{
	__u32 collecting = 1;
	bool changed = false;

	if (!count->collecting)
		return true;
	read_user(&collecting, sizeof(collecting), count->collecting);
	for (int i = 0; i < 3; i++) {
		__u8 mark = count->seen_marks[i];

		read_user(&mark, sizeof(mark), count->marks[i]);
		changed |= mark != count->seen_marks[i];
		count->seen_marks[i] = mark;
	}
	return collecting || changed;
}

/* `now` is what the count is, `expected` what it is if nothing was missed. */
static __always_inline void compare(struct pyleak_alloc_count *count, __s32 now, __s32 expected)
{
	if (!count->is_synced) {
		count->is_synced = 1;
		was_reset(count);
	} else if (now > expected) {
		count->missed += now - expected;
	} else if (now < expected) {
		/* What was allocated as the collection began may have no type yet. */
		count->last_object = 0;
		if (was_reset(count))
			count->resets++;
		else
			count->missed_frees += expected - now;
	}
}

static __always_inline struct pyleak_alloc_count *count_of(__u64 address)
{
	struct pyleak_alloc_count *found = bpf_map_lookup_elem(&counts, &address);

	if (!found) {
		struct pyleak_alloc_count fresh = {};

		bpf_map_update_elem(&counts, &address, &fresh, BPF_NOEXIST);
		found = bpf_map_lookup_elem(&counts, &address);
	}
	return found;
}

static __always_inline void pass(struct pyleak_alloc_count *count,
				 const struct pyleak_alloc_site *site, __s32 now)
{
	__s32 after = now;

	if (site->kind == PYLEAK_ALLOC_FREE) {
		compare(count, now, count->expected);
		count->frees++;
		if (now > 0) {
			count->decrements++;
			after--;
		}
	} else {
		compare(count, now, count->expected + !site->is_early);
		count->allocs++;
		after += site->is_early;
	}
	count->expected = after;
}

static __always_inline void look(struct pyleak_alloc_count *count,
				 const struct pyleak_alloc_site *site, __u32 index, __u64 object)
{
	if (count->last_object)
		look_at(count->last_object, count->last_site);
	count->last_object = 0;
	if (!object)
		return;
	if (site->kind == PYLEAK_ALLOC_FREE) {
		look_at(object, index);
	} else {
		count->last_object = object;
		count->last_site = index;
	}
}

static __always_inline void try_site(void *ctx, __u32 index)
{
	const struct pyleak_alloc_site *site = site_of(index);
	struct pyleak_alloc_hits *of = hits_of(index);
	__u64 address = count_address(ctx, site), begin_ns = bpf_ktime_get_ns();
	struct pyleak_alloc_count *count;
	__s32 now;

	__sync_fetch_and_add(&of->cnt, 1);
	count = count_of(address);
	if (!count)
		return;
	if (!read_user(&now, sizeof(now), address)) {
		count->faults++;
		return;
	}
	pass(count, site, now);
	if (control.look)
		look(count, site, index, object_of(ctx, site));
	count->spent_ns += bpf_ktime_get_ns() - begin_ns;
}

#endif
