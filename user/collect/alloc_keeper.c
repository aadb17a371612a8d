/* SPDX-License-Identifier: BSD-2-Clause */
/* One request at a time over a pair of sockets: a byte there, an int back. */
#include "collect/alloc_keeper.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "collect/keeper.h"

enum request { REQUEST_ATTACH = 'a', REQUEST_DETACH = 'd' };

struct alloc_keeper {
	pid_t pid;
	int socket;
};

/* ---- the process */

/* As urgent as whoever closes windows. */
static void settle(const struct alloc_link_options *link, int socket, int tool)
{
	const struct sched_param first = { .sched_priority = sched_get_priority_min(SCHED_FIFO) };
	int keep[] = { socket, tool, bpf_program__fd(link->program) };

	keeper_settle(keep, ARRAY_SIZE(keep));
	sched_setscheduler(0, SCHED_FIFO, &first);
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

static void keep(const struct alloc_link_options *options, int socket, int tool)
{
	struct alloc_link *link = NULL;
	char request;

	settle(options, socket, tool);
	while (wait_request(socket, tool, &request)) {
		int err = 0;

		if (request == REQUEST_ATTACH)
			err = alloc_link_open(options, &link);
		else
			alloc_link_close(take_ptr(link));
		if (send(socket, &err, sizeof(err), MSG_NOSIGNAL) != sizeof(err))
			break;
	}
	alloc_link_close(link);
	_exit(0);
}

/* ---- the tool's side */

static int start(const struct alloc_link_options *link, struct alloc_keeper *keeper)
{
	_cleanup_close_ int tool = (int)syscall(SYS_pidfd_open, getpid(), 0);
	int sockets[2], err;

	if (tool < 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets))
		return -errno;
	keeper->pid = fork();
	if (!keeper->pid)
		keep(link, sockets[1], tool);
	err = keeper->pid < 0 ? -errno : 0;
	close(sockets[1]);
	keeper->socket = sockets[0];
	return err;
}

int alloc_keeper_open(const struct alloc_link_options *link, struct alloc_keeper **out)
{
	struct alloc_keeper *keeper = calloc(1, sizeof(*keeper));
	int err;

	if (!keeper)
		return -ENOMEM;
	keeper->socket = -1;
	err = start(link, keeper);
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
