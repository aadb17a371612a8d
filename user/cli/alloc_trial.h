/* SPDX-License-Identifier: BSD-2-Clause */
/* Are the places where a process allocates all that there are? Tried on the process itself. */
#ifndef PYLEAK_ALLOC_TRIAL_H
#define PYLEAK_ALLOC_TRIAL_H

#include "attach/target.h"
#include "collect/alloc_probes.h"

struct alloc_trial {
	struct alloc_seen seen;
	double elapsed_s;
};

/* Puts probes on the places for 0.3 s that compare with the interpreter's own count at every hit.
 * Logs one line and returns -errno. */
int alloc_trial(const struct target *target, const struct python *python,
		const struct gc_lists *lists, const struct alloc_sites *sites,
		struct alloc_trial *out);

/* Something was missed, or was no object: counts would be wrong. */
bool alloc_trial_failed(const struct alloc_trial *trial);

#endif
