/* SPDX-License-Identifier: BSD-2-Clause */
/* Processes of ours that nobody has a reason to kill. The kernel takes a breakpoint out when the
 * last descriptor of its link is closed, but a process that is killed while it does so leaves it in
 * the target for ever (Linux 6.18, kernel/events/uprobes.c, "failed to unregister, leaking uprobe":
 * get_user_pages() ends with a fatal signal). So the last descriptor is a keeper's: when the tool
 * dies, it closes it and ends. */
#ifndef PYLEAK_KEEPER_H
#define PYLEAK_KEEPER_H

#include <stddef.h>
#include <sys/types.h>

/* In the new process: keeps standard error and the descriptors of `keep`, which it sorts, and is
 * out of reach of the terminal's signals. */
void keeper_settle(int *keep, size_t cnt);

/* Holds one link. */
struct keeper {
	pid_t pid; /* 0: none */
	int pipe;  /* its end is the keeper's end */
};

/* Starts a process that holds the link of that descriptor, too. 0 or -errno, not logged. */
int keeper_open(int link_fd, struct keeper *out);
/* Once the tool's own descriptor is closed: returns when the breakpoints are out. */
void keeper_close(struct keeper *keeper);

#endif
