/* SPDX-License-Identifier: BSD-2-Clause */
/* The tool without what it needs says what, in one line; and a process that changed its user by its
 * own executable is seen. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "live/harness.h"

#define PYTHON "/usr/bin/python3"
#define WITHOUT(caps) "setpriv --inh-caps=-all --bounding-set=" caps
#define AS_NOBODY "setpriv --reuid 65534 --regid 65534 --clear-groups"

struct confinement {
	char prefix[128];
	int status;
	char words[64]; /* of the line; empty: it does its work */
};

/* Standard error of `types`; the exit status. */
static int run_confined(const char *prefix, pid_t pid, char *errors, size_t size)
{
	char command[600];
	FILE *output;
	size_t len;
	int status;

	snprintf(command, sizeof(command), "%s '%s' types -p %d 2>&1 >/dev/null", prefix,
		 getenv("PYLEAK_BPF"), pid);
	output = popen(command, "r");
	cr_assert(output);
	len = fread(errors, 1, size - 1, output);
	errors[len] = '\0';
	status = pclose(output);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void expect_line(const char *prefix, pid_t pid, int wanted, const char *words)
{
	char errors[4096];
	int status = run_confined(prefix, pid, errors, sizeof(errors));

	cr_expect_eq(status, wanted, "%s: status %d: %s", prefix, status, errors);
	if (!words[0]) {
		cr_expect_str_empty(errors, "%s: %s", prefix, errors);
		return;
	}
	cr_expect(strstr(errors, words), "%s: '%s' is not in: %s", prefix, words, errors);
	cr_expect_eq(strchr(errors, '\n'), errors + strlen(errors) - 1, "%s: %s", prefix, errors);
}

ParameterizedTestParameters(confined, the_tool_says_what_it_lacks)
{
	static struct confinement all[] = {
		{ WITHOUT("-sys_ptrace"), 1, "CAP_SYS_PTRACE" },
		{ WITHOUT("-sys_admin"), 1, "CAP_SYS_ADMIN" },
		{ WITHOUT("-sys_admin,-bpf"), 1, "refused the BPF programs" },
		{ WITHOUT("-sys_admin,-perfmon"), 1, "refused the BPF programs" },
		{ WITHOUT("-sys_admin,-bpf,-perfmon,-sys_ptrace"), 1, "CAP_SYS_PTRACE" },
		{ WITHOUT("-all"), 1, "CAP_SYS_PTRACE" },
		{ AS_NOBODY, 1, "run as root" },
		{ "unshare --pid --fork --mount-proc", 1, "--pid=host" },
		{ "prlimit --nofile=16", 1, "ulimit -n" },
		{ "prlimit --nofile=9", 1, "ulimit -n" },
		/* CAP_SYS_ADMIN stands for these; and memory of maps is no locked memory
		   since 5.11. */
		{ WITHOUT("-bpf,-perfmon"), 0, "" },
		{ "prlimit --memlock=0", 0, "" },
		{ "setpriv --no-new-privs", 0, "" },
	};

	return cr_make_param_array(struct confinement, all, sizeof(all) / sizeof(all[0]));
}

ParameterizedTest(struct confinement *param, confined, the_tool_says_what_it_lacks, .timeout = 60)
{
	struct program program;

	live_needs_root();
	program_start_ready(&program, PYTHON, "truth.py", NULL);
	expect_line(param->prefix, program.pid, param->status, param->words);
	program_stop(&program);
}

/* An interpreter with the set-user-ID bit of another user: root sees it, its users do not. */
Test(confined, a_setuid_target, .timeout = 60)
{
	char path[] = "/tmp/pyleak-setuid-XXXXXX", command[200];
	struct program program;
	struct tool tool;
	json_t *line;
	bool noted = false;
	size_t i;

	live_needs_root();
	close(mkstemp(path));
	snprintf(command, sizeof(command), "cp %s %s", PYTHON, path);
	cr_assert(!system(command) && !chown(path, 65534, 65534) && !chmod(path, 04755));
	program_start_ready(&program, path, "truth.py", NULL);
	expect_line("", program.pid, 0, "");
	expect_line(AS_NOBODY, program.pid, 1, "not permitted to look into process");
	tool_run(&tool, "doctor", "-p", pid_text(program.pid), "--format", "json", NULL);
	json_array_foreach(tool.lines, i, line)
	{
		const char *what = json_string_value(json_object_get(line, "what"));

		noted |= what && !strcmp(what, "dumpable");
	}
	cr_expect(noted, "doctor does not say that it is not dumpable");
	tool_free(&tool);
	program_stop(&program);
	unlink(path);
}
