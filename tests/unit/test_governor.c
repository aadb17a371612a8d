/* SPDX-License-Identifier: BSD-2-Clause */
/* Windows over targets that allocate much, little, suddenly: what they cost in any second. */
#include <criterion/criterion.h>

#include <math.h>
#include <stdlib.h>

#include "collect/governor.h"

#define STEP_NS 100000ULL
#define STEPS_PER_S 10000U
#define HIT_NS 1000.0
#define OPENING_NS 8000000ULL  /* before the first breakpoint is in */
#define CLOSING_NS 30000000ULL /* behind the last one's end, until another window can open */
#define RENEW_NS 250000000ULL

struct target {
	double budget;
	double open_ns;
	double (*rate)(double time_s); /* allocations and frees per second, if not probed */
	double (*late_ns)(double time_s);
	double (*others_share)(double time_s);
	double seconds;
};

struct seen {
	double share;	     /* of the time that windows cost, on average */
	double worst_second; /* the most within any second, in seconds */
	double open_share;
	size_t windows;
	double *cost; /* seconds, per step */
};

struct simulation {
	const struct target *target;
	struct governor governor;
	struct seen seen;
	uint64_t now_ns, begin_ns;
	double others_ns;
};

/* The trap slows the target down, too. */
static double cost_of_step(const struct simulation *simulation)
{
	double load = simulation->target->rate((double)simulation->now_ns / 1e9) * HIT_NS / 1e9;

	return STEP_NS * load / (1 + load);
}

/* One step; what its hits cost if breakpoints are in. */
static double pass(struct simulation *simulation, bool probed)
{
	double spent = probed ? cost_of_step(simulation) : 0;

	simulation->seen.cost[simulation->now_ns / STEP_NS] = spent / 1e9;
	if (simulation->target->others_share)
		simulation->others_ns +=
			simulation->target->others_share((double)simulation->now_ns / 1e9) *
			STEP_NS;
	simulation->now_ns += STEP_NS;
	return spent;
}

static bool is_over(const struct simulation *simulation)
{
	/* Room for the close that may be under way. */
	return (double)simulation->now_ns >= simulation->target->seconds * 1e9 - 2e8;
}

static void wait_ns(struct simulation *simulation, double ns)
{
	for (double left = ns; left > 0 && !is_over(simulation); left -= STEP_NS)
		pass(simulation, false);
}

static void close_window(struct simulation *simulation)
{
	double late_ns = simulation->target->late_ns((double)simulation->now_ns / 1e9), spent = 0;

	for (double left = late_ns; left > 0; left -= STEP_NS)
		spent += pass(simulation, true);
	governor_spend(&simulation->governor, (uint64_t)spent);
	governor_closed(&simulation->governor, (uint64_t)late_ns);
	wait_ns(simulation, CLOSING_NS);
}

static void open_window(struct simulation *simulation)
{
	size_t step = simulation->now_ns / STEP_NS;

	wait_ns(simulation, OPENING_NS);
	simulation->seen.cost[step] += simulation->target->open_ns / 1e9;
	governor_opened(&simulation->governor);
}

/* As alloc_windows.c does it. */
static void run_window(struct simulation *simulation, uint64_t allowance)
{
	double spent = 0;
	uint64_t renew_ns = simulation->now_ns + RENEW_NS;

	simulation->seen.windows++;
	while (!is_over(simulation)) {
		simulation->seen.open_share += 1;
		spent += pass(simulation, true);
		if (spent < (double)allowance && simulation->now_ns < renew_ns)
			continue;
		governor_spend(&simulation->governor, (uint64_t)spent);
		if (spent >= (double)allowance)
			break;
		allowance = governor_renewal(&simulation->governor, simulation->now_ns,
					     (uint64_t)simulation->others_ns);
		if (!allowance)
			break;
		spent = 0;
		renew_ns = simulation->now_ns + RENEW_NS;
	}
	close_window(simulation);
}

static void measure(struct simulation *simulation)
{
	struct seen *seen = &simulation->seen;
	size_t steps = (size_t)(simulation->target->seconds * STEPS_PER_S);
	double sum = 0;

	for (size_t i = 0; i < steps; i++) {
		seen->share += seen->cost[i] / simulation->target->seconds;
		sum += seen->cost[i] - (i >= STEPS_PER_S ? seen->cost[i - STEPS_PER_S] : 0);
		seen->worst_second = fmax(seen->worst_second, sum);
	}
	seen->open_share /= (double)steps;
}

static struct seen simulate(const struct target *target)
{
	struct simulation simulation = { .target = target };

