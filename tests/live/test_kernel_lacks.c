/* SPDX-License-Identifier: BSD-2-Clause */
/* Kernels that cannot run our BPF programs, and users who may not load them. Any kernel becomes
 * such a one when its BTF is hidden, in a mount namespace of our own. */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>

#include "live/harness.h"

#define PYTHON "/usr/bin/python3"
#define NODES 30000
#define CAP_SYS_ADMIN 21
#define CAP_PERFMON 38
#define CAP_BPF 39

static void hide_btf(void)
{
	live_needs_root();
	cr_assert(!unshare(CLONE_NEWNS) && !mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) &&
			  !mount("none", "/sys/kernel/btf", "tmpfs", 0, NULL),
		  "cannot hide the BTF: %s", strerror(errno));
}

static json_t *types_of(const struct program *program, struct tool *tool)
{
	json_t *types;

	tool_run(tool, "types", "-p", pid_text(program->pid), "--format", "json", NULL);
	types = tool_last(tool, "types");
	cr_assert(tool->status == 0 && types, "status %d: %s", tool->status, tool->errors);
	cr_expect_str_eq(json_string_value(json_object_get(types, "instrument")), "outside");
	cr_expect(strstr(tool->errors, "probes: this kernel has no "), "%s", tool->errors);
	return types;
}

static void check_busy(const char *how)
{
	struct program program;
	struct tool tool;
	json_int_t nodes;

	hide_btf();
	program_start_ready(&program, PYTHON, "no_collections.py", how, "30000", NULL);
	nodes = live_of(types_of(&program, &tool), "__main__.Node");
	/* It comes and goes while it is read: a few of those that live for a moment. */
	cr_expect(nodes >= NODES && nodes <= NODES + 10, "%s: %lld of %d", how, (long long)nodes,
		  NODES);
	tool_free(&tool);
	cr_expect(program_is_running(&program), "%s ended", how);
	program_stop(&program);
}

Test(kernel_lacks, a_program_in_system_calls_is_read_while_it_runs, .timeout = 60)
{
	check_busy("io");
}

Test(kernel_lacks, a_program_that_computes_is_read_while_it_runs, .timeout = 60)
{
	check_busy("cpu");
}

Test(kernel_lacks, counts_of_a_program_at_rest_are_exact, .timeout = 60)
{
	struct program program;
	struct tool tool;
	json_t *truth;

	hide_btf();
	program_start_ready(&program, PYTHON, "truth.py", NULL);
	free(program_ask(&program, "populate 20"));
	free(program_ask(&program, "gc collect"));
	free(program_ask(&program, "gc collect"));
	truth = program_ask_json(&program, "types_all");
	check_types_equal(types_of(&program, &tool), truth, PYTHON);
	json_decref(truth);
	tool_free(&tool);
	program_stop(&program);
}

/* Not for machines that are emulated: censuses come as often as our own CPU time allows. */
Test(kernel_lacks, a_leak_is_found_all_the_same, .timeout = 120)
{
	struct program program;
	struct tool tool;
	json_t *line;

	hide_btf();
	program_start_ready(&program, PYTHON, "leak_list.py", NULL);
	tool_start(&tool, "-p", pid_text(program.pid), "--format", "json", "-i", "0.2", "-d", "60",
		   NULL);
	do
		line = tool_read(&tool, "verdict");
	while (line && strcmp(json_string_value(json_object_get(line, "verdict")), "leak"));
	cr_expect(line, "no leak was called in 60 s");
	if (line)
		cr_expect_str_eq(json_string_value(json_object_get(line, "type")),
				 "__main__.Session");
	kill(tool.pid, SIGINT);
	tool_wait(&tool);
	tool_free(&tool);
	program_stop(&program);
}

/* What `doctor` found; NULL: it did not look. */
static const json_t *check_of(const struct tool *doctor, const char *what)
{
	json_t *line;
	size_t i;

	json_array_foreach(doctor->lines, i, line)
	{
		const char *found = json_string_value(json_object_get(line, "what"));

		if (found && !strcmp(found, what))
			return line;
	}
	return NULL;
}

static const char *word_of(const json_t *check, const char *key)
{
	const char *word = json_string_value(json_object_get(check, key));

	return word ? word : "";
}

