/* SPDX-License-Identifier: BSD-2-Clause */
/* Bounded history: what is kept of long series, and what is not stored at all. */
#include <criterion/criterion.h>

#include <math.h>

#include "detect/series.h"

struct fixture {
	struct timeline timeline;
	struct series series;
	uint64_t fulls;
};

static void feed(struct fixture *f, double value)
{
	struct tick tick = { .time_s = (double)f->timeline.sample_cnt, .fulls = f->fulls };

	timeline_add(&f->timeline, &tick);
	if (f->timeline.sample_cnt == 1)
		series_init(&f->series, &f->timeline, value, 20, true);
	cr_assert_eq(series_add(&f->series, &f->timeline, value), 0);
}

static struct fixture fixture(void)
{
	struct fixture f = { 0 };

	timeline_init(&f.timeline);
	return f;
}

Test(series, a_constant_needs_no_history)
{
	struct fixture f = fixture();

	for (int i = 0; i < 1000; i++)
		feed(&f, 42);
	cr_assert_null(f.series.history);
	cr_assert_not(series_moved(&f.series, &f.timeline, SERIES_RAW));
}

Test(series, the_first_change_brings_the_constant_past_with_it)
{
	struct fixture f = fixture();
	double t[SERIES_RAW], y[SERIES_RAW];

	for (int i = 0; i < 30; i++)
		feed(&f, 42);
	feed(&f, 43);
	cr_assert_eq(series_recent(&f.series, &f.timeline, 31, 0, 1, t, y), 31);
	cr_assert_eq(y[0], 42);
	cr_assert_eq(y[29], 42);
	cr_assert_eq(y[30], 43);
	cr_assert_eq(t[30], 30);
	cr_assert_eq(f.series.teeth.base_s, 29, "the rise began when it last stood still");
	series_deinit(&f.series);
}

Test(series, recent_points_are_minima_of_windows)
{
	struct fixture f = fixture();
	double t[SERIES_RAW], y[SERIES_RAW];

	for (int i = 0; i < 12; i++)
		feed(&f, i % 3 == 1 ? i : 100 + i);
	cr_assert_eq(series_recent(&f.series, &f.timeline, 12, 0, 3, t, y), 4);
	for (int i = 0; i < 4; i++) {
		cr_assert_eq(y[i], 3 * i + 1);
		cr_assert_eq(t[i], 3 * i + 1);
	}
	cr_assert_eq(series_recent(&f.series, &f.timeline, 6, 6, 3, t, y), 2);
	cr_assert_eq(y[1], 4);
	cr_assert_eq(series_recent(&f.series, &f.timeline, 13, 0, 1, t, y), 0);
	series_deinit(&f.series);
}

Test(series, the_envelope_keeps_the_minimum_of_every_part_of_a_long_past)
{
	struct fixture f = fixture();
	double t[SERIES_BUCKETS], y[SERIES_BUCKETS];
	size_t n;

	for (int i = 0; i < 10000; i++)
		feed(&f, i + (i % 16 ? 5000 : 0));
	n = series_envelope(&f.series, &f.timeline, 0, t, y);
	cr_assert(n >= SERIES_BUCKETS / 2 && n <= SERIES_BUCKETS, "%zu points", n);
	for (size_t i = 0; i < n; i++) {
		cr_assert_eq(fmod(y[i], 16), 0);
		cr_assert(fabs(y[i] - t[i]) <= 256, "%g at %g", y[i], t[i]);
		cr_assert(i == 0 || t[i] > t[i - 1]);
	}
	series_deinit(&f.series);
}

Test(series, envelope_windows_can_be_widened)
{
	struct fixture f = fixture();
	double t[SERIES_BUCKETS], y[SERIES_BUCKETS];
	size_t n;

	for (int i = 0; i < 1000; i++)
		feed(&f, 500 + 400 * sin(2 * M_PI * i / 100));
	n = series_envelope(&f.series, &f.timeline, 100, t, y);
	cr_assert(n >= 7 && n <= 10, "%zu windows", n);
	for (size_t i = 0; i < n; i++)
		cr_assert_float_eq(y[i], 100, 5);
	series_deinit(&f.series);
}

Test(series, one_that_begins_late_knows_nothing_before)
{
	struct fixture f = fixture();
	struct series late;
	double t[SERIES_BUCKETS], y[SERIES_BUCKETS];
	size_t n;

	for (int i = 0; i < 200; i++)
		feed(&f, i);
	series_init(&late, &f.timeline, 7, 20, false);
	for (int i = 0; i < 40; i++) {
		feed(&f, 200 + i);
		cr_assert_eq(series_add(&late, &f.timeline, 8 + i), 0);
	}
	cr_assert_eq(series_available(&late, &f.timeline), 41);
	n = series_envelope(&late, &f.timeline, 0, t, y);
	cr_assert(n >= 9 && n <= 11, "%zu points", n);
	cr_assert_geq(t[0], 195);
	cr_assert_eq(y[0], 7);
	series_deinit(&late);
	series_deinit(&f.series);
}

Test(series, teeth_are_counted_and_measured)
{
	struct fixture f = fixture();

	for (int i = 0; i < 100; i++)
		feed(&f, 100 + i % 20 * 10);
	cr_assert_eq(f.series.teeth.fall_cnt, 4);
	cr_assert_eq(f.series.teeth.longest_s, 20);
	cr_assert_eq(f.series.teeth.highest, 190);
	cr_assert_eq(f.series.teeth.gc_fall_cnt, 0);
	series_deinit(&f.series);
}

Test(series, falls_at_full_collections_are_told_apart)
{
	struct fixture f = fixture();

	for (int i = 0; i < 100; i++) {
		f.fulls = (uint64_t)i / 20;
		feed(&f, 100 + i % 20 * 10);
	}
	cr_assert_eq(f.series.teeth.gc_fall_cnt, 4);
	cr_assert_not(f.series.teeth.outlived_full);
	series_deinit(&f.series);
}

Test(series, a_rise_that_outlives_a_full_collection_is_remembered)
{
	struct fixture f = fixture();

	for (int i = 0; i < 40; i++) {
		f.fulls = i >= 20;
		feed(&f, 100 + i * 10);
	}
	cr_assert(f.series.teeth.outlived_full);
	cr_assert_eq(f.series.teeth.fall_cnt, 0);
	series_deinit(&f.series);
}

Test(series, collections_are_counted_since_a_time)
{
	struct timeline timeline;
	uint64_t fulls, young;

	timeline_init(&timeline);
	for (int i = 0; i < 1000; i++) {
		struct tick tick = { .time_s = i, .fulls = (uint64_t)i / 10, .young = (uint64_t)i };

		timeline_add(&timeline, &tick);
	}
	timeline_gc_since(&timeline, 979, &fulls, &young);
	cr_assert_eq(fulls, 2);
	cr_assert_eq(young, 20);
	timeline_gc_since(&timeline, -1, &fulls, &young);
	cr_assert_eq(young, 999);
}
