// SPDX-License-Identifier: GPL-2.0-only
/* A census in slices: between two of them the target runs on. */
#include "sliced.h"

#include <criterion/criterion.h>

Test(slices, they_count_what_a_single_pass_counts)
{
	sliced_start(500, 300, 200);
	cr_assert_not(answered());
	cr_assert_eq(progress.objects, SLICE - 1);
	sliced_expect(1000, 0, 0);
	cr_assert_eq(progress.slices, 1004 / SLICE + 1);
	cr_assert_eq(bytes_of(sliced_type), 1000 * (FAKE_BASIC + 16));
	shim.step_ns = 0;
	shim.now_ns += SECOND;
	take_census();
	cr_assert_eq(live_of(sliced_type), 1000);
	cr_assert_eq(bytes_of(sliced_type), 1000 * (FAKE_BASIC + 16));
	cr_assert_eq(progress.slices, 1);
}

Test(slices, what_is_promoted_before_its_turn_is_counted_once)
{
	sliced_start(400, 300, 300);
	fake_collect(0, 0);
	sliced_step();
	cr_assert_eq(progress.cursor_list, OLD);
	fake_collect(0, 1);
	sliced_expect(1000, 0, 0);
}

Test(slices, what_joins_the_list_under_way_is_counted)
{
	sliced_start(10, 300, 300);
	cr_assert_eq(progress.cursor_list, MIDDLE);
	fake_collect(0, 0);
	sliced_expect(610, 0, 0);
}

Test(slices, a_full_collection_in_between_begins_the_census_again)
{
	sliced_start(500, 30, 30);
	fake_collect(0, 2);
	sliced_expect(560, PYLEAK_LOSS_FULL_COLLECTION, 1);
}

Test(slices, younger_collections_in_between_do_not)
{
	sliced_start(500, 0, 0);
	fake_mark(0, 0);
	fake_mark(0, 1);
	sliced_expect(500, PYLEAK_LOSS_FULL_COLLECTION, 0);
}

Test(slices, a_pause_between_two_lists_loses_nothing)
{
	/* Step 127 is the first in the middle list. */
	sliced_start(SLICE - 2, 300, 300);
	fake_collect(0, 1);
	pass_until_answered(on_safe_point, MANY);
	cr_assert_eq(live_of(sliced_type), SLICE - 2 + 600);
}

Test(slices, a_list_that_is_not_there_is_no_place_to_pause)
{
	sliced_start(0, 0, 0);
	control.interpreters[0].heads[MIDDLE] = 0;
	fake_add_many(0, OLD, sliced_type, SLICE - 2);
	fake_add_many(0, YOUNG, sliced_type, 50);
	ask();
	sliced_expect(SLICE - 2 + 50, 0, 0);
}

Test(slices, what_comes_behind_the_place_is_counted_and_what_goes_before_it_stays)
{
	sliced_start(500, 0, 0);
	fake_unlink(fake_word(fake_head(0, OLD)));
	fake_unlink(fake_word(fake_head(0, OLD) + 8));
	fake_add_many(0, OLD, sliced_type, 10);
	sliced_expect(500 - 1 + 10, 0, 0);
}

Test(slices, too_many_objects_end_it)
{
	sliced_start(500, 0, 0);
	control.max_objects = 200;
	sliced_step();
	sliced_step();
	cr_assert_eq(loss_of(PYLEAK_LOSS_OBJECT_LIMIT), 1);
	cr_assert_not(answered());
	control.max_objects = 1000;
	ask();
	sliced_expect(500, PYLEAK_LOSS_OBJECT_LIMIT, 1);
}

Test(slices, too_many_objects_in_the_last_slice_end_it_too)
{
	sliced_start(200, 0, 0);
	control.max_objects = 199;
	for (int i = 0; i < 3; i++)
		sliced_step();
	cr_assert_not(answered());
	cr_assert_geq(loss_of(PYLEAK_LOSS_OBJECT_LIMIT), 1);
}

Test(slices, a_new_request_begins_again)
{
	__u64 serial;

	sliced_start(500, 0, 0);
	serial = progress.serial;
	fake_unlink(fake_word(fake_head(0, OLD)));
	ask();
	sliced_expect(499, 0, 0);
	cr_assert_eq(progress.serial, serial + 1);
	cr_assert_eq(progress.answered, 2);
}

Test(slices, a_request_that_is_withdrawn_takes_none)
{
	sliced_start(500, 0, 0);
	control.want = 0;
	on_safe_point(NULL);
	cr_assert_eq(progress.counted, SLICE - 1);
	cr_assert_eq(progress.answered, 0);
	control.want = 2;
	sliced_expect(500, 0, 0);
}

Test(slices, they_go_through_one_interpreter_after_the_other)
{
	sliced_start(200, 0, 0);
	fake_interpreter(LOCK_OF_ALL);
	fake_interpreter(LOCK_OF_ALL);
	fake_add_many(1, MIDDLE, sliced_type, 300);
	fake_add_many(2, YOUNG, sliced_type, 400);
	fake_mark(1, 2); /* the place is in another interpreter */
	sliced_expect(900, 0, 0);
}

Test(slices, an_interpreter_under_way_that_collects_waits_with_its_place)
{
	sliced_start(500, 0, 0);
	fake_set_collecting(0, true);
	on_safe_point(NULL);
	cr_assert_eq(progress.counted, SLICE - 1);
	fake_set_collecting(0, false);
	sliced_expect(500, 0, 0);
}

Test(slices, a_place_in_one_interpreter_is_none_in_another)
{
	sliced_start(0, 0, 0);
	fake_interpreter(LOCK_OF_ALL);
	fake_add_many(0, OLD, sliced_type, 20);
	fake_add_many(1, OLD, sliced_type, 300);
	fake_set_collecting(0, true);
	ask();
	sliced_step();
	cr_assert_eq(progress.cursor_interpreter, 1);
	fake_set_collecting(0, false);
	sliced_expect(320, 0, 0);
}
