/* SPDX-License-Identifier: BSD-2-Clause */
/* Graphviz's program, as a child. Laying out a large picture can take for ever: it has a limit. */
#include "report/dot.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"

#define RENDER_LIMIT_NS 30000000000ULL
#define WAIT_NS 10000000L

extern char **environ;

/* The child's wait status; -ETIME when it had to be killed. */
static int wait_for(pid_t pid)
{
	const struct timespec pause = { .tv_nsec = WAIT_NS };
	uint64_t until = clock_now_ns() + RENDER_LIMIT_NS;
	int status;

	for (;;) {
		pid_t done = waitpid(pid, &status, WNOHANG);

		if (done == pid)
			return status;
		if (done < 0 && errno != EINTR)
			return -errno;
		if (clock_now_ns() > until)
			break;
		nanosleep(&pause, NULL);
	}
	kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return -ETIME;
}

/* The session blocks signals that it reads by a descriptor: the child must not inherit that. */
static int start(char *const *arguments, pid_t *out)
{
	posix_spawnattr_t attributes;
	sigset_t none;
	int err;

	sigemptyset(&none);
	err = posix_spawnattr_init(&attributes);
	if (err)
		return -err;
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
	err = posix_spawnp(out, arguments[0], NULL, &attributes, arguments, environ);
	posix_spawnattr_destroy(&attributes);
	return -err;
}

int picture_render(const char *dot_path, const char *format, const char *out_path)
{
	char type[24];
	char *arguments[] = { "dot", type, "-Gdpi=110", "-o", (char *)out_path, (char *)dot_path,
			      NULL };
	pid_t pid;
	int status, err;

	snprintf(type, sizeof(type), "-T%s", format);
	/* In SVG a unit is a point already, and the picture can be scaled. */
	if (strcmp(format, "png"))
		arguments[2] = "-Gdpi=72";
	err = start(arguments, &pid);
	if (err == -ENOENT)
		pr_error("report: Graphviz's program 'dot' is not installed; "
			 "apt-get install graphviz, or draw %s elsewhere",
			 dot_path);
	else if (err)
		pr_error("report: cannot start Graphviz's 'dot': %s", strerror(-err));
	if (err)
		return err;
	status = wait_for(pid);
	if (status == 0)
		return 0;
	if (status == -ETIME)
		pr_error("report: Graphviz's 'dot' took over 30 s on %s: ask for fewer nodes",
			 dot_path);
	else
		pr_error("report: Graphviz's 'dot' failed on %s", dot_path);
	return status == -ETIME ? -ETIME : -EIO;
}
