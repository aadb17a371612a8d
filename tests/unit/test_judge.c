/* SPDX-License-Identifier: BSD-2-Clause */
/* Judgement of one series: kinds, what teeth and the garbage collector excuse. */
#include <criterion/criterion.h>

#include <math.h>
#include <string.h>

#include "program.h"

Test(judge, nothing_is_called_before_23_samples)
{
	struct program p;

	program_start(&p, 1);
	for (int i = 1; i <= 23; i++) {
		program_set_type(&p, 0, "app.Message", true, 100 * i);
		program_tick(&p);
		cr_assert_eq(program_kind(&p, "app.Message") == VERDICT_LEAK, i == 23, "sample %d",
			     i);
	}
	cr_assert_float_eq(p.verdicts[0].slope_per_s, 100, 0.1);
	cr_assert_gt(p.verdicts[0].confidence, 0.99);
	cr_assert(strstr(p.verdicts[0].why, "no fall back"), "%s", p.verdicts[0].why);
	detector_destroy(p.detector);
}

Test(judge, a_leak_that_stops_is_taken_back)
{
	struct program p;

	program_start(&p, 1);
	for (int i = 1; i <= 60; i++) {
		program_set_type(&p, 0, "app.Message", true, 100 * fmin(i, 30));
		program_tick(&p);
		cr_assert(i != 30 || program_kind(&p, "app.Message") == VERDICT_LEAK);
	}
	cr_assert_neq(program_kind(&p, "app.Message"), VERDICT_LEAK);
	detector_destroy(p.detector);
}

Test(judge, a_leak_stays_called_for_as_long_as_it_leaks)
{
	struct program p;
	struct synthetic_rng rng = { 3 };
	double live = 0;
	int called = 0;

	program_start(&p, 1);
	for (int i = 1; i <= 600; i++) {
		program_set_type(&p, 0, "app.Message", true, live += synthetic_poisson(&rng, 30));
		program_tick(&p);
		called += i > 40 && program_kind(&p, "app.Message") == VERDICT_LEAK;
	}
	cr_assert_geq(called, 550, "%d of 560", called);
	detector_destroy(p.detector);
}

Test(judge, slow_growth_of_a_large_level_is_only_suspect)
{
	struct program p;

	program_start(&p, 1);
	for (int i = 1; i <= 120; i++) {
		program_set_type(&p, 0, "app.Row", true, 1e6 + 50 * i);
		program_tick(&p);
	}
	cr_assert_eq(program_kind(&p, "app.Row"), VERDICT_SUSPECT);
	cr_assert(strstr(p.verdicts[0].why, "daily"), "%s", p.verdicts[0].why);
	detector_destroy(p.detector);
}

Test(judge, a_saw_tooth_longer_than_the_evidence_is_learnt_from_its_first_fall)
{
	struct program p;

	program_start(&p, 1);
	for (int i = 0; i < 400; i++) {
		program_set_type(&p, 0, "app.Batch", true, i % 60 * 10);
		program_tick(&p);
		cr_assert(i < 60 || program_kind(&p, "app.Batch") != VERDICT_LEAK, "sample %d", i);
	}
	cr_assert_eq(program_kind(&p, "app.Batch"), VERDICT_SAWTOOTH);
	detector_destroy(p.detector);
}

Test(judge, a_saw_tooth_whose_low_points_grow_is_a_leak)
{
	struct program p;

	program_start(&p, 1);
	for (int i = 0; i < 400; i++) {
		program_set_type(&p, 0, "app.Batch", true, i % 20 * 10 + 5 * i);
		program_tick(&p);
	}
	cr_assert_eq(program_kind(&p, "app.Batch"), VERDICT_LEAK);
	detector_destroy(p.detector);
}

Test(judge, the_sample_rate_scales_the_windows)
{
	struct program p;

	program_start(&p, 5);
	for (int i = 1; i <= 30; i++) {
		program_set_type(&p, 0, "app.Message", true, 100 * i);
		p.sample.time_s += 4;
		program_tick(&p);
		cr_assert_eq(program_kind(&p, "app.Message") == VERDICT_LEAK, i >= 23, "sample %d",
			     i);
	}
	detector_destroy(p.detector);
}

