/* SPDX-License-Identifier: BSD-2-Clause */
/* A program that embeds Python, and unloads it while probes are in it. */
#include <glob.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "live/sites_truth.h"

#define SCRIPT "run exec(\"class Marked: pass\\nkept = []\\n\")"
#define ALLOCATE "run exec(\"for _ in range(1000): kept.append(Marked())\")"

struct embedded {
	char library[300], home[256];
};

static struct criterion_test_params all_libraries(void)
{
	size_t cnt, kept = 0;
	struct python_param *all = live_pythons(&cnt);
	struct embedded *found = cr_malloc((cnt + 1) * sizeof(*found));

	for (size_t i = 0; i < cnt; i++) {
		char pattern[400];
		glob_t libs;
		int home_len = (int)(strlen(all[i].path) - strlen("/bin/python3"));

		snprintf(pattern, sizeof(pattern), "%.*s/lib/libpython3.*.so.1.0", home_len,
			 all[i].path);
		if (!glob(pattern, 0, NULL, &libs) && libs.gl_pathc) {
			snprintf(found[kept].home, sizeof(found[kept].home), "%.*s", home_len,
				 all[i].path);
			snprintf(found[kept++].library, sizeof(found[0].library), "%s",
				 libs.gl_pathv[0]);
		}
		globfree(&libs);
	}
	return cr_make_param_array(struct embedded, found, kept);
}

static void start_embedder(struct program *program, const struct embedded *embedded, char *path,
			   size_t path_size)
{
	char command[600], home[300], *line;

	snprintf(path, path_size, "/tmp/pyleak-embedder-XXXXXX");
	close(mkstemp(path));
	snprintf(command, sizeof(command), "cc -o %s tests/programs/embedder.c -ldl", path);
	cr_assert(!system(command), "%s", command);
	snprintf(home, sizeof(home), "PYTHONHOME=%s", embedded->home);
	program_start(program, path, home, "-", embedded->library, NULL);
	line = program_line(program);
	cr_assert(!strncmp(line, "READY", 5), "%s: %s", embedded->library, line);
	free(line);
}

static void say(struct program *program, const char *command, const char *answer)
{
	char *line = program_ask(program, command);

	cr_assert_str_eq(line, answer, "%s: %s: %s", program->name, command, line);
	free(line);
}

ParameterizedTestParameters(sites_unload, it_goes_on)
{
	return all_libraries();
}

ParameterizedTest(struct embedded *param, sites_unload, it_goes_on, .timeout = 60)
{
	struct program program;
	struct tool tool;
	char path[64];

	live_needs_root();
	start_embedder(&program, param, path, sizeof(path));
	say(&program, SCRIPT, "ok");
	sites_start(&tool, &program, "__main__.Marked", "--exact");
	say(&program, ALLOCATE, "ok");
	cr_expect(sites_has_breakpoints(program.pid), "no probes were in");
	say(&program, "unload", "GONE");
	/* The kernel puts the breakpoints into the new mapping as well. */
	say(&program, "load", "ok");
	say(&program, SCRIPT, "ok");
	say(&program, ALLOCATE, "ok");
	sites_end(&tool);
	cr_expect(tool.status == 0 || tool.status == 1, "%s: status %d: %s", param->library,
		  tool.status, tool.errors);
	say(&program, ALLOCATE, "ok");
	sites_wait_no_breakpoints(program.pid);
	say(&program, "unload", "GONE");
	cr_expect_eq(program_stop(&program), 0, "%s: it did not end well", param->library);
	tool_free(&tool);
	unlink(path);
}
