/* SPDX-License-Identifier: BSD-2-Clause */
/* A keeper (keeper.h) that makes a link and takes it out again, each time it is asked: windows open
 * and close all the time. */
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
