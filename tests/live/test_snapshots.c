/* SPDX-License-Identifier: BSD-2-Clause */
/* Snapshots of programs that are busy: these come through unharmed, also when the tool is killed
 * in the middle of one. */
#include <errno.h>
#include <glob.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "attach/python.h"
#include "base/clock.h"
#include "live/harness.h"
#include "live/moment.h"
#include "snapshot/snapshot.h"
#include "snapshot/task.h"

#define PYTHON "/usr/bin/python3"
#define SAVED "/tmp/pyleak-killed.snapshot"
#define DEADLINE_NS 20000000000ULL

struct victim {
	struct program program;
	struct target target;
	struct python python;
	struct gc_lists lists;
};

static void victim_start(struct victim *victim, const char *python, const char *threads,
			 const char *more)
{
	uint64_t deadline = 0;

	live_needs_root();
	program_start_ready(&victim->program, python, "stop_me.py", threads, more, NULL);
	cr_assert_eq(target_open(victim->program.pid, &victim->target), 0);
	cr_assert_eq(python_find(&victim->target, &victim->python), 0);
	while (gc_lists_find(&victim->python, victim->target.remote, &victim->lists))
		moment_pass(&deadline, "no lists");
}

static void check_unharmed(struct program *program)
{
	char *line;

	cr_assert(program_is_running(program), "%s was harmed", program->name);
	line = program_ask(program, "check");
	cr_assert_str_eq(line, "OK", "%s answers '%s'", program->name, line);
	free(line);
}

static void victim_stop(struct victim *victim)
{
	check_unharmed(&victim->program);
	python_close(&victim->python);
	target_close(&victim->target);
	cr_expect_eq(program_stop(&victim->program), 0, "%s did not end well",
		     victim->program.name);
}

/* What all of the snapshots lost. */
struct sum {
	unsigned int cnt;
	struct graph_loss loss;
	double pause_s;
};

static void take(struct victim *victim, bool no_pause, struct sum *sum)
{
	const struct snapshot_options options = { .no_pause = no_pause };
	struct heap_graph *graph;
	int err = snapshot_take(&victim->target, &victim->python, &victim->lists, &options, &graph);

	cr_assert_eq(err, 0, "%s: snapshot %u: %s", victim->program.name, sum->cnt, strerror(-err));
	/* The 20000 lists that it holds all the time. */
	cr_expect_gt(graph->node_cnt, 20000, "%s: snapshot %u has %u objects", victim->program.name,
		     sum->cnt, graph->node_cnt);
	sum->cnt++;
	sum->loss.torn += graph->info.loss.torn;
	sum->loss.unreadable += graph->info.loss.unreadable;
	sum->loss.no_object += graph->info.loss.no_object;
	sum->loss.limit += graph->info.loss.limit;
	sum->pause_s += graph->info.pause_s;
	graph_destroy(graph);
}

static void show(const struct victim *victim, const char *how, const struct sum *sum)
{
	fprintf(stderr,
		"%s, %s: %u snapshots, %.1f ms pause each; in all %" PRIu64 " torn, %" PRIu64
		" unreadable, %" PRIu64 " no object\n",
		victim->program.name, how, sum->cnt, sum->pause_s * 1000 / sum->cnt, sum->loss.torn,
		sum->loss.unreadable, sum->loss.no_object);
	cr_expect_eq(sum->loss.limit, 0);
}

Test(snapshots, a_hundred_of_a_busy_target, .timeout = 300)
{
	struct sum sum = {};
	struct victim victim;

	victim_start(&victim, PYTHON, "8", NULL);
	for (int i = 0; i < 100; i++) {
		take(&victim, false, &sum);
		if (i % 20 == 0)
			check_unharmed(&victim.program);
	}
	show(&victim, "busy", &sum);
	victim_stop(&victim);
}

ParameterizedTestParameters(snapshots, of_busy_targets)
{
	size_t cnt;
	struct python_param *all = live_pythons(&cnt);

	return cr_make_param_array(struct python_param, all, cnt);
}

