/* SPDX-License-Identifier: BSD-2-Clause */
/* What the samples mean: the noun between detect and report. Plain data. */
#ifndef PYLEAK_VERDICT_H
#define PYLEAK_VERDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum verdict_kind {
	VERDICT_STABLE,
	VERDICT_SAWTOOTH,   /* rises and falls back; the lower envelope does not grow */
	VERDICT_SATURATING, /* each window grows less: a cache that fills, a warm-up */
	VERDICT_GC_LAG,	    /* garbage that waits for a full collection */
	VERDICT_SUSPECT,    /* grows, the evidence is not enough yet */
	VERDICT_NATIVE,	    /* memory grows, Python's objects do not explain it */
	VERDICT_LEAK,
};

const char *verdict_name(enum verdict_kind kind);

enum subject_kind {
	SUBJECT_TYPE,	   /* live count of a type */
	SUBJECT_CONTAINER, /* length of one container */
	SUBJECT_MEMORY,	   /* memory outside Python's objects; unit is bytes */
};

struct verdict {
	enum verdict_kind kind;
	enum subject_kind subject;
	const char *name;   /* type name; container: its type's name; memory: "memory" */
	const char *holds;  /* container: type of its elements, or NULL */
	uint64_t address;   /* container only */
	double confidence;  /* 0..1 that the verdict holds */
	uint64_t live;	    /* newest count, length, or bytes */
	uint64_t bytes;	    /* newest shallow bytes */
	double slope_per_s; /* of the lower envelope, over the evidence window */
	double slope_lo;    /* 95 % interval of it */
	double slope_hi;
	double growth;	       /* over the evidence window */
	double evidence_s;     /* length of the evidence window */
	double first_growth_s; /* watch time when the growth began */
	/* Bytes of RSS growth per unit of growth when nothing else grows; 0 = not attributable.
	 * Counts what the objects hold, not only themselves. */
	double rss_per_unit;
	unsigned int group; /* verdicts with the same non-zero group grow together: one leak */
	bool head;	    /* the one that names its group */
	char why[160];	    /* one sentence of evidence, for a person */
};

#endif
