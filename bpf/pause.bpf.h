/* SPDX-License-Identifier: GPL-2.0-only */
/* How long collections last, per generation. The generation is not taken from an argument (it
 * is -1 for automatic collections from 3.13 on): which counter of the interpreter has moved
 * says afterwards what was collected. The pause begins when our own work at its start is done. */
#ifndef PYLEAK_PAUSE_BPF_H
#define PYLEAK_PAUSE_BPF_H

static __always_inline void read_marks(__u32 interpreter, __u8 *marks)
{
	const struct pyleak_interpreter *at = interpreter_at(interpreter);

	for (int i = 0; i < PYLEAK_GENERATIONS; i++) {
		if (at->generation_marks[i])
			read_user(&marks[i], 1, at->generation_marks[i]);
	}
}

static __always_inline void begin_pause(void)
{
	__u64 thread = bpf_get_current_pid_tgid();
	struct collection begun = { .interpreter = current_interpreter() };

	if (begun.interpreter >= control.interpreter_cnt) {
		bpf_map_delete_elem(&collections, &thread);
		return;
	}
	read_marks(begun.interpreter, begun.marks);
	begun.begin_ns = bpf_ktime_get_ns();
	bpf_map_update_elem(&collections, &thread, &begun, BPF_ANY);
}

static __always_inline void add_pause(__u32 generation, __u64 ns)
{
	__u64 us = ns / 1000;
	__u32 bucket = 0;

	for (int i = 0; i < PYLEAK_PAUSE_BUCKETS - 1 && us > 1; i++) {
		us >>= 1;
		bucket++;
	}
	if (generation >= PYLEAK_GENERATIONS || bucket >= PYLEAK_PAUSE_BUCKETS)
		return;
	__sync_fetch_and_add(&pauses.log2_us[generation][bucket], 1);
	__sync_fetch_and_add(&pauses.total_ns[generation], ns);
	__sync_fetch_and_add(&pauses.cnt[generation], 1);
	if (ns > pauses.longest_ns[generation])
		pauses.longest_ns[generation] = ns;
}

static __always_inline void end_pause(void)
{
	__u64 now = bpf_ktime_get_ns(), thread = bpf_get_current_pid_tgid();
	struct collection *begun = bpf_map_lookup_elem(&collections, &thread);
	__u8 marks[PYLEAK_GENERATIONS] = {};
	bool known = false;

	if (begun) {
		read_marks(begun->interpreter, marks);
		for (int i = 0; i < PYLEAK_GENERATIONS && !known; i++) {
			if (marks[i] == begun->marks[i])
				continue;
			add_pause(i, now - begun->begin_ns);
			known = true;
		}
		bpf_map_delete_elem(&collections, &thread);
	}
	if (!known)
		__sync_fetch_and_add(&pauses.unknown, 1);
}

#endif
