/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory of the target, read from outside. Every byte that comes back is hostile input. */
#ifndef PYLEAK_REMOTE_H
#define PYLEAK_REMOTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* An address in the target: never dereferenced here. */
typedef uint64_t raddr_t;

struct remote;

/* Reads of a live process (process_vm_readv). */
int remote_open(pid_t pid, struct remote **out);
/* Reads of a buffer that stands for the bytes at `base`: tests and fuzzers. The buffer stays
 * the caller's. */
int remote_open_buffer(raddr_t base, const void *bytes, size_t size, struct remote **out);
/* Reads by calling `read`, which returns as remote_read() does. `context` stays the caller's. */
int remote_open_reader(int (*read)(void *context, raddr_t from, void *to, size_t size),
		       void *context, struct remote **out);
void remote_close(struct remote *remote);

/* All `size` bytes or -EFAULT; -ESRCH when the process is gone, -EPERM when forbidden. */
int remote_read(struct remote *remote, raddr_t from, void *to, size_t size);
/* 0 when unreadable. */
uint64_t remote_word(struct remote *remote, raddr_t from);
uint32_t remote_word32(struct remote *remote, raddr_t from);
/* A C string of at most size - 1 bytes, always terminated. Its length, or -EFAULT when its
 * first byte is unreadable. A longer one is cut. */
ssize_t remote_string(struct remote *remote, raddr_t from, char *to, size_t size);

/* From now on small reads are served from blocks that were read before, until
 * remote_drop_cache(): for walks over many neighbouring objects. */
int remote_use_cache(struct remote *remote);
void remote_drop_cache(struct remote *remote);

#endif
