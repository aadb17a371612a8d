/* SPDX-License-Identifier: BSD-2-Clause */
/* Trend statistics against cases whose answer is known on paper. */
#include <criterion/criterion.h>

#include <math.h>
#include <stdlib.h>

#include "detect/trend.h"
#include "synthetic.h"

static void fill(double *t, double *y, size_t n, double slope, double noise, uint64_t seed)
{
	struct synthetic_rng rng = { seed };

	for (size_t i = 0; i < n; i++) {
		t[i] = (double)i;
		y[i] = 1e6 + slope * (double)i + noise * synthetic_normal(&rng);
	}
}

Test(trend, an_exact_line_is_recovered)
{
	double t[24], y[24];
	struct trend trend;

	fill(t, y, 24, 5, 0, 1);
	cr_assert(trend_fit(t, y, 24, 1, &trend));
	trend_fit_robust(t, y, &trend);
	cr_assert_float_eq(trend.slope, 5, 1e-9);
	cr_assert_float_eq(trend.growth, 115, 1e-6);
	cr_assert_float_eq(trend.bend, 0, 1e-6);
	cr_assert_lt(trend.wander, 1e-6);
	cr_assert_gt(trend.nats, 30);
	cr_assert_gt(trend.z, 5);
}

Test(trend, one_wild_point_does_not_move_theil_sen)
{
	double t[24], y[24];
	struct trend trend;

	fill(t, y, 24, 5, 0.5, 2);
	y[23] += 1000;
	cr_assert(trend_fit(t, y, 24, 1, &trend));
	cr_assert_gt(trend.slope, 10); /* least squares is moved */
	trend_fit_robust(t, y, &trend);
	cr_assert_float_eq(trend.slope, 5, 0.2);
}

Test(trend, the_interval_holds_the_true_slope_nineteen_times_in_twenty)
{
	size_t inside = 0;

	for (uint64_t seed = 0; seed < 1000; seed++) {
		double t[24], y[24];
		struct trend trend;

		fill(t, y, 24, 2, 6, seed * 7919);
		cr_assert(trend_fit(t, y, 24, 1, &trend));
		trend_fit_robust(t, y, &trend);
		cr_assert_leq(trend.slope_lo, trend.slope);
		cr_assert_leq(trend.slope, trend.slope_hi);
		inside += trend.slope_lo <= 2 && 2 <= trend.slope_hi;
	}
	cr_assert_geq(inside, 930, "%zu of 1000", inside);
}

Test(trend, a_random_walk_gets_few_nats_however_sure_its_slope_looks)
{
	size_t sure = 0;
	size_t convinced = 0;

	for (uint64_t seed = 1; seed <= 5000; seed++) {
		struct synthetic_rng rng = { seed };
		double t[24], y[24];
		struct trend trend;

		synthetic_fill(SHAPE_WALK, &rng, y, 24);
		for (size_t i = 0; i < 24; i++)
			t[i] = (double)i;
		cr_assert(trend_fit(t, y, 24, 1, &trend));
		/* What a t-test for white noise would say: beyond 6 sigma. */
		sure += trend.slope > 6 * trend.noise / sqrt(24.0 * 24 * 24 / 12);
		convinced += trend.nats > 14;
	}
	cr_assert_gt(sure, 500, "%zu of 5000 walks pass a t-test", sure);
	cr_assert_eq(convinced, 0, "%zu of 5000 walks have 14 nats", convinced);
}

Test(trend, a_run_of_heads_is_no_more_than_a_run_of_heads)
{
	double t[32], y[32];
	struct trend trend;

	for (size_t i = 0; i < 32; i++) {
		t[i] = (double)i;
		y[i] = (double)i - (i > 11 ? 2 : 0) - (i > 21 ? 2 : 0); /* 29 of 31 */
	}
	cr_assert(trend_fit(t, y, 32, 1, &trend));
	cr_assert_float_eq(trend.nats, 31 * log(2) + 29 * log(29 / 31.0) + 2 * log(2 / 31.0), 1e-6);
}

