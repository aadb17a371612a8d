/* SPDX-License-Identifier: BSD-2-Clause */
/* The detector as a whole, one small program at a time: kinds, groups, heads, the collector,
 * native memory. Its error rates are in test_detect_long.c. */
#include <criterion/criterion.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "synthetic.h"

#define TYPES_MAX 8
#define CONTAINERS_MAX 4

/* One program under watch: values by sample number, written by the test. */
struct program {
	struct detector *detector;
	struct sample sample;
	struct type_count types[TYPES_MAX];
	struct container containers[CONTAINERS_MAX];
	const struct verdict *verdicts;
	size_t verdict_cnt;
};

static void program_start(struct program *p, double interval_s)
{
	*p = (struct program){ 0 };
	p->sample.types = p->types;
	p->sample.containers = p->containers;
	cr_assert_eq(detector_create(interval_s, &p->detector), 0);
}

static void set_type(struct program *p, size_t i, const char *name, bool own, double live)
{
	p->types[i] = (struct type_count){
		.name = name, .own = own, .live = (uint64_t)live, .bytes = 64 * (uint64_t)live
	};
	p->sample.type_cnt = p->sample.type_cnt > i ? p->sample.type_cnt : i + 1;
}

static void set_container(struct program *p, size_t i, const char *name, const char *holds,
			  double len)
{
	p->containers[i] = (struct container){
		.address = 0x1000 * (i + 1), .type_name = name, .holds = holds, .len = (uint64_t)len
	};
	p->sample.container_cnt = p->sample.container_cnt > i ? p->sample.container_cnt : i + 1;
}

static void tick(struct program *p)
{
	p->sample.time_s += 1;
	cr_assert_eq(detector_add(p->detector, &p->sample), 0);
	cr_assert_eq(detector_judge(p->detector, &p->verdicts, &p->verdict_cnt), 0);
}

static const struct verdict *find(const struct program *p, const char *name)
{
	for (size_t i = 0; i < p->verdict_cnt; i++) {
		if (!strcmp(p->verdicts[i].name, name))
			return &p->verdicts[i];
	}
	return NULL;
}

static enum verdict_kind kind_of(const struct program *p, const char *name)
{
	const struct verdict *v = find(p, name);

	return v ? v->kind : VERDICT_STABLE;
}

Test(judge, nothing_is_called_before_23_samples)
{
	struct program p;

	program_start(&p, 1);
	for (int i = 1; i <= 23; i++) {
		set_type(&p, 0, "app.Message", true, 100 * i);
		tick(&p);
		cr_assert_eq(kind_of(&p, "app.Message") == VERDICT_LEAK, i == 23, "sample %d", i);
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
		set_type(&p, 0, "app.Message", true, 100 * fmin(i, 30));
		tick(&p);
		cr_assert(i != 30 || kind_of(&p, "app.Message") == VERDICT_LEAK);
	}
	cr_assert_neq(kind_of(&p, "app.Message"), VERDICT_LEAK);
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
		set_type(&p, 0, "app.Message", true, live += synthetic_poisson(&rng, 30));
		tick(&p);
		called += i > 40 && kind_of(&p, "app.Message") == VERDICT_LEAK;
	}
	cr_assert_geq(called, 550, "%d of 560", called);
	detector_destroy(p.detector);
}

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
			set_type(&p, 0, "app.Kept", true,
				 200 + live + floor(noise * synthetic_uniform(&rng)));
			tick(&p);
			now++;
			leak = kind_of(&p, "app.Kept") == VERDICT_LEAK;
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
		set_type(&p, 0, "app.Kept", true, 25 * fmin(i, 45));
		tick(&p);
	}
	cr_assert_eq(kind_of(&p, "app.Kept"), VERDICT_LEAK);
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

			set_type(&p, 0, "app.Kept", true, live);
			tick(&p);
			if (i < 23 || kind_of(&p, "app.Kept") == kinds[cnt ? cnt - 1 : 0])
				continue;
			if (cnt < 2)
				kinds[cnt++] = kind_of(&p, "app.Kept");
		}
		cr_assert_eq(kinds[0], VERDICT_LEAK);
		cr_assert_eq(kinds[1], fall ? VERDICT_SAWTOOTH : VERDICT_SATURATING);
		cr_assert_neq(kind_of(&p, "app.Kept"), VERDICT_LEAK);
		detector_destroy(p.detector);
	}
}

