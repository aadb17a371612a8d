/* SPDX-License-Identifier: BSD-2-Clause */
/* The detector as a whole: containers, native memory, refusals and bounds. Its error rates are in
 * test_detect_long.c. */
#include <criterion/criterion.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>

#include "program.h"

Test(container, another_type_at_the_address_is_another_container)
{
	struct program p;

	program_start(&p, 1);
	for (int i = 1; i <= 30; i++) {
		program_set_type(&p, 0, "dict", false, 400);
		program_set_container(&p, 0, i < 15 ? "list" : "dict", NULL, 100 + 10 * i);
		program_tick(&p);
		cr_assert_eq(p.verdict_cnt, 0);
	}
	detector_destroy(p.detector);
}

Test(container, one_that_is_gone_has_no_verdict)
{
	struct program p;

	program_start(&p, 1);
	for (int i = 1; i <= 30; i++) {
		program_set_type(&p, 0, "dict", false, 400);
		program_set_container(&p, 0, "list", NULL, 100 + 10 * i);
		p.sample.container_cnt = i <= 28;
		program_tick(&p);
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
		program_set_type(&p, 0, "dict", false, 400);
		set_memory(&p, 50e6 + floor(i * 1.7) * 135168, 8e6);
		program_tick(&p);
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
		program_tick(&p);
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
		program_set_type(&p, 0, "app.Row", true, 1000 * i);
		set_memory(&p, 50e6 + i * 1e6, 8e6 + i * 1e6);
		program_tick(&p);
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
		program_set_type(&p, 0, "app.Image", true, 10 * i);
		set_memory(&p, 50e6 + i * 1e6, 8e6);
		program_tick(&p);
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

		program_set_type(&p, 0, "dict", false, 400);
		set_memory(&p, 50e6 + arenas * 1048576 + (i > 70 ? 64e6 : 0), 8e6);
		program_tick(&p);
		for (size_t k = 0; k < p.verdict_cnt; k++)
			cr_assert_neq(p.verdicts[k].kind, VERDICT_NATIVE, "sample %d", i);
	}
	detector_destroy(p.detector);
}

Test(detector, refuses_times_that_do_not_advance)
{
	struct program p;

	program_start(&p, 1);
	program_set_type(&p, 0, "dict", false, 1);
	program_tick(&p);
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
