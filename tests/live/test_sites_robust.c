/* SPDX-License-Identifier: BSD-2-Clause */
/* `sites` while its target ends, becomes another program, forks or unloads the interpreter, while
 * it is killed itself, and beside others. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "live/sites_truth.h"

#define PYTHON "/usr/bin/python3"
#define MARKED "sites_core.Marked"
#define OBJECTS 1000

static void start(struct program *program)
{
	live_needs_root();
	program_start_ready(program, PYTHON, "sites.py", NULL);
	json_decref(program_ask_json(program, "learn call 1000"));
}

static json_t *names_of_call(void)
{
	return json_pack("[s]", "call");
}

/* What a tool says of one `run call`. */
static void check_call(json_t *cases, const struct tool *tool)
{
	struct sites_score score;
	char wrong[2000];

	cr_expect_eq(tool->status, 0, "%s", tool->errors);
	sites_compare(cases, tool, &score, wrong, sizeof(wrong));
	cr_expect(score.seen >= OBJECTS - 6 && score.seen <= OBJECTS, "%lld seen",
		  (long long)score.seen);
	cr_expect_eq(score.callers, score.seen, "%lld of %lld are right\n%s",
		     (long long)score.callers, (long long)score.seen, wrong);
}

/* The program works, and no breakpoint is left in it. */
static void check_unharmed(struct program *program)
{
	sites_wait_no_breakpoints(program->pid);
	json_decref(program_ask_json(program, "run call 1000"));
	cr_expect_eq(program_stop(program), 0, "the program did not end well");
}

Test(sites_robust, a_tool_that_is_killed_leaves_no_breakpoints, .timeout = 120)
{
	struct program program;

	start(&program);
	for (int i = 0; i < 5; i++) {
		struct tool tool;

		sites_start(&tool, &program, MARKED, "--exact");
		json_decref(program_ask_json(&program, "run call 1000"));
		cr_expect(sites_has_breakpoints(program.pid), "no probes were in");
		kill(tool.pid, SIGKILL);
		tool_wait(&tool);
		json_decref(program_ask_json(&program, "run call 1000"));
		tool_free(&tool);
	}
	check_unharmed(&program);
}

Test(sites_robust, a_tool_that_is_terminated_tells_and_leaves_no_breakpoints, .timeout = 60)
{
	struct program program;
	json_t *cases, *names = names_of_call();
	struct tool tool;

	start(&program);
	sites_start(&tool, &program, MARKED, "--exact");
	cases = sites_ask(&program, names, "run", OBJECTS);
	kill(tool.pid, SIGTERM);
	tool_wait(&tool);
	check_call(cases, &tool);
	tool_free(&tool);
	json_decref(cases);
	json_decref(names);
	check_unharmed(&program);
}

/* What was seen until then is told. */
static void check_end(struct program *program, struct tool *tool, json_t *cases)
{
	struct sites_score score;
	char wrong[2000];

	tool_wait(tool);
	cr_expect(tool->status == 0, "status %d: %s", tool->status, tool->errors);
	sites_compare(cases, tool, &score, wrong, sizeof(wrong));
	cr_expect(score.seen >= OBJECTS / 2, "%s: %lld seen", program->name, (long long)score.seen);
	tool_free(tool);
	json_decref(cases);
}

Test(sites_robust, a_target_that_exits, .timeout = 60)
{
	struct program program;
	json_t *cases, *names = names_of_call();
	struct tool tool;

	start(&program);
	sites_start(&tool, &program, MARKED, "--exact");
	cases = sites_ask(&program, names, "run", OBJECTS);
	cr_expect_eq(program_stop(&program), 0);
	check_end(&program, &tool, cases);
	json_decref(names);
}

Test(sites_robust, a_target_that_is_killed, .timeout = 60)
{
	struct program program;
	json_t *cases, *names = names_of_call();
	struct tool tool;

	start(&program);
	sites_start(&tool, &program, MARKED, "--exact");
	cases = sites_ask(&program, names, "run", OBJECTS);
	kill(program.pid, SIGKILL);
	program_stop(&program);
	check_end(&program, &tool, cases);
	json_decref(names);
}

Test(sites_robust, a_target_that_calls_exec, .timeout = 60)
{
	struct program program;
	struct tool tool;

	live_needs_root();
	program_start_ready(&program, PYTHON, "execer.py", NULL);
	sites_start(&tool, &program, "common.Request", "--exact");
	fprintf(program.to, "go\n");
	fflush(program.to);
	tool_wait(&tool);
	cr_expect(tool.status == 0, "status %d: %s", tool.status, tool.errors);
	tool_free(&tool);
	kill(program.pid, SIGKILL);
	program_stop(&program);
}

/* The child has the parent's breakpoints until the kernel takes them out of both. */
Test(sites_robust, a_target_that_forks, .timeout = 60)
{
	struct program program;
	json_t *cases, *child, *names = names_of_call();
	struct tool tool;
	pid_t pid;

	start(&program);
	sites_start(&tool, &program, MARKED, "--exact");
	child = program_ask_json(&program, "fork");
	pid = (pid_t)json_integer_value(json_object_get(child, "child"));
	cases = sites_ask(&program, names, "run", OBJECTS);
	sites_end(&tool);
	check_call(cases, &tool);
	sites_wait_no_breakpoints(pid);
	cr_expect(!kill(pid, 0), "the child ended");
	tool_free(&tool);
	json_decref(cases);
	json_decref(child);
	json_decref(names);
	check_unharmed(&program);
}

Test(sites_robust, two_tools_are_both_right, .timeout = 60)
{
	struct program program;
	json_t *cases, *again, *names = names_of_call();
	struct tool first, second;

	start(&program);
	sites_start(&first, &program, MARKED, "--exact");
	sites_start(&second, &program, MARKED, "--exact");
	cases = sites_ask(&program, names, "run", OBJECTS);
	again = json_deep_copy(cases);
	sites_end(&first);
	sites_end(&second);
	check_call(cases, &first);
	check_call(again, &second);
	tool_free(&first);
	tool_free(&second);
	json_decref(cases);
	json_decref(again);
	json_decref(names);
	check_unharmed(&program);
}

Test(sites_robust, beside_a_watch, .timeout = 60)
{
	struct program program;
	json_t *cases, *names = names_of_call();
	struct tool watch, tool;

	start(&program);
	tool_start(&watch, "-p", pid_text(program.pid), "--format", "json", "-i", "0.1", NULL);
	cr_assert(tool_read(&watch, "census"));
	sites_start(&tool, &program, MARKED, "--exact");
	cases = sites_ask(&program, names, "run", OBJECTS);
	cr_assert(tool_read(&watch, "census"));
	sites_end(&tool);
	check_call(cases, &tool);
	kill(watch.pid, SIGINT);
	tool_wait(&watch);
	cr_expect_eq(watch.status, 0, "%s", watch.errors);
	tool_free(&watch);
	tool_free(&tool);
	json_decref(cases);
	json_decref(names);
	check_unharmed(&program);
}
