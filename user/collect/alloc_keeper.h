/* SPDX-License-Identifier: BSD-2-Clause */
/* A process of ours that holds a link, for the one case in which a descriptor's end does not
 * take its breakpoints out: a process that is killed while it takes them out leaves the rest in
 * the target for ever (Linux 6.18, kernel/events/uprobes.c, "failed to unregister, leaking
 * uprobe": get_user_pages() ends with a fatal signal). Windows close all the time. When the tool
 * dies, the keeper sees it, takes them out and ends. */
#ifndef PYLEAK_ALLOC_KEEPER_H
#define PYLEAK_ALLOC_KEEPER_H

#include "collect/alloc_link.h"

struct alloc_keeper;

/* Starts the process. The link, and all that it points to, is as it is now. Logged. */
int alloc_keeper_open(const struct alloc_link_options *link, struct alloc_keeper **out);
/* Takes the breakpoints out, too. NULL is fine. */
void alloc_keeper_close(struct alloc_keeper *keeper);

/* As alloc_link_open(); -EPIPE when the keeper is gone. */
int alloc_keeper_attach(struct alloc_keeper *keeper);
/* Returns when all breakpoints are out. */
void alloc_keeper_detach(struct alloc_keeper *keeper);

#endif
