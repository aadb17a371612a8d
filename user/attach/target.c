/* SPDX-License-Identifier: BSD-2-Clause */
/* What /proc tells about the process. Opened once the pidfd is held and checked again after, so
 * that everything read belongs to the same process. */
#include "attach/target.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"

static FILE *open_proc(const struct target *target, const char *name)
{
	char path[400];

	snprintf(path, sizeof(path), "/proc/%d/%s", target->pid, name);
	return fopen(path, "re");
}

/* Field `number` (from 3 on) of /proc/PID/stat; the name before it may hold anything. */
static int stat_field(const struct target *target, int number, uint64_t *value, char *state)
{
	_cleanup_fclose_ FILE *file = open_proc(target, "stat");
	char line[2048], *at;
	size_t len;

	if (!file)
		return -errno;
	len = fread(line, 1, sizeof(line) - 1, file);
	line[len] = '\0';
	at = strrchr(line, ')');
	if (!at || at[1] != ' ')
		return -EBADMSG;
	at += 2;
	*state = *at;
	for (int field = 3; field < number && at; field++) {
		at = strchr(at, ' ');
		at = at ? at + 1 : NULL;
	}
	if (!at)
		return -EBADMSG;
	*value = strtoull(at, NULL, 10);
	return 0;
}

bool target_is_alive(const struct target *target)
{
	struct pollfd poll_fd = { .fd = target->pidfd, .events = POLLIN };

	return poll(&poll_fd, 1, 0) == 0;
}

static void read_program(struct target *target)
{
	_cleanup_fclose_ FILE *file = open_proc(target, "cmdline");
	size_t len = file ? fread(target->program, 1, sizeof(target->program) - 1, file) : 0;

	while (len && !target->program[len - 1])
		len--;
	target->program[len] = '\0';
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)target->program[i] < ' ')
			target->program[i] = ' ';
	}
}

int target_read_maps(struct target *target)
{
	_cleanup_fclose_ FILE *file = open_proc(target, "maps");
	struct mappings maps;
	int err;

	if (!file)
		return errno == ENOENT ? -ESRCH : -errno;
	err = mappings_parse(file, &maps);
	if (err)
		return err;
	if (!maps.cnt) {
		mappings_deinit(&maps);
		/* A kernel thread, a zombie, or a process that we may not look into. */
		return ferror(file) ? -EACCES : -ESRCH;
	}
	mappings_deinit(&target->maps);
	target->maps = maps;
	return 0;
}

/* The first one's number is fixed (PROC_PID_INIT_INO, linux/proc_ns.h). */
static bool in_pid_namespace(void)
{
	struct stat status;

	return !stat("/proc/self/ns/pid", &status) && status.st_ino != 0xEFFFFFFCU;
}

static int open_fail(struct target *target, pid_t pid, int err)
{
	if ((err == -ESRCH || err == -ENOENT) && in_pid_namespace())
		pr_error("target: no process %d: only those of this container, by their numbers in "
			 "it, are seen here; run the tool on the host or with --pid=host",
			 pid);
	else if (err == -ESRCH || err == -ENOENT)
		pr_error("target: no process %d: check the number with pgrep -a python", pid);
	else if (err == -EACCES || err == -EPERM)
		pr_error("target: not permitted to look into process %d: %s; run as root (in a "
			 "container: with CAP_SYS_PTRACE)",
			 pid, strerror(-err));
	else
		pr_error("target: cannot open process %d: %s", pid, strerror(-err));
	target_close(target);
	return err;
}

int target_open(pid_t pid, struct target *out)
{
	struct target target = { .pid = pid, .pidfd = -1 };
	char state = 0;
	int err;

	target.pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (target.pidfd < 0) {
		/* EINVAL: a thread's number, or none that a process can have. */
		return open_fail(&target, pid, errno == EINVAL ? -ESRCH : -errno);
	}
	err = stat_field(&target, 22, &target.start_ticks, &state);
	if (!err && (state == 'Z' || state == 'X'))
		err = -ESRCH;
	if (!err)
		err = target_read_maps(&target);
	if (!err)
		err = remote_open(pid, &target.remote);
	if (!err)
		read_program(&target);
	if (!err && !target_is_alive(&target))
		err = -ESRCH;
	if (err)
		return open_fail(&target, pid, err);
	*out = target;
	return 0;
}

void target_close(struct target *target)
{
	if (target->pidfd >= 0)
		close(target->pidfd);
	target->pidfd = -1;
	remote_close(target->remote);
	target->remote = NULL;
	mappings_deinit(&target->maps);
}

/* Adds up what `read` makes of the file `name` of every thread: /proc/PID/task/TID/name. */
static uint64_t sum_over_threads(const struct target *target, const char *name,
				 uint64_t (*read)(FILE *file))
{
	char path[64], file_name[300];
	struct dirent *entry;
	uint64_t sum = 0;
	DIR *tasks;

	snprintf(path, sizeof(path), "/proc/%d/task", target->pid);
	tasks = opendir(path);
	if (!tasks)
		return 0;
	while ((entry = readdir(tasks))) {
		_cleanup_fclose_ FILE *file = NULL;

		if (entry->d_name[0] == '.')
			continue;
		snprintf(file_name, sizeof(file_name), "task/%s/%s", entry->d_name, name);
		file = open_proc(target, file_name);
		if (file)
			sum += read(file);
	}
	closedir(tasks);
	return sum;
}

/* The first number of schedstat: ns on a CPU. */
static uint64_t read_cpu_ns(FILE *file)
{
	uint64_t ns;

	return fscanf(file, "%" SCNu64, &ns) == 1 ? ns : 0;
}

uint64_t target_cpu_ns(const struct target *target)
{
	return sum_over_threads(target, "schedstat", read_cpu_ns);
}

uint64_t target_rss(const struct target *target)
{
	_cleanup_fclose_ FILE *file = open_proc(target, "statm");
	uint64_t pages;

	if (!file || fscanf(file, "%*u %" SCNu64, &pages) != 1)
		return 0;
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t count_children(FILE *file)
{
	uint64_t cnt = 0;
	int child;

	while (fscanf(file, "%d", &child) == 1)
		cnt++;
	return cnt;
}

/* The kernel lists a child with the thread that forked it. */
unsigned int target_children(const struct target *target)
{
	return (unsigned int)sum_over_threads(target, "children", count_children);
}

uint64_t target_program_mark(const struct target *target)
{
	struct stat status;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/exe", target->pid);
	if (stat(path, &status))
		return 0;
	return (uint64_t)status.st_ino ^ (uint64_t)status.st_dev << 40;
}

void target_mapping_path(const struct target *target, const struct mapping *mapping, char *path,
			 size_t size)
{
	snprintf(path, size, "/proc/%d/map_files/%" PRIx64 "-%" PRIx64, target->pid, mapping->start,
		 mapping->end);
}
