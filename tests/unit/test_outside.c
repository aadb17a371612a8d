/* SPDX-License-Identifier: BSD-2-Clause */
/* The census from outside on fake heaps: exact counts, and lists that are not consistent. */
#include <criterion/criterion.h>

#include <errno.h>
#include <string.h>

#include "collect/outside.h"
#include "fake_heap.h"
#include "pyleak_object.h"

struct bench {
	struct fake_heap heap;
	struct gc_lists lists;
	struct outside_walk walk;
	struct counts *counts;
	raddr_t interpreter, plain, list;
	uint64_t objects;
};

static void bench_init(struct bench *bench, const char *version)
{
	memset(bench, 0, sizeof(*bench));
	fake_heap_init(&bench->heap, version);
	bench->interpreter = fake_interpreter(&bench->heap);
	bench->plain = fake_static_type(&bench->heap, "Node", 32, 0, 0);
	bench->list = fake_static_type(&bench->heap, "list", 40, 0, PYLEAK_FLAG_LIST_SUBCLASS);
	bench->walk = (struct outside_walk){ .reader = &bench->heap.reader,
					     .lists = &bench->lists,
					     .max_objects = 1000,
					     .container_min = 100 };
	cr_assert_eq(counts_create(&bench->counts), 0);
}

static void bench_deinit(struct bench *bench)
{
	counts_destroy(bench->counts);
	fake_heap_deinit(&bench->heap);
}

static int count(struct bench *bench)
{
	counts_reset(bench->counts);
	cr_assert_eq(gc_lists_find(&bench->heap.python, bench->heap.reader.remote, &bench->lists),
		     0, "%s", bench->heap.build->version);
	return outside_count(&bench->walk, bench->counts, &bench->objects);
}

static void add(struct bench *bench, int list, raddr_t type, int cnt)
{
	for (int i = 0; i < cnt; i++)
		fake_object(&bench->heap, bench->interpreter, list, type, 64);
}

Test(outside, every_object_of_every_generation_is_counted_once_in_every_build)
{
	for (size_t i = 0; i < fake_build_cnt; i++) {
		const char *version = fake_builds[i].version;
		uint32_t head_bytes = fake_builds[i].head_bytes;
		struct bench bench;

		bench_init(&bench, version);
		for (int list = 0; list < PYLEAK_LISTS; list++) {
			add(&bench, list, bench.plain, 23 + list);
			add(&bench, list, bench.list, 5);
		}
		cr_assert_eq(count(&bench), 0, "%s", version);
		cr_expect_eq(bench.objects, 23 * 4 + 6 + 20, "%s: %lu", version,
			     (long)bench.objects);
		cr_expect_eq(counts_type(bench.counts, bench.plain)->live, 98, "%s", version);
		cr_expect_eq(counts_type(bench.counts, bench.plain)->bytes, 98 * (32 + head_bytes),
			     "%s", version);
		cr_expect_eq(counts_type(bench.counts, bench.list)->live, 20, "%s", version);
		bench_deinit(&bench);
	}
}

Test(outside, interpreters_are_added_up_unless_they_are_skipped)
{
	struct bench bench;

	bench_init(&bench, "3.12.1");
	add(&bench, 1, bench.plain, 10);
	bench.interpreter = fake_interpreter(&bench.heap);
	add(&bench, 3, bench.plain, 7);
	cr_assert_eq(count(&bench), 0);
	cr_expect_eq(counts_type(bench.counts, bench.plain)->live, 17);
	bench.walk.skip = 1; /* the newest */
	cr_assert_eq(count(&bench), 0);
	cr_expect_eq(counts_type(bench.counts, bench.plain)->live, 10);
	bench_deinit(&bench);
}

