/* SPDX-License-Identifier: BSD-2-Clause */
/* Live counts between censuses: anchors, drift, rates. */
#include <criterion/criterion.h>

#include "collect/free_lists.h"
#include "exact_bench.h"

Test(exact, without_a_census_what_is_left_of_the_allocations_lives)
{
	struct bench bench;
	raddr_t type;

	bench_init(&bench);
	type = fake_heap_type(&bench.heap, "Message", "__main__");
	bench_hit(&bench, 7, type, 10, 3);
	bench_step(&bench, NULL);
	bench_expect(&bench, "__main__.Message", 7, 0);
	cr_expect_not(bench_row(&bench, "__main__.Message")->anchored);
	cr_expect(bench_row(&bench, "__main__.Message")->own);
	cr_expect_eq(exact_counts(bench.exact)->censuses, 0);
	bench_deinit(&bench);
}

Test(exact, what_moved_since_the_census_is_added_to_it)
{
	struct bench bench;
	raddr_t moving, quiet, late;

	bench_init(&bench);
	moving = fake_heap_type(&bench.heap, "Moving", "app");
	quiet = fake_heap_type(&bench.heap, "Quiet", "app");
	late = fake_heap_type(&bench.heap, "Late", "app");
	bench_hit(&bench, 1, moving, 100, 90);
	bench_hit(&bench, 2, late, 4, 4);
	bench_count(&bench, moving, 1010);
	bench_count(&bench, quiet, 55);
	bench_complete(&bench);
	/* Between the census and our reading of it. */
	bench_hit(&bench, 1, moving, 7, 2);
	bench_anchor(&bench);
	bench_expect(&bench, "app.Moving", 1015, 0);
	bench_expect(&bench, "app.Quiet", 55, 0);
	bench_expect(&bench, "app.Late", 0, 0);
	cr_expect(bench_row(&bench, "app.Late")->anchored);
	cr_expect_eq(exact_counts(bench.exact)->anchored_live, 1065);
	/* Quiet was met by no probe until now. */
	bench_hit(&bench, 3, quiet, 0, 5);
	bench_hit(&bench, 2, late, 6, 0);
	bench_step(&bench, NULL);
	bench_expect(&bench, "app.Quiet", 50, 0);
	bench_expect(&bench, "app.Late", 6, 0);
	cr_expect_not(exact_counts(bench.exact)->approximate);
	bench_deinit(&bench);
}

Test(exact, what_the_next_census_finds_more_or_less_is_drift)
{
	struct bench bench;
	raddr_t exact, more, less, quiet;

	bench_init(&bench);
	exact = fake_heap_type(&bench.heap, "Exact", "app");
	more = fake_heap_type(&bench.heap, "More", "app");
	less = fake_heap_type(&bench.heap, "Less", "app");
	quiet = fake_heap_type(&bench.heap, "Quiet", "app");
	for (size_t i = 0; i < 3; i++)
		bench_hit(&bench, i, i == 0 ? exact : i == 1 ? more : less, 50, 0);
	bench_count(&bench, exact, 50);
	bench_count(&bench, more, 50);
	bench_count(&bench, less, 50);
	bench_count(&bench, quiet, 9);
	bench_complete(&bench);
	bench_anchor(&bench);
	cr_expect_eq(exact_counts(bench.exact)->drift, 0, "the first says only where we are");
	bench_hit(&bench, 0, exact, 20, 10);
	bench_hit(&bench, 1, more, 20, 10);
	bench_hit(&bench, 2, less, 20, 10);
	bench_count(&bench, exact, 60);
	bench_count(&bench, more, 63);
	bench_count(&bench, less, 52);
	bench_count(&bench, quiet, 10);
	bench_complete(&bench);
	bench_anchor(&bench);
	bench_expect(&bench, "app.Exact", 60, 0);
	bench_expect(&bench, "app.More", 63, 3);
	bench_expect(&bench, "app.Less", 52, -8);
	bench_expect(&bench, "app.Quiet", 10, 1);
	cr_expect_eq(exact_counts(bench.exact)->drift, 12);
	cr_expect_eq(exact_counts(bench.exact)->censuses, 2);
	/* All of Quiet is gone without a free. */
	bench_count(&bench, exact, 60);
	bench_count(&bench, more, 63);
	bench_count(&bench, less, 52);
	bench_complete(&bench);
	bench_anchor(&bench);
	bench_expect(&bench, "app.Quiet", 0, -10);
	cr_expect_eq(exact_counts(bench.exact)->drift, 10);
	bench_deinit(&bench);
}

/* A type that is met between two censuses had none at the first. */
Test(exact, a_type_that_is_new_since_the_census_can_drift)
{
	struct bench bench;
	raddr_t type;

	bench_init(&bench);
	bench_complete(&bench);
	bench_anchor(&bench);
	type = fake_heap_type(&bench.heap, "New", "app");
	bench_hit(&bench, 5, type, 30, 0);
	bench_step(&bench, NULL);
	bench_expect(&bench, "app.New", 30, 0);
	cr_expect_not(bench_row(&bench, "app.New")->anchored);
	bench_count(&bench, type, 28);
	bench_complete(&bench);
	bench_anchor(&bench);
	bench_expect(&bench, "app.New", 28, -2);
	cr_expect(bench_row(&bench, "app.New")->anchored);
	bench_deinit(&bench);
}

