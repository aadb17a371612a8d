/* SPDX-License-Identifier: BSD-2-Clause */
/* The command line as its users type it: verbs, refusals, exit statuses, the demo's leak. */
#include <glob.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "live/harness.h"

#define PYTHON "/usr/bin/python3"

Test(verbs, growth_shows_what_was_added, .timeout = 60)
{
	struct program program;
	json_t *rows, *row;
	struct tool tool;
	json_int_t growth = -1;
	size_t i;

	live_needs_root();
	program_start_ready(&program, PYTHON, "truth.py", NULL);
	tool_start(&tool, "growth", "-p", pid_text(program.pid), "--format", "json", "-d", "4",
		   NULL);
	cr_assert(tool_read(&tool, "census"), "it did not say from when on it counts");
	free(program_ask(&program, "big 1234"));
	tool_wait(&tool);
	cr_assert(tool.status == 0, "%s", tool.errors);
	rows = json_object_get(tool_last(&tool, "growth"), "types");
	json_array_foreach(rows, i, row)
	{
		if (strstr(json_string_value(json_object_get(row, "name")), "Small") ||
		    json_integer_value(json_object_get(row, "growth")) == 1234)
			growth = json_integer_value(json_object_get(row, "growth"));
	}
	cr_expect(growth == 1234, "%lld", (long long)growth);
	tool_free(&tool);
	program_stop(&program);
}

Test(verbs, stat_counts_collections_and_pauses, .timeout = 60)
{
	struct program program;
	json_t *generations;
	json_int_t collections, pauses;
	struct tool tool;
	char seconds[16];

	live_needs_root();
	snprintf(seconds, sizeof(seconds), "%.0f", live_slowness() > 1 ? 20.0 : 2.0);
	program_start_ready(&program, PYTHON, "busy_alloc.py", "forever", NULL);
	tool_run(&tool, "stat", "-p", pid_text(program.pid), "--format", "json", "-d", seconds,
		 NULL);
	cr_assert(tool.status == 0, "%s", tool.errors);
	generations = json_object_get(tool_last(&tool, "stat"), "generations");
	collections =
		json_integer_value(json_object_get(json_array_get(generations, 0), "collections"));
	pauses = json_integer_value(json_object_get(json_array_get(generations, 0), "pauses"));
	cr_expect(collections > 20, "%lld", (long long)collections);
	/* The probes begin before the first and end after the last look at the counters. */
	cr_expect(pauses >= collections && pauses <= collections + collections / 5 + 50,
		  "%lld pauses of %lld collections", (long long)pauses, (long long)collections);
	tool_free(&tool);
	program_stop(&program);
}

/* Without a census they are only what moved since the begin. */
Test(verbs, exact_counts_of_stat_are_anchored_in_censuses, .timeout = 60)
{
	struct program program;
	struct tool tool;
	json_t *exact;
	char seconds[16];

	live_needs_root();
	snprintf(seconds, sizeof(seconds), "%.0f", 3 * live_slowness());
	program_start_ready(&program, PYTHON, "busy_alloc.py", "forever", NULL);
	tool_run(&tool, "stat", "--exact", "-p", pid_text(program.pid), "--format", "json", "-d",
		 seconds, NULL);
	cr_assert(tool.status == 0, "%s", tool.errors);
	exact = tool_last(&tool, "exact");
	cr_expect_geq(json_integer_value(json_object_get(exact, "censuses")), 2);
	cr_expect_gt(json_integer_value(json_object_get(exact, "anchored_live")), 5000);
	cr_expect(json_is_integer(json_object_get(exact, "drift")));
	tool_free(&tool);
	program_stop(&program);
}

Test(verbs, run_watches_a_program_from_its_first_collection, .timeout = 60)
{
	json_int_t seen, told = 0;
	struct tool tool;
	json_t *line;
	size_t i;

	live_needs_root();
	tool_run(&tool, "run", "--format", "json", "-d", "3", "--", PYTHON, "-c",
		 "import gc, time\n"
		 "for i in range(40): gc.collect(0); time.sleep(0.05)\n",
		 NULL);
	cr_assert(tool.status == 0, "%s", tool.errors);
	seen = json_integer_value(
		json_object_get(json_object_get(tool_last(&tool, "summary"), "cost"), "gc_hits"));
	/* The newest that it could tell: the last census may be of a process that was ending. */
	json_array_foreach(tool.lines, i, line)
	{
		json_t *gc = json_object_get(line, "gc");
		json_t *young = json_array_get(json_object_get(gc, "collections"), 0);

		if (json_integer_value(young) > told)
			told = json_integer_value(young);
	}
	cr_expect(told >= 10 && seen >= told, "saw %lld of %lld", (long long)seen, (long long)told);
	tool_free(&tool);
}

struct refusal {
	char args[4][32];
	int status;
	char words[64];
};