/* The probes on allocations need no BTF, but all else that the others need. */
Test(kernel_lacks, doctor_and_sites_say_why, .timeout = 120)
{
	const char *seconds = live_slowness() > 1 ? "60" : "15";
	struct program program;
	struct tool sites, doctor;
	const json_t *check;

	hide_btf();
	program_start_ready(&program, PYTHON, "leak_list.py", NULL);
	tool_run(&doctor, "doctor", "-p", pid_text(program.pid), "--format", "json", NULL);
	check = check_of(&doctor, "BPF programs");
	cr_expect(doctor.status == 0, "status %d: %s", doctor.status, doctor.errors);
	cr_expect_str_eq(word_of(check, "state"), "note");
	cr_expect(strstr(word_of(check, "found"), "this kernel has no "), "%s",
		  word_of(check, "found"));
	cr_expect(strstr(word_of(check_of(&doctor, "censuses"), "found"), "from outside"));
	tool_run(&sites, "sites", "-p", pid_text(program.pid), "-t", "Session", "-d", seconds,
		 NULL);
	if (strstr(word_of(check, "found"), "bpf_loop") ||
	    strcmp(word_of(check_of(&doctor, "lockdown"), "state"), "ok")) {
		cr_expect(sites.status == 1, "status %d", sites.status);
		cr_expect(strstr(sites.errors, "allocation probes: this kernel has no "), "%s",
			  sites.errors);
	} else if (strcmp(word_of(check_of(&doctor, "uprobe links"), "state"), "ok")) {
		cr_expect(sites.status == 1, "status %d", sites.status);
		cr_expect(strstr(sites.errors, "use --exact, or Linux 6.11"), "%s", sites.errors);
	} else {
		cr_expect(sites.status == 0, "status %d: %s", sites.status, sites.errors);
	}
	tool_free(&sites);
	tool_free(&doctor);
	program_stop(&program);
}

static void drop_caps(const int *caps, size_t cnt)
{
	live_needs_root();
	for (size_t i = 0; i < cnt; i++)
		cr_assert(!prctl(PR_CAPBSET_DROP, caps[i], 0, 0, 0), "%s", strerror(errno));
}

/* One line that tells what failed, and a doctor who names what is missing. */
static void check_refusal(const char *words, const char *missing)
{
	struct program program;
	struct tool tool, doctor;

	program_start_ready(&program, PYTHON, "truth.py", NULL);
	tool_run(&tool, "types", "-p", pid_text(program.pid), NULL);
	cr_expect(tool.status == 1, "status %d: %s", tool.status, tool.errors);
	cr_expect(strstr(tool.errors, words), "'%s'", tool.errors);
	cr_expect(strchr(tool.errors, '\n') == tool.errors + strlen(tool.errors) - 1,
		  "more than one line: %s", tool.errors);
	tool_run(&doctor, "doctor", "--format", "json", NULL);
	cr_expect(doctor.status == 1, "status %d: %s", doctor.status, doctor.errors);
	cr_expect(strstr(word_of(check_of(&doctor, "capabilities"), "advice"), missing), "%s",
		  word_of(check_of(&doctor, "capabilities"), "advice"));
	tool_free(&tool);
	tool_free(&doctor);
	program_stop(&program);
}

/* CAP_SYS_ADMIN stands for both. A kernel that could not run the programs is asked for leave first.
 */
Test(kernel_lacks, without_cap_bpf_it_is_named, .timeout = 60)
{
	static const int caps[] = { CAP_SYS_ADMIN, CAP_BPF };

	drop_caps(caps, 2);
	check_refusal("run as root", "missing: CAP_BPF");
}

Test(kernel_lacks, without_cap_perfmon_it_is_named, .timeout = 60)
{
	static const int caps[] = { CAP_SYS_ADMIN, CAP_PERFMON };

	drop_caps(caps, 2);
	check_refusal("run as root", "missing: CAP_PERFMON");
}

/* With both, it depends on the kernel; where it does not work the line names what it takes. */
Test(kernel_lacks, without_cap_sys_admin_it_works_or_says_so, .timeout = 60)
{
	static const int caps[] = { CAP_SYS_ADMIN };
	struct program program;
	struct tool tool;

	drop_caps(caps, 1);
	program_start_ready(&program, PYTHON, "truth.py", NULL);
	tool_run(&tool, "types", "-p", pid_text(program.pid), NULL);
	if (tool.status)
		cr_expect(strstr(tool.errors, "CAP_SYS_ADMIN"), "status %d: %s", tool.status,
			  tool.errors);
	tool_free(&tool);
	program_stop(&program);
}
