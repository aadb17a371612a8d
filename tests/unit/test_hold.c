/* SPDX-License-Identifier: BSD-2-Clause */
/* A call that stays until the series takes it back, and what ends it. */
#include <criterion/criterion.h>

#include <math.h>
#include <string.h>

#include "program.h"

/* A list that only grows by `paces` per sample, each for `lengths` samples, under in-flight
 * objects of up to `noise`. Returns the first sample at which it was called a leak and fails when
 * that was taken back. */
static int watch_paces(const double *paces, const int *lengths, size_t cnt, double noise)
{
	struct program p;
	struct synthetic_rng rng = { 5 };
	double live = 0;
	int called = 0;
	int now = 0;

	program_start(&p, 1);
	for (size_t k = 0; k < cnt; k++) {
		for (int i = 0; i < lengths[k]; i++) {
			bool leak;

			live += paces[k];
			program_set_type(&p, 0, "app.Kept", true,
					 200 + live + floor(noise * synthetic_uniform(&rng)));
			program_tick(&p);
			now++;
			leak = program_kind(&p, "app.Kept") == VERDICT_LEAK;
			cr_assert(leak || !called, "called at %d, taken back at %d", called, now);
			called = called ?: leak ? now : 0;
		}
	}
	cr_assert(called, "never called");
	detector_destroy(p.detector);
	return called;
}

Test(hold, another_pace_takes_no_leak_back)
{
	cr_assert_leq(watch_paces((double[]){ 15, 30 }, (int[]){ 40, 60 }, 2, 0), 26);
	watch_paces((double[]){ 30, 15 }, (int[]){ 40, 60 }, 2, 0);
	watch_paces((double[]){ 60, 20, 40 }, (int[]){ 40, 60, 60 }, 3, 0);
	watch_paces((double[]){ 15, 30 }, (int[]){ 40, 60 }, 2, 20);
}

Test(hold, a_pause_takes_no_leak_back)
{
	cr_assert_leq(watch_paces((double[]){ 25, 0, 25 }, (int[]){ 50, 6, 60 }, 3, 0), 26);
	watch_paces((double[]){ 25, 0, 25 }, (int[]){ 30, 15, 60 }, 3, 0);
	watch_paces((double[]){ 25, 0, 25, 0, 25 }, (int[]){ 100, 40, 60, 20, 90 }, 5, 0);
	watch_paces((double[]){ 25, 0, 25 }, (int[]){ 50, 6, 60 }, 3, 30);
}

Test(hold, a_pause_is_told)
{
	struct program p;

	program_start(&p, 1);
	for (int i = 1; i <= 60; i++) {
		program_set_type(&p, 0, "app.Kept", true, 25 * fmin(i, 45));
		program_tick(&p);
	}
	cr_assert_eq(program_kind(&p, "app.Kept"), VERDICT_LEAK);
	cr_assert(strstr(p.verdicts[0].why, "pauses for"), "%s", p.verdicts[0].why);
	cr_assert_lt(p.verdicts[0].slope_per_s, 20);
	cr_assert_lt(p.verdicts[0].confidence, 0.95);
	detector_destroy(p.detector);
}

Test(hold, a_leak_that_ends_is_saturating_one_that_falls_a_saw_tooth)
{
	for (int fall = 0; fall < 2; fall++) {
		struct program p;
		enum verdict_kind kinds[2] = { VERDICT_STABLE, VERDICT_STABLE };
		size_t cnt = 0;

		program_start(&p, 1);
		for (int i = 1; i <= 150; i++) {
			double live = fall && i > 60 ? 960 : 25 * fmin(i, 60);

			program_set_type(&p, 0, "app.Kept", true, live);
			program_tick(&p);
			if (i < 23 || program_kind(&p, "app.Kept") == kinds[cnt ? cnt - 1 : 0])
				continue;
			if (cnt < 2)
				kinds[cnt++] = program_kind(&p, "app.Kept");
		}
		cr_assert_eq(kinds[0], VERDICT_LEAK);
		cr_assert_eq(kinds[1], fall ? VERDICT_SAWTOOTH : VERDICT_SATURATING);
		cr_assert_neq(program_kind(&p, "app.Kept"), VERDICT_LEAK);
		detector_destroy(p.detector);
	}
}

Test(hold, a_cache_that_was_called_is_taken_back_when_it_is_full)
{
	struct program p;
	bool called = false;

	program_start(&p, 1);
	for (int i = 1; i <= 400; i++) {
		program_set_type(&p, 0, "app.Cached", true, 3000 * (1 - exp(-i / 120.0)));
		program_tick(&p);
		called |= program_kind(&p, "app.Cached") == VERDICT_LEAK;
	}
	cr_assert(called, "the test needs a false alarm");
	cr_assert_neq(program_kind(&p, "app.Cached"), VERDICT_LEAK);
	detector_destroy(p.detector);
}
