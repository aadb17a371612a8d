/* SPDX-License-Identifier: BSD-2-Clause */
/* Windows in which probes on allocations are in: opened and closed by a thread of their own, which
 * does nothing else, so that a burst closes its window whatever the rest of the tool is doing. */
#ifndef PYLEAK_ALLOC_WINDOWS_H
#define PYLEAK_ALLOC_WINDOWS_H

#include "collect/alloc_probes.h"
#include "collect/governor.h"

struct alloc_windows;

struct alloc_windows_options {
	struct alloc_probes *probes; /* loaded, not attached; used by the windows alone until they
				      * are closed, but for alloc_probes_each_*() and _suspect() */
	double budget;		     /* share of one core */
	bool stacks;
	/* What other instruments have spent by now, in ns; called by the thread. */
	uint64_t (*others_ns)(void *context);
	void *context;
};

struct alloc_windows_seen {
	uint64_t windows;
	uint64_t cut_short;
	uint64_t open_ns;
	uint64_t spent_ns;
	uint64_t hits;
	uint64_t longest_late_ns; /* from the kernel side's word to the last breakpoint's end */
	int err;		  /* why no further window is opened; 0 = goes on */
};

/* Starts the thread. -EOPNOTSUPP: this kernel closes windows too slowly for a budget. */
int alloc_windows_open(const struct alloc_windows_options *options, struct alloc_windows **out);
/* Closes the window that is open and ends the thread. What was seen stays readable in the probes.
 */
void alloc_windows_close(struct alloc_windows *windows);
void alloc_windows_seen(struct alloc_windows *windows, struct alloc_windows_seen *out);

#endif
