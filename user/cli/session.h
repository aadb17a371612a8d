/* SPDX-License-Identifier: BSD-2-Clause */
/* One target from attach to end: the loop that every verb but doctor runs. */
#ifndef PYLEAK_SESSION_H
#define PYLEAK_SESSION_H

#include "attach/python.h"
#include "attach/target.h"
#include "cli/options.h"
#include "collect/collector.h"
#include "report/report.h"

struct alloc_watch;

struct session {
	const struct options *options;
	struct target target;
	struct python python;
	struct collector *collector;
	struct report *report;
	uint64_t begin_ns;
	uint64_t program_mark;
	uint64_t censuses;
	uint64_t censuses_by[5]; /* index: enum instrument */
	unsigned int children;	 /* most that lived at once */
	struct loss losses[PYLEAK_LOSS_CNT];
	struct alloc_watch *allocs; /* not owned; NULL: no probes on allocations */
	/* What else the loop waits for; -1 = nothing. */
	int extra_fd;
	int (*on_extra)(struct session *session, void *context);
	/* SIGUSR1 came; NULL: it is not taken. */
	int (*on_request)(struct session *session, void *context);
};

struct session_wants {
	bool pauses;
	bool young;
	bool no_census;
	struct early_watch *early; /* see collector.h; NULL = none */
	bool scan;		   /* also look for containers that the GC does not track */
};

/* Opens the target, finds its Python and attaches; tells the report what is watched. Logs one
 * line and returns -errno. A target that is still starting is waited for `patience_s`. */
int session_open(const struct options *options, pid_t pid, struct session_wants wants,
		 double patience_s, struct session *out);
void session_close(struct session *session);

/* Takes a census every interval and calls `on_sample` after each; ends when that returns
 * non-zero (0 = go on), after the duration, on SIGINT or SIGTERM, or with the target. */
int session_loop(struct session *session, int (*on_sample)(struct session *session, void *context),
		 void *context, enum watch_end *end);

/* What is known now, without verdicts. Points into the session. */
void session_status(struct session *session, struct status *out);
double session_elapsed(const struct session *session);

#endif
