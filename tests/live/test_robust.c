/* SPDX-License-Identifier: BSD-2-Clause */
/* Whatever happens to the tool, the target goes on; whatever the target does, the tool ends
 * cleanly and says why. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "live/harness.h"
#include "live/text_pages.h"

#define PYTHON "/usr/bin/python3"
#define KILLS 30
#define KILLS_SPAN_NS 60000000ULL /* from being asked to end to having ended */
#define ROUNDS 200

static void start_busy(struct program *program)
{
	live_needs_root();
	program_start_ready(program, PYTHON, "busy_alloc.py", "forever", NULL);
}

/* The program answers for its work at the end: it must have gone on. */
static void check_unharmed(struct program *program)
{
	char *line;

	cr_expect(program_is_running(program), "%s was harmed", program->name);
	fclose(program->to);
	program->to = fopen("/dev/null", "w");
	line = program_line(program);
	cr_expect(!strncmp(line, "REQUESTS ", 9), "%s: '%s'", program->name, line);
	free(line);
	cr_expect(program_stop(program) == 0, "%s did not end well", program->name);
}

static const char *end_of(const struct tool *tool)
{
	return json_string_value(json_object_get(tool_last(tool, "summary"), "end"));
}

Test(robust, two_hundred_rounds_of_attach_and_detach_leave_a_busy_target_alone, .timeout = 600)
{
	struct program program;

	start_busy(&program);
	for (int i = 0; i < ROUNDS; i++) {
		struct tool tool;

		tool_run(&tool, "types", "-p", pid_text(program.pid), "--format", "json", NULL);
		cr_assert(tool.status == 0, "round %d: %s", i, tool.errors);
		cr_assert(live_of(tool_last(&tool, "types"), "function") > 100, "round %d", i);
		tool_free(&tool);
	}
	check_unharmed(&program);
}

/* The kernel leaves the probe of a process that is killed while it takes it out. */
Test(robust, a_kill_of_the_tool_while_it_detaches_leaves_no_breakpoint, .timeout = 300)
{
	struct program program;
	struct target target;
	struct python python;

	start_busy(&program);
	cr_assert(!target_open(program.pid, &target) && !python_find(&target, &python));
	for (int i = 0; i < KILLS; i++) {
		uint64_t begin_ns, until_ns = (uint64_t)i * KILLS_SPAN_NS / KILLS;
		struct tool tool;

		tool_start(&tool, "-p", pid_text(program.pid), "--format", "json", "-i", "0.1",
			   NULL);
		cr_assert(tool_read(&tool, "census"), "round %d", i);
		cr_expect_gt(text_changes(&target, &python), 0, "round %d: no probe to take out",
			     i);
		kill(tool.pid, SIGINT);
		for (begin_ns = clock_now_ns(); clock_now_ns() - begin_ns < until_ns;)
			;
		kill(tool.pid, SIGKILL);
		tool_wait(&tool);
		tool_free(&tool);
		text_wait_unchanged(&target, &python);
	}
	python_close(&python);
	target_close(&target);
	check_unharmed(&program);
}

Test(robust, another_process_of_the_same_python_has_no_breakpoint, .timeout = 60)
{
	struct program watched, other;
	struct target targets[2];
	struct python pythons[2];
	struct tool tool;

	start_busy(&watched);
	start_busy(&other);
	cr_assert(!target_open(watched.pid, &targets[0]) && !python_find(&targets[0], &pythons[0]));
	cr_assert(!target_open(other.pid, &targets[1]) && !python_find(&targets[1], &pythons[1]));
	tool_start(&tool, "--exact", "-p", pid_text(watched.pid), "--format", "json", NULL);
	cr_assert(tool_read(&tool, "exact"));
	cr_expect_gt(text_changes(&targets[0], &pythons[0]), 1);
	cr_expect_eq(text_changes(&targets[1], &pythons[1]), 0);
	kill(tool.pid, SIGINT);
	tool_wait(&tool);
	tool_free(&tool);
	for (int i = 0; i < 2; i++) {
		python_close(&pythons[i]);
		target_close(&targets[i]);
	}
	check_unharmed(&watched);
	check_unharmed(&other);
}

Test(robust, a_kill_of_the_tool_leaves_the_target_alone, .timeout = 120)
{
	struct program program;

	start_busy(&program);
	for (int i = 0; i < 10; i++) {
		struct tool tool;

		/* Censuses one after the other: the kill meets the kernel side at work. */
		tool_start(&tool, "-p", pid_text(program.pid), "--format", "json", "-i", "0.1",
			   "--budget", "100", NULL);
		cr_assert(tool_read(&tool, "census"), "round %d", i);
		kill(tool.pid, SIGKILL);
		tool_wait(&tool);
		cr_expect(tool.status == 128 + SIGKILL);
		tool_free(&tool);
	}
	check_unharmed(&program);
}

Test(robust, two_tools_watch_one_target, .timeout = 120)
{
	struct tool first, second;
	struct program program;

	start_busy(&program);
	tool_start(&first, "-p", pid_text(program.pid), "--format", "json", "-d", "3", NULL);
	tool_start(&second, "-p", pid_text(program.pid), "--format", "json", "-d", "3", NULL);
	tool_wait(&first);
	tool_wait(&second);
	cr_expect(first.status == 0 && second.status == 0, "%s%s", first.errors, second.errors);
	cr_expect(live_of(tool_last(&first, "census"), "function") > 100);
	cr_expect(live_of(tool_last(&second, "census"), "function") > 100);
	tool_free(&first);
	tool_free(&second);
	check_unharmed(&program);
}