Test(hold, a_cache_that_was_called_is_taken_back_when_it_is_full)
{
	struct program p;
	bool called = false;

	program_start(&p, 1);
	for (int i = 1; i <= 400; i++) {
		set_type(&p, 0, "app.Cached", true, 3000 * (1 - exp(-i / 120.0)));
		tick(&p);
		called |= kind_of(&p, "app.Cached") == VERDICT_LEAK;
	}
	cr_assert(called, "the test needs a false alarm");
	cr_assert_neq(kind_of(&p, "app.Cached"), VERDICT_LEAK);
	detector_destroy(p.detector);
}

Test(judge, slow_growth_of_a_large_level_is_only_suspect)
{
	struct program p;

	program_start(&p, 1);
	for (int i = 1; i <= 120; i++) {
		set_type(&p, 0, "app.Row", true, 1e6 + 50 * i);
		tick(&p);
	}
	cr_assert_eq(kind_of(&p, "app.Row"), VERDICT_SUSPECT);
	cr_assert(strstr(p.verdicts[0].why, "daily"), "%s", p.verdicts[0].why);
	detector_destroy(p.detector);
}

Test(judge, a_saw_tooth_longer_than_the_evidence_is_learnt_from_its_first_fall)
{
	struct program p;

	program_start(&p, 1);
	for (int i = 0; i < 400; i++) {
		set_type(&p, 0, "app.Batch", true, i % 60 * 10);
		tick(&p);
		cr_assert(i < 60 || kind_of(&p, "app.Batch") != VERDICT_LEAK, "sample %d", i);
	}
	cr_assert_eq(kind_of(&p, "app.Batch"), VERDICT_SAWTOOTH);
	detector_destroy(p.detector);
}

Test(judge, a_saw_tooth_whose_low_points_grow_is_a_leak)
{
	struct program p;

	program_start(&p, 1);
	for (int i = 0; i < 400; i++) {
		set_type(&p, 0, "app.Batch", true, i % 20 * 10 + 5 * i);
		tick(&p);
	}
	cr_assert_eq(kind_of(&p, "app.Batch"), VERDICT_LEAK);
	detector_destroy(p.detector);
}

Test(judge, the_sample_rate_scales_the_windows)
{
	struct program p;

	program_start(&p, 5);
	for (int i = 1; i <= 30; i++) {
		set_type(&p, 0, "app.Message", true, 100 * i);
		p.sample.time_s += 4;
		tick(&p);
		cr_assert_eq(kind_of(&p, "app.Message") == VERDICT_LEAK, i >= 23, "sample %d", i);
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
		set_type(&p, 0, "app.Node", true, 50 * i);
		p.sample.gc = gc_counters(3, 200 * (uint64_t)i, 0);
		tick(&p);
		cr_assert_neq(kind_of(&p, "app.Node"), VERDICT_LEAK);
	}
	cr_assert_eq(kind_of(&p, "app.Node"), VERDICT_GC_LAG);
	for (int i = 61; i <= 64; i++) {
		set_type(&p, 0, "app.Node", true, 50 * i);
		p.sample.gc = gc_counters(4, 200 * (uint64_t)i, 0);
		tick(&p);
	}
	cr_assert_eq(kind_of(&p, "app.Node"), VERDICT_LEAK);
	cr_assert(strstr(p.verdicts[0].why, "across 1 full collection"), "%s", p.verdicts[0].why);
	detector_destroy(p.detector);
}

Test(gc, what_full_collections_take_back_is_gc_lag)
{
	struct program p;

	program_start(&p, 1);
	for (int i = 0; i < 150; i++) {
		set_type(&p, 0, "app.Node", true, 100 + i % 40 * 50);
		p.sample.gc = gc_counters((uint64_t)i / 40, 0, 2000 * (uint64_t)(i / 40));
		tick(&p);
		cr_assert(i < 41 || kind_of(&p, "app.Node") != VERDICT_LEAK, "sample %d", i);
	}
	cr_assert_eq(kind_of(&p, "app.Node"), VERDICT_GC_LAG);
	detector_destroy(p.detector);
}

Test(gc, a_process_whose_full_collections_find_much_is_not_judged_before_the_next)
{
	struct program p;

	program_start(&p, 1);
	for (int i = 1; i <= 40; i++) {
		set_type(&p, 0, "app.Node", true, 50 * i);
		p.sample.gc = gc_counters(10, 0, 50000);
		tick(&p);
	}
	cr_assert_eq(kind_of(&p, "app.Node"), VERDICT_GC_LAG);
	detector_destroy(p.detector);
}

