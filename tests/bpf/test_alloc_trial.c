// SPDX-License-Identifier: GPL-2.0-only
/* The trial tells from the count itself whether places are missing. */
#include "alloc_side.h"

#include <criterion/criterion.h>

#define FIRST 40

/* Allocations, each counted before its hit, or, where that place is early, behind it. */
static struct pyleak_alloc_count allocate(bool is_early, int cnt)
{
	struct pyleak_alloc_count seen = {};

	alloc_start(true);
	place_of_new()->is_early = is_early;
	for (int i = 0; i < cnt; i++) {
		set_count(FIRST + i + !is_early);
		seen = try_new();
	}
	return seen;
}

static void check_all_seen(const struct pyleak_alloc_count *seen, __u64 cnt)
{
	cr_expect_eq(seen->allocs, cnt);
	cr_expect_eq(seen->missed, 0, "%lld", (long long)seen->missed);
	cr_expect_eq(seen->missed_frees, 0, "%lld", (long long)seen->missed_frees);
	cr_expect_eq(seen->resets, 0);
}

Test(alloc_trial, a_place_behind_the_count_misses_nothing)
{
	struct pyleak_alloc_count seen = allocate(false, 5);

	check_all_seen(&seen, 5);
}

Test(alloc_trial, a_place_before_the_count_misses_nothing)
{
	struct pyleak_alloc_count seen = allocate(true, 5);

	check_all_seen(&seen, 5);
}

Test(alloc_trial, what_moved_the_count_without_a_hit_was_missed)
{
	for (int is_early = 0; is_early < 2; is_early++) {
		struct pyleak_alloc_count before = allocate(is_early, 5), seen;

		set_count(FIRST + 5 + 3 + !is_early);
		seen = try_new();
		cr_expect_eq(seen.missed - before.missed, 3, "early: %d", is_early);
	}
}