Test(exact, a_census_that_is_newer_than_the_one_we_have_moves_no_anchor)
{
	struct bench bench;
	raddr_t type;

	bench_init(&bench);
	type = fake_heap_type(&bench.heap, "C", "app");
	bench_hit(&bench, 1, type, 10, 0);
	bench_count(&bench, type, 10);
	bench_complete(&bench);
	bench_anchor(&bench);
	bench_hit(&bench, 1, type, 5, 0);
	bench_count(&bench, type, 15);
	bench_complete(&bench);
	/* Before we read it, another is complete, and the type moves. */
	bench_complete(&bench);
	bench_hit(&bench, 1, type, 100, 0);
	bench.epoch--;
	bench_anchor(&bench);
	bench_expect(&bench, "app.C", 115, 0);
	bench_deinit(&bench);
}

Test(exact, a_census_from_outside_is_joined_with_the_counts_of_now)
{
	struct bench bench;
	struct exact_census census = {};
	raddr_t type;

	bench_init(&bench);
	type = fake_heap_type(&bench.heap, "C", "app");
	bench_hit(&bench, 1, type, 10, 2);
	bench_count(&bench, type, 18);
	census.counts = bench.census;
	bench_step(&bench, &census);
	bench_expect(&bench, "app.C", 18, 0);
	cr_expect(exact_counts(bench.exact)->approximate);
	bench_hit(&bench, 1, type, 1, 0);
	bench_step(&bench, NULL);
	bench_expect(&bench, "app.C", 19, 0);
	bench_deinit(&bench);
}

Test(exact, rates_are_over_the_last_interval)
{
	struct bench bench;
	raddr_t type;

	bench_init(&bench);
	type = fake_heap_type(&bench.heap, "C", "app");
	bench_hit(&bench, 1, type, 1000, 10);
	bench_step(&bench, NULL);
	cr_expect_float_eq(bench_row(&bench, "app.C")->alloc_per_s, 1000, 0.01);
	bench.now_ns += BENCH_SECOND;
	bench_hit(&bench, 1, type, 50, 100);
	bench.progress.spent_ns = 300000000;
	bench.progress.losses[PYLEAK_ALLOC_LOSS_FAULT] = 3;
	bench_step(&bench, NULL);
	cr_expect_float_eq(bench_row(&bench, "app.C")->alloc_per_s, 25, 0.01);
	cr_expect_float_eq(bench_row(&bench, "app.C")->free_per_s, 50, 0.01);
	cr_expect_float_eq(exact_counts(bench.exact)->interval_s, 2, 0.01);
	cr_expect_float_eq(exact_counts(bench.exact)->alloc_per_s, 25, 0.01);
	cr_expect_float_eq(exact_counts(bench.exact)->target_share, 0.1, 0.0001);
	cr_assert_eq(exact_counts(bench.exact)->loss_cnt, 1);
	cr_expect_str_eq(exact_counts(bench.exact)->losses[0].name, "FAULT");
	/* No time has passed: no rate is made up. */
	bench.now_ns -= BENCH_SECOND;
	bench_step(&bench, NULL);
	cr_expect_float_eq(bench_row(&bench, "app.C")->alloc_per_s, 25, 0.01);
	bench_deinit(&bench);
}

Test(exact, an_object_that_waits_for_its_type_is_counted_once_it_has_it)
{
	struct bench bench;
	raddr_t type, object, fresh;

	bench_init(&bench);
	type = fake_heap_type(&bench.heap, "C", "app");
	fresh = fake_heap_type(&bench.heap, "Fresh", "app");
	object = fake_alloc(&bench.heap, 32);
	bench_hit(&bench, 1, type, 10, 0);
	bench.pending[bench.pending_cnt++] = object;
	bench_step(&bench, NULL);
	bench_expect(&bench, "app.C", 10, 0);
	fake_put(&bench.heap, object + 8, type);
	bench.pending[bench.pending_cnt++] = fake_alloc(&bench.heap, 32);
	fake_put(&bench.heap, bench.pending[1] + 8, fresh);
	bench_step(&bench, NULL);
	bench_expect(&bench, "app.C", 11, 0);
	bench_expect(&bench, "app.Fresh", 1, 0);
	bench.pending_cnt = 0;
	bench_step(&bench, NULL);
	bench_expect(&bench, "app.C", 10, 0);
	bench_deinit(&bench);
}

Test(exact, most_allocations_come_first)
{
	struct bench bench;
	const struct exact_counts *counts;

	bench_init(&bench);
	bench_hit(&bench, 1, fake_heap_type(&bench.heap, "Some", "app"), 10, 0);
	bench_hit(&bench, 2, fake_heap_type(&bench.heap, "Many", "app"), 1000, 1000);
	bench_hit(&bench, 3, fake_static_type(&bench.heap, "list", 40, 0, 0), 20, 0);
	bench_step(&bench, NULL);
	counts = exact_counts(bench.exact);
	cr_assert_eq(counts->cnt, 3);
	cr_expect_str_eq(counts->types[0].name, "app.Many");
	cr_expect_str_eq(counts->types[1].name, "list");
	cr_expect_eq(counts->types[1].free_list, 80);
	cr_expect_eq(counts->types[2].free_list, 0);
	bench_deinit(&bench);
}

Test(exact, free_lists_are_those_of_the_version)
{
	cr_expect_eq(free_list_most(8, "method", 1), 256);
	cr_expect_eq(free_list_most(11, "method", 1), 0);
	cr_expect_eq(free_list_most(14, "method", 1), 20);
	cr_expect_eq(free_list_most(9, "list", 3), 80, "all interpreters share it");
	cr_expect_eq(free_list_most(10, "list", 3), 240);
	cr_expect_eq(free_list_most(10, "tuple", 1), 38000);
	cr_expect_eq(free_list_most(11, "tuple", 1), 40000);
	cr_expect_eq(free_list_most(13, "app.list", 1), 0);
}