Test(gc, a_collector_that_finds_nothing_or_is_off_excuses_nothing)
{
	for (int enabled = 0; enabled < 2; enabled++) {
		struct program p;

		program_start(&p, 1);
		for (int i = 1; i <= 24; i++) {
			set_type(&p, 0, "app.Node", true, 50 * i);
			p.sample.gc = gc_counters(3, enabled ? (uint64_t)i : 9000, 0);
			p.sample.gc.enabled = enabled;
			tick(&p);
		}
		cr_assert_eq(kind_of(&p, "app.Node"), VERDICT_LEAK);
		detector_destroy(p.detector);
	}
}

Test(gc, a_growing_container_proves_that_what_it_holds_is_no_garbage)
{
	struct program p;

	program_start(&p, 1);
	for (int i = 1; i <= 26; i++) {
		set_type(&p, 0, "app.Node", true, 50 * i);
		set_container(&p, 0, "list", "app.Node", 200 + 50 * i);
		p.sample.gc = gc_counters(3, 500 * (uint64_t)i, 0);
		tick(&p);
	}
	cr_assert_eq(kind_of(&p, "app.Node"), VERDICT_LEAK);
	cr_assert_eq(p.verdict_cnt, 2);
	cr_assert_str_eq(p.verdicts[0].name, "app.Node");
	cr_assert(p.verdicts[0].head && !p.verdicts[1].head);
	cr_assert_eq(p.verdicts[0].group, p.verdicts[1].group);
	detector_destroy(p.detector);
}

Test(group, what_grows_in_proportion_is_one_leak_headed_by_the_programs_class)
{
	struct program p;
	struct synthetic_rng rng = { 9 };
	double made = 0;

	program_start(&p, 1);
	for (int i = 1; i <= 26; i++) {
		made += 5 + synthetic_poisson(&rng, 5);
		set_type(&p, 0, "dict", false, 5000 + 12 * made);
		set_type(&p, 1, "app.Connection", true, made);
		set_type(&p, 2, "app.Message", true, 10 * made);
		set_type(&p, 3, "_asyncio.Future", false, 20 * made);
		set_type(&p, 4, "method", false, 3 * made);
		set_container(&p, 0, "list", "app.Connection", 64 + made);
		tick(&p);
	}
	cr_assert_eq(p.verdict_cnt, 6);
	cr_assert_str_eq(p.verdicts[0].name, "app.Message");
	for (size_t i = 0; i < 6; i++) {
		cr_assert_eq(p.verdicts[i].kind, VERDICT_LEAK, "%s", p.verdicts[i].name);
		cr_assert_eq(p.verdicts[i].group, 1);
		cr_assert_eq(p.verdicts[i].head, i == 0);
		cr_assert(i < 2 || p.verdicts[i].slope_per_s <= p.verdicts[i - 1].slope_per_s);
	}
	detector_destroy(p.detector);
}

Test(group, leaks_that_grow_at_other_moments_are_two)
{
	struct program p;
	struct synthetic_rng rng = { 10 };
	double a = 0;
	double b = 0;

	program_start(&p, 1);
	for (int i = 1; i <= 40; i++) {
		set_type(&p, 0, "app.A", true, a += synthetic_poisson(&rng, 12));
		set_type(&p, 1, "app.B", true, b += synthetic_poisson(&rng, 12));
		set_type(&p, 2, "tuple", false, 100 + 2 * b);
		tick(&p);
	}
	cr_assert_eq(p.verdict_cnt, 3);
	cr_assert_neq(find(&p, "app.A")->group, find(&p, "app.B")->group);
	cr_assert_eq(find(&p, "tuple")->group, find(&p, "app.B")->group);
	cr_assert(find(&p, "app.A")->head && find(&p, "app.B")->head);
	detector_destroy(p.detector);
}

/* What each leaked object holds, among many like it that come and go: a second type that is
 * called much later. */
Test(group, what_a_leaked_object_holds_is_no_second_heading)
{
	struct program p;
	struct synthetic_rng rng = { 12 };
	double kept = 0;
	double traffic = 0;
	bool called = false;

	program_start(&p, 1);
	for (int i = 1; i <= 160; i++) {
		kept += synthetic_poisson(&rng, 30);
		traffic = 0.3 * traffic + 100 * synthetic_normal(&rng);
		set_type(&p, 0, "app.Kept", true, kept);
		set_type(&p, 1, "list", false, 5000 + kept + traffic);
		set_container(&p, 0, "list", "app.Kept", kept);
		tick(&p);
		for (size_t k = 0; k < p.verdict_cnt; k++) {
			if (p.verdicts[k].kind != VERDICT_LEAK)
				continue;
			cr_assert_eq(p.verdicts[k].group, 1, "%s at %d", p.verdicts[k].name, i);
			called |= !strcmp(p.verdicts[k].name, "list") && !p.verdicts[k].address;
		}
	}
	cr_assert(called);
	detector_destroy(p.detector);
}

