// SPDX-License-Identifier: GPL-2.0-only
/* A census in one pass: which lists are walked, when, under which lock, and what ends it. */
#include "fake_interpreter.h"

#include <criterion/criterion.h>

static struct fake_types types;

static void start(void)
{
	fake_start(11, 16);
	fake_interpreter(LOCK_OF_ALL);
	types = fake_types();
}

/* CPython 3.12 with two interpreters. */
static void start_two(enum fake_lock second)
{
	fake_start(12, 16);
	fake_interpreter(LOCK_OWN);
	fake_interpreter(second);
	types = fake_types();
	fake_add_many(0, OLD, types.plain, 10);
	fake_add_many(1, OLD, types.tuple, 20);
}

Test(census, all_four_lists_of_every_interpreter_are_counted_exactly)
{
	start();
	fake_interpreter(LOCK_OF_ALL);
	fake_interpreter(LOCK_OF_ALL);
	for (__u32 i = 0; i < 3; i++) {
		for (int list = 0; list < PYLEAK_LISTS; list++) {
			fake_add_many(i, list, types.plain, 100 + list);
			fake_add_many(i, list, types.tuple, 7);
			fake_add_many(i, list, types.list, i);
		}
	}
	take_census();
	cr_assert_eq(live_of(types.plain), 3 * (100 + 101 + 102 + 103));
	cr_assert_eq(bytes_of(types.plain), live_of(types.plain) * (FAKE_BASIC + 16));
	cr_assert_eq(live_of(types.tuple), 3 * 4 * 7);
	cr_assert_eq(live_of(types.list), 4 * (0 + 1 + 2));
	cr_assert_eq(progress.objects, 1218 + 84 + 12);
	cr_assert_eq(losses(), 0);
}

Test(census, lists_that_are_not_there_are_skipped)
{
	start();
	control.interpreters[0].heads[PERMANENT] = 0;
	fake_add_many(0, OLD, types.plain, 5);
	fake_add_many(0, YOUNG, types.plain, 2);
	take_census();
	cr_assert_eq(live_of(types.plain), 7);
	cr_assert_eq(losses(), 0);
}

Test(census, each_starts_from_zero)
{
	__u64 node;

	start();
	fake_add(0, OLD, types.tuple);
	node = fake_add(0, OLD, types.plain);
	take_census();
	fake_unlink(node);
	take_census();
	cr_assert_eq(live_of(types.tuple), 1);
	cr_assert_eq(live_of(types.plain), 0);
	cr_assert_lt(type_in_map(types.plain)->census, progress.serial);
}

Test(census, an_answer_says_where_and_how_it_was_taken)
{
	__u64 serial;

	start();
	fake_add_many(0, OLD, types.plain, 10);
	serial = progress.serial;
	ask();
	cr_assert_not(answered());
	on_gc_start(NULL);
	cr_assert(answered());
	cr_assert_eq(progress.serial, serial + 1);
	cr_assert_eq(progress.done_hook, PYLEAK_HOOK_GC);
	cr_assert_eq(progress.slices, 1);
	cr_assert_eq(shim.events, 1);
	take_census();
	cr_assert_eq(progress.done_hook, PYLEAK_HOOK_SAFEPOINT);
	cr_assert_eq(shim.events, 2);
	cr_assert_eq(progress.hits[PYLEAK_HOOK_GC], 1);
	cr_assert_eq(progress.hits[PYLEAK_HOOK_SAFEPOINT], 1);
}

Test(census, a_full_ring_buffer_does_not_keep_it_from_answering)
{
	start();
	fake_add(0, OLD, types.plain);
	shim.ringbuf_full = true;
	take_census();
	cr_assert_eq(live_of(types.plain), 1);
}

static void expect_idle(int (*hook)(struct pt_regs *ctx))
{
	shim.reads = 0;
	hook(NULL);
	cr_assert_eq(shim.reads, 0);
	cr_assert_eq(progress.serial, 0);
	cr_assert_eq(progress.counted, 0);
}