static struct gc_counters gc_counters(uint64_t fulls, uint64_t young, uint64_t full_garbage)
{
	return (struct gc_counters){ .collections = { 0, 0, fulls },
				     .known = true,
				     .enabled = true,
				     .collected = { young, 0, full_garbage } };
}

Test(gc, growth_among_cyclic_garbage_waits_for_a_full_collection)
{
	struct program p;

	program_start(&p, 1);
	for (int i = 1; i <= 60; i++) {
		program_set_type(&p, 0, "app.Node", true, 50 * i);
		p.sample.gc = gc_counters(3, 200 * (uint64_t)i, 0);
		program_tick(&p);
		cr_assert_neq(program_kind(&p, "app.Node"), VERDICT_LEAK);
	}
	cr_assert_eq(program_kind(&p, "app.Node"), VERDICT_GC_LAG);
	for (int i = 61; i <= 64; i++) {
		program_set_type(&p, 0, "app.Node", true, 50 * i);
		p.sample.gc = gc_counters(4, 200 * (uint64_t)i, 0);
		program_tick(&p);
	}
	cr_assert_eq(program_kind(&p, "app.Node"), VERDICT_LEAK);
	cr_assert(strstr(p.verdicts[0].why, "across 1 full collection"), "%s", p.verdicts[0].why);
	detector_destroy(p.detector);
}

Test(gc, what_full_collections_take_back_is_gc_lag)
{
	struct program p;

	program_start(&p, 1);
	for (int i = 0; i < 150; i++) {
		program_set_type(&p, 0, "app.Node", true, 100 + i % 40 * 50);
		p.sample.gc = gc_counters((uint64_t)i / 40, 0, 2000 * (uint64_t)(i / 40));
		program_tick(&p);
		cr_assert(i < 41 || program_kind(&p, "app.Node") != VERDICT_LEAK, "sample %d", i);
	}
	cr_assert_eq(program_kind(&p, "app.Node"), VERDICT_GC_LAG);
	detector_destroy(p.detector);
}

Test(gc, a_process_whose_full_collections_find_much_is_not_judged_before_the_next)
{
	struct program p;

	program_start(&p, 1);
	for (int i = 1; i <= 40; i++) {
		program_set_type(&p, 0, "app.Node", true, 50 * i);
		p.sample.gc = gc_counters(10, 0, 50000);
		program_tick(&p);
	}
	cr_assert_eq(program_kind(&p, "app.Node"), VERDICT_GC_LAG);
	detector_destroy(p.detector);
}

Test(gc, a_collector_that_finds_nothing_or_is_off_excuses_nothing)
{
	for (int enabled = 0; enabled < 2; enabled++) {
		struct program p;

		program_start(&p, 1);
		for (int i = 1; i <= 24; i++) {
			program_set_type(&p, 0, "app.Node", true, 50 * i);
			p.sample.gc = gc_counters(3, enabled ? (uint64_t)i : 9000, 0);
			p.sample.gc.enabled = enabled;
			program_tick(&p);
		}
		cr_assert_eq(program_kind(&p, "app.Node"), VERDICT_LEAK);
		detector_destroy(p.detector);
	}
}

Test(gc, a_growing_container_proves_that_what_it_holds_is_no_garbage)
{
	struct program p;

	program_start(&p, 1);
	for (int i = 1; i <= 26; i++) {
		program_set_type(&p, 0, "app.Node", true, 50 * i);
		program_set_container(&p, 0, "list", "app.Node", 200 + 50 * i);
		p.sample.gc = gc_counters(3, 500 * (uint64_t)i, 0);
		program_tick(&p);
	}
	cr_assert_eq(program_kind(&p, "app.Node"), VERDICT_LEAK);
	cr_assert_eq(p.verdict_cnt, 2);
	cr_assert_str_eq(p.verdicts[0].name, "app.Node");
	cr_assert(p.verdicts[0].head && !p.verdicts[1].head);
	cr_assert_eq(p.verdicts[0].group, p.verdicts[1].group);
	detector_destroy(p.detector);
}
