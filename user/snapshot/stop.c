/* SPDX-License-Identifier: BSD-2-Clause */
/* A thread of its own is the tracer, and lives as long as the stop. The kernel lets go whatever
 * a tracer holds when it ends, also threads that were asked to stop and could not yet (waiting
 * for a disk, or for a child after vfork), which PTRACE_DETACH refuses: they run on without ever
 * having noticed. So every way out, also SIGKILL, ends with the target running. */
#include "snapshot/stop.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "snapshot/freeze.h"
#include "snapshot/task.h"

#define SUIT_NS 5000000ULL /* signals that arrive meanwhile wait so long */

struct stopped {
	struct freeze freeze;
	bool (*suits)(void *context);
	void *context;
	struct stopped_thread *threads;
	size_t thread_cnt;
	pthread_t tracer;
	bool has_tracer;
	sem_t answered, over;
	int err;
};

static void wait_for_moment(const struct stopped *stopped)
{
	uint64_t end = clock_now_ns() + SUIT_NS;

	while (stopped->suits && !stopped->suits(stopped->context) && clock_now_ns() < end)
		sched_yield();
}

static int hold_all(struct stopped *stopped)
{
	int err = task_check_all(stopped->freeze.pid);

	if (!err)
		err = freeze_seize(&stopped->freeze);
	if (err)
		return err;
	wait_for_moment(stopped);
	err = freeze_stop(&stopped->freeze);
	if (err)
		return err;
	return freeze_describe(&stopped->freeze, &stopped->threads, &stopped->thread_cnt);
}

static void *trace(void *context)
{
	struct stopped *stopped = context;

	stopped->err = hold_all(stopped);
	if (!stopped->err) {
		sem_post(&stopped->answered);
		while (sem_wait(&stopped->over))
			;
	}
	freeze_let_go(&stopped->freeze);
	if (stopped->err)
		sem_post(&stopped->answered);
	return NULL;
}

static int start_tracer(struct stopped *stopped)
{
	sigset_t all, before;
	int err;

	/* Signals for this process are for the thread that called. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = -pthread_create(&stopped->tracer, NULL, trace, stopped);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (err) {
		pr_error("stop: cannot start a thread: %s", strerror(-err));
		return err;
	}
	stopped->has_tracer = true;
	while (sem_wait(&stopped->answered))
		;
	return stopped->err;
}

int stop_threads_when(pid_t pid, int patience_ms, bool (*suits)(void *context), void *context,
		      struct stopped **out)
{
	struct stopped *stopped = calloc(1, sizeof(*stopped));
	int err;

	if (!stopped)
		return -ENOMEM;
	stopped->freeze.pid = pid;
	stopped->freeze.patience_ms = patience_ms;
	stopped->suits = suits;
	stopped->context = context;
	sem_init(&stopped->answered, 0, 0);
	sem_init(&stopped->over, 0, 0);
	err = start_tracer(stopped);
	if (err) {
		stop_release(stopped);
		return err;
	}
	*out = stopped;
	return 0;
}

int stop_threads(pid_t pid, int patience_ms, struct stopped **out)
{
	return stop_threads_when(pid, patience_ms, NULL, NULL, out);
}

void stop_release(struct stopped *stopped)
{
	if (!stopped)
		return;
	if (stopped->has_tracer) {
		sem_post(&stopped->over);
		pthread_join(stopped->tracer, NULL);
	}
	freeze_wait_free(&stopped->freeze);
	sem_destroy(&stopped->answered);
	sem_destroy(&stopped->over);
	free(stopped->threads);
	free(stopped);
}

const struct stopped_thread *stopped_threads(const struct stopped *stopped, size_t *cnt)
{
	*cnt = stopped->thread_cnt;
	return stopped->threads;
}

uint64_t stopped_since_ns(const struct stopped *stopped)
{
	return stopped->freeze.since_ns;
}
