/* SPDX-License-Identifier: BSD-2-Clause */
/* A CPython that is newer than all that are known is refused by every verb, in a line that says
 * what is supported. Such are copies of the machine's interpreters that say another version of
 * themselves. */
#include <glob.h>
#include <stdlib.h>
#include <string.h>

#include "live/harness.h"

struct newer {
	char python[256], library[400], old[8], version[8];
};

/* "3.13" of .../libpython3.13.so.1.0. From 3.11 on a version is more than a text. */
static bool take_library(const char *python, struct newer *out)
{
	char pattern[400];
	glob_t found;
	bool known;

	memset(out, 0, sizeof(*out));
	snprintf(pattern, sizeof(pattern), "%.*s/lib/libpython3.1[1-9].so.1.0",
		 (int)(strlen(python) - strlen("/bin/python3")), python);
	known = !glob(pattern, 0, NULL, &found) && found.gl_pathc;
	if (known) {
		snprintf(out->python, sizeof(out->python), "%s", python);
		snprintf(out->library, sizeof(out->library), "%s", found.gl_pathv[0]);
		snprintf(out->old, sizeof(out->old), "%.4s",
			 strrchr(out->library, '/') + strlen("/libpython"));
	}
	globfree(&found);
	return known;
}

ParameterizedTestParameters(newer, is_refused_by_every_verb)
{
	static const char *const versions[] = { "3.16", "3.17", "4.0", "4.11" };
	size_t cnt, used = 0;
	struct python_param *all = live_pythons(&cnt);
	struct newer *out = cr_malloc((cnt * 4 + 1) * sizeof(*out));

	for (size_t i = 0; i < cnt; i++) {
		for (size_t v = 0; v < 4 && take_library(all[i].path, &out[used]); v++, used++)
			strcpy(out[used].version, versions[v]);
	}
	if (!used)
		fprintf(stderr, "SKIPPED: no CPython 3.11 or later with a shared library\n");
	return cr_make_param_array(struct newer, out, used);
}

static void check_refusal(const struct newer *param, const char *pid, char *const *verb)
{
	char supported[] = "only 3.6 to 3.15 is supported", runs[40];
	struct tool tool;

	snprintf(runs, sizeof(runs), "runs CPython %s.", param->version);
	tool_run(&tool, "-p", pid, verb[0], verb[1], verb[2], verb[3], verb[4], NULL);
	cr_expect(tool.status == 1, "%s as %s: %s: status %d", param->python, param->version,
		  verb[0], tool.status);
	/* doctor's table is its output. */
	if (strcmp(verb[0], "doctor")) {
		cr_expect(strstr(tool.errors, runs) && strstr(tool.errors, supported),
			  "%s as %s: %s: '%s'", param->python, param->version, verb[0],
			  tool.errors);
		cr_expect(json_array_size(tool.lines) == 0, "%s: it printed figures", verb[0]);
	}
	tool_free(&tool);
}

ParameterizedTest(struct newer *param, newer, is_refused_by_every_verb, .timeout = 120)
{
	static char *const verbs[][5] = {
		{ "-d", "2" },
		{ "types", "--format", "json" },
		{ "growth", "-d", "2", "--format", "json" },
		{ "stat", "-d", "2", "--format", "json" },
		{ "stat", "--exact", "-d", "2" },
		{ "sites", "-t", "dict", "-d", "2" },
		{ "backrefs", "-t", "dict", "--format", "json" },
		{ "cycles", "--format", "json" },
		{ "snapshot", "-o", "/tmp/pyleak-newer.snapshot" },
		{ "doctor" },
	};
	char folder[] = "/tmp/pyleak-newer-XXXXXX", command[1200], env[64], *line;
	struct program program;

	live_needs_root();
	cr_assert(mkdtemp(folder));
	snprintf(command, sizeof(command),
		 "cp '%s' %s/ && tests/trust/fake_version.py %s/libpython%s.so.1.0 %s %s",
		 param->library, folder, folder, param->old, param->old, param->version);
	cr_assert(!system(command), "%s", command);
	snprintf(env, sizeof(env), "LD_LIBRARY_PATH=%s", folder);
	program_start(&program, param->python, env, "truth.py", NULL);
	line = program_line(&program);
	cr_assert(!strncmp(line, "READY", 5), "%s: %s", program.name, line);
	free(line);
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		check_refusal(param, pid_text(program.pid), verbs[i]);
	cr_expect(program_is_running(&program), "%s ended", program.name);
	program_stop(&program);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	cr_expect(!system(command));
}
