/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads the target through process_vm_readv. A walk over a heap makes millions of small reads;
 * with the cache on, they are served from a direct-mapped table of blocks, so that the heap
 * crosses the system call once, in large pieces. A cached block is a picture of one moment:
 * whoever needs consistency compares before and after (collect/outside.c). */
#include "attach/remote.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include "base/cleanup.h"

#define BLOCK_BYTES 16384ULL
/* 4 MiB: 16 cost more, for pages to fill, and miss as often on a heap that wanders. */
#define BLOCK_CNT 256

struct block {
	raddr_t base;
	bool valid;
	bool readable;
};

struct remote {
	pid_t pid;
	raddr_t base;
	const uint8_t *bytes;
	size_t size;
	int (*read)(void *context, raddr_t from, void *to, size_t size);
	void *context;
	bool cached;
	struct block *blocks;
	uint8_t *store;
};

int remote_open(pid_t pid, struct remote **out)
{
	struct remote *remote = calloc(1, sizeof(*remote));

	if (!remote)
		return -ENOMEM;
	remote->pid = pid;
	*out = remote;
	return 0;
}

int remote_open_buffer(raddr_t base, const void *bytes, size_t size, struct remote **out)
{
	struct remote *remote = calloc(1, sizeof(*remote));

	if (!remote)
		return -ENOMEM;
	remote->base = base;
	remote->bytes = bytes;
	remote->size = size;
	*out = remote;
	return 0;
}

int remote_open_reader(int (*read)(void *context, raddr_t from, void *to, size_t size),
		       void *context, struct remote **out)
{
	struct remote *remote = calloc(1, sizeof(*remote));

	if (!remote)
		return -ENOMEM;
	remote->read = read;
	remote->context = context;
	*out = remote;
	return 0;
}

void remote_close(struct remote *remote)
{
	if (!remote)
		return;
	remote_drop_cache(remote);
	free(remote);
}

static int read_buffer(struct remote *remote, raddr_t from, void *to, size_t size)
{
	if (from < remote->base || from - remote->base > remote->size ||
	    size > remote->size - (from - remote->base))
		return -EFAULT;
	memcpy(to, remote->bytes + (from - remote->base), size);
	return 0;
}

static int read_process(struct remote *remote, raddr_t from, void *to, size_t size)
{
	struct iovec local = { .iov_base = to, .iov_len = size };
	struct iovec other = { .iov_base = (void *)(uintptr_t)from, .iov_len = size };
	ssize_t got = process_vm_readv(remote->pid, &local, 1, &other, 1, 0);

	if (got < 0)
		return errno == EFAULT || errno == EIO || errno == ENOMEM ? -EFAULT : -errno;
	return (size_t)got == size ? 0 : -EFAULT;
}

static int read_direct(struct remote *remote, raddr_t from, void *to, size_t size)
{
	if (from + size < from)
		return -EFAULT;
	if (remote->read)
		return remote->read(remote->context, from, to, size);
	return remote->bytes ? read_buffer(remote, from, to, size)
			     : read_process(remote, from, to, size);
}

static const uint8_t *cached_block(struct remote *remote, raddr_t base)
{
	/* Neighbours go to neighbouring slots; the shift spreads arenas of equal alignment. */
	size_t slot = (base / BLOCK_BYTES + (base >> 24)) % BLOCK_CNT;
	struct block *block = &remote->blocks[slot];
	uint8_t *bytes = remote->store + slot * BLOCK_BYTES;

	if (!block->valid || block->base != base) {
		block->base = base;
		block->valid = true;
		block->readable = read_direct(remote, base, bytes, BLOCK_BYTES) == 0;
	}
	return block->readable ? bytes : NULL;
}

static int read_cached(struct remote *remote, raddr_t from, uint8_t *to, size_t size)
{
	while (size) {
		raddr_t base = from & ~(BLOCK_BYTES - 1);
		size_t offset = from - base;
		size_t part = BLOCK_BYTES - offset < size ? BLOCK_BYTES - offset : size;
		const uint8_t *block = cached_block(remote, base);
		int err;

		if (block) {
			memcpy(to, block + offset, part);
		} else {
			/* The block crosses the end of a mapping. */
			err = read_direct(remote, from, to, part);
			if (err)
				return err;
		}
		from += part;
		to += part;
		size -= part;
	}
	return 0;
}

int remote_read(struct remote *remote, raddr_t from, void *to, size_t size)
{
	if (from + size < from)
		return -EFAULT;
	if (remote->cached && size <= BLOCK_BYTES)
		return read_cached(remote, from, to, size);
	return read_direct(remote, from, to, size);
}

uint64_t remote_word(struct remote *remote, raddr_t from)
{
	uint64_t word;

	return remote_read(remote, from, &word, sizeof(word)) ? 0 : word;
}

uint32_t remote_word32(struct remote *remote, raddr_t from)
{
	uint32_t word;

	return remote_read(remote, from, &word, sizeof(word)) ? 0 : word;
}

ssize_t remote_string(struct remote *remote, raddr_t from, char *to, size_t size)
{
	size_t len = 0;

	while (len + 1 < size) {
		/* Never across a page: the next one may not be mapped. */
		size_t part = 4096 - (from + len) % 4096;
		const char *end;

		if (part > 256)
			part = 256;
		if (part > size - 1 - len)
			part = size - 1 - len;
		if (remote_read(remote, from + len, to + len, part))
			break;
		end = memchr(to + len, '\0', part);
		if (end)
			return end - to;
		len += part;
	}
	to[len] = '\0';
	return len ? (ssize_t)len : -EFAULT;
}

int remote_use_cache(struct remote *remote)
{
	if (remote->bytes || remote->read)
		return 0; /* they are here already */
	if (!remote->blocks) {
		_cleanup_free_ struct block *blocks = calloc(BLOCK_CNT, sizeof(*blocks));
		/* Not malloc(): what is allocated while it is there would keep it from shrinking.
		 */
		void *store = mmap(NULL, BLOCK_CNT * BLOCK_BYTES, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (!blocks || store == MAP_FAILED) {
			if (store != MAP_FAILED)
				munmap(store, BLOCK_CNT * BLOCK_BYTES);
			return -ENOMEM;
		}
		remote->blocks = take_ptr(blocks);
		remote->store = store;
	}
	memset(remote->blocks, 0, BLOCK_CNT * sizeof(*remote->blocks));
	remote->cached = true;
	return 0;
}

void remote_drop_cache(struct remote *remote)
{
	remote->cached = false;
	free(take_ptr(remote->blocks));
	if (remote->store)
		munmap(take_ptr(remote->store), BLOCK_CNT * BLOCK_BYTES);
}
