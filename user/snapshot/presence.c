/* SPDX-License-Identifier: BSD-2-Clause */
/* PAGEMAP_SCAN (Linux 6.7, fs/proc/task_mmu.c) skips what was never touched, however large. The
 * table of before has an entry for each page of address space. */
#include "snapshot/presence.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"

#define ENTRY_CNT 65536
#define ENTRY_PRESENT (1ULL << 63)
#define ENTRY_SWAPPED (1ULL << 62)
#define ENTRIES_MOST (256ULL << 30) /* bytes of address space; about half a second */

/* From include/uapi/linux/fs.h, which may be older here than the kernel. */
struct scan_region {
	uint64_t start, end, categories;
};
struct scan_request {
	uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages;
	uint64_t category_inverted, category_mask, category_anyof_mask, return_mask;
};
#define SCAN_IOCTL _IOWR('f', 16, struct scan_request)
#define SCAN_PRESENT (1ULL << 3)
#define SCAN_SWAPPED (1ULL << 4)
#define SCAN_ZERO (1ULL << 5) /* the page of zeros that all share */
#define SCAN_CNT 1024

void page_runs_deinit(struct page_runs *runs)
{
	free(runs->items);
	memset(runs, 0, sizeof(*runs));
}

static int add_run(struct page_runs *runs, raddr_t start, raddr_t end)
{
	runs->bytes += end - start;
	if (runs->cnt > runs->closed && runs->items[runs->cnt - 1].end == start) {
		runs->items[runs->cnt - 1].end = end;
		return 0;
	}
	if (runs->cnt == runs->room) {
		size_t room = runs->room ? 2 * runs->room : 256;
		struct page_run *items = realloc(runs->items, room * sizeof(*items));

		if (!items)
			return -ENOMEM;
		runs->items = items;
		runs->room = room;
	}
	runs->items[runs->cnt++] = (struct page_run){ start, end };
	return 0;
}

int presence_open(pid_t pid, struct presence *out)
{
	struct presence presence = { .page_bytes = (uint64_t)sysconf(_SC_PAGESIZE) };
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/pagemap", pid);
	presence.pagemap = open(path, O_RDONLY | O_CLOEXEC);
	if (presence.pagemap < 0) {
		int err = errno == ENOENT ? -ESRCH : -errno;

		pr_error("image: cannot read %s: %s; run as root", path, strerror(errno));
		return err;
	}
	presence.entries = malloc(ENTRY_CNT * sizeof(*presence.entries));
	if (!presence.entries) {
		close(presence.pagemap);
		return -ENOMEM;
	}
	*out = presence;
	return 0;
}

void presence_close(struct presence *presence)
{
	if (presence->pagemap >= 0)
		close(presence->pagemap);
	free(presence->entries);
	*presence = (struct presence){ .pagemap = -1 };
}

static int scan(struct presence *presence, raddr_t start, raddr_t end, struct page_runs *runs)
{
	struct scan_region *regions = (struct scan_region *)presence->entries;
	struct scan_request request = {
		.size = sizeof(request),
		.end = end,
		.vec = (uintptr_t)regions,
		.vec_len = SCAN_CNT,
		.category_inverted = SCAN_ZERO,
		.category_mask = SCAN_ZERO,
		.category_anyof_mask = SCAN_PRESENT | SCAN_SWAPPED,
		.return_mask = SCAN_PRESENT,
	};

	while (start < end) {
		int cnt, err = 0;

		request.start = start;
		cnt = ioctl(presence->pagemap, SCAN_IOCTL, &request);
		if (cnt < 0)
			return -errno;
		for (int i = 0; !err && i < cnt; i++)
			err = add_run(runs, regions[i].start, regions[i].end);
		if (err)
			return err;
		/* Not walk_end: seen to lie before the last region (Linux 6.18). */
		start = cnt == SCAN_CNT ? regions[cnt - 1].end : end;
	}
	return 0;
}

static int read_entries(struct presence *presence, raddr_t start, raddr_t end,
			struct page_runs *runs)
{
	uint64_t page = presence->page_bytes;

	if (end - start > ENTRIES_MOST)
		return -E2BIG;
	while (start < end) {
		uint64_t cnt = (end - start) / page < ENTRY_CNT ? (end - start) / page : ENTRY_CNT;
		ssize_t got = pread(presence->pagemap, presence->entries, cnt * 8,
				    (off_t)(start / page * 8));

		if (got <= 0)
			return got ? -errno : -ESRCH;
		for (size_t i = 0; i < (size_t)got / 8; i++, start += page) {
			int err = 0;

			if (presence->entries[i] & (ENTRY_PRESENT | ENTRY_SWAPPED))
				err = add_run(runs, start, start + page);
			if (err)
				return err;
		}
		if ((size_t)got < 8)
			return -EIO;
	}
	return 0;
}

int presence_find(struct presence *presence, raddr_t start, raddr_t end, struct page_runs *runs)
{
	size_t cnt = runs->cnt;

	runs->closed = cnt;
	if (!presence->no_scan) {
		int err = scan(presence, start, end, runs);

		if (!err || runs->cnt != cnt || (err != -ENOTTY && err != -EINVAL))
			return err;
		presence->no_scan = true;
	}
	return read_entries(presence, start, end, runs);
}
