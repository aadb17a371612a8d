/* SPDX-License-Identifier: BSD-2-Clause */
/* Moves the bytes. The target stands still meanwhile, so all that can be done before or after is:
 * the memory of the copy is taken from the kernel before, untouched parts of files are read after.
 */
#include "snapshot/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/cleanup.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

#define VECTORS 1024		      /* IOV_MAX */
#define CALL_BYTES (256UL << 20)      /* of one call; the kernel's limit is 2 GiB */
#define HUGE_MIN_BYTES (4UL << 20)    /* a run from which huge pages are asked for */
#define FILE_MOST_BYTES (64ULL << 20) /* a larger file is data, not a program */

static uint8_t *bytes_at(struct image *image, raddr_t address)
{
	const struct image_region *region = image_find(image, address);

	return (uint8_t *)region->bytes + (address - region->start);
}

static int populate(uint8_t *bytes, size_t size)
{
	if (!madvise(bytes, size, MADV_POPULATE_WRITE))
		return 0;
	if (errno == ENOMEM)
		return -ENOMEM;
	/* Before Linux 5.14. */
	for (size_t at = 0; at < size; at += 4096)
		*(volatile uint8_t *)(bytes + at) = 0;
	return 0;
}

int copy_prepare(struct image *image, const struct page_runs *runs)
{
	int err = 0;

	for (size_t i = 0; !err && i < runs->cnt; i++) {
		uint8_t *bytes = bytes_at(image, runs->items[i].start);
		size_t size = runs->items[i].end - runs->items[i].start;

		/* Taking 300 MB: 100 instead of 113 ms; copying them is as fast either way. The
		 * kernel takes the whole huge pages in it only, so no memory is wasted. */
		if (size >= HUGE_MIN_BYTES)
			madvise(bytes, size, MADV_HUGEPAGE);
		err = populate(bytes, size);
	}
	return err;
}

/* Runs that are still to be copied. */
struct cursor {
	const struct page_runs *runs;
	size_t run;
	raddr_t at; /* in that run */
};

static void cursor_advance(struct cursor *cursor, uint64_t bytes)
{
	while (bytes && cursor->run < cursor->runs->cnt) {
		const struct page_run *run = &cursor->runs->items[cursor->run];
		uint64_t part = run->end - cursor->at < bytes ? run->end - cursor->at : bytes;

		bytes -= part;
		cursor->at += part;
		if (cursor->at == run->end && ++cursor->run < cursor->runs->cnt)
			cursor->at = cursor->runs->items[cursor->run].start;
	}
}

static size_t make_vectors(struct image *image, struct cursor cursor, struct iovec *local,
			   struct iovec *other)
{
	size_t bytes = 0, cnt = 0;

	while (cnt < VECTORS && bytes < CALL_BYTES && cursor.run < cursor.runs->cnt) {
		const struct page_run *run = &cursor.runs->items[cursor.run];
		size_t part = run->end - cursor.at;

		if (part > CALL_BYTES - bytes)
			part = CALL_BYTES - bytes;
		local[cnt] = (struct iovec){ bytes_at(image, cursor.at), part };
		other[cnt] = (struct iovec){ (void *)(uintptr_t)cursor.at, part };
		cnt++;
		bytes += part;
		cursor_advance(&cursor, part);
	}
	return cnt;
}

int copy_pages(struct image *image, pid_t pid, const struct page_runs *runs)
{
	_cleanup_free_ struct iovec *local = calloc(2 * VECTORS, sizeof(*local));
	struct cursor cursor = { .runs = runs };

	if (!local)
		return -ENOMEM;
	if (runs->cnt)
		cursor.at = runs->items[0].start;
	while (cursor.run < runs->cnt) {
		struct iovec *other = local + VECTORS;
		size_t cnt = make_vectors(image, cursor, local, other);
		ssize_t got = process_vm_readv(pid, local, cnt, other, cnt, 0);

		if (got < 0 && (errno == ESRCH || errno == EPERM))
			return -errno;
		if (got > 0) {
			image->copied += (uint64_t)got;
			cursor_advance(&cursor, (uint64_t)got);
			continue;
		}
		/* The first page is gone, or its memory is broken. */
		image->missed += 4096;
		cursor_advance(&cursor, 4096);
	}
	return 0;
}

/* The file itself, when it is still the one that is mapped. */
static int open_mapped(const struct target *target, const struct mapping *mapping)
{
	char path[PATH_MAX];
	struct stat status;
	int fd;

	target_mapping_path(target, mapping, path, sizeof(path));
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0) {
		/* Needs CAP_CHECKPOINT_RESTORE. */
		snprintf(path, sizeof(path), "/proc/%d/root%s", target->pid, mapping->path);
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	}
	if (fd >= 0 &&
	    (fstat(fd, &status) || !S_ISREG(status.st_mode) || status.st_ino != mapping->inode)) {
		close(fd);
		return -1;
	}
	return fd;
}

static void fill(struct image *image, int fd, const struct mapping *mapping, raddr_t from,
		 raddr_t to)
{
	/* Short at the end of the file: the rest is zero, or not even mapped. */
	if (from < to && pread(fd, bytes_at(image, from), to - from,
			       (off_t)(mapping->offset + (from - mapping->start))) < 0)
		image->missed += to - from;
}

void copy_untouched(struct image *image, const struct target *target, const struct page_runs *runs)
{
	size_t run = 0;

	for (size_t i = 0; i < image->region_cnt; i++) {
		const struct image_region *region = &image->regions[i];
		const struct mapping *mapping = &image->maps.items[region->mapping];
		_cleanup_close_ int fd = -1;
		raddr_t at = region->start;

		if (mapping->inode && mapping->end - mapping->start <= FILE_MOST_BYTES)
			fd = open_mapped(target, mapping);
		for (; run < runs->cnt && runs->items[run].start < region->end; run++) {
			if (fd >= 0)
				fill(image, fd, mapping, at, runs->items[run].start);
			at = runs->items[run].end;
		}
		if (fd >= 0)
			fill(image, fd, mapping, at, region->end);
	}
}