Test(census, nothing_happens_unless_somebody_asked)
{
	start();
	fake_add(0, OLD, types.plain);
	expect_idle(on_gc_start);
	expect_idle(on_safe_point);
	cr_assert_eq(progress.hits[PYLEAK_HOOK_GC], 1);
}

Test(census, nothing_happens_while_the_interpreters_are_not_known)
{
	start();
	control.interpreter_cnt = 0;
	ask();
	expect_idle(on_gc_start);
}

Test(census, a_second_thread_inside_does_nothing)
{
	start();
	fake_add(0, OLD, types.plain);
	ask();
	progress.busy = 1;
	expect_idle(on_safe_point);
	cr_assert_eq(progress.busy, 1);
	progress.busy = 0;
	pass_until_answered(on_safe_point, 1);
	cr_assert_eq(progress.busy, 0);
}

Test(census, an_interpreter_that_collects_is_left_for_later)
{
	start();
	fake_interpreter(LOCK_OF_ALL);
	fake_add_many(0, OLD, types.plain, 3);
	fake_add_many(1, OLD, types.plain, 4);
	fake_set_collecting(1, true);
	ask();
	on_gc_start(NULL);
	on_gc_start(NULL);
	cr_assert_not(answered());
	cr_assert_eq(progress.counted, 3);
	fake_set_collecting(1, false);
	pass_until_answered(on_gc_start, 1);
	cr_assert_eq(live_of(types.plain), 7);
	cr_assert_eq(progress.counted, 7, "nothing is counted twice");
}

Test(census, the_collection_that_begins_does_not_stand_in_its_own_way)
{
	start();
	fake_add(0, OLD, types.plain);
	fake_set_collecting(0, true);
	ask();
	on_safe_point(NULL); /* a finalizer runs */
	cr_assert_not(answered());
	pass_until_answered(on_gc_start, 1);
	cr_assert_eq(live_of(types.plain), 1);
}

Test(census, only_the_interpreter_whose_lock_the_thread_holds_is_walked)
{
	start_two(LOCK_OWN);
	fake_take_lock(0);
	fake_lose_lock(1);
	ask();
	on_gc_start(NULL);
	on_gc_start(NULL);
	cr_assert_not(answered());
	cr_assert_eq(progress.counted, 10);
	fake_drop_lock(0);
	fake_take_lock(1);
	pass_until_answered(on_safe_point, 1);
	cr_assert_eq(live_of(types.plain), 10);
	cr_assert_eq(live_of(types.tuple), 20);
	cr_assert_eq(losses(), 0);
}

Test(census, a_lock_that_guards_two_interpreters_opens_both)
{
	start_two(LOCK_SHARED);
	fake_take_lock(0);
	fake_set_collecting(0, true);
	ask();
	on_gc_start(NULL);
	cr_assert(answered());
	cr_assert_eq(progress.counted, 30);
}

Test(census, under_a_shared_lock_only_the_running_interpreter_may_be_collecting)
{
	start_two(LOCK_SHARED);
	fake_take_lock(1);
	fake_set_collecting(0, true);
	ask();
	on_gc_start(NULL);
	cr_assert_eq(progress.counted, 20);
	cr_assert_not(answered());
}

Test(census, a_lock_that_was_dropped_opens_nothing)
{
	start_two(LOCK_OWN);
	fake_drop_lock(0);
	fake_drop_lock(1);
	ask();
	on_safe_point(NULL);
	cr_assert_eq(progress.counted, 0);
	cr_assert_not(answered());
}

Test(census, sixty_four_interpreters_fit)
{
	start();
	while (control.interpreter_cnt < PYLEAK_MAX_INTERPRETERS)
		fake_interpreter(LOCK_OF_ALL);
	for (__u32 i = 0; i < PYLEAK_MAX_INTERPRETERS; i++)
		fake_add_many(i, YOUNG, types.plain, 2);
	take_census();
	cr_assert_eq(live_of(types.plain), 128);
}
