/* SPDX-License-Identifier: BSD-2-Clause */
/* One series in, one judgement out. Internal to detect. */
#ifndef PYLEAK_JUDGE_H
#define PYLEAK_JUDGE_H

#include "detect/series.h"
#include "detect/trend.h"
#include "detect/verdict.h"

/* Samples in a row, at the least, before anything is called a leak. 22 steps: a batch list
 * that is emptied every 20 samples never rises that long. */
#define JUDGE_SAMPLES_MIN 23

struct judge_context {
	const struct timeline *timeline;
	double interval_s;
	double nats_needed;	 /* for a leak; grows with the number of series tested */
	double tested;		 /* that number */
	bool gc_enabled;	 /* ... and its counters are known */
	double garbage_per_full; /* objects that a full collection finds, on average */
};

struct judge_rules {
	double min_growth; /* less is never called growth */
	double quantum;	   /* what values are counted in */
	double level;	   /* what growth is relative to, 0 = the series itself */
	bool collectable;  /* could be garbage that waits */
	const char *unit;  /* "" or " bytes", for the sentence */
};

struct judgement {
	enum verdict_kind kind; /* never VERDICT_NATIVE: that is for the caller to say */
	struct trend trend;	/* of the evidence window, n = 0 when there is none */
	double start_s;		/* of the evidence window */
	double first_growth_s;
	double confidence;
	bool slow; /* as slow as the rising half of a daily cycle */
	char why[160];
};

/* Keeps series->hold: a leak is easier to confirm than to call, and stays called while it gives
 * nothing back. Of a stable series nothing but out->kind is set. */
void judge_series(struct series *series, const struct judge_context *context,
		  const struct judge_rules *rules, struct judgement *out);

/* Log likelihood that a leak needs so that `tested` series raise a false alarm together in
 * less than one of 200 watches of 120 samples. */
double judge_nats_needed(double tested);

#endif