Test(trend, half_a_sine_wave_is_not_a_line)
{
	double t[24], y[24];
	struct trend trend;

	for (size_t i = 0; i < 24; i++) {
		t[i] = (double)i;
		y[i] = -1000 * cos(M_PI * t[i] / 23);
	}
	cr_assert(trend_fit(t, y, 24, 1, &trend));
	cr_assert_gt(trend.nats, 14);
	cr_assert_gt(trend.wander, 0.6, "wander %g", trend.wander);
}

Test(trend, an_exponential_approach_bends_by_span_over_time_constant)
{
	double t[24], y[24];
	struct trend trend;

	for (size_t i = 0; i < 24; i++) {
		t[i] = (double)i;
		y[i] = 10000 * (1 - exp(-t[i] / 40));
	}
	cr_assert(trend_fit(t, y, 24, 1, &trend));
	cr_assert_float_eq(trend.bend, -23.0 / 40, 0.05, "bend %g", trend.bend);
	cr_assert_lt(trend.bend_se, 0.1);
}

/* Mean n_eff of the rising lines among 300. */
static double mean_effective_size(enum shape shape)
{
	double sum = 0;
	double cnt = 0;

	for (uint64_t seed = 1; seed <= 300; seed++) {
		struct synthetic_rng rng = { seed };
		double t[48], y[48];
		struct trend trend;

		for (size_t i = 0; i < 48; i++)
			t[i] = (double)i;
		synthetic_fill(shape, &rng, y, 48);
		cr_assert(trend_fit(t, y, 48, 1, &trend));
		sum += trend.slope > 0 ? trend.n_eff : 0;
		cnt += trend.slope > 0;
	}
	return sum / cnt;
}

Test(trend, autocorrelated_noise_counts_for_fewer_points)
{
	cr_assert_gt(mean_effective_size(SHAPE_POISSON), 36);
	cr_assert_lt(mean_effective_size(SHAPE_AR_SLOW), 16);
}

Test(trend, too_few_points_and_no_time_are_refused)
{
	double t[TREND_POINTS_MAX + 1] = { 0 }, y[TREND_POINTS_MAX + 1] = { 0 };
	struct trend trend;

	cr_assert_not(trend_fit(t, y, 10, 1, &trend));
	for (size_t i = 0; i <= TREND_POINTS_MAX; i++)
		t[i] = (double)i;
	cr_assert_not(trend_fit(t, y, 0, 1, &trend));
	cr_assert_not(trend_fit(t, y, TREND_POINTS_MIN - 1, 1, &trend));
	cr_assert_not(trend_fit(t, y, TREND_POINTS_MAX + 1, 1, &trend));
	cr_assert(trend_fit(t, y, TREND_POINTS_MAX, 1, &trend));
}

Test(trend, a_constant_is_no_growth_and_no_number_is_undefined)
{
	double t[24], y[24];
	struct trend trend;

	fill(t, y, 24, 0, 0, 1);
	cr_assert(trend_fit(t, y, 24, 1, &trend));
	trend_fit_robust(t, y, &trend);
	cr_assert_eq(trend.slope, 0);
	cr_assert_eq(trend.nats, 0);
	cr_assert_not(isnan(trend.bend) || isnan(trend.bend_se) || isnan(trend.z));
}

static int compare(const void *a, const void *b)
{
	return (*(const double *)a > *(const double *)b) -
	       (*(const double *)a < *(const double *)b);
}

Test(trend, select_agrees_with_sorting)
{
	struct synthetic_rng rng = { 5 };

	for (size_t n = 1; n < 60; n++) {
		double values[60], sorted[60];

		for (size_t k = 0; k < n; k++) {
			for (size_t i = 0; i < n; i++)
				values[i] = sorted[i] = floor(10 * synthetic_uniform(&rng));
			qsort(sorted, n, sizeof(*sorted), compare);
			cr_assert_eq(trend_select(values, n, k), sorted[k], "%zu of %zu", k, n);
		}
	}
}
