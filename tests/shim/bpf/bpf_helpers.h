/* SPDX-License-Identifier: GPL-2.0-only */
/* Stands in for libbpf's header. A map definition gives the sizes of its keys and values through
 * typeof, and thereby types to the helpers: a wrong pointer does not compile. */
#ifndef SHIM_BPF_HELPERS_H
#define SHIM_BPF_HELPERS_H

#include "shim.h"

#define SEC(name)
#define __uint(name, val) int(*name)[val]
#define __type(name, val) typeof(val) *name
#undef __always_inline
#define __always_inline inline __attribute__((always_inline))
#define __noinline __attribute__((noinline))

#define SHIM_SHAPE(map)                                                                            \
	((struct shim_shape){ (map), sizeof(*(map)->key), sizeof(*(map)->value),                   \
			      sizeof(*(map)->max_entries) / sizeof(int) })
/* The argument, if it has the type of the map's keys or values. */
#define SHIM_CHECKED(field, pointer) (1 ? (pointer) : (field))

#define bpf_map_lookup_elem(map, key_pointer)                                                      \
	((typeof((map)->value))shim_lookup(SHIM_SHAPE(map), SHIM_CHECKED((map)->key, key_pointer)))
#define bpf_map_update_elem(map, key_pointer, value_pointer, flags)                                \
	shim_update(SHIM_SHAPE(map), SHIM_CHECKED((map)->key, key_pointer),                        \
		    SHIM_CHECKED((map)->value, value_pointer), flags)
#define bpf_map_delete_elem(map, key_pointer)                                                      \
	shim_delete(SHIM_SHAPE(map), SHIM_CHECKED((map)->key, key_pointer))

long bpf_loop(__u32 nr_loops, long (*callback)(__u32 index, void *context), void *context,
	      __u64 flags);
long bpf_probe_read_user(void *to, __u32 bytes, const void *from);
__u64 bpf_ktime_get_ns(void);
struct task_struct *bpf_get_current_task_btf(void);
__u64 bpf_get_current_pid_tgid(void);
__u64 bpf_get_attach_cookie(void *ctx);
void *bpf_ringbuf_reserve(void *ringbuf, __u64 bytes, __u64 flags);
void bpf_ringbuf_submit(void *data, __u64 flags);

#endif
