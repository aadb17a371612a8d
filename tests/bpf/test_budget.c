// SPDX-License-Identifier: GPL-2.0-only
/* The budget: what the target pays, and that it is not asked for more. The clock moves at each
 * look, so one census costs what its looks at the clock cost. */
#include "fake_interpreter.h"

#include <criterion/criterion.h>

#define STEP 1000
#define PERMILLE 1000 /* of budget_ppm */

static struct fake_types types;

static void start(__u64 budget_ppm)
{
	fake_start(11, 16);
	fake_interpreter(LOCK_OF_ALL);
	types = fake_types();
	fake_add_many(0, OLD, types.plain, 1000);
	control.budget_ppm = budget_ppm;
	shim.step_ns = STEP;
}

Test(budget, the_first_census_needs_no_credit)
{
	start(PERMILLE);
	take_census();
	cr_assert_lt(progress.credit_ns, 0);
}

Test(budget, what_was_spent_is_booked)
{
	__u64 first;

	start(PERMILLE);
	take_census();
	first = progress.spent_ns;
	/* 1004 steps have 7 looks at the clock, and the end has 1. */
	cr_assert_eq(first, 8 * STEP);
	cr_assert_eq(progress.longest_ns, first);
	cr_assert_eq(progress.credit_ns, -(__s64)first);
	fake_add_many(0, OLD, types.plain, 128);
	shim.now_ns += SECOND;
	take_census();
	cr_assert_eq(progress.spent_ns, 2 * first + STEP);
	cr_assert_eq(progress.longest_ns, first + STEP);
	cr_assert_eq(progress.counted, 2128);
}

Test(budget, over_budget_it_waits_and_says_so_once_per_request)
{
	start(PERMILLE);
	take_census();
	for (__u64 request = 1; request <= 3; request++) {
		ask();
		for (int i = 0; i < 5; i++)
			on_safe_point(NULL);
		cr_assert_not(answered());
		cr_assert_eq(loss_of(PYLEAK_LOSS_OVER_BUDGET), request);
	}
	cr_assert_eq(progress.counted, 1000);
	cr_assert_eq(progress.busy, 0);
}

Test(budget, waiting_costs_no_reads)
{
	start(PERMILLE);
	take_census();
	ask();
	shim.reads = 0;
	on_safe_point(NULL);
	cr_assert_eq(shim.reads, 0);
}

Test(budget, it_fills_with_time)
{
	start(PERMILLE);
	take_census();
	/* Overdrawn by 8 us: at one thousandth that takes 8 ms. */
	ask();
	shim.now_ns += 7 * 1000 * 1000;
	on_safe_point(NULL);
	cr_assert_not(answered());
	shim.now_ns += 1000 * 1000;
	on_safe_point(NULL);
	cr_assert(answered());
}

Test(budget, it_fills_however_often_the_hook_is_passed)
{
	start(PERMILLE / 10);
	take_census();
	ask();
	shim.step_ns = 0;
	/* 200 ms in steps of 1.7 us, where 80 ms are enough. */
	for (int i = 0; i < 120000 && !answered(); i++) {
		shim.now_ns += 1700;
		on_safe_point(NULL);
	}
	cr_assert(answered());
}

static __u64 hits_until_answered(__u64 hit_ns)
{
	__u64 hits = 0;

	start(PERMILLE);
	control.hit_ns = hit_ns;
	take_census();
	ask();
	shim.step_ns = 0;
	while (!answered() && hits < 1000) {
		shim.now_ns += 200 * 1000;
		on_gc_start(NULL);
		hits++;
	}
	return hits;
}

/* 200 us bring 200 ns, and 8 us are missing; the first hit was that of the census before. */
Test(budget, traps_that_cost_nothing_leave_all_of_it)
{
	cr_assert_eq(hits_until_answered(0), 40);
}

Test(budget, the_traps_of_hooks_come_off_it)
{
	cr_assert_eq(hits_until_answered(40), 51);
}

Test(budget, traps_leave_half_of_it)
{
	cr_assert_eq(hits_until_answered(5000), 80);
}

Test(budget, it_never_fills_beyond_one_pause)
{
	start(PERMILLE);
	take_census();
	shim.now_ns += 3600 * SECOND;
	take_census();
	cr_assert_leq(progress.credit_ns, (__s64)control.max_pause_ns);
	cr_assert_eq(progress.credit_ns, (__s64)control.max_pause_ns - 8 * STEP);
}

Test(budget, no_slice_is_much_longer_than_a_pause)
{
	start(1000 * PERMILLE);
	control.max_pause_ns = 5 * STEP;
	ask();
	pass_until_answered(on_safe_point, 10);
	cr_assert_gt(progress.slices, 1);
	/* One look finds it over, one more ends the slice. */
	cr_assert_leq(progress.longest_ns, control.max_pause_ns + 2 * STEP);
	cr_assert_eq(live_of(types.plain), 1000);
}

Test(budget, in_the_long_run_it_is_the_share_that_was_allowed)
{
	__u64 begin, censuses = 0;

	start(10 * PERMILLE);
	begin = shim.now_ns;
	while (shim.now_ns < begin + SECOND / 10) {
		if (answered()) {
			ask();
			censuses++;
		}
		shim.now_ns += 50 * 1000;
		on_gc_start(NULL);
	}
	cr_assert_gt(censuses, 50);
	cr_assert_leq(progress.spent_ns, SECOND / 10 / 100 + 10 * STEP);
	cr_assert_geq(progress.spent_ns, SECOND / 10 / 100 * 8 / 10);
}

Test(budget, the_youngest_generation_is_paid_from_it_too)
{
	start(PERMILLE);
	control.watch_young = 1;
	on_gc_start(NULL);
	cr_assert_eq(progress.young_walks, 1);
	cr_assert_gt(progress.spent_ns, 0);
	on_gc_start(NULL);
	cr_assert_eq(progress.young_walks, 1);
	cr_assert_eq(progress.young_skipped, 1);
	cr_assert_eq(losses(), 0);
	shim.now_ns += SECOND;
	on_gc_start(NULL);
	cr_assert_eq(progress.young_walks, 2);
}
