/* SPDX-License-Identifier: BSD-2-Clause */
/* Stops are looked at with WNOWAIT. A thread that stopped because a signal was about to be
 * delivered keeps that signal in its exit code as long as nobody takes it: it is delivered even
 * when this process is killed. */
#include "snapshot/freeze.h"

#include <errno.h>
#include <elf.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "snapshot/task.h"

#ifndef NT_ARM_TLS
#define NT_ARM_TLS 0x401
#endif

#define BUSY_ROUNDS 200 /* a running thread stops within microseconds */
#define SLOW_NS 100000
#define FREE_TRIES 1000

enum held_state { HELD_SEIZED, HELD_ASKED, HELD_STOPPED, HELD_GONE };

struct held {
	pid_t tid;
	enum held_state state;
	int signal; /* to be delivered when it is let go; 0 = none */
};

/* The threads come in the same order each time. */
static bool is_held(struct freeze *freeze, pid_t tid)
{
	for (size_t i = 0; i < freeze->cnt; i++) {
		size_t at = (freeze->at + i) % freeze->cnt;

		/* The number of a thread that ended may be used again. */
		if (freeze->held[at].tid == tid && freeze->held[at].state != HELD_GONE) {
			freeze->at = at + 1;
			return true;
		}
	}
	return false;
}

static int add_held(struct freeze *freeze, pid_t tid)
{
	if (freeze->cnt == freeze->room) {
		size_t room = freeze->room ? 2 * freeze->room : 64;
		struct held *held = realloc(freeze->held, room * sizeof(*held));

		if (!held)
			return -ENOMEM;
		freeze->held = held;
		freeze->room = room;
	}
	freeze->held[freeze->cnt++] = (struct held){ .tid = tid };
	return 0;
}

static int seize_one(pid_t tid, void *context)
{
	struct freeze *freeze = context;
	struct task_status status;
	int err;

	if (is_held(freeze, tid))
		return 0;
	if (!ptrace(PTRACE_SEIZE, tid, NULL, NULL))
		return add_held(freeze, tid);
	err = -errno;
	status = task_status(freeze->pid, tid);
	/* A main thread that ended stays a zombie as long as the others live. */
	if (err == -ESRCH || !status.state || status.state == 'Z' || status.state == 'X')
		return 0;
	if (status.tracer)
		return task_log_traced(freeze->pid, status.tracer);
	pr_error("stop: cannot stop thread %d of process %d: %s; run as root", tid, freeze->pid,
		 strerror(-err));
	return err;
}

int freeze_seize(struct freeze *freeze)
{
	int err = task_each(freeze->pid, seize_one, freeze);

	if (err == -ESRCH)
		pr_error("stop: process %d ended while it was being stopped", freeze->pid);
	return err;
}

static void read_registers(pid_t tid, struct stopped_thread *out)
{
	struct user_regs_struct regs;
	struct iovec io = { .iov_base = &regs, .iov_len = sizeof(regs) };

	*out = (struct stopped_thread){ .tid = tid };
	/* Shorter for a thread that runs 32-bit code. */
	if (ptrace(PTRACE_GETREGSET, tid, (void *)NT_PRSTATUS, &io) || io.iov_len != sizeof(regs))
		return;
#if defined(__x86_64__)
	out->stack_pointer = regs.rsp;
	out->thread_pointer = regs.fs_base;
#elif defined(__aarch64__)
	out->stack_pointer = regs.sp;
	io.iov_base = &out->thread_pointer;
	io.iov_len = sizeof(out->thread_pointer);
	if (ptrace(PTRACE_GETREGSET, tid, (void *)NT_ARM_TLS, &io))
		out->thread_pointer = 0;
#endif
}

/* Has it stopped, or ended, by now? */
static int look_at(struct freeze *freeze, struct held *held)
{
	siginfo_t info = {};
	int event, sig;

	if (waitid(P_PID, (id_t)held->tid, &info,
		   WSTOPPED | WEXITED | WNOHANG | WNOWAIT | __WALL)) {
		held->state = HELD_GONE;
		return 0;
	}
	if (!info.si_pid)
		return 0;
	if (info.si_code != CLD_STOPPED && info.si_code != CLD_TRAPPED) {
		held->state = HELD_GONE;
		/* An exec by another thread waits for this. The process itself is its parent's. */
		if (held->tid != freeze->pid)
			waitid(P_PID, (id_t)held->tid, &info, WEXITED | WNOHANG | __WALL);
		return 0;
	}
	held->state = HELD_STOPPED;
	event = info.si_status >> 8;
	sig = info.si_status & 0x7f;
	if (!event)
		held->signal = sig;
	if (event != PTRACE_EVENT_STOP || sig == SIGTRAP)
		return 0;
	pr_error("stop: process %d was stopped by a signal just now: it is left alone; let it go "
		 "on with kill -CONT %d",
		 freeze->pid, freeze->pid);
	return -EAGAIN;
}

