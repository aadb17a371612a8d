/* SPDX-License-Identifier: BSD-2-Clause */
/* What takes the census when collections do not, or when it is too large for one pause. */
#include <stdlib.h>
#include <string.h>

#include "live/harness.h"

static struct criterion_test_params all_pythons(void)
{
	size_t cnt;
	struct python_param *all = live_pythons(&cnt);

	return cr_make_param_array(struct python_param, all, cnt);
}

/* Where all is slower it has fewer objects, and more of a budget: with 1 % it would wait until it
 * is read from outside. */
static void check_safe_point(const char *python, const char *how)
{
	int64_t objects = (int64_t)(30000 / live_slowness()), live;
	struct program program;
	struct tool tool;
	json_t *types;
	char budget[16], number[16];

	live_needs_root();
	snprintf(budget, sizeof(budget), "%g", live_slowness());
	snprintf(number, sizeof(number), "%lld", (long long)objects);
	program_start_ready(&program, python, "no_collections.py", how, number, NULL);
	tool_run(&tool, "types", "-p", pid_text(program.pid), "--format", "json", "--budget",
		 budget, NULL);
	cr_assert(tool.status == 0, "%s: %s", python, tool.errors);
	types = tool_last(&tool, "types");
	cr_assert(types, "%s: %s", python, tool.errors);
	cr_expect_str_eq(json_string_value(json_object_get(types, "instrument")), "safe-point",
			 "%s %s: by %s", python, how,
			 json_string_value(json_object_get(types, "instrument")));
	live = live_of(types, "__main__.Node");
	/* One more may live at the moment of the census. */
	cr_expect(live == objects || live == objects + 1, "%s %s: %lld of %lld", python, how,
		  (long long)live, (long long)objects);
	tool_free(&tool);
	cr_expect(program_is_running(&program), "%s %s ended", python, how);
	program_stop(&program);
}

ParameterizedTestParameters(instruments, safe_point_of_a_program_in_system_calls)
{
	return all_pythons();
}

ParameterizedTest(struct python_param *param, instruments, safe_point_of_a_program_in_system_calls,
		  .timeout = 60)
{
	check_safe_point(param->path, "io");
}

ParameterizedTestParameters(instruments, safe_point_of_a_program_that_only_computes)
{
	return all_pythons();
}

ParameterizedTest(struct python_param *param, instruments,
		  safe_point_of_a_program_that_only_computes, .timeout = 60)
{
	check_safe_point(param->path, "cpu");
}

ParameterizedTestParameters(instruments, slices_count_a_large_heap)
{
	return all_pythons();
}

/* 2 000 000 objects take 80 ms or more, and so do fewer where all is slower; in slices of 1 ms. */
ParameterizedTest(struct python_param *param, instruments, slices_count_a_large_heap,
		  .timeout = 120)
{
	struct program program;
	struct tool tool;
	json_t *types, *cost;
	double objects = 2000000 / live_slowness(), off, longest_s, all_s;
	char number[16];

	live_needs_root();
	snprintf(number, sizeof(number), "%.0f", objects);
	program_start_ready(&program, param->path, "slices.py", number, NULL);
	tool_run(&tool, "types", "-p", pid_text(program.pid), "--format", "json", "--max-pause",
		 "1", "--budget", "100", NULL);
	cr_assert(tool.status == 0, "%s: %s", param->path, tool.errors);
	types = tool_last(&tool, "types");
	cr_assert(types, "%s: %s", param->path, tool.errors);
	off = (double)live_of(types, "__main__.Node") / objects - 1;
	cr_expect(off < 0.01 && off > -0.01, "%s: off by %.2f %%", param->path, off * 100);
	cost = json_object_get(types, "cost");
	/* Of the whole census; a busy machine makes any pause longer, and has others meanwhile. In
	   milliseconds it is `make bench`, part census. */
	longest_s = json_real_value(json_object_get(cost, "longest_pause_s"));
	all_s = objects * json_real_value(json_object_get(cost, "ns_per_object")) / 1e9;
	cr_expect(longest_s > 0 && longest_s < 0.75 * all_s, "%s: a pause of %.1f ms of %.1f",
		  param->path, longest_s * 1000, all_s * 1000);
	tool_free(&tool);
	program_stop(&program);
}

/* The probe would be passed a million times a second, if it stayed while the budget has nothing
 * left for the next slice. */
Test(instruments, safe_points_keep_the_budget_on_a_large_heap, .timeout = 60)
{
	struct program program;
	json_t *cost, *summary;
	struct tool tool;

	live_needs_root();
	program_start_ready(&program, "/usr/bin/python3", "no_collections.py", "cpu", "1000000",
			    NULL);
	tool_run(&tool, "-p", pid_text(program.pid), "--format", "json", "-d", "12", NULL);
	summary = tool_last(&tool, "summary");
	cr_assert(summary, "%s", tool.errors);
	cost = json_object_get(summary, "cost");
	cr_expect(json_integer_value(json_object_get(summary, "censuses")) >= 1);
	cr_expect(json_integer_value(json_object_get(cost, "safepoint_hits")) > 0);
	/* 1 %, and what a busy machine takes from a slice meanwhile; else it is half a core. */
	cr_expect(json_real_value(json_object_get(cost, "target_share")) < 0.1, "%.4f",
		  json_real_value(json_object_get(cost, "target_share")));
	tool_free(&tool);
	program_stop(&program);
}
