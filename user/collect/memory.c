/* SPDX-License-Identifier: BSD-2-Clause */
/* pymalloc (obmalloc.c) cuts arenas into pools of 4 KiB (16 KiB from 3.10 on), each of one size
 * class, and starts each with a header. The fields of a header depend on each other so much
 * that a page of anything else does not pass for one; that needs neither symbols nor the
 * allocator's own tables, which moved in 3.10. */
#include "collect/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/cleanup.h"

#define HEADER_BYTES 48
#define BATCH 512 /* headers in one system call; IOV_MAX is 1024 */
#define MAX_POOLS (16U << 20)

struct pool_header {
	uint64_t used_blocks; /* uint in a union with a pointer */
	uint64_t free_block, next_pool, prev_pool;
	uint32_t arena_index, size_index;
	uint32_t next_offset, max_next_offset;
};

bool memory_parse_pool(const void *header, uint64_t pool_bytes, uint64_t address, uint64_t *used)
{
	struct pool_header pool;
	uint32_t cnt;
	uint64_t size;

	memcpy(&pool, header, sizeof(pool));
	cnt = (uint32_t)pool.used_blocks;
	if (pool.size_index >= 64 || !pool.next_pool || pool.next_pool % 8 || pool.prev_pool % 8)
		return false;
	/* Blocks are multiples of 16 bytes; of 8 up to 3.7.3. */
	size = (pool.size_index + 1ULL) * 16;
	if (pool.max_next_offset != pool_bytes - size) {
		size = (pool.size_index + 1ULL) * 8;
		if (pool.max_next_offset != pool_bytes - size)
			return false;
	}
	if (cnt > (pool_bytes - HEADER_BYTES) / size || pool.next_offset < HEADER_BYTES ||
	    pool.next_offset > pool_bytes)
		return false;
	if (pool.free_block &&
	    (pool.free_block < address + HEADER_BYTES || pool.free_block >= address + pool_bytes))
		return false;
	*used = cnt * size;
	return true;
}

#define PAGE_PRESENT (1ULL << 63)

int memory_open_pagemap(pid_t pid)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/pagemap", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* Reading a page that is not present would make the kernel build page tables for it. */
void memory_find_present(int pagemap, uint64_t from, uint64_t unit_bytes, size_t cnt, bool *present)
{
	uint64_t entries[MEMORY_PRESENT_PAGES], pages = unit_bytes / 4096;
	ssize_t got = pread(pagemap, entries, cnt * pages * 8, (off_t)(from / 4096 * 8));

	for (size_t i = 0; i < cnt; i++)
		present[i] = got < 0 || ((size_t)got >= (i * pages + 1) * 8 &&
					 entries[i * pages] & PAGE_PRESENT);
}

/* Headers of `cnt` pools in a row; those that cannot be read come back as zeros. */
static void read_headers(pid_t pid, uint64_t from, uint64_t pool_bytes, size_t cnt,
			 const bool *present, uint8_t *out)
{
	struct iovec local[BATCH], other[BATCH];
	size_t wanted = 0;

	memset(out, 0, cnt * HEADER_BYTES);
	for (size_t i = 0; i < cnt; i++) {
		if (!present[i])
			continue;
		local[wanted].iov_base = out + i * HEADER_BYTES;
		local[wanted].iov_len = HEADER_BYTES;
		other[wanted].iov_base = (void *)(uintptr_t)(from + i * pool_bytes);
		other[wanted].iov_len = HEADER_BYTES;
		wanted++;
	}
	if (wanted)
		process_vm_readv(pid, local, wanted, other, wanted, 0);
}

bool memory_may_hold_arenas(const struct mapping *mapping)
{
	/* Arenas are mmap'ed; the heap of malloc holds them when mmap was replaced. */
	return !mapping->inode && mapping->readable && mapping->writable && !mapping->shared &&
	       (!mapping->path[0] || !strncmp(mapping->path, "[anon", 5) ||
		!strcmp(mapping->path, "[heap]"));
}

static void scan_mapping(const struct target *target, const struct mapping *mapping,
			 uint64_t pool_bytes, int pagemap, uint8_t *headers, struct memory *out)
{
	uint64_t at = (mapping->start + pool_bytes - 1) & ~(pool_bytes - 1);
	uint64_t cnt = mapping->end > at ? (mapping->end - at) / pool_bytes : 0;
	bool present[BATCH];

	for (uint64_t done = 0; done < cnt && done < MAX_POOLS; done += BATCH) {
		size_t part = cnt - done < BATCH ? cnt - done : BATCH;
		uint64_t used;

		memory_find_present(pagemap, at + done * pool_bytes, pool_bytes, part, present);
		read_headers(target->pid, at + done * pool_bytes, pool_bytes, part, present,
			     headers);
		for (size_t i = 0; i < part; i++) {
			if (!memory_parse_pool(headers + i * HEADER_BYTES, pool_bytes,
					       at + (done + i) * pool_bytes, &used))
				continue;
			out->small_used += used;
			out->small_held += pool_bytes;
			out->small_known = true;
		}
	}
}

int memory_measure_small(struct target *target, int minor, struct memory *out)
{
	_cleanup_free_ uint8_t *headers = malloc(BATCH * HEADER_BYTES);
	_cleanup_close_ int pagemap = memory_open_pagemap(target->pid);
	uint64_t pool_bytes = minor >= 10 ? 16384 : 4096;
	int err = headers ? target_read_maps(target) : -ENOMEM;

	if (err)
		return err;
	out->small_used = 0;
	out->small_held = 0;
	out->small_known = false;
	for (size_t i = 0; i < target->maps.cnt; i++) {
		if (memory_may_hold_arenas(&target->maps.items[i]))
			scan_mapping(target, &target->maps.items[i], pool_bytes, pagemap, headers,
				     out);
	}
	return 0;
}
