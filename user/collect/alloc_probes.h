/* SPDX-License-Identifier: BSD-2-Clause */
/* Probes on the instructions that count allocations and frees, and what they saw. Owned by file
 * descriptors, as all probes. */
#ifndef PYLEAK_ALLOC_PROBES_H
#define PYLEAK_ALLOC_PROBES_H

#include <stdbool.h>
#include <sys/types.h>

#include <linux/types.h>

#include "attach/alloc_sites.h"
#include "pyleak_alloc.h"

struct alloc_probes;

/* Sums over the interpreters since alloc_probes_arm(). */
struct alloc_seen {
	uint64_t allocs;
	uint64_t frees; /* also those that left the count as it was, 0 */
	uint64_t decrements;
	uint64_t missed; /* allocations that moved the count without a hit */
	uint64_t missed_frees;
	uint64_t resets;   /* collections that were met */
	uint64_t objects;  /* whose type proved that they are objects */
	uint64_t others;   /* what the register held was none */
	uint64_t faults;   /* the count was not readable where it should be */
	uint64_t spent_ns; /* by the programs, without the traps */
	uint32_t interpreters;
};

/* Loads the programs and puts a probe on each place, which counts nothing yet. `look`: at what
 * the objects are, which costs three reads a hit. Logs one line and returns -errno. */
int alloc_probes_open(pid_t pid, const char *path, const struct alloc_sites *sites,
		      const struct gc_lists *lists, bool look, struct alloc_probes **out);
void alloc_probes_close(struct alloc_probes *probes);

/* From now on, until alloc_probes_disarm(), every hit counts. */
int alloc_probes_arm(struct alloc_probes *probes);
int alloc_probes_disarm(struct alloc_probes *probes);

int alloc_probes_read(struct alloc_probes *probes, struct alloc_seen *out);
/* What one place saw; `index` as in the sites. */
int alloc_probes_site(struct alloc_probes *probes, size_t index, struct pyleak_alloc_hits *out);

#endif
