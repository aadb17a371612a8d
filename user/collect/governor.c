/* SPDX-License-Identifier: BSD-2-Clause */
/* In any second, what was in the bucket and what flows in can be spent: 1.7 times the budget.
 * The rest up to twice the budget is for windows that close later than any before. */
#include "collect/governor.h"

/* Seconds of the budget that the bucket holds. At 1 % that is 7 ms, of which a burst's close
 * takes 5 (Linux 6.18, 250 Hz: the first breakpoint's removal waits for a grace period of RCU,
 * which is in percpu_down_write() of kernel/events/uprobes.c). With half a second no window could
 * ever open at the default budget. */
#define DEPTH_S 0.7
/* The least that a window is opened for, beside its own price. */
#define LEAST_S 0.05
#define LEAST_WINDOWS 1.25
/* In a target that is always busy, windows are small and close at once. Waiting until the bucket
 * is half full makes fewer and larger ones. */
#define START_SHARE 0.5
#define FIRST_CLOSE_NS 5e6
#define FORGET 0.2		/* of the difference, per window that closed faster */
#define FORGET_NS 60000000000.0 /* half of the reserve, when it leaves no room for a window */

static double least_of(const struct governor *governor)
{
	return governor->open_ns + governor->budget * LEAST_S * 1e9;
}

/* A bucket that could not hold one window would never fill for one: of a very small budget, or of a
 * build with very many places, there are windows seldom. */
static double depth_of(const struct governor *governor)
{
	double depth = governor->budget * DEPTH_S * 1e9, least = LEAST_WINDOWS * least_of(governor);

	return depth > least ? depth : least;
}

/* The most that closing may cost if there is to be a window. */
static double room_of(const struct governor *governor)
{
	return depth_of(governor) - least_of(governor);
}

static double needed(const struct governor *governor)
{
	double start = depth_of(governor) * START_SHARE;
	double least = governor->close_ns + least_of(governor);

	return least > start ? least : start;
}

void governor_init(struct governor *governor, double budget, uint64_t open_ns, uint64_t now_ns,
		   uint64_t others_ns)
{
	*governor = (struct governor){ .budget = budget > 0 ? budget : 0,
				       .then_ns = now_ns,
				       .others_ns = others_ns,
				       .open_ns = (double)open_ns,
				       .close_ns = FIRST_CLOSE_NS };
	governor->credit_ns = depth_of(governor);
	/* The first window opens at once. */
	if (governor->close_ns > room_of(governor))
		governor->close_ns = room_of(governor);
}

/* Closing may have become faster since, which only another window can show. */
static void forget(struct governor *governor, double elapsed_ns)
{
	double room = room_of(governor);

	if (governor->budget <= 0 || governor->close_ns <= room)
		return;
	governor->close_ns -= governor->close_ns * elapsed_ns / (elapsed_ns + FORGET_NS);
	if (governor->close_ns < room)
		governor->close_ns = room;
}

static void flow(struct governor *governor, uint64_t now_ns, uint64_t others_ns)
{
	double elapsed_ns = now_ns > governor->then_ns ? (double)(now_ns - governor->then_ns) : 0;

	governor->credit_ns += governor->budget * elapsed_ns;
	if (others_ns > governor->others_ns)
		governor->credit_ns -= (double)(others_ns - governor->others_ns);
	if (governor->credit_ns > depth_of(governor))
		governor->credit_ns = depth_of(governor);
	governor->others_ns = others_ns;
	governor->then_ns += (uint64_t)elapsed_ns;
	forget(governor, elapsed_ns);
}

static uint64_t beyond_reserve(const struct governor *governor, double open_ns)
{
	double left = governor->credit_ns - governor->close_ns - open_ns;

	return left >= 1 ? (uint64_t)left : 0;
}

uint64_t governor_allowance(struct governor *governor, uint64_t now_ns, uint64_t others_ns)
{
	flow(governor, now_ns, others_ns);
	/* Half a nanosecond: what rounding may lack at the time that was due. */
	return governor->budget > 0 && governor->credit_ns + 0.5 >= needed(governor)
		       ? beyond_reserve(governor, governor->open_ns)
		       : 0;
}

uint64_t governor_renewal(struct governor *governor, uint64_t now_ns, uint64_t others_ns)
{
	flow(governor, now_ns, others_ns);
	return governor->budget > 0 ? beyond_reserve(governor, 0) : 0;
}

uint64_t governor_due_ns(const struct governor *governor)
{
	double lacking = needed(governor) - governor->credit_ns;

	if (governor->budget <= 0)
		return UINT64_MAX;
	if (needed(governor) > depth_of(governor))
		return governor->then_ns + 1000000000; /* the reserve is being forgotten */
	return governor->then_ns + (lacking > 0 ? (uint64_t)(lacking / governor->budget) + 1 : 0);
}

void governor_opened(struct governor *governor)
{
	governor->credit_ns -= governor->open_ns;
}

void governor_spend(struct governor *governor, uint64_t spent_ns)
{
	governor->credit_ns -= (double)spent_ns;
}

void governor_closed(struct governor *governor, uint64_t late_ns)
{
	double late = (double)late_ns;

	if (late > governor->close_ns)
		governor->close_ns = late;
	else
		governor->close_ns += FORGET * (late - governor->close_ns);
}
