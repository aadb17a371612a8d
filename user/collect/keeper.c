/* SPDX-License-Identifier: BSD-2-Clause */
#include "collect/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"

static int by_number(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

static void close_between(int first, int last)
{
	if (first <= last)
		syscall(SYS_close_range, (unsigned int)first, (unsigned int)last, 0);
}

void keeper_settle(int *keep, size_t cnt)
{
	sigset_t all;
	int from = 0;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	setsid();
	prctl(PR_SET_NAME, "pyleak-keeper");
	/* What else is open here would not be closed when the tool closes it. */
	qsort(keep, cnt, sizeof(keep[0]), by_number);
	for (size_t i = 0; i < cnt; i++) {
		if (from <= STDERR_FILENO && STDERR_FILENO < keep[i]) {
			close_between(from, STDERR_FILENO - 1);
			from = STDERR_FILENO + 1;
		}
		close_between(from, keep[i] - 1);
		from = keep[i] + 1;
	}
	close_between(from, INT32_MAX);
}

static void keep(int link, int pipe, int tool)
{
	struct pollfd ends[] = { { .fd = pipe, .events = POLLIN },
				 { .fd = tool, .events = POLLIN } };
	int all[] = { link, pipe, tool };

	keeper_settle(all, ARRAY_SIZE(all));
	/* A process that the tool forked may have its end of the pipe still. */
	while (poll(ends, ARRAY_SIZE(ends), -1) < 0 && errno == EINTR)
		;
	close(link);
	_exit(0);
}

int keeper_open(int link_fd, struct keeper *out)
{
	_cleanup_close_ int tool = (int)syscall(SYS_pidfd_open, getpid(), 0);
	struct keeper keeper;
	int pipes[2], err;

	if (tool < 0 || pipe2(pipes, O_CLOEXEC))
		return -errno;
	keeper.pid = fork();
	if (!keeper.pid)
		keep(link_fd, pipes[0], tool);
	err = keeper.pid < 0 ? -errno : 0;
	close(pipes[0]);
	keeper.pipe = pipes[1];
	if (err)
		close(pipes[1]);
	else
		*out = keeper;
	return err;
}

void keeper_close(struct keeper *keeper)
{
	if (!keeper->pid)
		return;
	close(keeper->pipe);
	while (waitpid(keeper->pid, NULL, 0) < 0 && errno == EINTR)
		;
	keeper->pid = 0;
}
