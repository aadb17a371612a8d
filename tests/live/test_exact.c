/* SPDX-License-Identifier: BSD-2-Clause */
/* Counts against the truth: what gc.get_objects() says inside the process, type by type, for
 * every CPython on the machine. tests/programs/truth.py is at rest between its answers. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "live/harness.h"

static struct criterion_test_params all_pythons(void)
{
	size_t cnt;
	struct python_param *all = live_pythons(&cnt);

	return cr_make_param_array(struct python_param, all, cnt);
}

/* Those in which a statement works. The others are named: a parameter that skips itself would
 * fail the whole run. */
static struct criterion_test_params pythons_that_can(const char *statement)
{
	size_t cnt, kept = 0;
	struct python_param *all = live_pythons(&cnt);

	for (size_t i = 0; i < cnt; i++) {
		char command[400];

		snprintf(command, sizeof(command), "%s -c '%s' 2>/dev/null", all[i].path,
			 statement);
		if (!system(command))
			all[kept++] = all[i];
		else
			fprintf(stderr, "SKIPPED: %s cannot do: %s\n", all[i].path, statement);
	}
	return cr_make_param_array(struct python_param, all, kept);
}

/* Starts truth.py and brings it into a state. */
static void start_truth(struct program *program, const char *python, const char *const *commands)
{
	program_start_ready(program, python, "truth.py", NULL);
	for (; *commands; commands++) {
		char *answer = program_ask(program, *commands);

		cr_assert(strncmp(answer, "unsupported", 11), "%s: '%s': %s", program->name,
			  *commands, answer);
		free(answer);
	}
}

/* The collector untracks tuples and dicts as it meets them: twice, then nothing changes. */
static void settle(struct program *program)
{
	free(program_ask(program, "gc collect"));
	free(program_ask(program, "gc collect"));
}

static void check_from_outside(const char *python, const char *const *commands)
{
	struct program program;
	struct tool tool;
	json_t *truth;

	live_needs_root();
	start_truth(&program, python, commands);
	settle(&program);
	truth = program_ask_json(&program, "types_all");
	tool_run(&tool, "types", "-p", pid_text(program.pid), "--format", "json", NULL);
	cr_assert(tool.status == 0, "%s: %s", python, tool.errors);
	cr_expect_str_eq(
		json_string_value(json_object_get(tool_last(&tool, "types"), "instrument")),
		"outside", "%s", python);
	check_types_equal(tool_last(&tool, "types"), truth, python);
	json_decref(truth);
	tool_free(&tool);
	program_stop(&program);
}

ParameterizedTestParameters(exact, at_rest)
{
	return all_pythons();
}

ParameterizedTest(struct python_param *param, exact, at_rest, .timeout = 120)
{
	const char *commands[] = { "populate 20", NULL };

	check_from_outside(param->path, commands);
}

ParameterizedTestParameters(exact, three_interpreters)
{
	return all_pythons();
}

ParameterizedTest(struct python_param *param, exact, three_interpreters, .timeout = 120)
{
	const char *commands[] = { "populate 20", "subinterp 2", NULL };

	check_from_outside(param->path, commands);
}

ParameterizedTestParameters(exact, gc_disabled)
{
	return all_pythons();
}

ParameterizedTest(struct python_param *param, exact, gc_disabled, .timeout = 120)
{
	const char *commands[] = { "populate 20", "gc off", "big 20000", NULL };

	check_from_outside(param->path, commands);
}

ParameterizedTestParameters(exact, gc_frozen)
{
	return pythons_that_can("import gc; gc.freeze");
}

ParameterizedTest(struct python_param *param, exact, gc_frozen, .timeout = 120)
{
	const char *commands[] = { "populate 20", "gc freeze", "populate 5", NULL };

	check_from_outside(param->path, commands);
}

static void check_at_collection(const char *python, const char *const *commands)
{
	struct program program;
	struct tool tool;
	json_t *truth, *types;

	live_needs_root();
	start_truth(&program, python, commands);
	settle(&program);
	truth = program_ask_json(&program, "types_all");
	/* Every collection here is a full one: the census must not need two slices. */
	tool_start(&tool, "types", "-p", pid_text(program.pid), "--format", "json", "--max-pause",
		   "1000", NULL);
	cr_assert(tool_read(&tool, "target"), "%s: the tool did not attach", python);
	/* The request follows a moment after: collections go on until it was served. */
	while (tool_is_running(&tool))
		free(program_ask(&program, "gc collect"));
	tool_wait(&tool);
	types = tool_last(&tool, "types");
	cr_assert(types, "%s: %s", python, tool.errors);
	cr_expect_str_eq(json_string_value(json_object_get(types, "instrument")), "collection",
			 "%s", python);
	check_types_equal(types, truth, python);
	json_decref(truth);
	tool_free(&tool);
	program_stop(&program);
}

ParameterizedTestParameters(exact, at_a_collection)
{
	return all_pythons();
}

ParameterizedTest(struct python_param *param, exact, at_a_collection, .timeout = 120)
{
	const char *commands[] = { "populate 20", "big 50000", NULL };

	check_at_collection(param->path, commands);
}

ParameterizedTestParameters(exact, at_a_collection_of_three_interpreters)
{
	return all_pythons();
}

/* With a lock for each interpreter, the two that do not collect are read from outside. */
ParameterizedTest(struct python_param *param, exact, at_a_collection_of_three_interpreters,
		  .timeout = 120)
{
	const char *commands[] = { "populate 20", "subinterp 2 legacy", NULL };

	check_at_collection(param->path, commands);
}
