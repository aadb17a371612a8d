/* SPDX-License-Identifier: BSD-2-Clause */
/* The detector's inside, shared by census.c (its tables) and detect.c (the rest). */
#ifndef PYLEAK_DETECTOR_H
#define PYLEAK_DETECTOR_H

#include <uthash.h>

#include "detect/detect.h"
#include "detect/finding.h"

#define COUNT_GROWTH_MIN 20.0 /* objects, or items of a container */

struct entry {
	char *name;
	char *holds;
	uint64_t address; /* containers: the key */
	uint64_t live, bytes;
	uint64_t seen_sample; /* number of the newest sample that has it */
	uint64_t seen_cnt;
	bool own;
	struct series series;
	UT_hash_handle hh;
};

struct detector {
	double interval_s;
	double newest_s;
	struct timeline timeline; /* of samples with a census */
	struct entry *types;	  /* by name */
	struct entry *containers; /* by address */
	struct memory_series memory;
	struct gc_counters gc; /* newest known */
	uint64_t dropped_series;
	struct finding *findings;
	size_t finding_cnt, finding_cap;
	struct verdict *verdicts;
	size_t verdict_cap;
};

/* Feeds types and containers of a sample that has a census. 0 or -ENOMEM; either way every
 * series has got its sample. */
int census_add(struct detector *detector, const struct sample *sample, const struct tick *tick);
void census_deinit(struct detector *detector);

#endif
