/* SPDX-License-Identifier: GPL-2.0-only */
/* Maps and globals of the probes on allocations, and the books of what they cost. */
#ifndef PYLEAK_ALLOC_MAPS_BPF_H
#define PYLEAK_ALLOC_MAPS_BPF_H

struct pyleak_alloc_control control;
struct pyleak_alloc_progress progress;
struct pyleak_alloc_site sites[PYLEAK_ALLOC_MAX_SITES];
struct pyleak_alloc_hits hits[PYLEAK_ALLOC_MAX_SITES];
struct pyleak_alloc_type types[PYLEAK_ALLOC_MAX_TYPES];
/* Of each state: the address of its count; 0 = none yet. */
__u64 state_counts[PYLEAK_ALLOC_MAX_COUNTS];

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, PYLEAK_ALLOC_MAX_COUNTS);
	__type(key, __u32);
	__type(value, struct pyleak_alloc_state);
} states SEC(".maps");

/* How many censuses are complete: the map of pyleak.bpf.c, if there is one. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} census_epoch SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} alloc_events SEC(".maps");

static __always_inline void count_loss(enum pyleak_alloc_loss reason)
{
	__sync_fetch_and_add(&progress.losses[reason], 1);
}

/* ~ of a loss, as those return it who may be asked in vain. */
__noinline int count_refusal(int refusal)
{
	__u32 reason = ~refusal;

	__asm__ volatile("" : "+r"(reason));
	if (reason < PYLEAK_ALLOC_LOSS_CNT)
		count_loss(reason);
	return 0;
}

/* Of all that find the allowance used up, one disarms. */
__noinline int close_window(void)
{
	__u64 *event;

	if (!__sync_lock_test_and_set(&control.armed, 0))
		return 0;
	event = bpf_ringbuf_reserve(&alloc_events, sizeof(*event), 0);
	if (!event)
		return 0; /* it is full of the same word, which nobody has read yet */
	*event = PYLEAK_ALLOC_CLOSED;
	bpf_ringbuf_submit(event, 0);
	return 0;
}

/* Books what the target's thread has lost. */
static __always_inline void spend(__u64 ns)
{
	__u64 before = __sync_fetch_and_add(&progress.spent_ns, ns);

	if (control.spend_until_ns && before + ns > control.spend_until_ns)
		close_window();
}

/* A hit before a window is armed, or after it was disarmed. */
static __always_inline void pass_disarmed(void)
{
	__sync_fetch_and_add(&progress.idle_hits, 1);
}

#endif