ParameterizedTest(struct python_param *param, snapshots, of_busy_targets, .timeout = 120)
{
	struct sum paused = {}, running = {};
	struct victim victim;

	victim_start(&victim, param->path, "4", NULL);
	for (int i = 0; i < 10; i++) {
		take(&victim, false, &paused);
		take(&victim, true, &running);
	}
	show(&victim, "busy", &paused);
	show(&victim, "busy, not paused", &running);
	victim_stop(&victim);
}

Test(snapshots, of_a_target_that_collects_all_the_time, .timeout = 120)
{
	struct sum sum = {};
	struct victim victim;

	victim_start(&victim, PYTHON, "2", "collect");
	for (int i = 0; i < 20; i++)
		take(&victim, false, &sum);
	show(&victim, "collecting", &sum);
	victim_stop(&victim);
}

static int is_held(pid_t tid, void *context)
{
	pid_t pid = *(pid_t *)context;
	struct task_status status = task_status(pid, tid);

	return status.state == 't' || status.state == 'T' || status.tracer;
}

static void wait_until_free(pid_t pid)
{
	uint64_t deadline = 0;

	while (task_each(pid, is_held, &pid))
		moment_pass(&deadline, "a thread was left stopped");
}

/* Returns after `ns`, or as soon as the process ends. */
static void wait_for(pid_t pid, uint64_t ns)
{
	struct timespec time = { .tv_sec = (time_t)(ns / 1000000000),
				 .tv_nsec = (long)(ns % 1000000000) };
	struct pollfd fd = { .events = POLLIN };

	fd.fd = (int)syscall(SYS_pidfd_open, pid, 0);
	cr_assert(fd.fd >= 0);
	ppoll(&fd, 1, &time, NULL);
	close(fd.fd);
}

static void remove_saved(void)
{
	glob_t found;

	if (glob(SAVED "*", 0, NULL, &found))
		return;
	for (size_t i = 0; i < found.gl_pathc; i++)
		unlink(found.gl_pathv[i]);
	globfree(&found);
}

/* Half of the kills come at any moment of its run, the others once it holds the target. */
Test(snapshots, a_kill_of_the_tool_leaves_the_target_running, .timeout = 300)
{
	int killed = 0, holding = 0;
	struct program program;
	uint64_t begin_ns, run_ns;
	struct tool tool;

	live_needs_root();
	program_start_ready(&program, PYTHON, "stop_me.py", "4", NULL);
	begin_ns = clock_now_ns();
	tool_run(&tool, "snapshot", "-p", pid_text(program.pid), "-o", SAVED, NULL);
	run_ns = clock_now_ns() - begin_ns;
	cr_assert_eq(tool.status, 0, "%s", tool.errors);
	tool_free(&tool);
	srand48(7);
	for (int i = 0; i < 200 && killed < 20; i++) {
		uint64_t deadline = 0;
		bool held;

		remove_saved();
		tool_start(&tool, "snapshot", "-p", pid_text(program.pid), "-o", SAVED, NULL);
		if (i % 2)
			wait_for(tool.pid, (uint64_t)(drand48() * (double)run_ns));
		while (!(i % 2) && tool_is_running(&tool) &&
		       !task_each(program.pid, is_held, &program.pid)) {
			deadline = deadline ?: clock_now_ns() + DEADLINE_NS;
			cr_assert(clock_now_ns() < deadline, "it never held the target");
		}
		held = task_each(program.pid, is_held, &program.pid) != 0;
		kill(tool.pid, SIGKILL);
		tool_wait(&tool);
		killed += tool.status == 128 + SIGKILL;
		holding += held && tool.status == 128 + SIGKILL;
		tool_free(&tool);
		wait_until_free(program.pid);
		check_unharmed(&program);
	}
	fprintf(stderr, "%d killed, %d while it held the target\n", killed, holding);
	cr_expect(killed == 20 && holding > 0);
	tool_run(&tool, "snapshot", "-p", pid_text(program.pid), "-o", SAVED, NULL);
	cr_expect_eq(tool.status, 0, "%s", tool.errors);
	tool_free(&tool);
	remove_saved();
	check_unharmed(&program);
	program_stop(&program);
}
