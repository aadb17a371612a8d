/* SPDX-License-Identifier: BSD-2-Clause */
/* The best evidence of growth that a series has, over several horizons. Internal to detect. */
#ifndef PYLEAK_EVIDENCE_H
#define PYLEAK_EVIDENCE_H

#include "detect/judge.h"

#define EVIDENCE_WINDOWS 6

enum grade {
	GRADE_NONE,
	GRADE_WEAK,   /* grows, not sure enough */
	GRADE_BENT,   /* grows, and slows down */
	GRADE_STRONG, /* grows steadily beyond chance */
};

struct evidence {
	enum grade grade;
	struct trend trend;
	double start_s;
	double level;	    /* newest point */
	unsigned int rises; /* of EVIDENCE_WINDOWS - 1 */
	bool uneven;	    /* no line, but never falls and grows in each window */
	bool slow;	    /* as slow as the rising half of a daily cycle */
	size_t n;
	double t[SERIES_BUCKETS];
	double y[SERIES_BUCKETS];
};

/* Grades all horizons that end now; the points and the trend are the best one's. */
void evidence_find(struct evidence *best, const struct series *series,
		   const struct judge_context *context, const struct judge_rules *rules);

#endif
