/* SPDX-License-Identifier: BSD-2-Clause */
/* One request at a time over a pair of sockets: a byte there, an int back. */
#include "collect/alloc_keeper.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"

#define MAX_LINKS 2

enum request { REQUEST_ATTACH = 'a', REQUEST_DETACH = 'd' };

struct alloc_keeper {
	pid_t pid;
	int socket;
};

/* ---- the process */

struct kept {
	const struct alloc_link_options *options;
	size_t cnt;
	struct alloc_link *links[MAX_LINKS];
};

static void detach(struct kept *kept)
{
	for (size_t i = kept->cnt; i; i--)
		alloc_link_close(take_ptr(kept->links[i - 1]));
}

static int attach(struct kept *kept)
{
	int err = 0;

	for (size_t i = 0; !err && i < kept->cnt; i++)
		err = alloc_link_open(&kept->options[i], &kept->links[i]);
	if (err)
		detach(kept);
	return err;
}

static int by_number(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

static void close_between(int first, int last)
{
	if (first <= last)
		syscall(SYS_close_range, (unsigned int)first, (unsigned int)last, 0);
}

/* What else is open here is not closed when the tool closes it. */
static void close_others(const struct kept *kept, int socket, int tool)
{
	int keep[MAX_LINKS + 3] = { STDERR_FILENO, socket, tool }, from = 0;
	size_t cnt = 3;

	for (size_t i = 0; i < kept->cnt; i++)
		keep[cnt++] = bpf_program__fd(kept->options[i].program);
	qsort(keep, cnt, sizeof(keep[0]), by_number);
	for (size_t i = 0; i < cnt; i++) {
		close_between(from, keep[i] - 1);
		from = keep[i] + 1;
	}
	close_between(from, INT32_MAX);
}

/* Away from the terminal's signals, and as urgent as whoever closes windows. */
static void settle(const struct kept *kept, int socket, int tool)
{
	const struct sched_param first = { .sched_priority = sched_get_priority_min(SCHED_FIFO) };
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	setsid();
	prctl(PR_SET_NAME, "pyleak-keeper");
	sched_setscheduler(0, SCHED_FIFO, &first);
	close_others(kept, socket, tool);
}

/* False: the tool has closed it, or has ended; a process that it forked may have its end still. */
static bool wait_request(int socket, int tool, char *request)
{
	struct pollfd fds[] = { { .fd = socket, .events = POLLIN },
				{ .fd = tool, .events = POLLIN } };

	while (poll(fds, ARRAY_SIZE(fds), -1) < 0)
		if (errno != EINTR)
			return false;
	return !fds[1].revents && recv(socket, request, 1, 0) == 1;
}

static void keep(const struct alloc_link_options *options, size_t cnt, int socket, int tool)
{
	struct kept kept = { .options = options, .cnt = cnt };
	char request;

	settle(&kept, socket, tool);
	while (wait_request(socket, tool, &request)) {
		int err = 0;

		if (request == REQUEST_ATTACH)
			err = attach(&kept);
		else
			detach(&kept);
		if (send(socket, &err, sizeof(err), MSG_NOSIGNAL) != sizeof(err))
			break;
	}
	detach(&kept);
	_exit(0);
}

/* ---- the tool's side */

static int start(const struct alloc_link_options *links, size_t cnt, struct alloc_keeper *keeper)
{
	_cleanup_close_ int tool = (int)syscall(SYS_pidfd_open, getpid(), 0);
	int sockets[2];

	if (tool < 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets))
		return -errno;
	keeper->pid = fork();
	if (!keeper->pid)
		keep(links, cnt, sockets[1], tool);
	close(sockets[1]);
	keeper->socket = sockets[0];
	return keeper->pid < 0 ? -errno : 0;
}

int alloc_keeper_open(const struct alloc_link_options *links, size_t cnt, struct alloc_keeper **out)
{
	struct alloc_keeper *keeper = calloc(1, sizeof(*keeper));
	int err = cnt > MAX_LINKS ? -E2BIG : 0;

	if (!keeper)
		return -ENOMEM;
	keeper->socket = -1;
	if (!err)
		err = start(links, cnt, keeper);
	if (err) {
		pr_error("allocation probes: cannot start a process to hold them: %s",
			 strerror(-err));
		alloc_keeper_close(keeper);
		return err;
	}
	*out = keeper;
	return 0;
}

void alloc_keeper_close(struct alloc_keeper *keeper)
{
	if (!keeper)
		return;
	if (keeper->socket >= 0)
		close(keeper->socket);
	while (keeper->pid > 0 && waitpid(keeper->pid, NULL, 0) < 0 && errno == EINTR)
		;
	free(keeper);
}

static int ask(struct alloc_keeper *keeper, char request)
{
	ssize_t got;
	int err = 0;

	if (send(keeper->socket, &request, 1, MSG_NOSIGNAL) != 1)
		return -EPIPE;
	do
		got = recv(keeper->socket, &err, sizeof(err), 0);
	while (got < 0 && errno == EINTR);
	return got == sizeof(err) ? err : -EPIPE;
}

int alloc_keeper_attach(struct alloc_keeper *keeper)
{
	return ask(keeper, REQUEST_ATTACH);
}

void alloc_keeper_detach(struct alloc_keeper *keeper)
{
	ask(keeper, REQUEST_DETACH);
}
