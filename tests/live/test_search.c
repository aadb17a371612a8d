/* SPDX-License-Identifier: BSD-2-Clause */
/* backrefs without memory for a copy: it must name the same way as with a copy. */
#include <string.h>

#include "live/harness.h"

static const char *way_of(const struct tool *tool)
{
	json_t *path = tool_last(tool, "path");

	return path ? json_string_value(json_object_get(path, "fingerprint")) : "none";
}

static json_t *step_of(const struct tool *tool, size_t index)
{
	return json_array_get(json_object_get(tool_last(tool, "path"), "steps"), index);
}

static void check_step(const struct tool *tool, size_t index, const char *type, const char *name)
{
	const char *got = json_string_value(json_object_get(step_of(tool, index), "name"));

	cr_expect_str_eq(json_string_value(json_object_get(step_of(tool, index), "type")), type);
	cr_expect(!name || (got && !strcmp(got, name)), "%s", got ? got : "no name");
}

ParameterizedTestParameters(search, finds_the_way_that_a_copy_shows)
{
	size_t cnt;
	struct python_param *params = live_pythons(&cnt);

	return cr_make_param_array(struct python_param, params, cnt);
}

ParameterizedTest(struct python_param *param, search, finds_the_way_that_a_copy_shows,
		  .timeout = 120)
{
	struct program program;
	struct tool search, copy;
	json_t *taken;

	live_needs_root();
	program_start_ready(&program, param->path, "channels.py", "300000", NULL);
	tool_run(&search, "backrefs", "-p", pid_text(program.pid), "-t", "Message", "--max-memory",
		 "20M", "--format", "json", NULL);
	cr_assert(search.status == 0, "%s: %s", program.name, search.errors);
	cr_expect(strstr(search.errors, "searches in the running process"), "%s", search.errors);
	cr_expect(strchr(search.errors, '\n') == search.errors + strlen(search.errors) - 1, "%s",
		  search.errors);
	taken = tool_last(&search, "snapshot");
	cr_assert(taken);
	cr_expect(json_integer_value(json_object_get(taken, "searched")) == 300000);
	cr_expect(json_integer_value(json_object_get(taken, "sampled")) == 1000);
	check_step(&search, 0, "list", NULL);
	check_step(&search, 1, "__main__.Channel", "incoming");
	check_step(&search, 2, "list", NULL);
	check_step(&search, 3, "module", "connections");
	tool_run(&copy, "backrefs", "-p", pid_text(program.pid), "-t", "Message", "--format",
		 "json", NULL);
	cr_assert(copy.status == 0, "%s: %s", program.name, copy.errors);
	cr_expect(!strcmp(way_of(&search), way_of(&copy)), "%s: %s, not %s", program.name,
		  way_of(&search), way_of(&copy));
	tool_free(&search);
	tool_free(&copy);
	program_stop(&program);
}

Test(search, says_when_there_is_no_such_type, .timeout = 60)
{
	struct program program;
	struct tool tool;

	live_needs_root();
	program_start_ready(&program, "/usr/bin/python3", "channels.py", "50000", NULL);
	tool_run(&tool, "backrefs", "-p", pid_text(program.pid), "-t", "Nothing", "--max-memory",
		 "1M", NULL);
	cr_expect(tool.status == 1, "%d", tool.status);
	cr_expect(strstr(tool.errors, "no object of a type Nothing"), "%s", tool.errors);
	tool_free(&tool);
	program_stop(&program);
}
