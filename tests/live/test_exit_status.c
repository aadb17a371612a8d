/* SPDX-License-Identifier: BSD-2-Clause */
/* What a script goes by: the exit status with --fail-on-leak. */
#include <signal.h>
#include <string.h>

#include "live/harness.h"

#define PYTHON "/usr/bin/python3"
#define ENOUGH_CENSUSES 40 /* a verdict wants 23 */
/* A run that meets no event ends by -d. */
#define TOOL_ARGS "--format", "json", "-i", "0.2", "-d", "60"

static bool is_leak(const json_t *line)
{
	return !strcmp(json_string_value(json_object_get(line, "verdict")), "leak");
}

static void interrupt(struct tool *tool)
{
	kill(tool->pid, SIGINT);
	tool_wait(tool);
	cr_expect_str_eq(json_string_value(json_object_get(tool_last(tool, "summary"), "end")),
			 "interrupted");
}

static void wait_for_leak(struct tool *tool)
{
	json_t *line;

	do
		line = tool_read(tool, "verdict");
	while (line && !is_leak(line));
	cr_assert(line, "no leak was called in 60 s");
}

Test(exit_status, a_leak_that_was_called_is_3_for_who_asked, .timeout = 120)
{
	struct tool script, person;
	struct program program;

	live_needs_root();
	program_start_ready(&program, PYTHON, "leak_list.py", NULL);
	tool_start(&script, "-p", pid_text(program.pid), TOOL_ARGS, "--fail-on-leak", NULL);
	tool_start(&person, "-p", pid_text(program.pid), TOOL_ARGS, NULL);
	wait_for_leak(&script);
	interrupt(&script);
	cr_expect(script.status == 3, "status %d: %s", script.status, script.errors);
	wait_for_leak(&person);
	interrupt(&person);
	cr_expect(person.status == 0, "status %d: %s", person.status, person.errors);
	tool_free(&script);
	tool_free(&person);
	program_stop(&program);
}

Test(exit_status, a_healthy_program_is_0, .timeout = 90)
{
	struct program program;
	struct tool tool;
	json_t *line;
	int taken = 0;

	live_needs_root();
	program_start_ready(&program, PYTHON, "healthy_sawtooth.py", NULL);
	tool_start(&tool, "-p", pid_text(program.pid), TOOL_ARGS, "--fail-on-leak", NULL);
	while (taken < ENOUGH_CENSUSES && (line = tool_read(&tool, "census")))
		taken += !!strcmp(json_string_value(json_object_get(line, "instrument")), "none");
	cr_assert(taken == ENOUGH_CENSUSES, "%d censuses in 60 s prove nothing", taken);
	interrupt(&tool);
	cr_expect(tool.status == 0, "status %d: %s", tool.status, tool.errors);
	tool_free(&tool);
	program_stop(&program);
}
