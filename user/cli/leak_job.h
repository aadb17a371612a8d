/* SPDX-License-Identifier: BSD-2-Clause */
/* Who holds what leaks, found out while the watch goes on: a child process takes the snapshot,
 * makes the graph, draws the picture and writes what it found to a pipe. Its memory, which may be
 * large, goes with it; the parent's promises of memory and time hold. */
#ifndef PYLEAK_LEAK_JOB_H
#define PYLEAK_LEAK_JOB_H

#include "cli/session.h"
#include "detect/verdict.h"

struct leak_job;

/* Starts the child on these leaks: heads of their groups; none: the heap at a glance. The verdicts
 * are copied. 0 or -errno, logged. */
int leak_job_start(struct session *session, const struct verdict *leaks, size_t cnt,
		   struct leak_job **out);
/* Readable when there is something to take. */
int leak_job_fd(const struct leak_job *job);
/* Takes what the child wrote. 1 = it has ended and all is there, 0 = not yet, or -errno. */
int leak_job_take(struct leak_job *job);
/* What it wrote, in the report's own format; belongs to the job. */
const char *leak_job_text(const struct leak_job *job, size_t *len);
/* Ends the child if it runs. NULL is fine. */
void leak_job_close(struct leak_job *job);

#endif
