/* SPDX-License-Identifier: BSD-2-Clause */
/* Which series are one leak, and which of them heads it. */
#include <criterion/criterion.h>

#include <math.h>
#include <string.h>

#include "base/cleanup.h"
#include "program.h"

Test(group, what_grows_in_proportion_is_one_leak_headed_by_the_programs_class)
{
	struct program p;
	struct synthetic_rng rng = { 9 };
	double made = 0;

	program_start(&p, 1);
	for (int i = 1; i <= 26; i++) {
		made += 5 + synthetic_poisson(&rng, 5);
		program_set_type(&p, 0, "dict", false, 5000 + 12 * made);
		program_set_type(&p, 1, "app.Connection", true, made);
		program_set_type(&p, 2, "app.Message", true, 10 * made);
		program_set_type(&p, 3, "_asyncio.Future", false, 20 * made);
		program_set_type(&p, 4, "method", false, 3 * made);
		program_set_container(&p, 0, "list", "app.Connection", 64 + made);
		program_tick(&p);
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
		program_set_type(&p, 0, "app.A", true, a += synthetic_poisson(&rng, 12));
		program_set_type(&p, 1, "app.B", true, b += synthetic_poisson(&rng, 12));
		program_set_type(&p, 2, "tuple", false, 100 + 2 * b);
		program_tick(&p);
	}
	cr_assert_eq(p.verdict_cnt, 3);
	cr_assert_neq(program_find(&p, "app.A")->group, program_find(&p, "app.B")->group);
	cr_assert_eq(program_find(&p, "tuple")->group, program_find(&p, "app.B")->group);
	cr_assert(program_find(&p, "app.A")->head && program_find(&p, "app.B")->head);
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
		program_set_type(&p, 0, "app.Kept", true, kept);
		program_set_type(&p, 1, "list", false, 5000 + kept + traffic);
		program_set_container(&p, 0, "list", "app.Kept", kept);
		program_tick(&p);
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
		program_set_type(&p, 0, "app.Kept", true, kept);
		program_set_type(&p, 1, "list", false,
				 200 + kept + floor(10 * synthetic_uniform(&rng)));
		program_set_container(&p, 0, "list", "app.Kept", kept);
		program_tick(&p);
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
		program_set_type(&p, 0, "app.A", true, a += synthetic_poisson(&rng, 30));
		program_set_type(&p, 1, "app.B", true,
				 b += i > 60 ? synthetic_poisson(&rng, 30) : 0);
		program_tick(&p);
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
		program_set_type(&p, 0, "dict", false, 400);
		program_set_container(&p, 0, "list", "str", 100 + 10 * i);
		program_tick(&p);
	}
	cr_assert_eq(p.verdict_cnt, 1);
	cr_assert_eq(p.verdicts[0].kind, VERDICT_LEAK);
	cr_assert_eq(p.verdicts[0].subject, SUBJECT_CONTAINER);
	cr_assert_eq(p.verdicts[0].address, 0x1000);
	cr_assert_str_eq(p.verdicts[0].holds, "str");
	cr_assert(p.verdicts[0].head);
	detector_destroy(p.detector);
}

/* Threads that never end: one young collection found some garbage, and that excuses each type that
 * grew by less than four times as much. The program's classes begin at `from`, and Worker wanders
 * by `noise` a second. */
static void watch_threads(struct program *p, int from, double noise)
{
	struct synthetic_rng rng = { 15 };
	double walk = 0;

	program_start(p, 1);
	for (int i = 1; i <= 26; i++) {
		walk += noise * synthetic_normal(&rng);
		program_set_type(p, 0, "cell", false, 40 + 10 * i);
		program_set_type(p, 1, "app.Worker", true,
				 50 + 2 * (i > from ? i - from : 0) + floor(walk));
		program_set_type(p, 2, "app.Wakeup", true, 50 + (i > from ? i - from : 0));
		p->sample.gc = (struct gc_counters){ .collections = { (uint64_t)i / 10, 0, 0 },
						     .known = true,
						     .enabled = true,
						     .collected = { i < 10 ? 0 : 60, 0, 0 } };
		program_tick(p);
	}
	cr_assert_eq(program_kind(p, "cell"), VERDICT_LEAK);
}

Test(group, a_leak_of_builtins_is_headed_by_the_class_that_grows_with_them)
{
	struct program p;

	watch_threads(&p, 0, 0);
	cr_assert_eq(program_kind(&p, "app.Worker"), VERDICT_LEAK);
	cr_assert_str_eq(p.verdicts[0].name, "app.Worker");
	cr_assert(p.verdicts[0].head);
	cr_assert_gt(p.verdicts[0].confidence, 0.95);
	cr_assert(strstr(p.verdicts[0].why, "in step with cell"), "%s", p.verdicts[0].why);
	cr_assert_eq(program_find(&p, "cell")->group, p.verdicts[0].group);
	cr_assert_not(program_find(&p, "cell")->head);
	cr_assert_eq(program_kind(&p, "app.Wakeup"), VERDICT_GC_LAG, "one head is enough");
	detector_destroy(p.detector);
}

Test(group, the_head_that_was_found_for_it_stays)
{
	struct program p;

	watch_threads(&p, 0, 0);
	for (int i = 27; i <= 90; i++) {
		program_set_type(&p, 0, "cell", false, 40 + 10 * i);
		program_set_type(&p, 1, "app.Worker", true, 50 + 2 * i);
		p.sample.gc.collected[0] = 60 + 20 * (uint64_t)i;
		program_tick(&p);
		cr_assert_str_eq(p.verdicts[0].name, "app.Worker", "sample %d", i);
		cr_assert_eq(p.verdicts[0].kind, VERDICT_LEAK, "sample %d", i);
	}
	detector_destroy(p.detector);
}

Test(group, a_class_that_began_later_or_wanders_is_not_dragged_in)
{
	static const struct {
		int from;
		double noise;
	} others[] = { { 5, 0 }, { 0, 2 } };

	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		struct program p;

		watch_threads(&p, others[i].from, others[i].noise);
		cr_assert_neq(program_kind(&p, "app.Worker"), VERDICT_LEAK, "case %zu", i);
		cr_assert_str_eq(p.verdicts[0].name, i ? "app.Wakeup" : "cell", "case %zu", i);
		detector_destroy(p.detector);
	}
}

/* What full collections take back is garbage, however well it keeps step. */
Test(group, garbage_heads_no_leak)
{
	struct program p;

	program_start(&p, 1);
	for (int i = 1; i <= 70; i++) {
		program_set_type(&p, 0, "cell", false, 40 + 10 * i);
		program_set_type(&p, 1, "app.Node", true, 50 + 20.0 * (i % 40));
		p.sample.gc = (struct gc_counters){ .collections = { 0, 0, (uint64_t)i / 40 },
						    .known = true,
						    .enabled = true,
						    .collected = { 0, 0, i < 40 ? 0 : 800 } };
		program_tick(&p);
		cr_assert(i <= 40 || program_kind(&p, "app.Node") != VERDICT_LEAK, "sample %d", i);
	}
	cr_assert_eq(program_kind(&p, "cell"), VERDICT_LEAK);
	detector_destroy(p.detector);
}
