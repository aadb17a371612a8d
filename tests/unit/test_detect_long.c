/* SPDX-License-Identifier: BSD-2-Clause */
/* Error rates of the detector, by seeded simulation: thousands of healthy series of which none
 * may be called a leak, leaks that must be, and days and weeks of daily load. */
#include <criterion/criterion.h>

#include <math.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "synthetic.h"

#define DAY_S 86400.0
#define SERIES_CNT 60

struct load {
	double depth, phase, weekend, noise, leak_per_s;
};

/* A service's live count: day and night, quiet weekends, noise; and what it leaks. */
static double load_at(const struct load *load, double time_s, struct synthetic_rng *rng)
{
	double days = time_s / DAY_S + load->phase;
	bool weekend = fmod(days, 7) >= 5;
	double level = 3000 * (1 + load->depth * sin(2 * M_PI * days));

	level *= weekend ? load->weekend : 1;
	level += load->noise * sqrt(level + 1) * synthetic_normal(rng);
	return fmax(0, floor(level + load->leak_per_s * time_s));
}

static void draw_loads(struct load *loads, struct synthetic_rng *rng)
{
	static const double depths[] = { 0.1, 0.3, 0.6, 0.9, 0.99, 1.0 };

	for (size_t i = 0; i < SERIES_CNT; i++)
		loads[i] = (struct load){
			.depth = depths[i % ARRAY_SIZE(depths)],
			.phase = 7 * synthetic_uniform(rng),
			.weekend = i % 2 ? 1 : 0.3 + 0.6 * synthetic_uniform(rng),
			.noise = i % 3 ? synthetic_uniform(rng) : 0,
		};
}

struct outcome {
	size_t leak_samples;  /* series times samples called leak or native */
	double first_leak_s;  /* 0 = never */
	double late_suspects; /* share of series times samples after two days */
	char first[256];
};

static void note(const struct verdict *verdicts, size_t cnt, double time_s, struct outcome *out)
{
	for (size_t i = 0; i < cnt; i++) {
		const struct verdict *v = &verdicts[i];

		if (v->kind == VERDICT_SUSPECT)
			out->late_suspects += time_s > 2 * DAY_S;
		if (v->kind != VERDICT_LEAK && v->kind != VERDICT_NATIVE)
			continue;
		if (!out->leak_samples++)
			snprintf(out->first, sizeof(out->first), "%s after %.2f days: %s", v->name,
				 time_s / DAY_S, v->why);
		if (!out->first_leak_s)
			out->first_leak_s = time_s;
	}
}

static struct outcome watch_loads(const struct load *loads, double interval_s, double days)
{
	struct synthetic_rng rng = { 7 };
	struct type_count types[SERIES_CNT];
	char names[SERIES_CNT][24];
	struct detector *detector;
	struct outcome out = { 0 };
	double samples = days * DAY_S / interval_s;

	cr_assert_eq(detector_create(interval_s, &detector), 0);
	for (double s = 1; s <= samples; s++) {
		struct sample sample = { .time_s = s * interval_s,
					 .types = types,
					 .type_cnt = SERIES_CNT };
		const struct verdict *verdicts;
		size_t cnt;

		for (size_t i = 0; i < SERIES_CNT; i++) {
			snprintf(names[i], sizeof(names[i]), "app.T%zu", i);
			types[i] = (struct type_count){ .name = names[i], .own = true };
			types[i].live = (uint64_t)load_at(&loads[i], sample.time_s, &rng);
		}
		cr_assert_eq(detector_add(detector, &sample), 0);
		cr_assert_eq(detector_judge(detector, &verdicts, &cnt), 0);
		note(verdicts, cnt, sample.time_s, &out);
	}
	detector_destroy(detector);
	out.late_suspects /= fmax(SERIES_CNT * (samples - 2 * DAY_S / interval_s), 1);
	return out;
}

static void assert_healthy(double interval_s, double days, uint64_t seed)
{
	struct synthetic_rng rng = { seed };
	struct load loads[SERIES_CNT];
	struct outcome out;

	draw_loads(loads, &rng);
	out = watch_loads(loads, interval_s, days);
	cr_expect_eq(out.leak_samples, 0, "interval %g s: %zu, first %s", interval_s,
		     out.leak_samples, out.first);
	cr_expect_lt(out.late_suspects, 0.05, "interval %g s: %g suspects", interval_s,
		     out.late_suspects);
}

Test(detect_long, two_weeks_of_daily_load_are_never_a_leak)
{
	assert_healthy(900, 9, 1);
	assert_healthy(1800, 28, 2);
}

Test(detect_long, the_rising_side_of_a_day_is_never_a_leak_at_any_interval)
{
	assert_healthy(10, 0.12, 5);
	assert_healthy(60, 1, 3);
	assert_healthy(300, 3, 4);
}

/* 12 MB a day on a 300 MB process. */
static double native_memory_called_after(double daily_bytes, double noise, double days)
{
	struct synthetic_rng rng = { 11 };
	struct detector *detector;
	struct outcome out = { 0 };

	cr_assert_eq(detector_create(300, &detector), 0);
	for (double s = 1; s <= days * DAY_S / 300; s++) {
		struct sample sample = { .time_s = s * 300 };
		const struct verdict *verdicts;
		size_t cnt;
		double rss = 300e6 + daily_bytes * sample.time_s / DAY_S +
			     noise * fabs(synthetic_normal(&rng));

		sample.memory = (struct memory){ .rss = (uint64_t)rss,
						 .small_used = 40 << 20,
						 .small_known = true };
		cr_assert_eq(detector_add(detector, &sample), 0);
		cr_assert_eq(detector_judge(detector, &verdicts, &cnt), 0);
		note(verdicts, cnt, sample.time_s, &out);
	}
	detector_destroy(detector);
	return out.first_leak_s / DAY_S;
}

