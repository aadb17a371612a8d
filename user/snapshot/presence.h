/* SPDX-License-Identifier: BSD-2-Clause */
/* Which pages the target has. Only those are read: reading another one would give it to the
 * target, whose memory must not grow by being looked at. */
#ifndef PYLEAK_SNAPSHOT_PRESENCE_H
#define PYLEAK_SNAPSHOT_PRESENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "attach/remote.h"

struct page_run {
	raddr_t start, end;
};

/* Pages in a row, by address. */
struct page_runs {
	struct page_run *items;
	size_t cnt, room;
	size_t closed; /* so many are not continued: they are of another mapping */
	uint64_t bytes;
};

void page_runs_deinit(struct page_runs *runs);

struct presence {
	int pagemap;
	bool no_scan; /* the kernel has no PAGEMAP_SCAN (before 6.7) */
	uint64_t *entries;
	uint64_t page_bytes;
};

/* Logs one line and returns -errno. */
int presence_open(pid_t pid, struct presence *out);
void presence_close(struct presence *presence);
/* Adds, in runs of their own, the pages from `start` to `end`, whole pages, that are in memory or
 * swapped out. -errno, not logged; -E2BIG: without PAGEMAP_SCAN, so large a range takes too long.
 */
int presence_find(struct presence *presence, raddr_t start, raddr_t end, struct page_runs *runs);

#endif
