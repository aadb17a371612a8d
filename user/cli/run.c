/* SPDX-License-Identifier: BSD-2-Clause */
/* `run -- COMMAND`: a child that is traced from its exec on, so that the probes are in before
 * CPython runs. It is stepped from system call to system call until a file with a CPython is
 * mapped (the executable itself, or libpython), then let go: from there on it is watched like
 * any other process. Only a process that we started is ever traced. */
#include "cli/verbs.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"

#define MAX_STOPS 200000
#define START_PATIENCE_S 10

static pid_t start_command(char *const *command)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
		_exit(127);
	execvp(command[0], command);
	fprintf(stderr, "pyleak-bpf: run: cannot start %s: %s\n", command[0], strerror(errno));
	_exit(127);
}

/* The child while it is traced, on its way to Python. */
struct child {
	pid_t pid;
	int status; /* of the last wait */
	struct target target;
	struct python file;
	struct early_watch early;
	size_t executable_cnt; /* mappings when files were last looked at */
};

static size_t count_executable(const struct mappings *maps)
{
	size_t cnt = 0;

	for (size_t i = 0; i < maps->cnt; i++)
		cnt += maps->items[i].executable && maps->items[i].inode;
	return cnt;
}

/* Has a file with a CPython been mapped by now? Looks only when something new was. */
static bool has_python(struct child *child)
{
	size_t cnt;

	if (target_read_maps(&child->target))
		return false;
	cnt = count_executable(&child->target.maps);
	if (cnt == child->executable_cnt)
		return false;
	child->executable_cnt = cnt;
	return !python_find_file(&child->target, &child->file);
}

/* 0 = Python is mapped and the child is stopped; -ECHILD = it ended. */
static int step_to_python(struct child *child)
{
	for (int i = 0; i < MAX_STOPS; i++) {
		int signal = 0, err;

		if (waitpid(child->pid, &child->status, 0) != child->pid)
			return -errno;
		if (WIFEXITED(child->status) || WIFSIGNALED(child->status))
			return -ECHILD;
		if (i == 0) {
			ptrace(PTRACE_SETOPTIONS, child->pid, NULL, PTRACE_O_TRACESYSGOOD);
			err = target_open(child->pid, &child->target);
			if (err)
				return err;
		} else if (WSTOPSIG(child->status) != (SIGTRAP | 0x80) &&
			   WSTOPSIG(child->status) != SIGTRAP) {
			signal = WSTOPSIG(child->status);
		}
		if (has_python(child))
			return 0;
		if (ptrace(PTRACE_SYSCALL, child->pid, NULL, (void *)(long)signal))
			return -errno;
	}
	return -ENOEXEC;
}

static int report_ended(const char *name, int status)
{
	if (WIFSIGNALED(status))
		pr_error("run: %s was ended by signal %d before Python started", name,
			 WTERMSIG(status));
	else if (WEXITSTATUS(status) != 127)
		pr_error("run: %s ended with status %d before Python started", name,
			 WEXITSTATUS(status));
	return EXIT_FAILED;
}

/* When the watch ends first (-d, Ctrl-C), the program goes on without us. */
static int watch_child(const struct options *options, struct child *child)
{
	struct session_wants wants = { .young = true, .scan = true, .early = &child->early };
	struct session session;
	int status;

	if (session_open(options, child->pid, wants, START_PATIENCE_S, &session)) {
		pr_error("run: process %d goes on unwatched", child->pid);
		return EXIT_FAILED;
	}
	status = watch_session(&session);
	session_close(&session);
	return status;
}

static int step_and_watch(const struct options *options, struct child *child)
{
	const char *name = options->command[0];
	int err = step_to_python(child);

	if (err == -ECHILD)
		return report_ended(name, child->status);
	if (!err)
		err = early_watch_open(&child->target, &child->file, &child->early);
	else
		pr_error("run: %s does not start a CPython: %s", name, strerror(-err));
	ptrace(PTRACE_DETACH, child->pid, NULL, NULL);
	return err ? EXIT_FAILED : watch_child(options, child);
}

int verb_run(const struct options *options)
{
	struct child child = { .pid = start_command(options->command), .target.pidfd = -1 };
	int status;

	if (child.pid < 0) {
		pr_error("run: cannot fork: %s", strerror(errno));
		return EXIT_FAILED;
	}
	status = step_and_watch(options, &child);
	early_watch_close(&child.early);
	python_close(&child.file);
	target_close(&child.target);
	return status;
}
