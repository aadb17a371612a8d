/* SPDX-License-Identifier: BSD-2-Clause */
/* The threads that one tracer holds. All calls are to be made from that thread. */
#ifndef PYLEAK_SNAPSHOT_FREEZE_H
#define PYLEAK_SNAPSHOT_FREEZE_H

#include "snapshot/stop.h"

struct held;

struct freeze {
	pid_t pid;
	int patience_ms;
	struct held *held;
	size_t cnt, room, at; /* at: where a look-up begins */
	uint64_t since_ns;    /* when the first was asked to stop */
};

/* All log one line and return -errno, as stop_threads() does. */

/* Becomes the tracer of the threads that it does not trace yet; they go on. */
int freeze_seize(struct freeze *freeze);
/* Stops them, and those that they made meanwhile. */
int freeze_stop(struct freeze *freeze);
/* Registers of those that stopped; free with free(). */
int freeze_describe(const struct freeze *freeze, struct stopped_thread **out, size_t *cnt);
/* Lets go those that stopped; the others are let go when the tracer ends. */
void freeze_let_go(struct freeze *freeze);
/* For after the end of the tracer, which is not waited for by pthread_join(): returns when it
 * traces none any more. */
void freeze_wait_free(struct freeze *freeze);

#endif
