/* SPDX-License-Identifier: BSD-2-Clause */
/* `sites` as its users meet it: types that it does not know, and the lines of a leak in the main
 * job. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "live/sites_truth.h"

#define PYTHON "/usr/bin/python3"
#define ROUNDS_NS 3000000000ULL /* many censuses */

/* The first line of a file that has these words; 0 = none. */
static int line_of(const char *path, const char *words)
{
	char line[400];
	int number = 0, found = 0;
	FILE *file = fopen(path, "re");

	cr_assert(file, "no %s", path);
	while (!found && fgets(line, sizeof(line), file)) {
		number++;
		if (strstr(line, words))
			found = number;
	}
	fclose(file);
	return found;
}

/* Whether a frame of this place is anywhere in it. */
static bool has_place(const json_t *value, const char *file, int line)
{
	const char *name = json_string_value(json_object_get(value, "file")), *key;
	json_t *one;
	size_t i;

	if (name && strstr(name, file) &&
	    json_integer_value(json_object_get(value, "line")) == line)
		return true;
	json_object_foreach((json_t *)value, key, one)
	{
		if (has_place(one, file, line))
			return true;
	}
	json_array_foreach(value, i, one)
	{
		if (has_place(one, file, line))
			return true;
	}
	return false;
}

Test(sites_words, a_type_that_never_comes_is_an_error, .timeout = 60)
{
	struct program program;
	const char *text;
	struct tool tool;

	live_needs_root();
	program_start_ready(&program, PYTHON, "truth.py", NULL);
	tool_run(&tool, "sites", "-p", pid_text(program.pid), "-t", "NoSuchType", "--format",
		 "json", "-d", "5", NULL);
	cr_expect_eq(tool.status, 1, "status %d: %s", tool.status, tool.errors);
	cr_expect(strstr(tool.errors, "no objects of a type NoSuchType"), "%s", tool.errors);
	text = json_string_value(json_object_get(tool_last(&tool, "note"), "text"));
	cr_expect(text && strstr(text, "no type NoSuchType"), "%s", text);
	cr_expect(!tool_last(&tool, "site"));
	tool_free(&tool);
	program_stop(&program);
}

/* It ended well and told the line of `file` in which `words` are. */
static void check_told(const struct tool *tool, const char *file, const char *words)
{
	cr_expect_eq(tool->status, 0, "%s", tool->errors);
	cr_expect(has_place(tool_last(tool, "site"), strrchr(file, '/') + 1, line_of(file, words)),
		  "no allocation in '%s' was told", words);
}

Test(sites_words, a_type_that_comes_to_be_is_seen, .timeout = 60)
{
	struct program program;
	struct tool tool;
	uint64_t begin_ns;

	live_needs_root();
	program_start_ready(&program, PYTHON, "sites.py", NULL);
	sites_start(&tool, &program, "sites_types.MarkedInit", "--exact");
	json_decref(program_ask_json(&program, "run MarkedInit 1000"));
	sites_await(&tool);
	/* Another class of that name, which the program learns from, may have been met first. */
	for (begin_ns = clock_now_ns(); clock_now_ns() - begin_ns < ROUNDS_NS;)
		json_decref(program_ask_json(&program, "run MarkedInit 1000"));
	sites_end(&tool);
	check_told(&tool, "tests/programs/sites_types.py", "sink(make())");
	tool_free(&tool);
	program_stop(&program);
}

Test(sites_words, a_type_of_several_modules_is_refused_with_their_names, .timeout = 60)
{
	struct program program;
	struct tool tool;

	live_needs_root();
	program_start_ready(&program, PYTHON, "truth.py", NULL);
	free(program_ask(&program, "populate 5"));
	tool_run(&tool, "sites", "-p", pid_text(program.pid), "-t", "Twin", "-d", "20", NULL);
	cr_expect_eq(tool.status, 1, "status %d", tool.status);
	cr_expect(strstr(tool.errors, "first_module.Twin") &&
			  strstr(tool.errors, "second_module.Twin"),
		  "%s", tool.errors);
	tool_free(&tool);
	program_stop(&program);
}

Test(sites_words, it_wants_a_process_and_a_type, .timeout = 30)
{
	struct tool tool;

	live_needs_root();
	tool_run(&tool, "sites", "-t", "Marked", NULL);
	cr_expect(tool.status == 2 && strstr(tool.errors, "-p PID"), "%s", tool.errors);
	tool_free(&tool);
	tool_run(&tool, "sites", "-p", "1", NULL);
	cr_expect(tool.status == 2 && strstr(tool.errors, "-t"), "%s", tool.errors);
	tool_free(&tool);
}

/* One census of them costs six seconds of the budget: windows get their part all the same. */
Test(sites_words, a_large_heap_leaves_room_for_windows, .timeout = 120)
{
	struct program program;
	struct tool tool;

	live_needs_root();
	program_start_ready(&program, PYTHON, "slices.py", "1000000", NULL);
	tool_run(&tool, "sites", "-p", pid_text(program.pid), "-t", "Node", "-d", "25", "--format",
		 "json", NULL);
	check_told(&tool, "tests/programs/slices.py", "churn = [");
	tool_free(&tool);
	program_stop(&program);
}

/* Of a program that leaks, the main job tells the line that makes what leaks: at its verdict, after
 * 20 to 30 s of a quiet machine. Where all is slower, 1 % of a core is too little. */
static void check_leak_line(const char *script, const char *file, const char *words,
			    const char *type)
{
	int number = line_of(file, words);
	struct program program;
	struct tool tool;
	char budget[16];
	json_t *site;

	live_needs_root();
	cr_assert(number, "'%s' is not in %s", words, file);
	snprintf(budget, sizeof(budget), "%g", live_slowness());
	program_start_ready(&program, PYTHON, script, NULL);
	tool_start(&tool, "-p", pid_text(program.pid), "--format", "json", "-d", "300", "--budget",
		   budget, NULL);
	do {
		site = tool_read(&tool, "site");
	} while (site && (!strstr(json_string_value(json_object_get(site, "type")), type) ||
			  !has_place(site, strrchr(file, '/') + 1, number)));
	kill(tool.pid, SIGINT);
	tool_wait(&tool);
	cr_expect_eq(tool.status, 0, "%s", tool.errors);
	cr_expect(site, "%s: no allocation of %s in line %d was told", script, type, number);
	tool_free(&tool);
	program_stop(&program);
}

Test(sites_words, the_leak_of_a_list_has_its_line, .timeout = 400)
{
	check_leak_line("leak_list.py", "tests/programs/leak_list.py", "sessions.append(Session(",
			"Session");
}

Test(sites_words, the_leak_of_the_demo_has_its_line, .timeout = 400)
{
	check_leak_line("../../contrib/demo/mqdaemon.py", "contrib/demo/mq.py",
			"message = Message(", "mq.");
}
