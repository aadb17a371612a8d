/* SPDX-License-Identifier: BSD-2-Clause */
/* Images of a child that this test made, and knows all about: it has the same addresses. */
#include <criterion/criterion.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "snapshot/image.h"
#include "snapshot/presence.h"

#define PAGE 4096UL
#define MIB (1UL << 20)

struct child {
	pid_t pid;
	int hold; /* it lives as long as this is open */
	struct target target;
};

static char logged[2000];
static uint64_t in_data = 0x1122334455667788ULL;
static uint64_t in_bss[4 * PAGE];

static void keep_line(enum log_level level, const char *line)
{
	size_t len = strlen(logged);

	(void)level;
	snprintf(logged + len, sizeof(logged) - len, "%s\n", line);
}

/* Forks a child that calls `work` and waits. */
static void start(struct child *child, void (*work)(void))
{
	int ready[2], hold[2];
	char byte;

	log_set_sink(keep_line);
	cr_assert(!pipe(ready) && !pipe(hold));
	child->pid = fork();
	cr_assert(child->pid >= 0);
	if (!child->pid) {
		close(hold[1]);
		if (work)
			work();
		if (write(ready[1], "r", 1) != 1 || read(hold[0], &byte, 1))
			_exit(1);
		_exit(0);
	}
	close(ready[1]);
	close(hold[0]);
	cr_assert_eq(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	child->hold = hold[1];
	cr_assert_eq(target_open(child->pid, &child->target), 0, "%s", logged);
}

/* It must have lived on. */
static void end(struct child *child)
{
	int status;

	target_close(&child->target);
	close(child->hold);
	cr_assert_eq(waitpid(child->pid, &status, 0), child->pid);
	cr_expect_eq(status, 0, "the child ended with %#x", (unsigned int)status);
}

static struct image *take(struct child *child)
{
	const struct image_options options = {};
	const struct gc_lists lists = {};
	struct image *image;

	cr_assert_eq(image_take(&child->target, &lists, &options, &image), 0, "%s", logged);
	return image;
}

static uint8_t *map(size_t size, int protection, int flags)
{
	void *bytes = mmap(NULL, size, protection, flags | MAP_NORESERVE, -1, 0);

	cr_assert_neq(bytes, MAP_FAILED, "%s", strerror(errno));
	return bytes;
}

static uint64_t address_of(const void *pointer)
{
	return (uint64_t)(uintptr_t)pointer;
}

static uint8_t *block; /* of the test that runs */

static void fill(uint8_t *bytes, size_t size, uint32_t seed)
{
	for (size_t i = 0; i < size; i += 4) {
		seed = seed * 1664525 + 1013904223;
		memcpy(bytes + i, &seed, 4);
	}
}

static void write_everywhere(void)
{
	fill(block, 8 * MIB, 1);
	in_data = 5;
	in_bss[0] = 6;
}

Test(image, has_what_the_process_had)
{
	uint8_t *expected = map(8 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
	uint64_t on_stack = 0xabcdef;
	struct image *image;
	struct child child;

	block = map(8 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
	start(&child, write_everywhere);
	image = take(&child);
	end(&child); /* nothing of it is asked for from here on */
	fill(expected, 8 * MIB, 1);
	cr_assert(image_at(image, address_of(block), 8 * MIB));
	cr_expect(!memcmp(image_at(image, address_of(block), 8 * MIB), expected, 8 * MIB));
	cr_expect_eq(*(uint64_t *)image_at(image, address_of(&in_data), 8), 5);
	cr_expect_eq(*(uint64_t *)image_at(image, address_of(in_bss), 8), 6);
	cr_expect_eq(*(uint64_t *)image_at(image, address_of(&on_stack), 8), on_stack);
	cr_expect(image->paused && image->pause_s > 0 && image->copied >= 8 * MIB);
	cr_expect_eq(image->missed, 0);
	cr_expect_eq(image->thread_cnt, 1);
	cr_expect_eq(image->threads[0].tid, child.pid);
	cr_expect(image_find(image, image->threads[0].stack_pointer));
	cr_expect(image->threads[0].thread_pointer);
	image_destroy(image);
}

Test(image, regions_are_sorted_and_know_their_mappings)
{
	struct image *image;
	struct child child;

	start(&child, NULL);
	image = take(&child);
	for (size_t i = 0; i < image->region_cnt; i++) {
		struct image_region *region = &image->regions[i];
		const struct mapping *mapping = &image->maps.items[region->mapping];

		cr_assert(region->start < region->end);
		cr_expect(!i || region[-1].end <= region->start);
		cr_expect(mapping->start <= region->start && region->end <= mapping->end);
		cr_expect(mapping->writable && !mapping->shared);
		cr_expect_eq(image_find(image, region->start), region);
		cr_expect_eq(image_find(image, region->end - 1), region);
		cr_expect_neq(image_find(image, region->end), region);
		cr_expect_null(image_at(image, region->end - 4, 8 + region->end - region->start));
	}
	cr_expect_null(image_find(image, 0));
	cr_expect_null(image_find(image, UINT64_MAX));
	cr_expect_null(image_at(image, UINT64_MAX - 3, 8));
	image_destroy(image);
	end(&child);
}

#define SPARSE (4UL << 40)

static void touch_few(void)
{
	block[0] = 1;
	block[100 * PAGE] = 2;
	block[1UL << 40] = 3;
}

Test(image, of_terabytes_that_were_reserved_has_what_was_touched)
{
	struct image *image;
	struct child child;
	uint64_t rss;

	block = map(SPARSE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
	start(&child, touch_few);
	rss = target_rss(&child.target);
	image = take(&child);
	cr_expect_eq(*(uint8_t *)image_at(image, address_of(block), 1), 1);
	cr_expect_eq(*(uint8_t *)image_at(image, address_of(block + 50 * PAGE), 1), 0, "untouched");
	cr_expect_eq(*(uint8_t *)image_at(image, address_of(block + 100 * PAGE), 1), 2);
	cr_expect_eq(*(uint8_t *)image_at(image, address_of(block + (1UL << 40)), 1), 3);
	cr_expect_null(image_at(image, address_of(block + (1UL << 39)), 1));
	cr_expect_lt(image->copied, 64 * MIB);
	cr_expect_leq(target_rss(&child.target), rss + 64 * PAGE, "its memory grew");
	image_destroy(image);
	end(&child);
}

Test(image, over_the_limit_is_refused)
{
	const struct image_options options = { .max_memory = MIB };
	const struct gc_lists lists = {};
	struct image *image = NULL;
	struct child child;

	block = map(8 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
	start(&child, write_everywhere);
	cr_expect_eq(image_take(&child.target, &lists, &options, &image), -E2BIG);
	cr_expect_null(image);
	cr_expect(strstr(logged, "needs ") && strstr(logged, "over the limit of 1.0 MB"), "%s",
		  logged);
	end(&child);
}

Test(image, reads_what_cannot_change_when_it_is_asked_for)
{
	uint8_t *constant = map(2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
	uint8_t *none = map(PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS);
	uint8_t *shared = map(PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS);
	uint64_t got = 0, *word;
	struct image *image;
	struct child child;
	const void *at;

	fill(constant, 2 * PAGE, 3);
	mprotect(constant, 2 * PAGE, PROT_READ);
	start(&child, NULL);
	image = take(&child);
	word = (uint64_t *)(constant + PAGE - 4);
	cr_expect_null(image_find(image, address_of(constant)));
	cr_expect_null(image_at(image, address_of(word), 8), "two pages");
	cr_expect_eq(remote_read(image->remote, address_of(word), &got, 8), 0);
	cr_expect(!memcmp(&got, word, 8));
	cr_expect_null(image_at(image, address_of(none), 1));
	cr_expect_null(image_at(image, address_of(shared), 1));
	at = image_at(image, address_of(constant), PAGE);
	cr_assert(at);
	end(&child);
	cr_expect(!memcmp(at, constant, PAGE), "kept");
	cr_expect_eq(image_at(image, address_of(constant), PAGE), at);
	image_destroy(image);
}

Test(image, has_untouched_pages_of_files_as_they_are_in_the_file)
{
	char path[] = "/tmp/pyleak-image-XXXXXX";
	uint8_t bytes[3 * PAGE];
	struct image *image;
	struct child child;
	const uint8_t *at;
	int fd = mkstemp(path);

	fill(bytes, sizeof(bytes), 7);
	cr_assert_eq(write(fd, bytes, sizeof(bytes)), sizeof(bytes));
	block = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	cr_assert_neq(block, MAP_FAILED);
	start(&child, NULL);
	image = take(&child);
	at = image_at(image, address_of(block), 3 * PAGE);
	cr_assert(at);
	cr_expect(!memcmp(at, bytes, sizeof(bytes)));
	image_destroy(image);
	end(&child);
	unlink(path);
}

Test(image, without_a_pause_says_so)
{
	const struct image_options options = { .no_pause = true };
	const struct gc_lists lists = {};
	struct image *image;
	struct child child;

	block = map(8 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
	start(&child, write_everywhere);
	cr_assert_eq(image_take(&child.target, &lists, &options, &image), 0, "%s", logged);
	cr_expect_not(image->paused);
	cr_expect_eq(image->pause_s, 0);
	cr_expect_eq(image->thread_cnt, 0);
	cr_expect_eq(*(uint64_t *)image_at(image, address_of(&in_data), 8), 5);
	image_destroy(image);
	end(&child);
}

Test(image, during_a_collection_is_not_taken, .timeout = 60)
{
	const struct image_options options = {};
	struct gc_lists lists = { .cnt = 1 };
	struct image *image = NULL;
	struct child child;

	start(&child, NULL);
	lists.interpreters[0].collecting = address_of(&in_data); /* always */
	cr_expect_eq(image_take(&child.target, &lists, &options, &image), -EAGAIN);
	cr_expect(strstr(logged, "a collection ran"), "%s", logged);
	end(&child);
}

Test(image, of_a_buffer_is_one_region)
{
	const uint64_t words[2] = { 1, 2 };
	struct image *image;

	cr_assert_eq(image_of_buffer(0x10000, words, sizeof(words), &image), 0);
	cr_expect_eq(image_at(image, 0x10008, 8), &words[1]);
	cr_expect_null(image_at(image, 0x1000c, 8));
	cr_expect_null(image_at(image, 0xffff, 1));
	cr_expect_null(image_at(image, 0x10010, 1));
	cr_expect_eq(remote_word(image->remote, 0x10008), 2);
	cr_expect_eq(remote_word(image->remote, 0x1000c), 0);
	cr_assert_eq(remote_use_cache(image->remote), 0);
	cr_expect_eq(remote_word(image->remote, 0x10000), 1);
	image_destroy(image);
	cr_assert_eq(image_of_buffer(0x10000, words, 0, &image), 0);
	cr_expect_null(image_find(image, 0x10000));
	image_destroy(image);
	image_destroy(NULL);
}

Test(image, nodes_are_zero_and_made_once)
{
	const uint8_t bytes[33] = "";
	struct image *image;
	uint32_t *nodes;

	cr_assert_eq(image_of_buffer(0x10000, bytes, sizeof(bytes), &image), 0);
	cr_expect_null(image->regions[0].nodes);
	cr_assert_eq(image_region_nodes(&image->regions[0]), 0);
	nodes = image->regions[0].nodes;
	cr_expect(!nodes[0] && !nodes[1] && !nodes[2]);
	nodes[2] = 7;
	cr_assert_eq(image_region_nodes(&image->regions[0]), 0);
	cr_expect_eq(image->regions[0].nodes, nodes);
	cr_expect_eq(nodes[2], 7);
	image_destroy(image);
}

/* Old kernels and new ones tell the same. */
Test(presence, both_ways_agree)
{
	size_t pages = 70000, at = 0;
	struct page_runs runs = {}, other = {};
	struct presence presence;

	log_set_sink(keep_line);
	block = map(pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
	madvise(block, pages * PAGE, MADV_NOHUGEPAGE);
	for (size_t i = 0; i < pages; i += 3 + i % 7)
		block[i * PAGE] = 1;
	cr_assert_eq(presence_open(getpid(), &presence), 0, "%s", logged);
	cr_assert_eq(presence_find(&presence, address_of(block), address_of(block + pages * PAGE),
				   &runs),
		     0);
	presence.no_scan = true;
	cr_assert_eq(presence_find(&presence, address_of(block), address_of(block + pages * PAGE),
				   &other),
		     0);
	cr_assert_eq(runs.cnt, other.cnt);
	cr_expect_eq(runs.bytes, other.bytes);
	cr_expect_arr_eq(runs.items, other.items, runs.cnt * sizeof(*runs.items));
	for (size_t i = 0; i < pages; i += 3 + i % 7, at++)
		cr_assert_eq(runs.items[at].start, address_of(block + i * PAGE));
	cr_expect_eq(at, runs.cnt);
	cr_expect_eq(presence_find(&presence, 0, 1UL << 46, &other), -E2BIG);
	page_runs_deinit(&runs);
	page_runs_deinit(&other);
	presence_close(&presence);
}

#define BASE 0x10000ULL

Test(image, a_stream_reads_on_demand_and_keeps_what_was_read_last)
{
	static uint64_t words[4096];
	struct target target = {};
	struct image *image;
	const uint64_t *first, *other;

	for (size_t i = 0; i < 4096; i++)
		words[i] = i;
	cr_assert_eq(remote_open_buffer(BASE, words, sizeof(words), &target.remote), 0);
	cr_assert_eq(image_of_stream(&target, &image), 0);
	first = image_at(image, BASE, 16);
	cr_assert(first && first[1] == 1);
	for (size_t read = 0; read < IMAGE_STREAM_BYTES / 2; read += sizeof(words))
		cr_assert(image_at(image, BASE, sizeof(words)));
	cr_expect_eq(first[1], 1, "it is overwritten too early");
	for (size_t read = 0; read < 2 * IMAGE_STREAM_BYTES; read += sizeof(words)) {
		other = image_at(image, BASE, sizeof(words));
		cr_assert(other && other[4095] == 4095);
	}
	cr_expect_null(image_at(image, BASE - 8, 16));
	cr_expect_null(image_at(image, BASE, IMAGE_STREAM_BYTES));
	image_destroy(image);
	remote_close(target.remote);
}
