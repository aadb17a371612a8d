// SPDX-License-Identifier: GPL-2.0-only
/* Counts what passes the instructions that count allocations and frees, and compares with the
 * count itself: one that moved without a hit was moved at a place that is not known. Loaded only
 * when asked for; shares nothing with pyleak.bpf.c. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#include "pyleak_alloc.h"

char LICENSE[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct pyleak_alloc_control);
} control SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, PYLEAK_ALLOC_MAX_SITES);
	__type(key, __u32);
	__type(value, struct pyleak_alloc_site);
} sites SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, PYLEAK_ALLOC_MAX_SITES);
	__type(key, __u32);
	__type(value, struct pyleak_alloc_hits);
} hits SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PYLEAK_ALLOC_MAX_COUNTS);
	__type(key, __u64);
	__type(value, struct pyleak_alloc_count);
} counts SEC(".maps");

/* PyObject.ob_type; PyTypeObject.tp_flags and Py_TPFLAGS_TYPE_SUBCLASS (object.h, 3.6 to 3.15). */
#define OB_TYPE 8
#define TP_FLAGS 0xa8
#define TYPE_SUBCLASS (1ULL << 31)

/* A switch over the registers would do without the call, but compilers merge its loads into one
 * at an address that the verifier refuses. */
static __always_inline __u64 register_at(void *ctx, __u32 at)
{
	__u64 value = 0;

	if (at > sizeof(struct pt_regs) - sizeof(value))
		return 0;
	bpf_probe_read_kernel(&value, sizeof(value), (void *)((__u64)ctx + at));
	return value;
}

/* An object's type is an object whose type is `type`, or derives from it. */
static __always_inline void look_at(__u64 object, __u32 site)
{
	struct pyleak_alloc_hits *of = bpf_map_lookup_elem(&hits, &site);
	__u64 type = 0, metatype = 0, flags = 0;

	if (!of)
		return;
	bpf_probe_read_user(&type, sizeof(type), (void *)(object + OB_TYPE));
	bpf_probe_read_user(&metatype, sizeof(metatype), (void *)(type + OB_TYPE));
	bpf_probe_read_user(&flags, sizeof(flags), (void *)(metatype + TP_FLAGS));
	__sync_fetch_and_add(flags & TYPE_SUBCLASS ? &of->objects : &of->others, 1);
}

/* A collection sets the count to 0: it runs, or has run since. */
static __always_inline bool was_reset(struct pyleak_alloc_count *count)
{
	__u32 collecting = 1;
	bool changed = false;

	if (!count->collecting)
		return true;
	bpf_probe_read_user(&collecting, sizeof(collecting), (void *)count->collecting);
	for (int i = 0; i < 3; i++) {
		__u8 mark = count->seen_marks[i];

		bpf_probe_read_user(&mark, sizeof(mark), (void *)count->marks[i]);
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

	if (site->is_free) {
		compare(count, now, count->expected);
		count->frees++;
		if (now > 0) {
			count->decrements++;
			after--;
		}
	} else {
		compare(count, now, count->expected + 1);
		count->allocs++;
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
	if (site->is_free) {
		look_at(object, index);
	} else {
		count->last_object = object;
		count->last_site = index;
	}
}

SEC("uprobe")
int on_alloc_site(struct pt_regs *ctx)
{
	__u32 zero = 0, index = bpf_get_attach_cookie(ctx);
	struct pyleak_alloc_control *settings = bpf_map_lookup_elem(&control, &zero);
	struct pyleak_alloc_site *site = bpf_map_lookup_elem(&sites, &index);
	struct pyleak_alloc_hits *of = bpf_map_lookup_elem(&hits, &index);
	struct pyleak_alloc_count *count;
	__u64 address, begin_ns, object = 0;
	__s32 now;

	if (!settings || !settings->armed || !site || !of)
		return 0;
	begin_ns = bpf_ktime_get_ns();
	__sync_fetch_and_add(&of->cnt, 1);
	address = site->count_offset;
	if (site->count_at != PYLEAK_NO_REGISTER)
		address += register_at(ctx, site->count_at);
	count = count_of(address);
	if (!count)
		return 0;
	if (bpf_probe_read_user(&now, sizeof(now), (void *)address)) {
		count->faults++;
		return 0;
	}
	pass(count, site, now);
	if (settings->look) {
		if (site->object_at != PYLEAK_NO_REGISTER)
			object = register_at(ctx, site->object_at) + site->object_bias;
		if (site->object_index_at != PYLEAK_NO_REGISTER)
			object += register_at(ctx, site->object_index_at);
		look(count, site, index, object);
	}
	count->spent_ns += bpf_ktime_get_ns() - begin_ns;
	return 0;
}
