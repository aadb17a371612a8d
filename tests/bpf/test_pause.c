// SPDX-License-Identifier: GPL-2.0-only
/* Pauses: how long collections last, and of which generation they are. */
#include "fake_interpreter.h"

#include <criterion/criterion.h>

static struct fake_types types;

static void start(void)
{
	fake_start(11, 16);
	fake_interpreter(LOCK_OF_ALL);
	types = fake_types();
	control.measure_pauses = 1;
}

static void collect(int generation, __u64 ns)
{
	on_gc_start(NULL);
	shim.now_ns += ns;
	fake_mark(0, generation);
	on_gc_done(NULL);
}

Test(pause, the_mark_that_moved_tells_the_generation)
{
	start();
	for (int generation = 0; generation < PYLEAK_GENERATIONS; generation++) {
		for (int i = 0; i <= generation; i++)
			collect(generation, 5000);
	}
	for (int generation = 0; generation < PYLEAK_GENERATIONS; generation++) {
		cr_assert_eq(pauses.cnt[generation], generation + 1ULL);
		cr_assert_eq(pauses.total_ns[generation], 5000 * (generation + 1ULL));
	}
	cr_assert_eq(pauses.unknown, 0);
}

Test(pause, a_mark_may_wrap_around)
{
	start();
	fake_set_word(control.interpreters[0].generation_marks[1], 255);
	collect(1, 1000);
	cr_assert_eq(pauses.cnt[1], 1);
}

Test(pause, buckets_are_powers_of_two_in_microseconds)
{
	start();
	collect(0, 0);
	collect(0, 1999);
	collect(0, 2000);
	collect(0, 1024 * 1000 - 1);
	collect(0, 1024 * 1000);
	cr_assert_eq(pauses.log2_us[0][0], 2);
	cr_assert_eq(pauses.log2_us[0][1], 1);
	cr_assert_eq(pauses.log2_us[0][9], 1);
	cr_assert_eq(pauses.log2_us[0][10], 1);
	cr_assert_eq(pauses.cnt[0], 5);
}

Test(pause, the_last_bucket_takes_the_longest)
{
	start();
	collect(2, 1ULL << 60);
	cr_assert_eq(pauses.log2_us[2][PYLEAK_PAUSE_BUCKETS - 1], 1);
	cr_assert_eq(pauses.longest_ns[2], 1ULL << 60);
}

Test(pause, the_longest_is_kept)
{
	start();
	collect(1, 300);
	collect(1, 900);
	collect(1, 600);
	cr_assert_eq(pauses.longest_ns[1], 900);
	cr_assert_eq(pauses.longest_ns[0], 0);
	cr_assert_eq(pauses.total_ns[1], 1800);
}

Test(pause, an_end_without_a_start_is_unknown)
{
	start();
	on_gc_done(NULL);
	cr_assert_eq(pauses.unknown, 1);
	collect(0, 1000);
	on_gc_done(NULL);
	cr_assert_eq(pauses.unknown, 2);
	cr_assert_eq(pauses.cnt[0], 1);
}

Test(pause, a_collection_that_moved_no_mark_is_unknown)
{
	start();
	on_gc_start(NULL);
	on_gc_done(NULL);
	cr_assert_eq(pauses.unknown, 1);
	cr_assert_eq(pauses.cnt[0] + pauses.cnt[1] + pauses.cnt[2], 0);
}

Test(pause, a_start_without_an_end_is_replaced_by_the_next)
{
	start();
	on_gc_start(NULL);
	shim.now_ns += SECOND;
	collect(0, 1000);
	cr_assert_eq(pauses.longest_ns[0], 1000);
}

Test(pause, threads_do_not_end_each_others_collections)
{
	__u64 first = shim.thread_pointer;

	fake_start(12, 16);
	fake_interpreter(LOCK_OWN);
	fake_interpreter(LOCK_OWN);
	control.measure_pauses = 1;
	fake_take_lock(0);
	on_gc_start(NULL);
	shim.pid_tgid++;
	shim.thread_pointer += 0x100000;
	fake_take_lock(1);
	shim.now_ns += 1000;
	on_gc_start(NULL);
	fake_mark(0, 2);
	fake_mark(1, 0);
	shim.now_ns += 1000;
	on_gc_done(NULL);
	shim.pid_tgid--;
	shim.thread_pointer = first;
	on_gc_done(NULL);
	cr_assert_eq(pauses.total_ns[0], 1000);
	cr_assert_eq(pauses.total_ns[2], 2000);
	cr_assert_eq(pauses.unknown, 0);
}

Test(pause, it_begins_when_our_own_work_is_done)
{
	start();
	shim.step_ns = 100;
	fake_add_many(0, OLD, types.plain, 1000);
	ask();
	on_gc_start(NULL);
	cr_assert(answered());
	fake_mark(0, 2);
	on_gc_done(NULL);
	cr_assert_gt(progress.longest_ns, 500);
	cr_assert_eq(pauses.total_ns[2], 100, "one look at the clock apart");
}

Test(pause, nothing_is_measured_unless_wanted)
{
	start();
	control.measure_pauses = 0;
	on_gc_start(NULL);
	cr_assert_eq(shim.reads, 0);
}

Test(pause, a_thread_without_a_lock_begins_none)
{
	fake_start(12, 16);
	fake_interpreter(LOCK_OWN);
	control.measure_pauses = 1;
	fake_drop_lock(0);
	on_gc_start(NULL);
	fake_mark(0, 1);
	on_gc_done(NULL);
	cr_assert_eq(pauses.unknown, 1);
	cr_assert_eq(pauses.cnt[1], 0);
}

Test(pause, a_start_in_no_known_interpreter_forgets_the_one_before)
{
	fake_start(12, 16);
	fake_interpreter(LOCK_OWN);
	control.measure_pauses = 1;
	fake_take_lock(0);
	on_gc_start(NULL); /* its end is never seen */
	shim.now_ns += SECOND;
	fake_mark(0, 1);
	fake_drop_lock(0);
	on_gc_start(NULL);
	on_gc_done(NULL);
	cr_assert_eq(pauses.cnt[1], 0);
	cr_assert_eq(pauses.unknown, 1);
}
