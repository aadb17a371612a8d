// SPDX-License-Identifier: GPL-2.0-only
/* The place that a census keeps between two slices is an object of the target: it moves, dies,
 * and its memory is used again. */
#include "sliced.h"

#include <criterion/criterion.h>

/* The last object counted dies; its memory serves a new one at once. */
static void use_place_again(__u32 interpreter)
{
	__u64 cursor = progress.cursor;

	fake_unlink(cursor);
	fake_append(interpreter, YOUNG, cursor);
}

Test(place, a_place_that_is_promoted_is_lost)
{
	sliced_start(10, 300, 300);
	fake_collect(0, 1);
	sliced_expect(610, PYLEAK_LOSS_CURSOR_LOST, 1);
}

Test(place, a_place_in_the_youngest_list_does_not_outlive_a_collection)
{
	sliced_start(10, 10, 300);
	cr_assert_eq(progress.cursor_list, YOUNG);
	fake_collect(0, 0);
	sliced_expect(320, PYLEAK_LOSS_CURSOR_LOST, 1);
}

Test(place, a_place_that_died_is_lost)
{
	sliced_start(500, 0, 0);
	fake_unlink(progress.cursor);
	sliced_expect(499, PYLEAK_LOSS_CURSOR_LOST, 1);
}

Test(place, a_place_whose_memory_is_gone_is_lost)
{
	sliced_start(500, 0, 0);
	progress.cursor = 0x1000;
	sliced_expect(500, PYLEAK_LOSS_CURSOR_LOST, 1);
}

Test(place, a_place_that_was_freed_and_holds_something_else_is_lost)
{
	__u64 cursor;

	sliced_start(500, 0, 0);
	cursor = progress.cursor;
	fake_unlink(cursor);
	fake_set_word(cursor, fake_head(0, OLD)); /* the allocator's list of free blocks */
	fake_set_word(cursor + 8, cursor + FAKE_SLOT);
	sliced_expect(499, PYLEAK_LOSS_CURSOR_LOST, 1);
}

Test(place, a_place_that_was_used_again_for_a_young_object_is_lost)
{
	sliced_start(500, 0, 20);
	cr_assert_eq(progress.cursor_list, OLD);
	use_place_again(0);
	sliced_expect(520, PYLEAK_LOSS_CURSOR_LOST, 1);
}

Test(place, a_place_that_was_used_again_in_the_same_list_is_lost)
{
	sliced_start(0, 0, 500);
	use_place_again(0);
	sliced_expect(500, PYLEAK_LOSS_CURSOR_LOST, 1);
}

Test(place, a_place_that_was_used_again_by_another_interpreter_is_lost)
{
	sliced_start(500, 0, 0);
	fake_interpreter(LOCK_OF_ALL);
	fake_add_many(1, YOUNG, sliced_type, 20);
	use_place_again(1);
	sliced_expect(520, PYLEAK_LOSS_CURSOR_LOST, 1);
}

Test(place, a_place_that_nobody_links_to_is_lost)
{
	__u64 cursor, next, previous;

	sliced_start(500, 0, 0);
	cursor = progress.cursor;
	next = fake_word(cursor);
	previous = fake_word(cursor + 8);
	fake_unlink(cursor);
	fake_set_word(cursor, next); /* freed memory that nobody has written to */
	fake_set_word(cursor + 8, previous);
	sliced_expect(499, PYLEAK_LOSS_CURSOR_LOST, 1);
}

/* An instance and its dict are born and die together, in the same two blocks. */
Test(place, the_first_of_a_pair_that_came_back_is_lost)
{
	__u64 cursor, partner;

	sliced_start(0, 0, 500);
	cursor = progress.cursor;
	partner = PYLEAK_LINK(fake_word(cursor));
	fake_unlink(cursor);
	fake_unlink(partner);
	fake_append(0, YOUNG, cursor);
	fake_append(0, YOUNG, partner);
	sliced_expect(500, PYLEAK_LOSS_CURSOR_LOST, 1);
}

Test(place, the_second_of_a_pair_that_came_back_is_lost)
{
	__u64 cursor, partner;

	sliced_start(0, 0, 500);
	cursor = progress.cursor;
	partner = PYLEAK_LINK(fake_word(cursor + 8));
	fake_unlink(cursor);
	fake_unlink(partner);
	fake_append(0, YOUNG, partner);
	fake_append(0, YOUNG, cursor);
	sliced_expect(500, PYLEAK_LOSS_CURSOR_LOST, 1);
}

Test(place, the_last_of_a_list_stays_the_place_when_more_is_appended)
{
	sliced_start(SLICE - 1, 0, 0);
	cr_assert_eq(PYLEAK_LINK(fake_word(progress.cursor)), fake_head(0, OLD));
	fake_add_many(0, OLD, sliced_type, 10);
	sliced_expect(SLICE - 1 + 10, 0, 0);
}
