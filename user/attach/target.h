/* SPDX-License-Identifier: BSD-2-Clause */
/* The watched process: held by a pidfd, so that a process that takes over its number is never
 * mistaken for it. */
#ifndef PYLEAK_TARGET_H
#define PYLEAK_TARGET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "attach/proc_maps.h"
#include "attach/remote.h"

struct target {
	pid_t pid;
	int pidfd;
	uint64_t start_ticks; /* since boot */
	char program[256];    /* command line, for a person; control bytes are spaces */
	struct remote *remote;
	struct mappings maps;
};

/* Logs one line and returns -errno: -ESRCH no such process, -EPERM/-EACCES not allowed. */
int target_open(pid_t pid, struct target *out);
void target_close(struct target *target);

/* Reads /proc/PID/maps anew. -ESRCH when the process has ended (a zombie has no mappings). */
int target_read_maps(struct target *target);
/* False once the process has ended; a zombie has ended. */
bool target_is_alive(const struct target *target);
/* CPU time of all threads since their start, in ns; 0 = not known. */
uint64_t target_cpu_ns(const struct target *target);
/* Bytes of memory that the kernel counts as resident; 0 = not known. */
uint64_t target_rss(const struct target *target);
/* Number of processes that it forked and that live. */
unsigned int target_children(const struct target *target);
/* Identity of the executable: changes when the process calls exec. 0 = not known. */
uint64_t target_program_mark(const struct target *target);
/* A path that opens the mapped file itself, also when it was deleted or lies in another mount
 * namespace. */
void target_mapping_path(const struct target *target, const struct mapping *mapping, char *path,
			 size_t size);

#endif
