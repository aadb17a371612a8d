/* SPDX-License-Identifier: BSD-2-Clause */
/* One program on many places of a file, for one process: where the kernel can, as one link, whose
 * breakpoints come and go together; else as a perf event per place. */
#ifndef PYLEAK_ALLOC_LINK_H
#define PYLEAK_ALLOC_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct bpf_program;
struct alloc_link;

struct alloc_link_options {
	const struct bpf_program *program;
	bool multi; /* the program is loaded with ALLOC_LINK_MULTI */
	pid_t pid;
	const char *path;
	const uint64_t *offsets;    /* in the file; the index is the cookie */
	const uint64_t *semaphores; /* of USDT, 0 = none; NULL: none at all */
	size_t cnt;
};

/* The expected attach type of a program for one link: BPF_TRACE_UPROBE_MULTI, which the headers of
 * Linux 6.1 and libbpf 1.1 do not know. */
#define ALLOC_LINK_MULTI 48

/* One link is possible, and it knows processes: from 6.6 to 6.10 it took only the thread that has
 * the process's number. */
bool alloc_link_can_multi(void);

/* Logs one line and returns -errno. */
int alloc_link_open(const struct alloc_link_options *options, struct alloc_link **out);
/* Returns when all breakpoints are out. NULL is fine. */
void alloc_link_close(struct alloc_link *link);

#endif
