// SPDX-License-Identifier: GPL-2.0-only
/* What has come since the collection before: the youngest list, at the start of each. */
#include "fake_interpreter.h"

#include <criterion/criterion.h>

static struct fake_types types;

static void start(void)
{
	fake_start(11, 16);
	fake_interpreter(LOCK_OF_ALL);
	types = fake_types();
	control.watch_young = 1;
	for (int list = 0; list < PYLEAK_LISTS; list++)
		fake_add_many(0, list, types.plain, 10 * (list + 1));
}

Test(young, only_the_youngest_list_is_counted)
{
	start();
	on_gc_start(NULL);
	cr_assert_eq(young_of(types.plain), 40);
	cr_assert_eq(live_of(types.plain), 0);
	cr_assert_eq(progress.young_walks, 1);
	cr_assert_eq(progress.young_objects, 40);
	cr_assert_eq(progress.counted, 40);
	on_gc_start(NULL);
	cr_assert_eq(young_of(types.plain), 80, "it adds up");
	cr_assert_eq(losses(), 0);
}

Test(young, only_the_interpreter_that_collects_is_looked_at)
{
	fake_start(12, 16);
	fake_interpreter(LOCK_OWN);
	fake_interpreter(LOCK_SHARED);
	types = fake_types();
	control.watch_young = 1;
	fake_add_many(0, YOUNG, types.plain, 3);
	fake_add_many(1, YOUNG, types.tuple, 5);
	fake_take_lock(1);
	on_gc_start(NULL);
	cr_assert_eq(young_of(types.plain), 0);
	cr_assert_eq(young_of(types.tuple), 5);
}

Test(young, nobody_knows_whose_list_it_is_without_the_lock)
{
	fake_start(12, 16);
	fake_interpreter(LOCK_OWN);
	types = fake_types();
	control.watch_young = 1;
	fake_add_many(0, YOUNG, types.plain, 3);
	fake_lose_lock(0);
	on_gc_start(NULL);
	cr_assert_eq(progress.young_walks, 0);
	cr_assert_null(type_in_map(types.plain));
}

Test(young, safe_points_do_not_count_it)
{
	start();
	on_safe_point(NULL);
	cr_assert_eq(progress.young_walks, 0);
	take_census();
	cr_assert_eq(young_of(types.plain), 0);
	cr_assert_eq(live_of(types.plain), 100);
}

Test(young, a_census_at_a_collection_counts_it_along)
{
	start();
	ask();
	on_gc_start(NULL);
	cr_assert(answered());
	cr_assert_eq(live_of(types.plain), 100);
	cr_assert_eq(young_of(types.plain), 40);
	cr_assert_eq(progress.young_walks, 0);
}

Test(young, a_census_counts_only_the_young_of_the_interpreter_that_collects)
{
	start();
	fake_interpreter(LOCK_OF_ALL);
	fake_add_many(1, YOUNG, types.tuple, 5);
	ask();
	on_gc_start(NULL);
	cr_assert_eq(young_of(types.plain), 40);
	cr_assert_eq(live_of(types.tuple), 5);
	cr_assert_eq(young_of(types.tuple), 0);
}

Test(young, it_leaves_the_counts_of_the_last_census_alone)
{
	start();
	take_census();
	fake_add_many(0, YOUNG, types.tuple, 5);
	on_gc_start(NULL);
	cr_assert_eq(live_of(types.plain), 100);
	cr_assert_eq(bytes_of(types.plain), 100 * (FAKE_BASIC + 16));
	cr_assert_eq(live_of(types.tuple), 0);
	cr_assert_eq(young_of(types.plain), 40);
	cr_assert_eq(young_of(types.tuple), 5);
	cr_assert_eq(progress.answered, 1);
	cr_assert_eq(shim.events, 1);
}

Test(young, it_leaves_a_census_in_slices_alone)
{
	__u64 wanted;

	start();
	fake_add_many(0, OLD, types.plain, 300);
	cut_slices();
	ask();
	on_safe_point(NULL);
	shim.now_ns += SECOND;
	wanted = control.want;
	control.want = 0; /* withdrawn, for now */
	on_gc_start(NULL);
	cr_assert_eq(progress.young_walks, 1);
	control.want = wanted;
	shim.now_ns += 2 * SECOND;
	pass_until_answered(on_safe_point, 5);
	cr_assert_eq(live_of(types.plain), 400);
	cr_assert_eq(losses(), 0);
}

Test(young, without_a_wish_for_it_nothing_is_read)
{
	start();
	control.watch_young = 0;
	on_gc_start(NULL);
	cr_assert_eq(shim.reads, 0);
}

Test(young, a_list_that_is_broken_is_not_a_walk_to_rely_on)
{
	start();
	fake_set_word(fake_word(fake_head(0, YOUNG)) + 8, 0);
	on_gc_start(NULL);
	cr_assert_eq(loss_of(PYLEAK_LOSS_LIST_BROKEN), 1);
	cr_assert_eq(progress.busy, 0);
}

Test(young, an_interpreter_that_the_census_is_done_with_is_looked_at_all_the_same)
{
	fake_start(12, 16);
	fake_interpreter(LOCK_OWN);
	fake_interpreter(LOCK_OWN);
	types = fake_types();
	control.watch_young = 1;
	fake_add_many(0, YOUNG, types.plain, 3);
	fake_take_lock(0);
	ask();
	on_gc_start(NULL); /* the census now waits for interpreter 1 */
	on_gc_start(NULL);
	cr_assert_eq(young_of(types.plain) + 3 * progress.young_skipped, 6, "counted, or skipped");
}
