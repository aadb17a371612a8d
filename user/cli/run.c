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

/* A cheap look: does any mapped file's name or the executable hold CPython? Decided by its
 * symbols in python_find(); here only whether it is worth asking. */
static bool is_python_mapped(pid_t pid)
{
	char path[64], line[4400];
	bool found = false;
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	maps = fopen(path, "re");
	while (maps && !found && fgets(line, sizeof(line), maps))
		found = strstr(line, " r-xp ") && strstr(line, "python");
	if (maps)
		fclose(maps);
	return found;
}

/* 0 = Python is mapped and the child is stopped; -ECHILD = it ended (status in *status). */
static int step_to_python(pid_t pid, int *status)
{
	for (int i = 0; i < MAX_STOPS; i++) {
		int signal = 0;

		if (waitpid(pid, status, 0) != pid)
			return -errno;
		if (WIFEXITED(*status) || WIFSIGNALED(*status))
			return -ECHILD;
		if (i == 0)
			ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_TRACESYSGOOD);
		else if (WSTOPSIG(*status) != (SIGTRAP | 0x80) && WSTOPSIG(*status) != SIGTRAP)
			signal = WSTOPSIG(*status);
		if (is_python_mapped(pid))
			return 0;
		if (ptrace(PTRACE_SYSCALL, pid, NULL, (void *)(long)signal))
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
static int watch_child(const struct options *options, pid_t pid)
{
	struct session session;
	int status;

	if (session_open(options, pid, (struct session_wants){ .young = true }, START_PATIENCE_S,
			 &session)) {
		pr_error("run: process %d goes on unwatched", pid);
		return EXIT_FAILED;
	}
	status = watch_session(&session);
	session_close(&session);
	return status;
}

int verb_run(const struct options *options)
{
	pid_t pid = start_command(options->command);
	int status = 0, err;

	if (pid < 0) {
		pr_error("run: cannot fork: %s", strerror(errno));
		return EXIT_FAILED;
	}
	err = step_to_python(pid, &status);
	if (err == -ECHILD)
		return report_ended(options->command[0], status);
	ptrace(PTRACE_DETACH, pid, NULL, NULL);
	if (err) {
		pr_error("run: %s does not start a CPython: %s", options->command[0],
			 strerror(-err));
		return EXIT_FAILED;
	}
	return watch_child(options, pid);
}
