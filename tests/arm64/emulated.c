/* SPDX-License-Identifier: BSD-2-Clause */
/* What an emulator of programs cannot do for them, linked to tests for other machines only:
 *
 * - execute a program of the other machine, as Criterion does for each test: the kernel has to be
 *   told the emulator, which is in $PYLEAK_EMULATOR;
 * - process_vm_readv(), of the own process at least. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define MAX_ARGS 64
#define PAGE_BYTES 4096

/* The emulator answers for this link itself: with the program that it runs. */
static bool is_own_program(const char *path, char *own, size_t size)
{
	char other[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", own, size - 1);

	if (len <= 0)
		return false;
	own[len] = '\0';
	return !strcmp(path, "/proc/self/exe") || (realpath(path, other) && !strcmp(other, own));
}

int execve(const char *path, char *const argv[], char *const envp[])
{
	char own[PATH_MAX], *emulator = getenv("PYLEAK_EMULATOR");
	char *args[MAX_ARGS + 2] = { emulator, own };
	size_t cnt = 0;

	if (!emulator || !is_own_program(path, own, sizeof(own)))
		return (int)syscall(SYS_execve, path, argv, envp);
	while (argv[cnt])
		cnt++;
	if (!cnt || cnt > MAX_ARGS) {
		errno = E2BIG;
		return -1;
	}
	memcpy(args + 2, argv + 1, cnt * sizeof(*args));
	return (int)syscall(SYS_execve, emulator, args, envp);
}

/* The kernel tells which bytes of ours can be read: those that it copies into a pipe. */
static ssize_t read_own(int fds[2], uint8_t *to, const uint8_t *from, size_t size)
{
	size_t done = 0;

	while (done < size) {
		size_t rest = PAGE_BYTES - (uintptr_t)(from + done) % PAGE_BYTES;
		ssize_t got = write(fds[1], from + done, rest < size - done ? rest : size - done);

		if (got <= 0 || read(fds[0], to + done, (size_t)got) != got)
			break;
		done += (size_t)got;
	}
	if (done || !size)
		return (ssize_t)done;
	errno = EFAULT;
	return -1;
}

ssize_t process_vm_readv(pid_t pid, const struct iovec *local, unsigned long local_cnt,
			 const struct iovec *other, unsigned long other_cnt, unsigned long flags)
{
	ssize_t got;
	int fds[2];

	if (pid != getpid() || local_cnt != 1 || other_cnt != 1 || flags) {
		errno = kill(pid, 0) ? ESRCH : ENOSYS;
		return -1;
	}
	if (pipe2(fds, O_CLOEXEC))
		return -1;
	got = read_own(fds, local->iov_base, other->iov_base, local->iov_len);
	close(fds[0]);
	close(fds[1]);
	return got;
}
