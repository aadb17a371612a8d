/* SPDX-License-Identifier: BSD-2-Clause */
/* What windows of allocation probes may cost: a bucket that fills with the budget's share of the
 * time and that every window empties. Pure: the clock is the caller's.
 *
 * A window ends late: from the kernel side's word that the allowance is used up until the last
 * breakpoint is gone, every allocation of a burst still traps. That time is kept in reserve, so a
 * full bucket is the most that one window costs, and whatever it costs beyond is paid back. */
#ifndef PYLEAK_GOVERNOR_H
#define PYLEAK_GOVERNOR_H

#include <stdbool.h>
#include <stdint.h>

struct governor {
	double budget; /* share of one core, 0.01 = 1 %; 0 = no window ever */
	double credit_ns;
	uint64_t then_ns;   /* when credit_ns was right */
	uint64_t others_ns; /* what the other instruments had spent by then */
	double open_ns;	    /* what opening and closing a window costs, however little is hit */
	double close_ns; /* what closing late has been seen to cost in a burst, slowly forgotten */
};

/* `open_ns`: the price of a window without its hits. `others_ns`: the sum of what other instruments
 * (censuses) have spent by now. What they spend from here on comes out of the same budget. */
void governor_init(struct governor *governor, double budget, uint64_t open_ns, uint64_t now_ns,
		   uint64_t others_ns);
/* What the hits of the next window may cost, in nanoseconds of the target's time; 0 = none now. */
uint64_t governor_allowance(struct governor *governor, uint64_t now_ns, uint64_t others_ns);
/* What the window that is open may cost from now on; 0 = it must close. */
uint64_t governor_renewal(struct governor *governor, uint64_t now_ns, uint64_t others_ns);
/* When to ask again, if nothing else is spent. UINT64_MAX: never. */
uint64_t governor_due_ns(const struct governor *governor);
/* A window was opened. */
void governor_opened(struct governor *governor);
/* Something was spent by the hits of a window. */
void governor_spend(struct governor *governor, uint64_t spent_ns);
/* A window was closed, its last breakpoint `late_ns` after it was to be: so much is kept in
 * reserve from now on. */
void governor_closed(struct governor *governor, uint64_t late_ns);

#endif
