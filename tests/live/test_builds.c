/* SPDX-License-Identifier: BSD-2-Clause */
/* Builds as they are found in the wild: stripped of symbols, deleted on disk. Copies of the
 * machine's interpreters, whose libpython is found through LD_LIBRARY_PATH. */
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "live/harness.h"

static void library_pattern(const char *python, char *pattern, size_t size)
{
	snprintf(pattern, size, "%.*s/lib/libpython3.*.so.1.0",
		 (int)(strlen(python) - strlen("/bin/python3")), python);
}

static struct criterion_test_params shared_pythons(void)
{
	size_t cnt, kept = 0;
	struct python_param *all = live_pythons(&cnt);

	for (size_t i = 0; i < cnt; i++) {
		char pattern[400];
		glob_t libs;

		library_pattern(all[i].path, pattern, sizeof(pattern));
		if (!glob(pattern, 0, NULL, &libs) && libs.gl_pathc)
			all[kept++] = all[i];
		else
			fprintf(stderr, "SKIPPED: %s has no shared library\n", all[i].path);
		globfree(&libs);
	}
	return cr_make_param_array(struct python_param, all, kept);
}

static int shell(const char *format, const char *a, const char *b)
{
	char command[1200];

	snprintf(command, sizeof(command), format, a, b);
	return system(command);
}

/* Copies the libpython beside an interpreter into a new folder. */
static bool copy_library(const char *python, char *folder, size_t size)
{
	char pattern[400];
	bool found;
	glob_t libs;

	snprintf(folder, size, "/tmp/pyleak-build-XXXXXX");
	cr_assert(mkdtemp(folder));
	library_pattern(python, pattern, sizeof(pattern));
	found = !glob(pattern, 0, NULL, &libs) && libs.gl_pathc &&
		!shell("cp '%s' '%s/'", libs.gl_pathv[0], folder);
	globfree(&libs);
	return found;
}

static void check_build(const char *python, const char *change_before, const char *change_after)
{
	char folder[64], env[100], *line;
	struct program program;
	json_t *truth, *target;
	struct tool tool;
	bool hooked;

	live_needs_root();
	cr_assert(copy_library(python, folder, sizeof(folder)), "no library beside %s", python);
	if (change_before)
		cr_assert(!shell(change_before, folder, ""), "%s", change_before);
	snprintf(env, sizeof(env), "LD_LIBRARY_PATH=%s", folder);
	program_start(&program, python, env, "truth.py", NULL);
	line = program_line(&program);
	cr_assert(!strncmp(line, "READY", 5), "%s: %s", program.name, line);
	free(line);
	if (change_after)
		cr_assert(!shell(change_after, folder, ""), "%s", change_after);
	free(program_ask(&program, "populate 20"));
	free(program_ask(&program, "gc collect"));
	free(program_ask(&program, "gc collect"));
	truth = program_ask_json(&program, "types_all");
	tool_start(&tool, "types", "-p", pid_text(program.pid), "--format", "json", NULL);
	target = tool_read(&tool, "target");
	cr_assert(target, "%s: the tool did not attach", python);
	/* Without a hook a census at a safe point would meet the answer in the making. */
	hooked = strncmp(json_string_value(json_object_get(target, "hook")), "none", 4);
	while (hooked && tool_is_running(&tool))
		free(program_ask(&program, "gc collect"));
	tool_wait(&tool);
	cr_assert(tool.status == 0, "%s: %s", python, tool.errors);
	cr_log_info("%s: %s, %s", python,
		    json_string_value(json_object_get(tool_last(&tool, "target"), "hook")),
		    json_string_value(json_object_get(tool_last(&tool, "types"), "instrument")));
	check_types_equal(tool_last(&tool, "types"), truth, python);
	json_decref(truth);
	tool_free(&tool);
	program_stop(&program);
	shell("rm -rf '%s'", folder, "");
}

ParameterizedTestParameters(builds, stripped_of_all_symbols)
{
	return shared_pythons();
}

ParameterizedTest(struct python_param *param, builds, stripped_of_all_symbols, .timeout = 60)
{
	check_build(param->path, "strip --strip-all '%s'/libpython3.*", NULL);
}

ParameterizedTestParameters(builds, deleted_while_it_runs)
{
	return shared_pythons();
}

ParameterizedTest(struct python_param *param, builds, deleted_while_it_runs, .timeout = 60)
{
	check_build(param->path, NULL, "rm '%s'/libpython3.*");
}
