/* SPDX-License-Identifier: BSD-2-Clause */
/* What /proc tells about the threads of a process, as far as stopping them needs it. */
#ifndef PYLEAK_SNAPSHOT_TASK_H
#define PYLEAK_SNAPSHOT_TASK_H

#include <stddef.h>
#include <sys/types.h>

struct task_status {
	char state;   /* as in /proc/PID/stat; 0 = there is no such thread */
	pid_t tracer; /* 0 = none */
};

struct task_status task_status(pid_t pid, pid_t tid);
/* May every thread be stopped? Logs one line and returns -errno: -EBUSY, -EAGAIN, -ESRCH. */
int task_check_all(pid_t pid);
/* Logs that `tracer` traces the process; -EBUSY. */
int task_log_traced(pid_t pid, pid_t tracer);

/* Calls `visit` for every thread until it returns non-zero, which is returned. -ESRCH when the
 * process is gone. */
int task_each(pid_t pid, int (*visit)(pid_t tid, void *context), void *context);

#endif