static void check_end(struct tool *tool, const char *end)
{
	tool_wait(tool);
	cr_assert(tool->status == 0, "%s", tool->errors);
	cr_assert(end_of(tool), "no summary: %s", tool->errors);
	cr_expect_str_eq(end_of(tool), end);
	tool_free(tool);
}

Test(robust, a_target_that_is_killed_ends_the_watch_with_a_summary, .timeout = 60)
{
	struct program program;
	struct tool tool;

	start_busy(&program);
	tool_start(&tool, "-p", pid_text(program.pid), "--format", "json", "-i", "0.1", "--budget",
		   "100", NULL);
	cr_assert(tool_read(&tool, "census"));
	kill(program.pid, SIGKILL);
	check_end(&tool, "exited");
	program_stop(&program);
}

Test(robust, a_target_that_exits_ends_the_watch_with_a_summary, .timeout = 60)
{
	struct program program;
	struct tool tool;

	start_busy(&program);
	tool_start(&tool, "-p", pid_text(program.pid), "--format", "json", NULL);
	cr_assert(tool_read(&tool, "census"));
	fclose(program.to);
	program.to = fopen("/dev/null", "w");
	check_end(&tool, "exited");
	program_stop(&program);
}

Test(robust, a_target_that_calls_exec_ends_the_watch_with_a_summary, .timeout = 60)
{
	struct program program;
	struct tool tool;

	live_needs_root();
	program_start_ready(&program, PYTHON, "execer.py", NULL);
	tool_start(&tool, "-p", pid_text(program.pid), "--format", "json", NULL);
	cr_assert(tool_read(&tool, "census"));
	fprintf(program.to, "go\n");
	fflush(program.to);
	check_end(&tool, "execed");
	kill(program.pid, SIGKILL);
	program_stop(&program);
}

Test(robust, children_of_the_target_are_said_not_to_be_watched, .timeout = 60)
{
	struct program program;
	struct tool tool;
	const char *text;
	json_t *note;

	live_needs_root();
	program_start_ready(&program, PYTHON, "forker.py", NULL);
	tool_start(&tool, "-p", pid_text(program.pid), "--format", "json", "-i", "0.1", NULL);
	note = tool_read(&tool, "note");
	cr_assert(note, "nothing was said of the children");
	text = json_string_value(json_object_get(note, "text"));
	cr_expect(!strncmp(text, "the target has 2 child processes: only process", 46) ||
			  !strncmp(text, "the target has 3 child processes: only process", 46),
		  "%s", text);
	kill(tool.pid, SIGINT);
	check_end(&tool, "interrupted");
	cr_expect(program_is_running(&program));
	program_stop(&program);
}

Test(robust, hostile_type_names_do_not_break_the_output, .timeout = 60)
{
	struct program program;
	struct tool tool;
	size_t longest = 0, i;
	json_t *rows, *row;

	live_needs_root();
	program_start_ready(&program, PYTHON, "long_type_name.py", NULL);
	tool_run(&tool, "types", "-p", pid_text(program.pid), "--format", "json", NULL);
	cr_assert(tool.status == 0, "%s", tool.errors);
	rows = json_object_get(tool_last(&tool, "types"), "types");
	json_array_foreach(rows, i, row)
	{
		size_t len = strlen(json_string_value(json_object_get(row, "name")));

		longest = len > longest ? len : longest;
	}
	cr_expect(longest > 1000 && longest <= 10 * 1024 + 600, "longest name: %zu", longest);
	tool_free(&tool);
	program_stop(&program);
}

struct crafted_param {
	char how[16], where[16];
};

ParameterizedTestParameters(robust, garbage_in_place_of_the_lists_ends_in_a_counted_loss)
{
	static struct crafted_param all[] = {
		{ "self", "oldest" },	  { "back", "oldest" },	   { "garbage", "oldest" },
		{ "unmapped", "oldest" }, { "null", "oldest" },	   { "self", "young" },
		{ "garbage", "young" },	  { "unmapped", "young" },
	};

	return cr_make_param_array(struct crafted_param, all, sizeof(all) / sizeof(all[0]));
}

ParameterizedTest(struct crafted_param *param, robust,
		  garbage_in_place_of_the_lists_ends_in_a_counted_loss, .timeout = 60)
{
	struct program program;
	struct tool tool;
	json_t *summary;
	char *line;

	live_needs_root();
	program_start_ready(&program, PYTHON, "crafted.py", param->how, param->where, NULL);
	line = program_ask(&program, "go");
	cr_assert_str_eq(line, "CORRUPTED");
	free(line);
	tool_run(&tool, "-p", pid_text(program.pid), "--format", "json", "-d", "7", NULL);
	summary = tool_last(&tool, "summary");
	/* Refused at the attach, with a reason, or watched with losses; never believed. */
	if (tool.status) {
		cr_expect(tool.status == 1 && strstr(tool.errors, "no consistent GC lists"), "%s",
			  tool.errors);
	} else {
		cr_assert(summary, "%s", tool.errors);
		cr_expect(json_object_size(json_object_get(summary, "losses")) ||
				  json_array_size(json_object_get(summary, "losses")),
			  "%s %s: no loss was counted", param->how, param->where);
	}
	tool_free(&tool);
	cr_expect(program_is_running(&program), "%s %s: the target ended", param->how,
		  param->where);
	kill(program.pid, SIGKILL);
	program_stop(&program);
}
