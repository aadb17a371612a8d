/* SPDX-License-Identifier: BSD-2-Clause */
/* The image once it is taken: look-ups, and what is read on demand. */
#include "snapshot/image.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <uthash.h>

#include "base/cleanup.h"
#include "snapshot/copy.h"

#define PAGE_BYTES 4096ULL
#define PAGES_MOST 16384 /* 64 MiB */

struct image_page {
	raddr_t base;
	UT_hash_handle hh;
	uint8_t bytes[PAGE_BYTES];
};

struct image_region *image_find_anew(struct image *image, raddr_t address)
{
	struct image_region *region;
	size_t cnt = image->region_cnt;

	if (!cnt)
		return NULL;
	/* Without branches: which way it goes cannot be foreseen, and it goes millions of times. */
	for (region = image->regions; cnt > 1; cnt -= cnt / 2)
		region += (region[cnt / 2 - 1].end <= address) * (cnt / 2);
	if (address < region->start || address >= region->end)
		return NULL;
	image->recent[address >> IMAGE_RECENT_SHIFT & (IMAGE_RECENT - 1)] = region;
	return region;
}

static const struct mapping *find_mapping(const struct mappings *maps, raddr_t address)
{
	size_t low = 0, high = maps->cnt;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (maps->items[middle].end <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low < maps->cnt && maps->items[low].start <= address ? &maps->items[low] : NULL;
}

/* What the program cannot have changed since. Writable anonymous memory outside of the regions
 * was never touched: a read would give it to the target. */
static bool is_read_on_demand(const struct image *image, raddr_t address)
{
	const struct mapping *mapping = find_mapping(&image->maps, address);

	return mapping && mapping->readable &&
	       (!mapping->writable || (mapping->inode && !mapping->shared));
}

static int read_live(const struct image *image, raddr_t from, void *to, size_t size)
{
	int err;

	if (!image->target || !is_read_on_demand(image, from))
		return -EFAULT;
	err = remote_read(image->target->remote, from, to, size);
	/* Its number may be another process's by now. */
	return !err && !target_is_alive(image->target) ? -ESRCH : err;
}

static const uint8_t *page_at(struct image *image, raddr_t base)
{
	struct image_page *page, *found;

	HASH_FIND(hh, image->pages, &base, sizeof(base), found);
	if (found)
		return found->bytes;
	if (!image->target || HASH_COUNT(image->pages) >= PAGES_MOST)
		return NULL;
	page = malloc(sizeof(*page));
	if (!page)
		return NULL;
	page->base = base;
	if (read_live(image, base, page->bytes, PAGE_BYTES)) {
		free(page);
		return NULL;
	}
	HASH_ADD(hh, image->pages, base, sizeof(page->base), page);
	return page->bytes;
}

static const void *stream_at(struct image *image, raddr_t from, size_t size)
{
	uint8_t *to;

	if (size > IMAGE_STREAM_BYTES / 2)
		return NULL;
	if (size > IMAGE_STREAM_BYTES - image->stream_at)
		image->stream_at = 0;
	to = image->stream + image->stream_at;
	if (remote_read(image->target->remote, from, to, size))
		return NULL;
	image->stream_at += (size + 15) & ~15UL;
	return to;
}

const void *image_at_anew(struct image *image, raddr_t from, size_t size)
{
	const struct image_region *region;
	const uint8_t *page;

	if (image->stream)
		return stream_at(image, from, size);
	region = image_find_anew(image, from);
	if (region)
		return size <= region->end - from ? region->bytes + (from - region->start) : NULL;
	if (size > PAGE_BYTES - from % PAGE_BYTES)
		return NULL;
	page = page_at(image, from & ~(PAGE_BYTES - 1));
	return page ? page + from % PAGE_BYTES : NULL;
}

/* A part of a read that lies in one region, or in one page. */
static int read_part(struct image *image, raddr_t from, uint8_t *to, size_t size)
{
	const void *bytes = image_at(image, from, size);

	if (bytes) {
		memcpy(to, bytes, size);
		return 0;
	}
	/* No page is kept beyond the limit. */
	return read_live(image, from, to, size);
}

static int read_image(void *context, raddr_t from, void *to, size_t size)
{
	struct image *image = context;

	if (image->stream)
		return remote_read(image->target->remote, from, to, size);
	for (size_t done = 0; done < size;) {
		raddr_t at = from + done;
		const struct image_region *region = image_find(image, at);
		uint64_t part = region ? region->end - at : PAGE_BYTES - at % PAGE_BYTES;
		int err;

		if (part > size - done)
			part = size - done;
		err = read_part(image, at, (uint8_t *)to + done, part);
		if (err)
			return err;
		done += part;
	}
	return 0;
}

int image_create(struct target *target, struct image **out)
{
	struct image *image = calloc(1, sizeof(*image));
	int err;

	if (!image)
		return -ENOMEM;
	image->target = target;
	err = remote_open_reader(read_image, image, &image->remote);
	if (err) {
		free(image);
		return err;
	}
	*out = image;
	return 0;
}

int image_of_buffer(raddr_t base, const void *bytes, size_t size, struct image **out)
{
	struct image *image;
	int err = image_create(NULL, &image);

	if (err)
		return err;
	image->regions = calloc(1, sizeof(*image->regions));
	if (!image->regions) {
		image_destroy(image);
		return -ENOMEM;
	}
	*image->regions =
		(struct image_region){ .start = base, .end = base + size, .bytes = bytes };
	image->region_cnt = size ? 1 : 0;
	image->copied = size;
	*out = image;
	return 0;
}

/* What there is to read, about: bytes in memory. */
static uint64_t resident_bytes(pid_t pid)
{
	_cleanup_fclose_ FILE *file = NULL;
	unsigned long long pages;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/statm", pid);
	file = fopen(path, "re");
	return file && fscanf(file, "%*u %llu", &pages) == 1 ? pages * PAGE_BYTES : 0;
}

int image_of_stream(struct target *target, struct image **out)
{
	struct image *image;
	int err = image_create(target, &image);

	if (err)
		return err;
	image->stream = malloc(IMAGE_STREAM_BYTES);
	if (!image->stream) {
		image_destroy(image);
		return -ENOMEM;
	}
	image->copied = resident_bytes(target->pid);
	*out = image;
	return 0;
}

static size_t nodes_size(const struct image_region *region)
{
	return (region->end - region->start + 15) / 16 * sizeof(*region->nodes);
}

int image_region_nodes(struct image_region *region)
{
	void *nodes;

	if (region->nodes)
		return 0;
	nodes = mmap(NULL, nodes_size(region), PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (nodes == MAP_FAILED)
		return -ENOMEM;
	/* Objects refer to each other at random: fewer misses in the TLB. */
	madvise(nodes, nodes_size(region), MADV_HUGEPAGE);
	region->nodes = nodes;
	return 0;
}

void image_destroy(struct image *image)
{
	struct image_page *page, *next;

	if (!image)
		return;
	for (size_t i = 0; i < image->region_cnt; i++) {
		if (image->regions[i].nodes)
			munmap(image->regions[i].nodes, nodes_size(&image->regions[i]));
	}
	HASH_ITER (hh, image->pages, page, next) {
		HASH_DEL(image->pages, page);
		free(page);
	}
	copy_free_windows(image);
	mappings_deinit(&image->maps);
	remote_close(image->remote);
	free(image->stream);
	free(image->regions);
	free(image->threads);
	free(image);
}