Test(outside, containers_from_the_minimum_on_are_noted_one_by_one)
{
	struct bench bench;
	const struct counted_container *found;
	raddr_t small, big;
	size_t cnt;

	bench_init(&bench, "3.11.7");
	small = fake_object(&bench.heap, bench.interpreter, 2, bench.list, 40);
	big = fake_object(&bench.heap, bench.interpreter, 2, bench.list, 40);
	fake_put(&bench.heap, small + 0x10, 99);
	fake_put(&bench.heap, small + 0x20, 120);
	fake_put(&bench.heap, big + 0x10, 100);
	fake_put(&bench.heap, big + 0x20, 1000);
	cr_assert_eq(count(&bench), 0);
	found = counts_containers(bench.counts, &cnt);
	cr_assert_eq(cnt, 1);
	cr_expect_eq(found[0].address, big);
	cr_expect_eq(found[0].type, bench.list);
	cr_expect_eq(found[0].len, 100);
	cr_expect_eq(found[0].bytes, 56 + 8000);
	cr_expect_eq(counts_type(bench.counts, bench.list)->bytes, 2 * 56 + 960 + 8000);
	bench_deinit(&bench);
}

Test(outside, containers_over_the_bound_are_lost_and_counted)
{
	const struct counted_container other = { .address = 0x1000 };
	struct bench bench;
	size_t cnt;

	bench_init(&bench, "3.11.7");
	for (int i = 0; i < 3; i++)
		fake_put(&bench.heap,
			 fake_object(&bench.heap, bench.interpreter, 2, bench.list, 40) + 0x10,
			 100);
	cr_assert_eq(count(&bench), 0);
	cr_expect_eq(bench.walk.containers_lost, 0);
	counts_reset(bench.counts);
	for (int i = 0; i < PYLEAK_MAX_CONTAINERS - 1; i++)
		cr_assert_eq(counts_add_container(bench.counts, &other), 0);
	cr_assert_eq(outside_count(&bench.walk, bench.counts, &bench.objects), 0);
	counts_containers(bench.counts, &cnt);
	cr_expect_eq(cnt, PYLEAK_MAX_CONTAINERS);
	cr_expect_eq(bench.walk.containers_lost, 2);
	cr_expect_eq(counts_type(bench.counts, bench.list)->live, 3);
	bench_deinit(&bench);
}

Test(outside, dicts_and_sets_are_measured_by_their_tables)
{
	struct bench bench;
	raddr_t dict_type, set_type, dict, set, keys;

	bench_init(&bench, "3.13.0");
	dict_type = fake_static_type(&bench.heap, "dict", 48, 0, PYLEAK_FLAG_DICT_SUBCLASS);
	set_type = fake_static_type(&bench.heap, "set", 200, 0, 0);
	bench.walk.set_types[0] = set_type;
	dict = fake_object(&bench.heap, bench.interpreter, 1, dict_type, 48);
	set = fake_object(&bench.heap, bench.interpreter, 1, set_type, 200);
	keys = fake_alloc(&bench.heap, 0x40);
	fake_put(&bench.heap, keys, 1);
	fake_put(&bench.heap, keys + 8, 0x10404); /* ten str keys: 272 bytes in all */
	fake_put(&bench.heap, dict + 0x20, keys);
	fake_put(&bench.heap, set + 0x20, 0x7ff);
	cr_assert_eq(count(&bench), 0);
	cr_expect_eq(counts_type(bench.counts, dict_type)->bytes, 272);
	cr_expect_eq(counts_type(bench.counts, set_type)->bytes, 32984);
	fake_put(&bench.heap, dict + 0x20, 0x10);
	cr_assert_eq(count(&bench), 0, "a table that is not there");
	cr_expect_eq(counts_type(bench.counts, dict_type)->bytes, 64);
	bench_deinit(&bench);
}

/* 3.13: 16 bytes before the head for the weak references and the dict, values behind. */
Test(outside, values_inside_an_instance_are_its_own_bytes)
{
	struct bench bench;
	raddr_t type, object;

	bench_init(&bench, "3.13.0");
	type = fake_static_type(&bench.heap, "C", 16, 0,
				PYLEAK_FLAG_INLINE_VALUES | PYLEAK_FLAG_PREHEADER);
	object = fake_object(&bench.heap, bench.interpreter, 3, type, 16 + 272);
	fake_put(&bench.heap, object + 16, 29);
	cr_assert_eq(count(&bench), 0);
	cr_expect_eq(counts_type(bench.counts, type)->bytes, 16 + 16 + 16 + 272);
	bench_deinit(&bench);
}

