/* SPDX-License-Identifier: BSD-2-Clause */
/* Which type it is that was counted: types of one name, types that die, and what is at their
 * addresses later. */
#include <criterion/criterion.h>

#include "exact_bench.h"

Test(exact, types_of_one_name_are_one_row)
{
	struct bench bench;
	raddr_t first, second, third;

	bench_init(&bench);
	first = fake_heap_type(&bench.heap, "C", "app");
	second = fake_heap_type(&bench.heap, "C", "app");
	third = fake_heap_type(&bench.heap, "C", "app");
	bench_hit(&bench, 1, first, 10, 1);
	bench_hit(&bench, 9, second, 20, 2);
	bench_count(&bench, first, 9);
	bench_count(&bench, second, 18);
	bench_count(&bench, third, 3);
	bench_complete(&bench);
	bench_anchor(&bench);
	bench_expect(&bench, "app.C", 30, 0);
	cr_expect_eq(bench_row(&bench, "app.C")->allocs, 30);
	/* Between them it cancels. */
	bench_count(&bench, first, 10);
	bench_count(&bench, second, 17);
	bench_count(&bench, third, 3);
	bench_complete(&bench);
	bench_anchor(&bench);
	bench_expect(&bench, "app.C", 30, 0);
	cr_expect_eq(exact_counts(bench.exact)->drift, 0);
	bench_deinit(&bench);
}

/* Another type, in the memory of one that was freed. */
static void replace_type(struct bench *bench, raddr_t type, const char *name)
{
	raddr_t other = fake_heap_type(&bench->heap, name, "app");

	for (size_t at = 0; at < 0x390; at += 8)
		fake_put(&bench->heap, type + at, fake_get(&bench->heap, other + at));
}

Test(exact, a_type_at_the_address_of_another_is_another)
{
	struct bench bench;
	raddr_t type;

	bench_init(&bench);
	type = fake_heap_type(&bench.heap, "First", "app");
	bench_hit(&bench, 1, type, 10, 0);
	bench_step(&bench, NULL);
	bench_hit(&bench, 1, type, 0, 10);
	bench.slots[1].flags |= PYLEAK_ALLOC_DEAD;
	replace_type(&bench, type, "Second");
	bench_hit(&bench, 2, type, 4, 0);
	bench_count(&bench, type, 4);
	bench_complete(&bench);
	bench_anchor(&bench);
	bench_expect(&bench, "app.First", 0, 0);
	bench_expect(&bench, "app.Second", 4, 0);
	cr_expect(bench_row(&bench, "app.First")->is_dead);
	cr_expect_not(bench_row(&bench, "app.Second")->is_dead);
	cr_expect_eq(bench_row(&bench, "app.First")->allocs, 10);
	bench_deinit(&bench);
}

/* The census met the first; by the time that we read it, it is gone, and the second is there. */
Test(exact, a_type_that_dies_between_the_census_and_its_reading_has_what_was_counted)
{
	struct bench bench;
	raddr_t type;

	bench_init(&bench);
	type = fake_heap_type(&bench.heap, "First", "app");
	bench_hit(&bench, 40, type, 10, 0);
	bench_step(&bench, NULL);
	bench_count(&bench, type, 10);
	bench_complete(&bench);
	bench_hit(&bench, 40, type, 0, 10);
	bench.slots[40].flags |= PYLEAK_ALLOC_DEAD;
	replace_type(&bench, type, "Second");
	bench_hit(&bench, 2, type, 4, 0);
	bench_anchor(&bench);
	bench_expect(&bench, "app.First", 0, 0);
	bench_expect(&bench, "app.Second", 4, 0);
	bench_count(&bench, type, 4);
	bench_complete(&bench);
	bench_anchor(&bench);
	bench_expect(&bench, "app.First", 0, 0);
	bench_expect(&bench, "app.Second", 4, 0);
	bench_deinit(&bench);
}

/* No probe had met the first; its end is the first that we see of it. */
Test(exact, objects_that_no_probe_had_met_belong_to_the_type_that_died)
{
	struct bench bench;
	raddr_t type;

	bench_init(&bench);
	type = fake_heap_type(&bench.heap, "First", "app");
	bench_count(&bench, type, 5);
	bench_complete(&bench);
	bench_anchor(&bench);
	bench_expect(&bench, "app.First", 5, 0);
	bench_hit(&bench, 40, type, 0, 5);
	bench.slots[40].flags |= PYLEAK_ALLOC_DEAD;
	replace_type(&bench, type, "Second");
	bench_hit(&bench, 2, type, 4, 0);
	bench_step(&bench, NULL);
	bench_expect(&bench, "app.First", 0, 0);
	bench_expect(&bench, "app.Second", 4, 0);
	bench_deinit(&bench);
}

Test(exact, a_type_that_was_freed_before_its_name_was_read_has_none)
{
	struct bench bench;
	raddr_t type;

	bench_init(&bench);
	type = fake_heap_type(&bench.heap, "Wrong", "app");
	for (size_t i = 0; i < 3; i++) {
		bench_hit(&bench, i, type + i * 16, 2, 2);
		bench.slots[i].flags |= PYLEAK_ALLOC_DEAD;
	}
	bench_step(&bench, NULL);
	cr_expect_eq(bench_row(&bench, "<freed type>")->allocs, 6);
	cr_expect_eq(exact_counts(bench.exact)->cnt, 1);
	bench_deinit(&bench);
}