Test(group, a_pace_that_changes_keeps_a_leak_together)
{
	struct program p;
	struct synthetic_rng rng = { 13 };
	double kept = 0;

	program_start(&p, 1);
	for (int i = 1; i <= 120; i++) {
		kept += i < 40 ? 15 : i < 60 || i > 66 ? 30 : 0;
		set_type(&p, 0, "app.Kept", true, kept);
		set_type(&p, 1, "list", false, 200 + kept + floor(10 * synthetic_uniform(&rng)));
		set_container(&p, 0, "list", "app.Kept", kept);
		tick(&p);
		for (size_t k = 0; i > 26 && k < 3; k++)
			cr_assert_eq(p.verdicts[k].group, 1, "sample %d", i);
	}
	detector_destroy(p.detector);
}

Test(group, leaks_that_begin_at_other_times_are_two)
{
	struct program p;
	struct synthetic_rng rng = { 14 };
	double a = 0;
	double b = 0;

	program_start(&p, 1);
	for (int i = 1; i <= 120; i++) {
		set_type(&p, 0, "app.A", true, a += synthetic_poisson(&rng, 30));
		set_type(&p, 1, "app.B", true, b += i > 60 ? synthetic_poisson(&rng, 30) : 0);
		tick(&p);
	}
	cr_assert_eq(p.verdict_cnt, 2);
	cr_assert_neq(p.verdicts[0].group, p.verdicts[1].group);
	detector_destroy(p.detector);
}

Test(group, a_container_of_untracked_things_stands_alone)
{
	struct program p;

	program_start(&p, 1);
	for (int i = 1; i <= 24; i++) {
		set_type(&p, 0, "dict", false, 400);
		set_container(&p, 0, "list", "str", 100 + 10 * i);
		tick(&p);
	}
	cr_assert_eq(p.verdict_cnt, 1);
	cr_assert_eq(p.verdicts[0].kind, VERDICT_LEAK);
	cr_assert_eq(p.verdicts[0].subject, SUBJECT_CONTAINER);
	cr_assert_eq(p.verdicts[0].address, 0x1000);
	cr_assert_str_eq(p.verdicts[0].holds, "str");
	cr_assert(p.verdicts[0].head);
	detector_destroy(p.detector);
}

Test(container, another_type_at_the_address_is_another_container)
{
	struct program p;

	program_start(&p, 1);
	for (int i = 1; i <= 30; i++) {
		set_type(&p, 0, "dict", false, 400);
		set_container(&p, 0, i < 15 ? "list" : "dict", NULL, 100 + 10 * i);
		tick(&p);
		cr_assert_eq(p.verdict_cnt, 0);
	}
	detector_destroy(p.detector);
}

Test(container, one_that_is_gone_has_no_verdict)
{
	struct program p;

	program_start(&p, 1);
	for (int i = 1; i <= 30; i++) {
		set_type(&p, 0, "dict", false, 400);
		set_container(&p, 0, "list", NULL, 100 + 10 * i);
		p.sample.container_cnt = i <= 28;
		tick(&p);
		cr_assert_eq(p.verdict_cnt, i >= 20 && i <= 28, "sample %d", i);
	}
	detector_destroy(p.detector);
}

static void set_memory(struct program *p, double rss, double small_used)
{
	p->sample.memory = (struct memory){ .rss = (uint64_t)rss,
					    .small_known = true,
					    .small_used = (uint64_t)small_used };
}

Test(native, memory_that_objects_do_not_explain_is_a_native_leak)
{
	struct program p;

	program_start(&p, 1);
	for (int i = 1; i <= 26; i++) {
		set_type(&p, 0, "dict", false, 400);
		set_memory(&p, 50e6 + floor(i * 1.7) * 135168, 8e6);
		tick(&p);
	}
	cr_assert_eq(p.verdict_cnt, 1);
	cr_assert_eq(p.verdicts[0].kind, VERDICT_NATIVE);
	cr_assert_eq(p.verdicts[0].subject, SUBJECT_MEMORY);
	cr_assert_str_eq(p.verdicts[0].name, "memory");
	cr_assert_float_eq(p.verdicts[0].slope_per_s, 1.7 * 135168, 20000);
	detector_destroy(p.detector);
}

