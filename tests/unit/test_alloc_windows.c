/* SPDX-License-Identifier: BSD-2-Clause */
/* The thread that opens and closes windows, over probes that are none. Tests wait for what the
 * thread does. */
#include <criterion/criterion.h>

#include <errno.h>

#include "base/clock.h"
#include "collect/alloc_windows.h"
#include "fake_probes.h"

static uint64_t nothing(void *context)
{
	(void)context;
	return 0;
}

#define OPEN_NS 1200000

static int open_windows(struct alloc_probes *probes, double budget, struct alloc_windows **out)
{
	const struct alloc_windows_options options = { .probes = probes,
						       .budget = budget,
						       .trap_ns = 500,
						       .open_ns = OPEN_NS,
						       .others_ns = nothing };

	return alloc_windows_open(&options, out);
}

Test(alloc_windows, a_quiet_target_is_seen_without_an_end, .timeout = 20)
{
	struct alloc_windows *windows;
	struct alloc_windows_seen seen;
	struct alloc_probes probes;

	fake_probes_init(&probes);
	cr_assert_eq(open_windows(&probes, 0.01, &windows), 0);
	for (unsigned int arms = 1; arms < 4; arms++) {
		fake_probes_wait_arms(&probes, arms);
		fake_probes_hit(&probes, 10, 10000);
	}
	alloc_windows_stop(windows);
	alloc_windows_seen(windows, &seen);
	cr_expect_eq(seen.windows, 1);
	cr_expect_eq(seen.cut_short, 0);
	cr_expect_eq(seen.hits, 30);
	cr_expect_eq(seen.spent_ns, OPEN_NS + 30000);
	cr_expect_geq(seen.open_ns, 500000000);
	cr_expect_eq(seen.err, 0);
	cr_expect_eq(probes.attaches, 1);
	cr_expect_eq(probes.detaches, 1);
	cr_expect_eq(probes.forgets, 1);
	cr_expect_not(probes.is_attached || probes.is_armed);
	alloc_windows_close(windows);
	fake_probes_deinit(&probes);
}

Test(alloc_windows, a_burst_closes_its_window, .timeout = 20)
{
	struct alloc_windows *windows;
	struct alloc_windows_seen seen;
	struct alloc_probes probes;

	fake_probes_init(&probes);
	probes.late_hits = 6000;
	cr_assert_eq(open_windows(&probes, 0.01, &windows), 0);
	fake_probes_wait_arms(&probes, 1);
	cr_expect_leq(probes.allowance_ns, 7000000 - OPEN_NS);
	fake_probes_hit(&probes, 9000, 9000000);
	fake_probes_wait_detaches(&probes, 1);
	alloc_windows_stop(windows);
	alloc_windows_seen(windows, &seen);
	cr_expect_eq(seen.windows, 1, "what was spent is paid back before the next");
	cr_expect_eq(seen.cut_short, 1);
	cr_expect_eq(seen.longest_late_ns, 3000000);
	cr_expect_eq(seen.spent_ns, OPEN_NS + 9000000 + 6000 * 500);
	alloc_windows_close(windows);
	fake_probes_deinit(&probes);
}

Test(alloc_windows, closing_ends_at_once, .timeout = 20)
{
	struct alloc_windows *windows;
	struct alloc_probes probes;
	uint64_t begin;

	fake_probes_init(&probes);
	for (int i = 0; i < 20; i++) {
		/* An open window; the last has none, for want of budget. */
		cr_assert_eq(open_windows(&probes, i < 19 ? 0.01 : 0, &windows), 0);
		begin = clock_now_ns();
		alloc_windows_close(windows);
		cr_expect_lt(clock_now_ns() - begin, 200000000);
		cr_expect_not(probes.is_attached || probes.is_armed);
	}
	cr_expect_eq(probes.attaches, probes.detaches);
	alloc_windows_close(NULL);
	fake_probes_deinit(&probes);
}

Test(alloc_windows, a_kernel_that_closes_slowly_gets_none, .timeout = 20)
{
	struct alloc_windows *windows = NULL;
	struct alloc_probes probes;

	fake_probes_init(&probes);
	probes.is_slow = true;
	cr_expect_eq(open_windows(&probes, 0.01, &windows), -EOPNOTSUPP);
	cr_expect_null(windows);
	cr_expect_eq(probes.arms, 0);
	cr_expect_not(probes.is_attached);
	fake_probes_deinit(&probes);
}

Test(alloc_windows, a_target_that_is_gone_ends_them, .timeout = 20)
{
	struct alloc_windows *windows = NULL;
	struct alloc_windows_seen seen = {};
	struct alloc_probes probes;

	fake_probes_init(&probes);
	probes.attach_err = -ESRCH;
	probes.attaches_left = 0;
	cr_expect_eq(open_windows(&probes, 0.01, &windows), -ESRCH);
	cr_expect_null(windows);
	/* A budget that allows the next window at once. */
	probes.attaches_left = 1;
	cr_assert_eq(open_windows(&probes, 100, &windows), 0);
	fake_probes_wait_arms(&probes, 1);
	fake_probes_hit(&probes, 1, 80000000000);
	fake_probes_wait_failures(&probes, 2);
	alloc_windows_stop(windows);
	alloc_windows_seen(windows, &seen);
	cr_expect_eq(seen.err, -ESRCH);
	cr_expect_eq(seen.windows, 1);
	alloc_windows_close(windows);
	fake_probes_deinit(&probes);
}
