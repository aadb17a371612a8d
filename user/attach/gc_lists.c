/* SPDX-License-Identifier: BSD-2-Clause */
/* gc_generation is {PyGC_Head head; int threshold; int count}. Three in a row, each a ring whose
 * first and last node point back to it, are found nowhere else in an interpreter state. Steps
 * of 4 bytes: Debian's 3.13 aligns PyGC_Head to 4. From 3.14 on the permanent generation
 * follows directly and makes a second match 3 words later, so the lowest match counts. */
#include "attach/gc_lists.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "attach/gc_surroundings.h"

#define LINK(word) ((word) & ~3ULL)
#define MAX_THRESHOLD 100000000
#define AWAIT_STEP_MS 5
#define MAX_EXTENT 0x400

static bool is_ring(struct remote *remote, raddr_t head)
{
	raddr_t next = LINK(remote_word(remote, head));
	raddr_t prev = LINK(remote_word(remote, head + 8));

	if (next == head || prev == head)
		return next == prev;
	return next && prev && LINK(remote_word(remote, next + 8)) == head &&
	       LINK(remote_word(remote, prev)) == head;
}

static bool is_generation(struct remote *remote, raddr_t head, uint32_t head_bytes)
{
	int32_t threshold = (int32_t)remote_word32(remote, head + head_bytes);
	int32_t count = (int32_t)remote_word32(remote, head + head_bytes + 4);

	return threshold >= 0 && threshold <= MAX_THRESHOLD && count >= 0 && is_ring(remote, head);
}

uint32_t gc_lists_check(struct remote *remote, raddr_t address)
{
	static const uint32_t sizes[] = { 16, 24, 32 };

	for (size_t i = 0; i < 3; i++) {
		uint32_t stride = gc_stride(sizes[i]);

		if (is_generation(remote, address, sizes[i]) &&
		    is_generation(remote, address + stride, sizes[i]) &&
		    is_generation(remote, address + 2 * stride, sizes[i]))
			return sizes[i];
	}
	return 0;
}

/* A candidate costs system calls only when its first two words could be links. */
static raddr_t search(struct remote *remote, raddr_t from, uint32_t extent, uint32_t *head_bytes)
{
	uint8_t bytes[MAX_EXTENT];

	if (extent > sizeof(bytes))
		extent = sizeof(bytes);
	if (remote_read(remote, from, bytes, extent))
		return 0;
	for (uint32_t at = 0; at + 72 <= extent; at += 4) {
		uint64_t links[2];

		memcpy(links, bytes + at, sizeof(links));
		if (links[0] < 4096 || links[1] < 4096)
			continue;
		*head_bytes = gc_lists_check(remote, from + at);
		if (*head_bytes)
			return from + at;
	}
	return 0;
}

/* 3.15 keeps rings of stats behind a pointer: the index of the newest entry moves with every
 * collection. Before, the first word of each generation's stats counts them. */
#define STATS_RING_YOUNG_INDEX 0x2c0
#define STATS_RING_OLD 0x2c8
#define STATS_RING_OLD_BYTES 0xc8
#define STATS_RING_OLD_INDEX 0xc0
#define STATS_ITEM_BYTES 0x40

static raddr_t ring_index(raddr_t ring, int generation)
{
	if (!generation)
		return ring + STATS_RING_YOUNG_INDEX;
	return ring + STATS_RING_OLD + (raddr_t)(generation - 1) * STATS_RING_OLD_BYTES +
	       STATS_RING_OLD_INDEX;
}

static void set_marks(const struct python *python, struct remote *remote, raddr_t stats,
		      struct pyleak_interpreter *out)
{
	raddr_t ring = python->minor >= 15 ? remote_word(remote, stats) : 0;

	for (int i = 0; i < PYLEAK_GENERATIONS && stats; i++) {
		if (python->minor >= 15)
			out->generation_marks[i] = ring ? ring_index(ring, i) : 0;
		else
			out->generation_marks[i] = stats + 24 * (raddr_t)i;
	}
}

static void describe(const struct python *python, struct remote *remote, raddr_t generations,
		     struct gc_lists *lists)
{
	uint32_t index = lists->cnt, stride = gc_stride(lists->head_bytes);
	struct pyleak_interpreter *out = &lists->interpreters[index];
	struct gc_surroundings around =
		gc_surroundings(python->minor, generations, lists->head_bytes);

	out->heads[1] = generations + 2 * stride;
	out->heads[2] = generations + stride;
	out->heads[3] = generations;
	if (python->minor == 6) {
		/* Statics of gcmodule.c, with names only if the file is not stripped. */
		out->collecting = python_symbol(python, "collecting");
		lists->stats[index] = python_symbol(python, "generation_stats");
		lists->enabled[index] = python_symbol(python, "enabled");
	} else {
		if (is_ring(remote, generations + around.permanent))
			out->heads[0] = generations + around.permanent;
		out->collecting = generations + around.collecting;
		lists->stats[index] = generations + around.stats;
		lists->enabled[index] = generations - around.enabled_before;
	}
	set_marks(python, remote, lists->stats[index], out);
	lists->cnt++;
}