	simulation.seen.cost = calloc((size_t)(target->seconds * STEPS_PER_S) + 1, sizeof(double));
	governor_init(&simulation.governor, target->budget, (uint64_t)target->open_ns, 0, 0);
	while (!is_over(&simulation)) {
		uint64_t allowance = governor_allowance(&simulation.governor, simulation.now_ns,
							(uint64_t)simulation.others_ns);
		uint64_t due = governor_due_ns(&simulation.governor);

		if (allowance) {
			open_window(&simulation);
			run_window(&simulation, allowance);
		} else if (due > simulation.now_ns) {
			wait_ns(&simulation, (double)(due - simulation.now_ns));
		} else {
			pass(&simulation, false);
		}
	}
	measure(&simulation);
	free(simulation.seen.cost);
	return simulation.seen;
}

static double rate_50(double time_s)
{
	(void)time_s;
	return 50;
}

static double rate_1k(double time_s)
{
	(void)time_s;
	return 1e3;
}

static double rate_8k(double time_s)
{
	(void)time_s;
	return 8e3;
}

static double rate_100k(double time_s)
{
	(void)time_s;
	return 1e5;
}

static double rate_10m(double time_s)
{
	(void)time_s;
	return 1e7;
}

/* Idle for so long that the bucket is full, then as fast as can be; in windows' worst moments. */
static double rate_burst(double time_s)
{
	return fmod(time_s, 2.7) > 2.0 ? 1e7 : 0;
}

static double rate_one_burst(double time_s)
{
	return time_s > 10 && time_s < 20 ? 1e7 : 20;
}

static double late_none(double time_s)
{
	(void)time_s;
	return 0;
}

static double late_6ms(double time_s)
{
	(void)time_s;
	return 5.5e6;
}

static double late_40ms(double time_s)
{
	(void)time_s;
	return 40e6;
}

/* Every fifth second it is the scheduler's turn. */
static double late_at_times(double time_s)
{
	return fmod(time_s, 5) > 4 ? 8e6 : 1e6;
}

static double censuses(double time_s)
{
	return fmod(time_s, 10) < 0.04 ? 1 : 0;
}

static double all_of_it(double time_s)
{
	(void)time_s;
	return 0.01;
}

Test(governor, a_second_costs_at_most_twice_the_budget_whatever_the_target_does)
{
	double (*const rates[])(double) = { rate_50,  rate_1k,	  rate_8k,	 rate_100k,
					    rate_10m, rate_burst, rate_one_burst };
	double (*const lates[])(double) = { late_none, late_6ms, late_at_times };
	const double budgets[] = { 0.01, 0.02, 0.1 };

	for (size_t r = 0; r < 7; r++)
		for (size_t l = 0; l < 3; l++)
			for (size_t b = 0; b < 3; b++) {
				struct target target = { .budget = budgets[b],
							 .open_ns = 1.2e6,
							 .rate = rates[r],
							 .late_ns = lates[l],
							 .seconds = 60 };
				struct seen seen = simulate(&target);

				cr_expect_leq(seen.share, budgets[b] * 1.02,
					      "rate %zu, close %zu: %g of %g", r, l, seen.share,
					      budgets[b]);
				cr_expect_leq(seen.worst_second, budgets[b] * 2,
					      "rate %zu, close %zu: %g s in a second, budget %g", r,
					      l, seen.worst_second, budgets[b]);
				cr_expect_gt(seen.windows, 0);
			}
}

Test(governor, what_may_be_spent_is_spent_where_there_is_much_to_see)
{
	struct target target = {
		.budget = 0.01, .rate = rate_100k, .late_ns = late_none, .seconds = 60
	};
	struct seen seen = simulate(&target);

	cr_expect_geq(seen.share, 0.0095, "%g", seen.share);
	cr_expect_leq(seen.windows, 10 * 60, "%zu windows", seen.windows);
	target.rate = rate_10m;
	seen = simulate(&target);
	cr_expect_geq(seen.share, 0.0095, "%g", seen.share);
	target.late_ns = late_6ms;
	seen = simulate(&target);
	cr_expect_geq(seen.share, 0.0095, "%g", seen.share);
}

Test(governor, a_quiet_target_is_seen_nearly_all_the_time)
{
	struct target target = {
		.budget = 0.01, .rate = rate_50, .late_ns = late_6ms, .seconds = 60
	};
	struct seen seen = simulate(&target);

	cr_expect_geq(seen.open_share, 0.99, "%g", seen.open_share);
	cr_expect_eq(seen.windows, 1);
	target.rate = rate_1k;
	cr_expect_geq(simulate(&target).open_share, 0.99);
	/* 0.8 % of the time, with traps. */
	target.rate = rate_8k;
	seen = simulate(&target);
	cr_expect_geq(seen.open_share, 0.9, "%g", seen.open_share);
}