Test(outside, a_node_that_does_not_point_back_is_no_list)
{
	struct bench bench;
	raddr_t middle;

	bench_init(&bench, "3.11.7");
	add(&bench, 1, bench.plain, 5);
	middle = fake_object(&bench.heap, bench.interpreter, 1, bench.plain, 64);
	add(&bench, 1, bench.plain, 5);
	fake_put(&bench.heap, middle - 8, middle);
	cr_expect_eq(count(&bench), -EBADMSG);
	cr_expect_eq(bench.objects, 5, "counted up to there");
	bench_deinit(&bench);
}

/* The third node leads to the first again, past the head. */
Test(outside, a_ring_without_its_head_ends)
{
	struct bench bench;
	raddr_t first, second, third;

	bench_init(&bench, "3.9.18");
	first = fake_object(&bench.heap, bench.interpreter, 3, bench.plain, 64) - 16;
	second = fake_object(&bench.heap, bench.interpreter, 3, bench.plain, 64) - 16;
	third = fake_object(&bench.heap, bench.interpreter, 3, bench.plain, 64) - 16;
	fake_object(&bench.heap, bench.interpreter, 3, bench.plain, 64);
	fake_put(&bench.heap, third, first);
	cr_expect_eq(count(&bench), -EBADMSG);
	/* A node that is a ring of its own. */
	fake_put(&bench.heap, second, second);
	fake_put(&bench.heap, second + 8, second);
	cr_expect_eq(count(&bench), -EBADMSG);
	bench_deinit(&bench);
}

Test(outside, a_walk_ends_at_its_limit)
{
	struct bench bench;

	bench_init(&bench, "3.11.7");
	add(&bench, 1, bench.plain, 30);
	add(&bench, 3, bench.plain, 30);
	bench.walk.max_objects = 59;
	cr_expect_eq(count(&bench), -E2BIG);
	cr_expect_eq(bench.objects, 59);
	bench.walk.max_objects = 60;
	cr_expect_eq(count(&bench), 0);
	bench_deinit(&bench);
}

Test(outside, a_list_that_leads_out_of_memory_is_a_fault)
{
	struct bench bench;
	raddr_t object;

	bench_init(&bench, "3.11.7");
	object = fake_object(&bench.heap, bench.interpreter, 2, bench.plain, 64);
	add(&bench, 2, bench.plain, 3);
	fake_put(&bench.heap, object - 16, 0x10);
	cr_expect_eq(count(&bench), -EFAULT);
	bench_deinit(&bench);
}

Test(outside, the_last_object_of_a_mapping_may_be_short)
{
	struct bench bench;

	bench_init(&bench, "3.11.7");
	/* 24 bytes of object are all there is. */
	fake_alloc(&bench.heap, FAKE_BYTES - bench.heap.used - 48);
	bench.heap.used += 8;
	fake_object(&bench.heap, bench.interpreter, 3, bench.plain, 24);
	cr_expect_eq(count(&bench), 0);
	cr_expect_eq(bench.objects, 1);
	bench_deinit(&bench);
}

Test(outside, a_collection_under_way_is_left_alone)
{
	struct bench bench;

	bench_init(&bench, "3.13.18");
	add(&bench, 3, bench.plain, 3);
	fake_put32(&bench.heap, bench.interpreter + 0x1db0, 1);
	cr_expect_eq(count(&bench), -EAGAIN);
	cr_expect_eq(bench.objects, 0);
	bench_deinit(&bench);
}

Test(outside, the_fingerprint_changes_when_the_lists_do)
{
	struct bench bench;
	uint64_t before;
	raddr_t young;

	bench_init(&bench, "3.11.7");
	add(&bench, 3, bench.plain, 3);
	cr_assert_eq(count(&bench), 0);
	before = outside_fingerprint(&bench.walk);
	cr_expect_eq(outside_fingerprint(&bench.walk), before);
	young = fake_head(&bench.heap, bench.interpreter, PYLEAK_YOUNG_LIST);
	fake_put32(&bench.heap, young + 20, 1); /* count */
	cr_expect_neq(outside_fingerprint(&bench.walk), before);
	fake_put32(&bench.heap, young + 20, 0);
	cr_expect_eq(outside_fingerprint(&bench.walk), before);
	add(&bench, 3, bench.plain, 1);
	cr_expect_neq(outside_fingerprint(&bench.walk), before);
	bench_deinit(&bench);
}
