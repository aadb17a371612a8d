/* SPDX-License-Identifier: BSD-2-Clause */
/* A copy of the target's memory: everything that is writable and private, as it was in one
 * moment. What is not in it, and cannot change (read-only files: names of types, tables of
 * members), is read from the target when it is asked for. */
#ifndef PYLEAK_SNAPSHOT_IMAGE_H
#define PYLEAK_SNAPSHOT_IMAGE_H

#include "attach/gc_lists.h"
#include "attach/target.h"
#include "snapshot/stop.h"

/* A mapping of the target, or a part of one of which much was never touched, and its copy, at the
 * same distance. Pages that the target never touched read as zero, or as what the file has. */
struct image_region {
	raddr_t start, end; /* whole pages; but for image_of_buffer() */
	const uint8_t *bytes;
	uint32_t *nodes;  /* for build.c: see image_region_nodes() */
	uint32_t mapping; /* index into the target's mappings as they were then */
};

struct image_window;
struct image_page;

#define IMAGE_RECENT 256U
#define IMAGE_RECENT_SHIFT 22 /* 4 MiB */

struct image {
	struct image_region *regions; /* by address */
	size_t region_cnt;
	struct mappings maps; /* as they were when it was taken */
	struct stopped_thread *threads;
	size_t thread_cnt;
	struct remote *remote; /* reads the image: for the readers of collect/ and attach/ */
	uint64_t copied;       /* bytes */
	uint64_t missed;       /* bytes that were there and could not be read: they are zero */
	double pause_s;
	unsigned int retries; /* tries that hit a running collection */
	bool paused;	      /* false: the process ran meanwhile */

	/* The image's own. */
	struct target *target;			   /* NULL = of a buffer */
	struct image_region *recent[IMAGE_RECENT]; /* found by image_find(), by address */
	struct image_window *windows;		   /* the memory of the copies */
	size_t window_cnt;
	struct image_page *pages; /* outside of the regions, read on demand */
	uint8_t *stream;	  /* image_of_stream(): what was read last */
	size_t stream_at;
};

struct image_options {
	bool no_pause;
	uint64_t max_memory; /* bytes that the copy may have; 0 = no limit */
	bool can_search;     /* the caller searches instead of copying when there is too little */
};

/* Copies. Logs one line and returns -errno: what stop_threads() returns, -E2BIG over the limit,
 * -EAGAIN when a collection ran at each of many tries. `target` stays the caller's and must
 * outlive the image. */
int image_take(struct target *target, const struct gc_lists *lists,
	       const struct image_options *options, struct image **out);
/* An image of one region out of a buffer, which stays the caller's: tests and fuzzers. */
int image_of_buffer(raddr_t base, const void *bytes, size_t size, struct image **out);
/* No copy: everything is read from the target, which runs, when it is asked for. What image_at()
 * returns is valid for the next IMAGE_STREAM_BYTES / 2 of reads only, and no piece is larger. */
#define IMAGE_STREAM_BYTES (8UL << 20)
int image_of_stream(struct target *target, struct image **out);
/* NULL is fine. */
void image_destroy(struct image *image);

/* For image_find() and image_at(), when it is not in a region that was found recently. */
struct image_region *image_find_anew(struct image *image, raddr_t address);
const void *image_at_anew(struct image *image, raddr_t from, size_t size);

/* The region that holds `address`, or NULL. Not for several threads at a time. */
static inline struct image_region *image_find(struct image *image, raddr_t address)
{
	struct image_region *region =
		image->recent[address >> IMAGE_RECENT_SHIFT & (IMAGE_RECENT - 1)];

	if (region && address - region->start < region->end - region->start)
		return region;
	return image_find_anew(image, address);
}

/* `size` bytes at `from`, in the copy or in read-only memory; NULL when they are not readable, or
 * not in one piece: outside of the regions a piece is a page. Valid as long as the image. */
static inline const void *image_at(struct image *image, raddr_t from, size_t size)
{
	const struct image_region *region =
		image->recent[from >> IMAGE_RECENT_SHIFT & (IMAGE_RECENT - 1)];

	if (region && from - region->start < region->end - region->start)
		return size <= region->end - from ? region->bytes + (from - region->start) : NULL;
	return image_at_anew(image, from, size);
}

/* Makes region->nodes: one for each 16 bytes from region->start on, all zero; memory is taken
 * where it is written only. Nothing when they are there. 0 or -ENOMEM. */
int image_region_nodes(struct image_region *region);

#endif
