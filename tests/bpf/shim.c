// SPDX-License-Identifier: GPL-2.0-only
/* The helpers of the kernel for the host: maps, a clock, a few mappings of user memory. They
 * fail as the kernel's do: a failed read fills its buffer with zeroes, a full map takes nothing
 * more, a deleted value is gone (the sanitizer sees who still uses it). */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#define MAX_LOOPS (1U << 23) /* BPF_MAX_LOOPS */
#define MAX_MAPS 16
#define MAX_MAPPINGS 8

struct entry {
	UT_hash_handle hh;
	__u64 key[2];  /* 0 behind a shorter one */
	__u64 value[]; /* aligned as the kernel aligns it */
};

static struct {
	const void *map;
	struct entry *entries;
} maps[MAX_MAPS];

static struct {
	__u64 base;
	size_t bytes;
	__u8 *data;
} mappings[MAX_MAPPINGS];

struct shim shim = {
	.now_ns = 1000000000,
	.thread_pointer = 0x7f00dead0700,
	.pid_tgid = 0x10000002a,
};

static struct entry **entries_of(const void *map)
{
	size_t i = 0;

	while (i < MAX_MAPS && maps[i].map && maps[i].map != map)
		i++;
	assert(i < MAX_MAPS);
	maps[i].map = map;
	return &maps[i].entries;
}

static struct entry *find_entry(struct shim_shape shape, const void *key)
{
	struct entry *entry;
	__u64 whole[2] = {};

	assert(shape.key_bytes == 8 || shape.key_bytes == sizeof(whole));
	memcpy(whole, key, shape.key_bytes);
	HASH_FIND(hh, *entries_of(shape.map), whole, sizeof(whole), entry);
	return entry;
}

static struct entry *add_entry(struct shim_shape shape, const void *key)
{
	struct entry *entry = calloc(1, sizeof(*entry) + shape.value_bytes);

	assert(entry);
	memcpy(entry->key, key, shape.key_bytes);
	HASH_ADD(hh, *entries_of(shape.map), key, sizeof(entry->key), entry);
	return entry;
}

/* An array map, told by its index of four bytes: every entry is there from the start. */
static void *array_entry(struct shim_shape shape, const __u32 *index)
{
	__u64 key = *index;
	struct entry *entry;

	if (*index >= shape.max_entries)
		return NULL;
	shape.key_bytes = sizeof(key);
	entry = find_entry(shape, &key);
	if (!entry)
		entry = add_entry(shape, &key);
	return entry->value;
}

void *shim_lookup(struct shim_shape shape, const void *key)
{
	struct entry *entry;

	if (shape.key_bytes == sizeof(__u32))
		return array_entry(shape, key);
	entry = find_entry(shape, key);
	return entry ? entry->value : NULL;
}

long shim_update(struct shim_shape shape, const void *key, const void *value, __u64 flags)
{
	struct entry **entries = entries_of(shape.map);
	struct entry *entry = find_entry(shape, key);

	if (entry && flags == BPF_NOEXIST)
		return -EEXIST;
	if (!entry && flags == BPF_EXIST)
		return -ENOENT;
	if (!entry) {
		if (HASH_COUNT(*entries) >= shape.max_entries)
			return -E2BIG;
		entry = add_entry(shape, key);
	}
	memcpy(entry->value, value, shape.value_bytes);
	return 0;
}

long shim_delete(struct shim_shape shape, const void *key)
{
	struct entry **entries = entries_of(shape.map);
	struct entry *entry = find_entry(shape, key);

	if (!entry)
		return -ENOENT;
	HASH_DEL(*entries, entry);
	free(entry);
	return 0;
}

size_t shim_entries(const void *map)
{
	return HASH_COUNT(*entries_of(map));
}

long bpf_loop(__u32 nr_loops, long (*callback)(__u32 index, void *context), void *context,
	      __u64 flags)
{
	__u32 i;

	if (flags)
		return -EINVAL;
	if (nr_loops > MAX_LOOPS)
		return -E2BIG;
	for (i = 0; i < nr_loops; i++) {
		long stop = callback(i, context);

		assert(stop == 0 || stop == 1); /* the verifier lets nothing else pass */
		if (stop)
			return i + 1;
	}
	return i;
}

void shim_map_memory(__u64 base, size_t bytes)
{
	size_t i = 0;

	while (i < MAX_MAPPINGS && mappings[i].data)
		i++;
	assert(i < MAX_MAPPINGS);
	mappings[i].base = base;
	mappings[i].bytes = bytes;
	mappings[i].data = calloc(1, bytes);
	assert(mappings[i].data);
}

void shim_unmap_memory(__u64 base)
{
	for (size_t i = 0; i < MAX_MAPPINGS; i++) {
		if (!mappings[i].data || mappings[i].base != base)
			continue;
		free(mappings[i].data);
		mappings[i].data = NULL;
		return;
	}
	assert(!"not mapped");
}

void *shim_memory(__u64 address, size_t bytes)
{
	for (size_t i = 0; i < MAX_MAPPINGS; i++) {
		__u64 at = address - mappings[i].base;

		if (mappings[i].data && at < mappings[i].bytes && bytes <= mappings[i].bytes - at)
			return mappings[i].data + at;
	}
	return NULL;
}

long bpf_probe_read_user(void *to, __u32 bytes, const void *from)
{
	const void *memory = shim_memory((__u64)from, bytes);

	shim.reads++;
	if (!memory) {
		memset(to, 0, bytes);
		return -EFAULT;
	}
	memcpy(to, memory, bytes);
	return 0;
}

__u64 bpf_ktime_get_ns(void)
{
	__u64 now = shim.now_ns;

	shim.now_ns += shim.step_ns;
	return now;
}

struct task_struct *bpf_get_current_task_btf(void)
{
	static struct task_struct task;

	task.thread.fsbase = shim.thread_pointer;
	task.thread.uw.tp_value = shim.thread_pointer;
	return &task;
}

__u64 bpf_get_current_pid_tgid(void)
{
	return shim.pid_tgid;
}

__u64 bpf_get_attach_cookie(void *ctx)
{
	(void)ctx;
	return shim.cookie;
}

void *bpf_ringbuf_reserve(void *ringbuf, __u64 bytes, __u64 flags)
{
	static __u64 record[64];

	assert(ringbuf && bytes <= sizeof(record) && !flags && !shim.reserved);
	if (shim.ringbuf_full)
		return NULL;
	shim.reserved = 1;
	return record;
}

void bpf_ringbuf_submit(void *data, __u64 flags)
{
	assert(data && shim.reserved && !flags);
	shim.reserved = 0;
	shim.events++;
}
