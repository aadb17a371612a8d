/* SPDX-License-Identifier: BSD-2-Clause */
/* Windows in which probes on allocations are in: opened and closed by a thread of their own, which
 * does nothing else, so that a burst closes its window whatever the rest of the tool is doing. A
 * window stays open for as long as it costs less than the budget, so that a quiet target is seen
 * nearly always. */
#ifndef PYLEAK_ALLOC_WINDOWS_H
#define PYLEAK_ALLOC_WINDOWS_H

#include "collect/alloc_probes.h"
#include "collect/governor.h"

/* What to say of the error below. */
#define ALLOC_WINDOWS_LACK                                                                         \
	"this kernel takes probes out one by one, in seconds, which keeps no budget: use "         \
	"--exact, or Linux 6.11 or later"

struct alloc_windows;

struct alloc_windows_options {
	struct alloc_probes *probes; /* loaded, not attached; used by the windows alone until they
				      * are closed, but for alloc_probes_each_*() and _suspect() */
	double budget;		     /* share of one core; 0: no window ever opens */
	uint64_t trap_ns;	     /* price of a hit that counts nothing, from alloc_price();
				      * 0: 1 us */
	uint64_t open_ns;	     /* price of a window without its hits */
	bool stacks;
	/* What other instruments have spent by now, in ns; called by the thread. */
	uint64_t (*others_ns)(void *context);
	void *context;
};

struct alloc_windows_seen {
	uint64_t windows;
	uint64_t cut_short; /* by a burst: their allowance was used up */
	uint64_t open_ns;   /* armed */
	uint64_t spent_ns;  /* by the target: windows, and hits, also before and behind */
	uint64_t hits;
	uint64_t longest_late_ns; /* of traps from the kernel side's word to the last */
	int err;		  /* why no further window is opened; 0 = goes on */
};

/* Starts the thread and waits for its first window. -EOPNOTSUPP: this kernel closes windows too
 * slowly for a budget. */
int alloc_windows_open(const struct alloc_windows_options *options, struct alloc_windows **out);
/* Closes the window that is open, at once, and ends the thread: what was seen is final. */
void alloc_windows_stop(struct alloc_windows *windows);
/* Stops them, too. What was seen stays readable in the probes. */
void alloc_windows_close(struct alloc_windows *windows);
/* The window that is open included, as of its last look at the budget: 0.25 s ago at most. */
void alloc_windows_seen(struct alloc_windows *windows, struct alloc_windows_seen *out);

#endif