/* Closing takes longer than the budget's bucket: one try to learn it, and another when that is
 * so long ago that it may be otherwise. On average the budget holds. */
Test(governor, a_close_that_is_too_slow_is_tried_again_seldom)
{
	struct target target = {
		.budget = 0.01, .rate = rate_10m, .late_ns = late_40ms, .seconds = 600
	};
	struct seen seen = simulate(&target);

	cr_expect_leq(seen.share, 0.01, "%g", seen.share);
	cr_expect_geq(seen.windows, 2, "%zu windows", seen.windows);
	cr_expect_leq(seen.windows, 7, "%zu windows", seen.windows);
}

/* Of a bucket that holds none there would never be one. On average the budget holds. */
Test(governor, windows_that_cost_more_than_a_small_budget_are_seldom)
{
	struct target target = { .budget = 0.001,
				 .open_ns = 4e6,
				 .rate = rate_10m,
				 .late_ns = late_none,
				 .seconds = 120 };
	struct seen seen = simulate(&target);

	cr_expect_leq(seen.share, 0.00105, "%g", seen.share);
	cr_expect_geq(seen.windows, 4, "%zu windows", seen.windows);
}

Test(governor, censuses_come_off_first)
{
	struct target target = { .budget = 0.01,
				 .rate = rate_10m,
				 .late_ns = late_6ms,
				 .others_share = censuses,
				 .seconds = 100 };
	struct seen seen = simulate(&target);

	/* 40 ms every 10 s are 0.4 %. */
	cr_expect_leq(seen.share, 0.006 * 1.03, "%g", seen.share);
	cr_expect_geq(seen.share, 0.0055, "%g", seen.share);
	target.others_share = all_of_it;
	cr_expect_leq(simulate(&target).windows, 1);
}

Test(governor, without_a_budget_there_is_no_window)
{
	struct governor governor;

	governor_init(&governor, 0, 0, 1000, 0);
	cr_expect_eq(governor_allowance(&governor, 1000000000000, 0), 0);
	cr_expect_eq(governor_renewal(&governor, 1000000000000, 0), 0);
	cr_expect_eq(governor_due_ns(&governor), UINT64_MAX);
	governor_init(&governor, -1, 0, 1000, 0);
	cr_expect_eq(governor_allowance(&governor, 1000000000000, 0), 0);
}

Test(governor, the_first_window_opens_at_once_whatever_it_costs)
{
	const uint64_t costs[] = { 0, 1200000, 3000000, 20000000 };
	const double budgets[] = { 0.0001, 0.01, 0.5 };
	struct governor governor;

	for (size_t c = 0; c < 4; c++)
		for (size_t b = 0; b < 3; b++) {
			governor_init(&governor, budgets[b], costs[c], 0, 0);
			cr_expect_gt(governor_allowance(&governor, 0, 0), 0, "%g, %llu ns",
				     budgets[b], (unsigned long long)costs[c]);
		}
}

Test(governor, an_overdraft_is_paid_back_first)
{
	struct governor governor;
	uint64_t due;

	governor_init(&governor, 0.01, 0, 0, 0);
	cr_expect_gt(governor_allowance(&governor, 0, 0), 0);
	governor_spend(&governor, 107000000);
	due = governor_due_ns(&governor);
	cr_expect_geq(due, 10000000000, "100 ms of debt are 10 s: %llu", (unsigned long long)due);
	cr_expect_leq(due, 11000000000);
	cr_expect_eq(governor_allowance(&governor, due - 1000000, 0), 0);
	cr_expect_gt(governor_allowance(&governor, due, 0), 0);
}

Test(governor, a_clock_that_stands_still_or_steps_back_gives_nothing)
{
	struct governor governor;

	governor_init(&governor, 0.01, 0, 5000000000, 0);
	governor_spend(&governor, 7000000);
	cr_expect_eq(governor_allowance(&governor, 5000000000, 0), 0);
	cr_expect_eq(governor_allowance(&governor, 1000000000, 0), 0);
	cr_expect_eq(governor_allowance(&governor, 5100000000, 0), 0);
	cr_expect_gt(governor_allowance(&governor, 6000000000, 0), 0);
}

Test(governor, what_others_spent_before_is_not_its_own)
{
	struct governor governor;

	governor_init(&governor, 0.01, 0, 0, 60000000000);
	cr_expect_gt(governor_allowance(&governor, 0, 60000000000), 0);
	cr_expect_eq(governor_allowance(&governor, 0, 60010000000), 0);
}
