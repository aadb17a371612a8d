/* SPDX-License-Identifier: BSD-2-Clause */
/* State and tracer of each thread: looked at before anything is touched, so that a process which
 * must be left alone never notices. */
#include "snapshot/task.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"

struct task_status task_status(pid_t pid, pid_t tid)
{
	_cleanup_fclose_ FILE *file = NULL;
	struct task_status status = {};
	char path[64], line[256];

	snprintf(path, sizeof(path), "/proc/%d/task/%d/status", pid, tid);
	file = fopen(path, "re");
	/* The name, which is the thread's choice, stands in the first line with newlines escaped.
	 */
	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "State: %c", &status.state) == 1)
			continue;
		if (sscanf(line, "TracerPid: %d", &status.tracer) == 1)
			break;
	}
	return status;
}

/* A tracer is a thread: people know its process. */
static pid_t process_of(pid_t tid, char *name, size_t size)
{
	_cleanup_fclose_ FILE *file = NULL;
	char path[64], line[256];
	pid_t pid = tid;

	snprintf(name, size, "?");
	snprintf(path, sizeof(path), "/proc/%d/status", tid);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file)) {
		if (!strncmp(line, "Name:\t", 6)) {
			line[strcspn(line, "\n")] = '\0';
			snprintf(name, size, "%.60s", line + 6);
		}
		if (sscanf(line, "Tgid: %d", &pid) == 1)
			break;
	}
	for (; *name; name++) {
		if ((unsigned char)*name < ' ')
			*name = ' ';
	}
	return pid;
}

int task_log_traced(pid_t pid, pid_t tracer)
{
	char name[64];
	pid_t process = process_of(tracer, name, sizeof(name));

	pr_error("stop: cannot stop process %d: process %d (%s) traces it; end that first", pid,
		 process, name);
	return -EBUSY;
}

int task_each(pid_t pid, int (*visit)(pid_t tid, void *context), void *context)
{
	struct dirent *entry;
	char path[64];
	int err = 0;
	DIR *tasks;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	tasks = opendir(path);
	if (!tasks)
		return errno == ENOENT ? -ESRCH : -errno;
	while (!err && (entry = readdir(tasks))) {
		if (entry->d_name[0] != '.')
			err = visit(atoi(entry->d_name), context);
	}
	closedir(tasks);
	return err;
}

struct check {
	pid_t pid;
	bool alive;
};

static int check_one(pid_t tid, void *context)
{
	struct check *check = context;
	struct task_status status = task_status(check->pid, tid);

	if (status.tracer)
		return task_log_traced(check->pid, status.tracer);
	if (status.state == 'T') {
		pr_error("stop: process %d is stopped by a signal: it is left alone; let it go on "
			 "with kill -CONT %d",
			 check->pid, check->pid);
		return -EAGAIN;
	}
	if (status.state && status.state != 'Z' && status.state != 'X')
		check->alive = true;
	return 0;
}

int task_check_all(pid_t pid)
{
	struct check check = { .pid = pid };
	int err = task_each(pid, check_one, &check);

	if (err == -EBUSY || err == -EAGAIN)
		return err;
	if (!err && !check.alive)
		err = -ESRCH;
	if (err)
		pr_error("stop: cannot stop process %d: %s", pid,
			 err == -ESRCH ? "it has ended" : strerror(-err));
	return err;
}
