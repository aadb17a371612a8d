/* SPDX-License-Identifier: BSD-2-Clause */
/* Stops all threads of the target, with ptrace: when this process dies, whatever it was doing,
 * the kernel lets them go on. No signal is sent that the target could see. */
#ifndef PYLEAK_SNAPSHOT_STOP_H
#define PYLEAK_SNAPSHOT_STOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "attach/remote.h"

struct stopped_thread {
	pid_t tid;
	raddr_t stack_pointer;	/* 0 = not known */
	raddr_t thread_pointer; /* fs base, tpidr: what pthread_self() returns; 0 = not known */
};

struct stopped;

/* Seizes and stops every thread. Logs one line and returns -errno: -EBUSY (traced by another),
 * -EPERM, -ESRCH, -ETIMEDOUT (a thread did not stop within `patience_ms`: all are let go), -EAGAIN
 * (the process was stopped by a signal already: it is not touched). */
int stop_threads(pid_t pid, int patience_ms, struct stopped **out);
/* The same at a good moment: `suits` is called often, from another thread and for a few
 * milliseconds at most, and they are stopped right after it said yes, or when the time is over. */
int stop_threads_when(pid_t pid, int patience_ms, bool (*suits)(void *context), void *context,
		      struct stopped **out);
/* Lets all go on and frees. NULL is fine. A signal that arrived meanwhile is delivered. */
void stop_release(struct stopped *stopped);

const struct stopped_thread *stopped_threads(const struct stopped *stopped, size_t *cnt);
/* When the first thread was asked to stop, as clock_now_ns(). */
uint64_t stopped_since_ns(const struct stopped *stopped);

#endif
