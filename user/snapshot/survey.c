/* SPDX-License-Identifier: BSD-2-Clause */
/* What is to be copied, and where to. A process maps more all the time, and neighbouring mappings
 * become one; so the memory of a copy is not tied to mappings. A window mirrors a stretch of the
 * target's addresses with room on both sides, and costs address space only. The survey before the
 * pause makes the windows, and the one in the pause finds its regions in them. */
#include "snapshot/copy.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "base/log.h"

#define GAP_BYTES (64ULL << 20)		/* as many in a row that are absent split a region */
#define WINDOW_GAP_BYTES (256ULL << 20) /* as many without a region split a window */
#define SLACK_BYTES (64ULL << 20)

struct image_window {
	raddr_t start, end;
	uint8_t *bytes;
};

struct region_list {
	struct image_region *items;
	size_t cnt, room;
};

static int add_region(struct region_list *list, raddr_t start, raddr_t end, size_t mapping)
{
	if (list->cnt == list->room) {
		size_t room = list->room ? 2 * list->room : 256;
		struct image_region *items = realloc(list->items, room * sizeof(*items));

		if (!items)
			return -ENOMEM;
		list->items = items;
		list->room = room;
	}
	list->items[list->cnt++] = (struct image_region){
		.start = start,
		.end = end,
		.mapping = (uint32_t)mapping,
	};
	return 0;
}

/* Regions of one mapping, whose pages are the runs from `run` on. */
static int split_mapping(const struct mapping *mapping, size_t index, const struct page_runs *runs,
			 size_t run, struct region_list *list)
{
	raddr_t start = mapping->start, end = mapping->start; /* of the region so far */
	int err = 0;

	for (; !err && run < runs->cnt; run++) {
		raddr_t next = runs->items[run].start;

		if (next - end > GAP_BYTES) {
			if (end > mapping->start)
				err = add_region(list, start, end, index);
			start = next;
		}
		end = runs->items[run].end;
	}
	if (mapping->end - end <= GAP_BYTES)
		end = mapping->end;
	return !err && end > start ? add_region(list, start, end, index) : err;
}

static bool is_copied(const struct mapping *mapping)
{
	return mapping->readable && mapping->writable && !mapping->shared;
}

static int read_maps(pid_t pid, struct mappings *out)
{
	_cleanup_fclose_ FILE *file = NULL;
	struct mappings maps;
	char path[64];
	int err;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	file = fopen(path, "re");
	if (!file)
		return errno == ENOENT ? -ESRCH : -errno;
	err = mappings_parse(file, &maps);
	if (err)
		return err;
	if (!maps.cnt)
		return -ESRCH; /* a zombie */
	*out = maps;
	return 0;
}

static int survey_mapping(struct image *image, size_t index, struct presence *presence,
			  struct page_runs *runs, struct region_list *list)
{
	const struct mapping *mapping = &image->maps.items[index];
	size_t first = runs->cnt;
	int err = presence_find(presence, mapping->start, mapping->end, runs);

	if (err != -E2BIG)
		return err ? err : split_mapping(mapping, index, runs, first, list);
	pr_debug("image: %" PRIx64 "-%" PRIx64 " is not copied: this kernel cannot tell what of it "
		 "is there",
		 mapping->start, mapping->end);
	return 0;
}

static int add_window(struct image *image, raddr_t start, raddr_t end)
{
	struct image_window *windows =
		realloc(image->windows, (image->window_cnt + 1) * sizeof(*windows));
	void *bytes;

	if (!windows)
		return -ENOMEM;
	image->windows = windows;
	bytes = mmap(NULL, end - start, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (bytes == MAP_FAILED)
		return -ENOMEM;
	windows[image->window_cnt++] = (struct image_window){ start, end, bytes };
	return 0;
}

static uint8_t *find_bytes(const struct image *image, const struct image_region *region)
{
	/* The oldest first: its memory is there already. */
	for (size_t i = 0; i < image->window_cnt; i++) {
		const struct image_window *window = &image->windows[i];

		if (window->start <= region->start && region->end <= window->end)
			return window->bytes + (region->start - window->start);
	}
	return NULL;
}

/* A window for the first of `cnt` regions, and those close behind it. */
static int open_window(struct image *image, const struct image_region *regions, size_t cnt)
{
	raddr_t start = regions->start, end = regions->end;
	int err;

	for (size_t i = 1; i < cnt && regions[i].start - end <= WINDOW_GAP_BYTES; i++)
		end = regions[i].end;
	err = add_window(image, start > SLACK_BYTES ? start - SLACK_BYTES : 0, end + SLACK_BYTES);
	/* Where address space is limited. */
	return err ? add_window(image, regions->start, regions->end) : 0;
}

int copy_survey(struct image *image, pid_t pid, struct presence *presence, struct page_runs *runs)
{
	struct region_list list = {};
	struct mappings maps;
	int err = read_maps(pid, &maps);

	if (err)
		return err;
	mappings_deinit(&image->maps);
	image->maps = maps;
	page_runs_deinit(runs);
	for (size_t i = 0; !err && i < maps.cnt; i++) {
		if (is_copied(&maps.items[i]))
			err = survey_mapping(image, i, presence, runs, &list);
	}
	if (err) {
		free(list.items);
		return err;
	}
	free(image->regions);
	image->regions = list.items;
	image->region_cnt = list.cnt;
	memset(image->recent, 0, sizeof(image->recent));
	return 0;
}

int copy_place(struct image *image)
{
	for (size_t i = 0; i < image->region_cnt; i++) {
		struct image_region *region = &image->regions[i];
		uint8_t *bytes = find_bytes(image, region);
		int err = bytes ? 0 : open_window(image, region, image->region_cnt - i);

		if (err)
			return err;
		region->bytes = bytes ? bytes : find_bytes(image, region);
	}
	return 0;
}

void copy_free_windows(struct image *image)
{
	for (size_t i = 0; i < image->window_cnt; i++)
		munmap(image->windows[i].bytes, image->windows[i].end - image->windows[i].start);
	free(image->windows);
	image->windows = NULL;
	image->window_cnt = 0;
}
