/* SPDX-License-Identifier: BSD-2-Clause */
/* Where to look and when; what is an object is decided in heap_object.c. A look copies what is
 * present of the anonymous memory in chunks and searches it for the address of a type. Between
 * two looks the containers found are read by their address: that is cheap, and gives them a
 * value in every sample. */
#include "collect/heap_scan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "collect/memory.h"

#define PAGE_BYTES 4096UL
#define CHUNK_PAGES 64UL
#define CHUNK_BYTES (CHUNK_PAGES * PAGE_BYTES)
#define MAX_BYTES (1ULL << 30) /* read in one look */
/* Larger mappings are reservations (the shadow of a sanitizer), and no look ends in time if it
 * asks for each page whether it is present. */
#define MAX_MAPPING (64ULL << 30)
#define MAX_SPAN (96ULL << 30) /* of addresses, present or not, in one look */
/* A leak that runs since the start is to be found in the first seconds; then what was too short
 * at the look before is waited for longer and longer. */
#define FIRST_S 1.0
#define STEP_S 3.0
#define STEP_GROWTH 1.4
#define STEP_MAX_S 30.0
#define CPU_SHARE 0.005
/* A dict is inconsistent while its table is made anew, which takes a second for 10 million. */
#define MAX_MISSES 3

struct heap_scan {
	struct target *target;
	struct heap_layout layout;
	uint64_t *words; /* one chunk */
	struct counted_container found[HEAP_SCAN_MAX];
	uint8_t misses[HEAP_SCAN_MAX]; /* samples in a row that could not read it */
	size_t found_cnt;
	double due_s, step_s;
	raddr_t resume; /* where the look before ended at its limit; 0 = it did not */
};

int heap_scan_create(struct target *target, const struct heap_layout *layout,
		     struct heap_scan **out)
{
	struct heap_scan *scan = calloc(1, sizeof(*scan));

	if (!scan)
		return -ENOMEM;
	scan->words = malloc(CHUNK_BYTES);
	if (!scan->words) {
		free(scan);
		return -ENOMEM;
	}
	scan->target = target;
	scan->layout = *layout;
	scan->due_s = FIRST_S;
	scan->step_s = STEP_S;
	*out = scan;
	return 0;
}

void heap_scan_destroy(struct heap_scan *scan)
{
	if (!scan)
		return;
	free(scan->words);
	free(scan);
}

const struct counted_container *heap_scan_found(const struct heap_scan *scan, size_t *cnt)
{
	*cnt = scan->found_cnt;
	return scan->found;
}

static void drop(struct heap_scan *scan, size_t at)
{
	size_t after = --scan->found_cnt - at;

	memmove(&scan->found[at], &scan->found[at + 1], after * sizeof(scan->found[0]));
	memmove(&scan->misses[at], &scan->misses[at + 1], after);
}

static void reread(struct heap_scan *scan)
{
	for (size_t i = scan->found_cnt; i-- > 0;) {
		struct counted_container now;
		int err = heap_read_object(&scan->layout, scan->target->remote,
					   scan->found[i].address, &now);

		if (!err && now.type == scan->found[i].type) {
			scan->found[i] = now;
			scan->misses[i] = 0;
		} else if (err != -EAGAIN || ++scan->misses[i] >= MAX_MISSES) {
			drop(scan, i);
		}
	}
}

static size_t smallest(const struct heap_scan *scan)
{
	size_t least = 0;

	for (size_t i = 1; i < scan->found_cnt; i++) {
		if (scan->found[i].bytes < scan->found[least].bytes)
			least = i;
	}
	return least;
}

