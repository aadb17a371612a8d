// SPDX-License-Identifier: GPL-2.0-only
/* The longest count of hooks is far beyond what a right census needs: a test ends either way. */
#include "sliced.h"

#include <criterion/criterion.h>

__u64 sliced_type;

void sliced_step(void)
{
	on_safe_point(NULL);
	shim.now_ns += SECOND;
}

void sliced_start(int old, int middle, int young)
{
	fake_start(11, 16);
	fake_interpreter(LOCK_OF_ALL);
	sliced_type = fake_types().plain;
	fake_add_many(0, OLD, sliced_type, old);
	fake_add_many(0, MIDDLE, sliced_type, middle);
	fake_add_many(0, YOUNG, sliced_type, young);
	cut_slices();
	ask();
	sliced_step();
}

void sliced_expect(__u64 live, enum pyleak_loss reason, __u64 cnt)
{
	pass_until_answered(on_safe_point, MANY);
	cr_assert_eq(live_of(sliced_type), live, "%llu, not %llu", live_of(sliced_type), live);
	cr_assert_eq(progress.objects, live);
	cr_assert_eq(loss_of(reason), cnt);
	cr_assert_eq(losses(), cnt);
}