Test(native, a_sample_without_a_census_still_measures_memory)
{
	struct program p;

	program_start(&p, 1);
	for (int i = 1; i <= 26; i++) {
		set_memory(&p, 50e6 + i * 2e5, 8e6);
		tick(&p);
	}
	cr_assert_eq(p.verdict_cnt, 1);
	cr_assert_eq(p.verdicts[0].kind, VERDICT_NATIVE);
	detector_destroy(p.detector);
}

Test(native, small_objects_explain_the_memory_they_take)
{
	struct program p;

	program_start(&p, 1);
	for (int i = 1; i <= 30; i++) {
		set_type(&p, 0, "app.Row", true, 1000 * i);
		set_memory(&p, 50e6 + i * 1e6, 8e6 + i * 1e6);
		tick(&p);
	}
	cr_assert_eq(p.verdict_cnt, 1);
	cr_assert_eq(p.verdicts[0].kind, VERDICT_LEAK);
	cr_assert_float_eq(p.verdicts[0].rss_per_unit, 1000, 20);
	detector_destroy(p.detector);
}

Test(native, objects_that_hold_native_memory_take_the_blame)
{
	struct program p;

	program_start(&p, 1);
	for (int i = 1; i <= 30; i++) {
		set_type(&p, 0, "app.Image", true, 10 * i);
		set_memory(&p, 50e6 + i * 1e6, 8e6);
		tick(&p);
	}
	cr_assert_eq(p.verdict_cnt, 1);
	cr_assert_str_eq(p.verdicts[0].name, "app.Image");
	cr_assert_float_eq(p.verdicts[0].rss_per_unit, 1e5, 2e3);
	detector_destroy(p.detector);
}

Test(native, one_step_and_a_few_arenas_are_not_a_leak)
{
	struct program p;

	program_start(&p, 1);
	for (int i = 1; i <= 120; i++) {
		double arenas = (i > 20) + (i > 37) + (i > 50) + (i > 90);

		set_type(&p, 0, "dict", false, 400);
		set_memory(&p, 50e6 + arenas * 1048576 + (i > 70 ? 64e6 : 0), 8e6);
		tick(&p);
		for (size_t k = 0; k < p.verdict_cnt; k++)
			cr_assert_neq(p.verdicts[k].kind, VERDICT_NATIVE, "sample %d", i);
	}
	detector_destroy(p.detector);
}

Test(detector, refuses_times_that_do_not_advance)
{
	struct program p;

	program_start(&p, 1);
	set_type(&p, 0, "dict", false, 1);
	tick(&p);
	cr_assert_eq(detector_add(p.detector, &p.sample), -EINVAL);
	p.sample.time_s = NAN;
	cr_assert_eq(detector_add(p.detector, &p.sample), -EINVAL);
	p.sample.time_s = 5;
	cr_assert_eq(detector_add(p.detector, &p.sample), 0);
	detector_destroy(p.detector);
	detector_destroy(NULL);
}

Test(detector, refuses_an_interval_that_is_no_time)
{
	struct detector *detector;

	cr_assert_eq(detector_create(0, &detector), -EINVAL);
	cr_assert_eq(detector_create(-1, &detector), -EINVAL);
	cr_assert_eq(detector_create(NAN, &detector), -EINVAL);
}

Test(detector, counts_the_series_that_it_has_no_room_for)
{
	enum { CNT = 8300 };
	static struct type_count types[CNT];
	static char names[CNT][16];
	struct sample sample = { .time_s = 1, .types = types, .type_cnt = CNT };
	struct detector *detector;

	for (int i = 0; i < CNT; i++) {
		snprintf(names[i], sizeof(names[i]), "T%d", i);
		types[i] = (struct type_count){ .name = names[i], .live = 1 };
	}
	cr_assert_eq(detector_create(1, &detector), 0);
	cr_assert_eq(detector_add(detector, &sample), 0);
	cr_assert_eq(detector_dropped_series(detector), CNT - 8192);
	detector_destroy(detector);
}

Test(verdict, every_kind_has_its_own_name)
{
	for (int a = VERDICT_STABLE; a <= VERDICT_LEAK; a++) {
		for (int b = VERDICT_STABLE; b < a; b++)
			cr_assert_str_neq(verdict_name(a), verdict_name(b));
	}
	cr_assert_str_eq(verdict_name(VERDICT_GC_LAG), "gc-lag");
	cr_assert_str_eq(verdict_name((enum verdict_kind)99), "unknown");
}
