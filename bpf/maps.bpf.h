/* SPDX-License-Identifier: GPL-2.0-only */
/* Every map and global of the kernel side. */
#ifndef PYLEAK_MAPS_BPF_H
#define PYLEAK_MAPS_BPF_H

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PYLEAK_MAX_TYPES);
	__type(key, __u64);
	__type(value, struct pyleak_type_count);
} types SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PYLEAK_MAX_CONTAINERS);
	__type(key, __u64);
	__type(value, struct pyleak_container);
} containers SEC(".maps");

/* A collection that has begun: when, where, and the counters of its interpreter then. */
struct collection {
	__u64 begin_ns;
	__u32 interpreter;
	__u8 marks[PYLEAK_GENERATIONS];
	__u8 padding;
};

/* The collection that a thread is in. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, __u64);
	__type(value, struct collection);
} collections SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, PYLEAK_PAGES);
	__type(key, __u32);
	__type(value, struct pyleak_page);
} pages SEC(".maps");

/* How many censuses are complete, for the probes on allocations. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} census_epoch SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

struct pyleak_control control;
struct pyleak_progress progress;
struct pyleak_pauses pauses;

/* The walk under way; guarded by progress.busy. It lies in a map, not on the stack, so that each
 * function that works on it stands alone for the verifier: that makes loading 30 times faster. */
struct pyleak_walk walk;
struct pyleak_tally tallies[PYLEAK_TALLIES];

static __always_inline void count_loss(enum pyleak_loss reason)
{
	__sync_fetch_and_add(&progress.losses[reason], 1);
}

#endif