ParameterizedTestParameters(verbs, refusals_say_what_and_what_to_do)
{
	static struct refusal all[] = {
		{ { "-p", "4194303" }, 1, "no process 4194303" },
		{ { "-p", "0" }, 2, "--pid wants a number" },
		{ { "-p", "x1" }, 2, "--pid wants a number" },
		{ { "types" }, 2, "-p PID" },
		{ { "frobnicate", "-p", "1" }, 2, "not a verb" },
		{ { "run" }, 2, "wants a command" },
		{ { "-p", "1", "--format", "xml" }, 2, "wants text, json" },
		{ { "run", "--", "/nonexistent" }, 1, "cannot start /nonexistent" },
		{ { "run", "--", "/bin/true" }, 1, "before Python started" },
	};

	return cr_make_param_array(struct refusal, all, sizeof(all) / sizeof(all[0]));
}

ParameterizedTest(struct refusal *param, verbs, refusals_say_what_and_what_to_do, .timeout = 30)
{
	char *args[4];
	struct tool tool;

	live_needs_root();
	for (int i = 0; i < 4; i++)
		args[i] = param->args[i][0] ? param->args[i] : NULL;
	tool_run(&tool, args[0], args[1], args[2], args[3], NULL);
	cr_expect(tool.status == param->status, "%s %s: status %d, %s", args[0],
		  args[1] ? args[1] : "", tool.status, tool.errors);
	cr_expect(strstr(tool.errors, param->words), "'%s' is not in: %s", param->words,
		  tool.errors);
	tool_free(&tool);
}

Test(verbs, a_process_that_is_not_cpython_is_refused_in_one_line, .timeout = 30)
{
	struct tool tool;

	live_needs_root();
	tool_run(&tool, "-p", pid_text(getpid()), NULL);
	cr_expect(tool.status == 1);
	cr_expect(strstr(tool.errors, "is not CPython"), "%s", tool.errors);
	cr_expect(strchr(tool.errors, '\n') == tool.errors + strlen(tool.errors) - 1, "%s",
		  tool.errors);
	tool_free(&tool);
}

Test(verbs, python_2_is_refused_by_its_version, .timeout = 30)
{
	struct program program;
	char pattern[300], *line;
	const char *home = getenv("HOME");
	struct tool tool;
	glob_t found;

	live_needs_root();
	snprintf(pattern, sizeof(pattern), "%s/.pyenv/versions/2.*/bin/python2", home ? home : "");
	if (glob(pattern, 0, NULL, &found))
		cr_skip_test("no Python 2 on this machine");
	program_start(&program, found.gl_pathv[0], NULL, "waits.py", NULL);
	line = program_line(&program);
	tool_run(&tool, "-p", pid_text(program.pid), NULL);
	cr_expect(tool.status == 1);
	cr_expect(strstr(tool.errors, "runs CPython 2"), "%s", tool.errors);
	free(line);
	globfree(&found);
	tool_free(&tool);
	program_stop(&program);
}

Test(verbs, doctor_finds_the_hook_of_a_process, .timeout = 30)
{
	struct program program;
	struct tool tool;

	live_needs_root();
	program_start_ready(&program, PYTHON, "truth.py", NULL);
	tool_run(&tool, "doctor", "-p", pid_text(program.pid), "--format", "json", NULL);
	cr_expect(tool.status == 0, "%s", tool.errors);
	cr_expect(json_array_size(tool.lines) > 8);
	tool_free(&tool);
	program_stop(&program);
}

Test(verbs, doctor_sees_every_allocation, .timeout = 60)
{
	struct program program;
	const char *found;
	struct tool tool;
	unsigned long long seen, all;

	live_needs_root();
	program_start_ready(&program, PYTHON, "no_collections.py", "cpu", "10", NULL);
	tool_run(&tool, "doctor", "--exact", "-p", pid_text(program.pid), "--format", "json", NULL);
	found = json_string_value(json_object_get(
		json_array_get(tool.lines, json_array_size(tool.lines) - 1), "found"));
	cr_assert(found && strstr(found, "checked: "), "%s", found);
	cr_assert(sscanf(strstr(found, "checked: "), "checked: %llu of %llu", &seen, &all) == 2);
	cr_expect(seen == all && seen > 1000, "%s", found);
	tool_free(&tool);
	program_stop(&program);
}

/* The main promise, on the program of the demo. */
Test(verbs, the_leak_of_the_demo_is_found_and_nothing_else_is_blamed, .timeout = 90)
{
	struct program program;
	struct tool tool;
	json_t *line;
	bool found = false;
	size_t i;

	live_needs_root();
	program_start_ready(&program, PYTHON, "../../contrib/demo/mqdaemon.py", NULL);
	tool_run(&tool, "-p", pid_text(program.pid), "--format", "json", "-d", "35",
		 "--fail-on-leak", NULL);
	cr_expect(tool.status == 3, "status %d: %s", tool.status, tool.errors);
	json_array_foreach(tool.lines, i, line)
	{
		const char *verdict = json_string_value(json_object_get(line, "verdict"));
		const char *name = json_string_value(json_object_get(line, "type"));

		if (!verdict || !name || strcmp(verdict, "leak"))
			continue;
		cr_expect(!strstr(name, "CacheEntry") && !strstr(name, "Request"), "%s is blamed",
			  name);
		found |= json_is_true(json_object_get(line, "head")) && !strncmp(name, "mq.", 3);
	}
	cr_expect(found, "no class of mq heads a leak");
	tool_free(&tool);
	program_stop(&program);
}