/* The first that does not lie below `address`. */
static size_t find_place(const struct heap_scan *scan, raddr_t address)
{
	size_t from = 0, to = scan->found_cnt;

	while (from < to) {
		size_t middle = (from + to) / 2;

		if (scan->found[middle].address < address)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

static void keep(struct heap_scan *scan, const struct counted_container *container)
{
	size_t at = find_place(scan, container->address), after;

	if (at < scan->found_cnt && scan->found[at].address == container->address)
		return;
	if (scan->found_cnt == HEAP_SCAN_MAX) {
		size_t least = smallest(scan);

		if (scan->found[least].bytes >= container->bytes)
			return;
		drop(scan, least);
		at -= least < at;
	}
	after = scan->found_cnt++ - at;
	memmove(&scan->found[at + 1], &scan->found[at], after * sizeof(scan->found[0]));
	memmove(&scan->misses[at + 1], &scan->misses[at], after);
	scan->found[at] = *container;
	scan->misses[at] = 0;
}

static void search_words(struct heap_scan *scan, raddr_t base, size_t cnt)
{
	const struct heap_layout *layout = &scan->layout;
	const uint64_t *words = scan->words;
	raddr_t dict = layout->dict_type, bytearray = layout->bytearray_type;
	/* Both lie in the data of one file: one comparison rejects almost every word. */
	raddr_t low = dict < bytearray ? dict : bytearray;
	uint64_t distance = dict < bytearray ? bytearray - dict : dict - bytearray;
	/* From 3.8 on objects are aligned to 16 bytes (bpo-27987); the type is the second word. */
	size_t step = layout->minor >= 8 ? 2 : 1;

	for (size_t i = step - 1; i < cnt; i += step) {
		struct counted_container container;

		if (words[i] - low > distance || (words[i] != dict && words[i] != bytearray))
			continue;
		if (!heap_may_be_large(layout, words, cnt, i) ||
		    heap_read_object(layout, scan->target->remote, base + 8 * i - 8, &container))
			continue;
		if (container.len >= (container.type == dict ? HEAP_DICT_MIN : HEAP_BYTEARRAY_MIN))
			keep(scan, &container);
	}
}

/* Copies the pages that are present; the others, and what is gone meanwhile, become zeros.
 * Returns the bytes read. */
static uint64_t read_chunk(struct heap_scan *scan, raddr_t from, const bool *present, size_t pages)
{
	uint8_t *bytes = (uint8_t *)scan->words;
	uint64_t total = 0;

	for (size_t i = 0; i < pages;) {
		size_t run = 1, at = i * PAGE_BYTES, size;

		while (i + run < pages && present[i + run] == present[i])
			run++;
		size = run * PAGE_BYTES;
		if (present[i] && !remote_read(scan->target->remote, from + at, bytes + at, size))
			total += size;
		else if (run < pages) /* else nothing is searched */
			memset(bytes + at, 0, size);
		i += run;
	}
	return total;
}

/* What a look may still cost. */
struct allowance {
	uint64_t bytes, span;
};

/* Reads the `pages` from `from` on. Returns the bytes read. */
static uint64_t look_at_window(struct heap_scan *scan, raddr_t from, size_t pages, int pagemap)
{
	bool present[MEMORY_PRESENT_PAGES];
	uint64_t total = 0;

	memory_find_present(pagemap, from, PAGE_BYTES, pages, present);
	for (size_t at = 0; at < pages; at += CHUNK_PAGES) {
		size_t part = pages - at < CHUNK_PAGES ? pages - at : CHUNK_PAGES;
		raddr_t base = from + at * PAGE_BYTES;
		uint64_t got = read_chunk(scan, base, present + at, part);

		if (got)
			search_words(scan, base, part * PAGE_BYTES / sizeof(scan->words[0]));
		total += got;
	}
	return total;
}

#define WINDOW_BYTES (MEMORY_PRESENT_PAGES * PAGE_BYTES)

/* Returns where it ended. */
static raddr_t look_through(struct heap_scan *scan, const struct mapping *mapping, int pagemap,
			    struct allowance *left)
{
	raddr_t at = mapping->start > scan->resume ? mapping->start : scan->resume;

	while (at < mapping->end && left->bytes >= WINDOW_BYTES && left->span >= WINDOW_BYTES) {
		uint64_t rest = mapping->end - at;
		uint64_t size = rest < WINDOW_BYTES ? rest : WINDOW_BYTES;

		left->bytes -= look_at_window(scan, at, size / PAGE_BYTES, pagemap);
		left->span -= size;
		at += size;
	}
	return at;
}

static int look(struct heap_scan *scan)
{
	struct allowance left = { .bytes = MAX_BYTES, .span = MAX_SPAN };
	_cleanup_close_ int pagemap = memory_open_pagemap(scan->target->pid);
	const struct mappings *maps = &scan->target->maps;
	int err = 0;

	/* Not knowing what is present, reading would make the kernel build page tables. */
	if (pagemap < 0 || target_read_maps(scan->target))
		return 0;
	for (size_t i = 0; i < maps->cnt; i++) {
		const struct mapping *mapping = &maps->items[i];
		raddr_t end;

		if (!memory_may_hold_arenas(mapping) || mapping->end <= scan->resume)
			continue;
		if (mapping->end - mapping->start > MAX_MAPPING) {
			err = -E2BIG;
			continue;
		}
		end = look_through(scan, mapping, pagemap, &left);
		if (end < mapping->end) {
			scan->resume = end;
			return -E2BIG;
		}
	}
	scan->resume = 0;
	return err;
}

static double cpu_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int heap_scan_update(struct heap_scan *scan, double time_s)
{
	double begin = cpu_s(), rest_s;
	int err;

	reread(scan);
	if (time_s < scan->due_s)
		return 0;
	err = look(scan);
	rest_s = (cpu_s() - begin) / CPU_SHARE;
	scan->due_s = time_s + (rest_s > scan->step_s ? rest_s : scan->step_s);
	scan->step_s *= STEP_GROWTH;
	if (scan->step_s > STEP_MAX_S)
		scan->step_s = STEP_MAX_S;
	return err;
}