/* Up to 3.8 one set of lists serves all interpreters. */
static int find_global(const struct python *python, struct remote *remote, struct gc_lists *lists)
{
	raddr_t generations, symbol = 0;

	if (python->minor == 6) {
		symbol = python_symbol(python, "interp_head");
		lists->newest_interpreter = symbol ? remote_word(remote, symbol) : 0;
		generations = remote_word(remote, python_symbol(python, "_PyGC_generation0"));
		lists->head_bytes = gc_lists_check(remote, generations);
	} else {
		lists->newest_interpreter =
			remote_word(remote, python->runtime + python->layout.interpreters_head);
		generations = search(remote, python->runtime + python->layout.gc,
				     python->layout.gc_extent, &lists->head_bytes);
	}
	if (!lists->newest_interpreter && (python->minor > 6 || symbol))
		return -ENOENT;
	if (!generations || !lists->head_bytes)
		return -EAGAIN;
	lists->total = 1;
	/* No interpreter owns them; the kernel side needs a number that is not 0. */
	lists->interpreters[0].address = generations;
	describe(python, remote, generations, lists);
	return 0;
}

/* From 3.14 on the permanent generation follows directly. While a collection hides the youngest
 * list, the two older ones and the permanent one look like three generations: only what is followed
 * by one more list is the right place. */
static bool is_followed(const struct python *python, struct remote *remote, raddr_t generations,
			uint32_t head_bytes)
{
	return python->minor < 14 || is_ring(remote, generations + 3 * gc_stride(head_bytes));
}

static int find_per_interpreter(const struct python *python, struct remote *remote,
				struct gc_lists *lists)
{
	const struct py_layout *layout = &python->layout;
	raddr_t at = remote_word(remote, python->runtime + layout->interpreters_head);

	lists->newest_interpreter = at;
	for (; at && lists->total < 16 * PYLEAK_MAX_INTERPRETERS;
	     at = remote_word(remote, at + layout->interpreter_next)) {
		uint32_t head_bytes;
		raddr_t generations =
			search(remote, at + layout->gc, layout->gc_extent, &head_bytes);

		if (!generations || !is_followed(python, remote, generations, head_bytes))
			return -EAGAIN;
		lists->total++;
		if (lists->cnt == PYLEAK_MAX_INTERPRETERS)
			continue;
		lists->head_bytes = head_bytes;
		lists->interpreters[lists->cnt].address = at;
		if (layout->interpreter_gil)
			lists->interpreters[lists->cnt].gil = at + layout->interpreter_gil;
		describe(python, remote, generations, lists);
	}
	return lists->cnt ? 0 : -ENOENT;
}

int gc_lists_find(const struct python *python, struct remote *remote, struct gc_lists *out)
{
	struct gc_lists lists = {};
	int err;

	if (python->layout.gc_is_global)
		err = find_global(python, remote, &lists);
	else
		err = find_per_interpreter(python, remote, &lists);
	if (!err)
		*out = lists;
	return err;
}

int gc_lists_await(const struct python *python, struct remote *remote, unsigned int patience_ms,
		   struct gc_lists *out)
{
	static const struct timespec wait = { .tv_nsec = AWAIT_STEP_MS * 1000000L };
	int err = gc_lists_find(python, remote, out);

	for (unsigned int ms = 0; (err == -EAGAIN || err == -ENOENT) && ms < patience_ms;
	     ms += AWAIT_STEP_MS) {
		nanosleep(&wait, NULL);
		err = gc_lists_find(python, remote, out);
	}
	return err;
}

static int ring_totals(struct remote *remote, raddr_t stats, struct gc_totals *out)
{
	raddr_t ring = remote_word(remote, stats);

	for (int i = 0; ring && i < PYLEAK_GENERATIONS; i++) {
		raddr_t items =
			i ? ring + STATS_RING_OLD + (raddr_t)(i - 1) * STATS_RING_OLD_BYTES : ring;
		uint8_t index = (uint8_t)remote_word32(remote, ring_index(ring, i));
		raddr_t item = items + (raddr_t)index * STATS_ITEM_BYTES;

		if (index >= (i ? 3 : 11))
			return -EBADMSG;
		out->collections[i] += remote_word(remote, item + 0x10);
		out->collected[i] += remote_word(remote, item + 0x18);
	}
	return ring ? 0 : -ENOENT;
}

int gc_lists_totals(const struct gc_lists *lists, int minor, struct remote *remote,
		    struct gc_totals *out)
{
	struct gc_totals totals = {};

	for (uint32_t i = 0; i < lists->cnt; i++) {
		uint64_t stats[PYLEAK_GENERATIONS][3];
		int err = 0;

		if (!lists->stats[i])
			return -ENOENT;
		if (minor >= 15) {
			err = ring_totals(remote, lists->stats[i], &totals);
		} else {
			err = remote_read(remote, lists->stats[i], stats, sizeof(stats));
			for (int g = 0; !err && g < PYLEAK_GENERATIONS; g++) {
				totals.collections[g] += stats[g][0];
				totals.collected[g] += stats[g][1];
			}
		}
		if (err)
			return err;
		if (lists->enabled[i] && remote_word32(remote, lists->enabled[i]))
			totals.enabled = true;
	}
	*out = totals;
	return 0;
}
