/* SPDX-License-Identifier: BSD-2-Clause */
/* Whatever becomes of a stop, and of the one who stopped it, the target goes on, and gets what
 * was for it. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "attach/python.h"
#include "base/log.h"
#include "live/harness.h"
#include "live/moment.h"
#include "snapshot/image.h"
#include "snapshot/task.h"

#define PYTHON "/usr/bin/python3"
#define ROUNDS 100
#define PATIENCE_MS 5000

static char logged[4000];

static void keep_line(enum log_level level, const char *line)
{
	(void)level;
	snprintf(logged, sizeof(logged), "%s", line);
}

static void start(struct program *program, const char *threads, const char *more)
{
	live_needs_root();
	log_set_sink(keep_line);
	program_start_ready(program, PYTHON, "stop_me.py", threads, more, NULL);
}

static void ask(struct program *program, const char *command, const char *expected)
{
	char *line = program_ask(program, command);

	cr_expect_str_eq(line, expected, "%s answers '%s' to %s", program->name, line, command);
	free(line);
}

static void check_unharmed(struct program *program)
{
	cr_assert(program_is_running(program), "%s was harmed", program->name);
	ask(program, "check", "OK");
	cr_expect(program_stop(program) == 0, "%s did not end well", program->name);
}

struct count {
	pid_t pid;
	char state;
	size_t with, all;
};

static int count_one(pid_t tid, void *context)
{
	struct count *count = context;

	count->all++;
	count->with += task_status(count->pid, tid).state == count->state;
	return 0;
}

/* Threads in `state`, as /proc says it. */
static struct count count_state(pid_t pid, char state)
{
	struct count count = { .pid = pid, .state = state };

	task_each(pid, count_one, &count);
	return count;
}

/* All in tracing stop, or none. */
static void wait_traced(pid_t pid, bool all)
{
	uint64_t deadline = 0;

	for (;;) {
		struct count count = count_state(pid, 't');

		if (all ? count.all && count.with == count.all : !count.with)
			return;
		moment_pass(&deadline, all ? "never stopped" : "left stopped");
	}
}

Test(stop, a_hundred_stops_leave_a_busy_target_alone, .timeout = 120)
{
	struct program program;

	start(&program, "8", NULL);
	for (int i = 0; i < ROUNDS; i++) {
		const struct stopped_thread *threads;
		struct stopped *stopped;
		size_t cnt;

		cr_assert_eq(stop_threads(program.pid, PATIENCE_MS, &stopped), 0, "%s", logged);
		threads = stopped_threads(stopped, &cnt);
		cr_expect_eq(cnt, 9);
		cr_expect_eq(count_state(program.pid, 't').with, 9);
		for (size_t t = 0; t < cnt; t++)
			cr_expect(threads[t].stack_pointer && threads[t].thread_pointer);
		stop_release(stopped);
		cr_expect_eq(count_state(program.pid, 't').with, 0);
		if (i % 20 == 0)
			ask(&program, "check", "OK");
	}
	check_unharmed(&program);
}

/* A process that stops the target, holds it until it is killed, and copies meanwhile. */
static pid_t fork_holder(pid_t pid)
{
	const struct image_options options = { .no_pause = true };
	const struct gc_lists lists = {};
	struct stopped *stopped;
	struct image *image;
	struct target target;
	pid_t holder = fork();

	if (holder)
		return holder;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (stop_threads(pid, PATIENCE_MS, &stopped) || target_open(pid, &target))
		_exit(1);
	for (;;) {
		if (image_take(&target, &lists, &options, &image))
			_exit(1);
		image_destroy(image);
	}
}

Test(stop, a_kill_of_the_one_who_stopped_it_lets_it_go_on, .timeout = 120)
{
	struct program program;

	start(&program, "4", NULL);
	for (int i = 0; i < 5; i++) {
		pid_t holder = fork_holder(program.pid);

		wait_traced(program.pid, true);
		kill(holder, SIGKILL);
		waitpid(holder, NULL, 0);
		wait_traced(program.pid, false);
		ask(&program, "check", "OK");
	}
	check_unharmed(&program);
}

