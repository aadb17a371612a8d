/* SPDX-License-Identifier: BSD-2-Clause */
/* Who makes the objects of a leak: the main job's question to the probes on allocations. */
#ifndef PYLEAK_MAKERS_H
#define PYLEAK_MAKERS_H

#include "cli/alloc_watch.h"
#include "detect/verdict.h"

struct makers {
	struct session *session;
	struct alloc_watch *watch; /* NULL: not needed so far */
	bool failed;		   /* no probes can be had; said once */
	bool asking;
	uint64_t asked_ns;
	uint64_t before;	    /* what was seen by then */
	struct alloc_stacks stacks; /* the newest answer */
	bool answered;
};

/* With `exact` the probes are in from now on; else from the first leak on, in windows. */
int makers_open(struct session *session, bool exact, struct makers *out);
void makers_close(struct makers *makers);

/* A leak was called: who makes it? */
void makers_ask(struct makers *makers, const struct verdict *leak);
/* After every sample; true: there is a new answer. */
bool makers_step(struct makers *makers);
/* NULL: none so far. Asks what was seen by now, at the end. */
const struct alloc_stacks *makers_answer(struct makers *makers);

#endif