Test(detect_long, a_native_leak_of_12_megabytes_a_day_is_called_after_two_days)
{
	double after = native_memory_called_after(12e6, 3e6, 8);

	cr_assert(after > 2 && after < 5, "after %g days", after);
}

Test(detect_long, noisy_memory_without_a_leak_is_not_called)
{
	cr_assert_eq(native_memory_called_after(0, 3e6, 8), 0);
}

Test(detect_long, objects_leaked_slowly_are_called_after_two_days)
{
	struct load loads[SERIES_CNT] = { 0 };
	struct outcome out;

	for (size_t i = 0; i < SERIES_CNT; i++)
		loads[i] = (struct load){ .weekend = 1, .noise = 1, .leak_per_s = 0.01 };
	out = watch_loads(loads, 900, 6);
	cr_assert_gt(out.first_leak_s, 2 * DAY_S, "%s", out.first);
	cr_assert_lt(out.first_leak_s, 5 * DAY_S);
}

Test(detect_long, a_leak_under_daily_load_is_called_by_its_nights)
{
	struct load loads[SERIES_CNT] = { 0 };
	struct outcome out;

	for (size_t i = 0; i < SERIES_CNT; i++)
		loads[i] = (struct load){
			.depth = 0.5, .phase = 0.3, .weekend = 1, .noise = 0.5, .leak_per_s = 0.01
		};
	out = watch_loads(loads, 1800, 28);
	cr_assert_gt(out.first_leak_s, 2 * DAY_S, "%s", out.first);
}

static struct synthetic_result watch(enum shape shape, size_t series, size_t samples)
{
	struct synthetic_case synthetic = { shape, series, samples, 42 };
	struct synthetic_result result;

	cr_assert_eq(synthetic_watch(&synthetic, &result), 0);
	return result;
}

Test(judge, noise_is_never_a_leak)
{
	for (enum shape shape = 0; shape < SHAPE_SINE; shape++) {
		struct synthetic_result r = watch(shape, 150, 120);

		cr_expect_eq(r.leak_cnt, 0, "%s: %zu", synthetic_name(shape), r.leak_cnt);
		cr_expect_leq(r.suspect_cnt, 8, "%s: %zu", synthetic_name(shape), r.suspect_cnt);
	}
}

Test(judge, a_random_walk_is_never_a_leak)
{
	struct synthetic_result r = watch(SHAPE_WALK, 1000, 120);

	cr_assert_eq(r.leak_cnt, 0, "%zu of 1000", r.leak_cnt);
}

Test(judge, healthy_programs_are_never_a_leak)
{
	for (enum shape shape = SHAPE_SINE; shape < SHAPE_HEALTHY_CNT; shape++) {
		struct synthetic_result r = watch(shape, 150, 120);

		cr_expect_eq(r.leak_cnt, 0, "%s: %zu", synthetic_name(shape), r.leak_cnt);
		cr_expect_leq(r.suspect_cnt, 15, "%s: %zu", synthetic_name(shape), r.suspect_cnt);
	}
}

Test(judge, clear_leaks_are_called_within_26_samples)
{
	static const enum shape shapes[] = { SHAPE_LEAK_STEADY, SHAPE_LEAK_POISSON,
					     SHAPE_LEAK_QUIET };

	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
		struct synthetic_result r = watch(shapes[i], 200, 40);

		cr_expect_geq(r.leak_by_26, 190, "%s: %zu", synthetic_name(shapes[i]),
			      r.leak_by_26);
		cr_expect_geq(r.leak_at_end, 198, "%s: %zu", synthetic_name(shapes[i]),
			      r.leak_at_end);
	}
}

Test(judge, hidden_leaks_are_called_within_60_samples)
{
	static const enum shape shapes[] = { SHAPE_LEAK_BUSY, SHAPE_LEAK_WARM, SHAPE_LEAK_GARBAGE };

	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
		struct synthetic_result r = watch(shapes[i], 100, 60);

		cr_expect_geq(r.leak_at_end, 99, "%s: %zu", synthetic_name(shapes[i]),
			      r.leak_at_end);
	}
}

Test(hold, leaks_of_uneven_pace_stay_called)
{
	for (enum shape shape = SHAPE_LEAK_TWO_PACES; shape < SHAPE_CNT; shape++) {
		struct synthetic_result r = watch(shape, 150, 120);

		cr_expect_eq(r.taken_back, 0, "%s: %zu", synthetic_name(shape), r.taken_back);
		cr_expect_eq(r.leak_at_end, 150, "%s: %zu", synthetic_name(shape), r.leak_at_end);
		cr_expect_geq(r.leak_by_48, 135, "%s: %zu", synthetic_name(shape), r.leak_by_48);
	}
}

/* One of 120 caches (of up to 45 samples, watched for 300) is called a leak while it fills. */
Test(hold, caches_that_were_called_are_taken_back)
{
	struct synthetic_case coupons = { SHAPE_COUPONS, 200, 300, 1000 };
	size_t called = 0;

	for (int i = 0; i < 8; i++, coupons.seed++) {
		struct synthetic_result r;

		cr_assert_eq(synthetic_watch(&coupons, &r), 0);
		cr_expect_eq(r.leak_at_end, 0, "seed %d", i);
		called += r.leak_cnt;
	}
	cr_expect_leq(called, 16, "%zu of 1600", called);
}