Test(stop, a_target_that_another_traces_is_left_to_it, .timeout = 60)
{
	struct stopped *stopped = NULL;
	struct program program;
	int ready[2];
	pid_t tracer;
	char byte;

	start(&program, "2", NULL);
	cr_assert(!pipe(ready));
	tracer = fork();
	if (!tracer) {
		prctl(PR_SET_NAME, "debugger");
		if (ptrace(PTRACE_SEIZE, program.pid, NULL, NULL) || write(ready[1], "r", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	cr_assert_eq(read(ready[0], &byte, 1), 1);
	cr_expect_eq(stop_threads(program.pid, PATIENCE_MS, &stopped), -EBUSY);
	cr_expect(strstr(logged, pid_text(tracer)) && strstr(logged, "(debugger)"), "%s", logged);
	cr_expect_eq(task_status(program.pid, program.pid).tracer, tracer);
	kill(tracer, SIGKILL);
	waitpid(tracer, NULL, 0);
	check_unharmed(&program);
}

Test(stop, a_target_that_a_signal_stopped_stays_so, .timeout = 60)
{
	struct stopped *stopped = NULL;
	struct program program;
	int status;

	start(&program, "3", NULL);
	kill(program.pid, SIGSTOP);
	cr_assert_eq(waitpid(program.child, &status, WUNTRACED), program.child);
	cr_assert(WIFSTOPPED(status));
	cr_expect_eq(stop_threads(program.pid, PATIENCE_MS, &stopped), -EAGAIN);
	cr_expect(strstr(logged, "kill -CONT"), "%s", logged);
	cr_expect_eq(count_state(program.pid, 'T').with, 4);
	kill(program.pid, SIGCONT);
	check_unharmed(&program);
}

/* The stop that comes while it is held is held back, not lost. */
Test(stop, signals_that_come_meanwhile_are_delivered_after, .timeout = 60)
{
	struct stopped *stopped;
	struct program program;
	int status;

	start(&program, "3", NULL);
	cr_assert_eq(stop_threads(program.pid, PATIENCE_MS, &stopped), 0, "%s", logged);
	kill(program.pid, SIGUSR1);
	stop_release(stopped);
	ask(&program, "signals", "1");
	cr_assert_eq(stop_threads(program.pid, PATIENCE_MS, &stopped), 0, "%s", logged);
	kill(program.pid, SIGSTOP);
	stop_release(stopped);
	cr_assert_eq(waitpid(program.child, &status, WUNTRACED), program.child);
	cr_expect(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
	kill(program.pid, SIGCONT);
	check_unharmed(&program);
}

/* ---- what needs no Python: a child of a few lines */

#define SIGNALS 2000

static volatile sig_atomic_t received;

static void on_signal(int sig)
{
	(void)sig;
	received++;
}

/* Exits with 0 when it got each of the signals, which queue, after SIGTERM. */
static void receive(int ready, int expected)
{
	struct sigaction action = { .sa_handler = on_signal };
	sigset_t term;
	int sig;

	sigaction(SIGRTMIN, &action, NULL);
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, NULL);
	if (write(ready, "r", 1) != 1)
		_exit(2);
	for (;;) {
		struct timespec none = {};

		sig = sigtimedwait(&term, NULL, &none);
		if (sig == SIGTERM)
			_exit(received == expected ? 0 : 1);
	}
}

static pid_t fork_stopper(pid_t pid)
{
	struct stopped *stopped;
	pid_t stopper = fork();

	if (stopper)
		return stopper;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		if (!stop_threads(pid, PATIENCE_MS, &stopped))
			stop_release(stopped);
	}
}

Test(stop, no_signal_is_lost_to_kills_of_the_one_who_stops, .timeout = 120)
{
	int status, ready[2];
	pid_t child;
	char byte;

	log_set_sink(keep_line);
	cr_assert(!pipe(ready));
	child = fork();
	if (!child)
		receive(ready[1], SIGNALS);
	cr_assert_eq(read(ready[0], &byte, 1), 1);
	for (int round = 0; round < 20; round++) {
		pid_t stopper = fork_stopper(child);

		for (int i = 0; i < SIGNALS / 20; i++) {
			struct timespec moment = { .tv_nsec = 20000 };

			cr_assert(!sigqueue(child, SIGRTMIN, (union sigval){}));
			nanosleep(&moment, NULL);
		}
		kill(stopper, SIGKILL);
		waitpid(stopper, NULL, 0);
	}
	kill(child, SIGTERM);
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_expect_eq(status, 0, "%#x: signals were lost", (unsigned int)status);
}

static pid_t signalled;

/* Between the seizing and the asking to stop: the only time at which a thread stops for a signal
 * that it is about to get. */
static bool send_and_wait(void *context)
{
	bool *sent = context;

	if (!*sent)
		kill(signalled, SIGRTMIN);
	*sent = true;
	return task_status(signalled, signalled).state == 't';
}

Test(stop, a_signal_that_was_being_delivered_survives_a_kill_of_the_one_who_stops, .timeout = 60)
{
	int status, ready[2], held[2];
	pid_t holder;
	char byte;

	log_set_sink(keep_line);
	cr_assert(!pipe(ready) && !pipe(held));
	signalled = fork();
	if (!signalled)
		receive(ready[1], 2);
	cr_assert_eq(read(ready[0], &byte, 1), 1);
	for (int killed = 0; killed < 2; killed++) {
		holder = fork();
		if (!holder) {
			struct stopped *stopped;
			bool sent = false;

			prctl(PR_SET_PDEATHSIG, SIGKILL);
			if (stop_threads_when(signalled, PATIENCE_MS, send_and_wait, &sent,
					      &stopped))
				_exit(1);
			if (!killed)
				stop_release(stopped);
			if (write(held[1], "h", 1) != 1)
				_exit(1);
			for (;;)
				pause();
		}
		cr_assert_eq(read(held[0], &byte, 1), 1);
		kill(holder, SIGKILL);
		waitpid(holder, NULL, 0);
	}
	wait_traced(signalled, false);
	kill(signalled, SIGTERM);
	cr_assert_eq(waitpid(signalled, &status, 0), signalled);
	cr_expect_eq(status, 0, "%#x: a signal was lost", (unsigned int)status);
}

/* Between vfork() and the end of the child a thread cannot stop. */
static void vfork_until(int end)
{
	char byte;

	if (!vfork())
		_exit(read(end, &byte, 1) ? 1 : 0);
	_exit(0);
}

Test(stop, a_thread_that_cannot_stop_is_let_go, .timeout = 60)
{
	struct stopped *stopped = NULL;
	uint64_t deadline = 0;
	int end[2], status;
	pid_t child;

	log_set_sink(keep_line);
	cr_assert(!pipe(end));
	child = fork();
	if (!child) {
		close(end[1]);
		vfork_until(end[0]);
	}
	while (task_status(child, child).state != 'D')
		moment_pass(&deadline, "no vfork");
	cr_expect_eq(stop_threads(child, 100, &stopped), -ETIMEDOUT);
	cr_expect(strstr(logged, "did not stop within 100 ms"), "%s", logged);
	cr_expect_eq(task_status(child, child).tracer, 0);
	close(end[1]);
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_expect_eq(status, 0);
}

Test(stop, a_target_that_is_killed_is_gone, .timeout = 60)
{
	for (int i = 0; i < 30; i++) {
		struct stopped *stopped = NULL;
		struct program program;
		int err;

		start(&program, "3", NULL);
		if (i % 3 == 0) {
			cr_assert_eq(stop_threads(program.pid, PATIENCE_MS, &stopped), 0);
			kill(program.pid, SIGKILL);
		} else {
			/* It dies before or while it is stopped. */
			kill(program.pid, SIGKILL);
			err = stop_threads(program.pid, PATIENCE_MS, &stopped);
			cr_expect(err == -ESRCH || !err, "%d: %s", err, logged);
		}
		stop_release(stopped);
		cr_expect_eq(program_stop(&program), SIGKILL);
	}
}

/* ---- images */

static void open_lists(pid_t pid, struct target *target, struct gc_lists *lists)
{
	struct python python;
	uint64_t deadline = 0;

	cr_assert_eq(target_open(pid, target), 0, "%s", logged);
	cr_assert_eq(python_find(target, &python), 0, "%s", logged);
	while (gc_lists_find(&python, target->remote, lists))
		moment_pass(&deadline, "no lists");
	python_close(&python);
}

/* Length of the oldest list; -1 = it is not whole. The youngest may be so: a thread may be about
 * to put an object on it. */
static long count_oldest(struct image *image, const struct gc_lists *lists)
{
	raddr_t head = lists->interpreters[0].heads[1], at = head, next;
	long cnt = 0;

	for (;; cnt++, at = next) {
		next = remote_word(image->remote, at) & ~3ULL;
		if ((remote_word(image->remote, next + 8) & ~3ULL) != at || cnt > 10000000)
			return -1;
		if (next == head)
			return cnt;
	}
}

Test(stop, an_image_shows_no_collection_of_a_target_that_collects_all_the_time, .timeout = 120)
{
	const struct image_options options = {};
	struct program program;
	struct gc_lists lists;
	struct target target;

	start(&program, "1", "collect");
	open_lists(program.pid, &target, &lists);
	for (int i = 0; i < 10; i++) {
		struct image *image;
		const int *collecting;

		cr_assert_eq(image_take(&target, &lists, &options, &image), 0, "%s", logged);
		collecting = image_at(image, lists.interpreters[0].collecting, 4);
		cr_assert(collecting && !*collecting);
		cr_expect_gt(count_oldest(image, &lists), 20000);
		cr_expect(image->thread_cnt == 3 && image->missed == 0);
		image_destroy(image);
	}
	target_close(&target);
	check_unharmed(&program);
}

ParameterizedTestParameters(stop, an_image_has_the_lists)
{
	size_t cnt;
	struct python_param *all = live_pythons(&cnt);

	return cr_make_param_array(struct python_param, all, cnt);
}

ParameterizedTest(struct python_param *python, stop, an_image_has_the_lists, .timeout = 60)
{
	const struct image_options options = {};
	struct program program;
	struct gc_lists lists;
	struct target target;
	struct image *image;

	live_needs_root();
	log_set_sink(keep_line);
	program_start_ready(&program, python->path, "stop_me.py", "2", NULL);
	open_lists(program.pid, &target, &lists);
	cr_assert_eq(image_take(&target, &lists, &options, &image), 0, "%s", logged);
	cr_expect_gt(count_oldest(image, &lists), 20000, "%s", python->path);
	image_destroy(image);
	target_close(&target);
	check_unharmed(&program);
}
