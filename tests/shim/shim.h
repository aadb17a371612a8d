/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel as the BPF side sees it, with knobs for tests; tests/bpf/shim.c. */
#ifndef SHIM_H
#define SHIM_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

/* Knobs, and what was counted. Criterion runs each test in a process of its own, so every test
 * finds it as it starts out. */
struct shim {
	__u64 now_ns;	      /* the clock ... */
	__u64 step_ns;	      /* ... goes on by so much each time somebody looks at it */
	__u64 reads;	      /* of user memory, failed ones too */
	__u64 thread_pointer; /* of the running thread */
	__u64 pid_tgid;
	__u64 cookie; /* of the probe that is hit */
	__u64 events; /* submitted to a ring buffer */
	bool ringbuf_full;
	unsigned int reserved; /* not submitted yet */
};
extern struct shim shim;

/* A mapping of the target, all zero. A read must lie in one mapping. */
void shim_map_memory(__u64 base, size_t bytes);
void shim_unmap_memory(__u64 base);
/* Where those bytes of the target lie; NULL: not all of them are mapped. */
void *shim_memory(__u64 address, size_t bytes);

struct shim_shape {
	const void *map;
	size_t key_bytes, value_bytes, max_entries;
};
void *shim_lookup(struct shim_shape shape, const void *key);
long shim_update(struct shim_shape shape, const void *key, const void *value, __u64 flags);
long shim_delete(struct shim_shape shape, const void *key);
size_t shim_entries(const void *map);

#endif