static int look_at_all(struct freeze *freeze, struct held **waiting)
{
	*waiting = NULL;
	for (size_t i = 0; i < freeze->cnt; i++) {
		struct held *held = &freeze->held[i];
		int err = held->state == HELD_ASKED ? look_at(freeze, held) : 0;

		if (err)
			return err;
		if (held->state == HELD_ASKED)
			*waiting = held;
	}
	return 0;
}

static int wait_all(struct freeze *freeze)
{
	static const struct timespec slow = { .tv_nsec = SLOW_NS };
	uint64_t deadline = freeze->since_ns + (uint64_t)freeze->patience_ms * 1000000;

	for (unsigned int rounds = 0;; rounds++) {
		struct held *waiting;
		int err = look_at_all(freeze, &waiting);
		char state;

		if (err || !waiting)
			return err;
		if (rounds < BUSY_ROUNDS) {
			sched_yield();
			continue;
		}
		/* A main thread that ends before the others is never reported. */
		state = task_status(freeze->pid, waiting->tid).state;
		if (state == 'Z' || state == 'X') {
			waiting->state = HELD_GONE;
			continue;
		}
		if (clock_now_ns() > deadline) {
			pr_error("stop: thread %d of process %d did not stop within %d ms: it is "
				 "in state %c; all were let go, try again later",
				 waiting->tid, freeze->pid, freeze->patience_ms,
				 state ? state : '?');
			return -ETIMEDOUT;
		}
		nanosleep(&slow, NULL);
	}
}

static void ask_all(struct freeze *freeze)
{
	for (size_t i = 0; i < freeze->cnt; i++) {
		struct held *held = &freeze->held[i];

		if (held->state != HELD_SEIZED)
			continue;
		/* Fails when it has ended, which the wait tells. */
		ptrace(PTRACE_INTERRUPT, held->tid, NULL, NULL);
		held->state = HELD_ASKED;
	}
}

int freeze_stop(struct freeze *freeze)
{
	size_t known;
	int err;

	freeze->since_ns = clock_now_ns();
	/* Done when all have stopped and a look after that finds no other. */
	do {
		known = freeze->cnt;
		ask_all(freeze);
		err = wait_all(freeze);
		if (!err)
			err = freeze_seize(freeze);
	} while (!err && freeze->cnt != known);
	return err;
}

int freeze_describe(const struct freeze *freeze, struct stopped_thread **out, size_t *cnt)
{
	struct stopped_thread *threads = calloc(freeze->cnt + 1, sizeof(*threads));
	size_t stopped = 0;

	if (!threads)
		return -ENOMEM;
	for (size_t i = 0; i < freeze->cnt; i++) {
		if (freeze->held[i].state == HELD_STOPPED)
			read_registers(freeze->held[i].tid, &threads[stopped++]);
	}
	if (!stopped) {
		pr_error("stop: process %d ended while it was being stopped", freeze->pid);
		free(threads);
		return -ESRCH;
	}
	*out = threads;
	*cnt = stopped;
	return 0;
}

void freeze_let_go(struct freeze *freeze)
{
	for (size_t i = 0; i < freeze->cnt; i++) {
		const struct held *held = &freeze->held[i];

		/* Fails when it was killed meanwhile. */
		if (held->state == HELD_STOPPED)
			ptrace(PTRACE_DETACH, held->tid, NULL, (void *)(intptr_t)held->signal);
	}
}

void freeze_wait_free(struct freeze *freeze)
{
	static const struct timespec moment = { .tv_nsec = SLOW_NS };

	for (size_t i = 0; i < freeze->cnt; i++) {
		const struct held *held = &freeze->held[i];

		if (held->state == HELD_STOPPED || held->state == HELD_GONE)
			continue;
		for (int n = 0; n < FREE_TRIES && task_status(freeze->pid, held->tid).tracer; n++)
			nanosleep(&moment, NULL);
	}
	free(freeze->held);
	freeze->held = NULL;
	freeze->cnt = freeze->room = freeze->at = 0;
}
