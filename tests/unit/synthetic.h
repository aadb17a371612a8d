/* SPDX-License-Identifier: BSD-2-Clause */
/* Made-up programs for the tests of detect: series of known shape, from a seed. */
#ifndef PYLEAK_TEST_SYNTHETIC_H
#define PYLEAK_TEST_SYNTHETIC_H

#include <stddef.h>
#include <stdint.h>

#include "detect/detect.h"

struct synthetic_rng {
	uint64_t state;
};

double synthetic_uniform(struct synthetic_rng *rng); /* [0, 1) */
double synthetic_normal(struct synthetic_rng *rng);
double synthetic_poisson(struct synthetic_rng *rng, double mean);

/* One value per sample. Healthy shapes first. */
enum shape {
	/* noise without a trend */
	SHAPE_WALK,	    /* gaussian random walk */
	SHAPE_COIN_WALK,    /* +1 or -1 */
	SHAPE_WILD_WALK,    /* heavy-tailed steps */
	SHAPE_QUEUE,	    /* random walk that cannot go below 0 */
	SHAPE_AR_FAST,	    /* AR(1), 0.5 */
	SHAPE_AR_SLOW,	    /* AR(1), 0.95 */
	SHAPE_POISSON,	    /* independent levels */
	SHAPE_IN_FLIGHT,    /* random arrivals that live for 10 samples */
	SHAPE_STATIC_CHURN, /* large heap, small churn */
	/* shapes that a program has */
	SHAPE_SINE,	       /* load of period 20 to 40, noise of 0 to 10 % */
	SHAPE_STEP,	       /* one step */
	SHAPE_SAWTOOTH,	       /* filled evenly, emptied every 5 to 20 samples */
	SHAPE_SAWTOOTH_RANDOM, /* each tooth of another length, 5 to 20 */
	SHAPE_FILL,	       /* fills to a bound within 12 samples */
	SHAPE_APPROACH,	       /* exponential approach, time constant 10 to 45 */
	SHAPE_COUPONS,	       /* random keys of a bounded key space, 12 to 45 samples' worth */
	SHAPE_TTL,	       /* entries that live for 5 to 15 samples */
	SHAPE_WARM_UP,	       /* imports: bursts that end */
	SHAPE_POOL,	       /* grows by one now and then, to a cap */
	SHAPE_HEALTHY_CNT,
	/* leaks */
	SHAPE_LEAK_STEADY = SHAPE_HEALTHY_CNT, /* 2 to 100 per sample, exactly */
	SHAPE_LEAK_POISSON,		       /* 10 to 100 per sample on average */
	SHAPE_LEAK_QUIET,		       /* 5 per sample, in-flight noise of +-5 */
	SHAPE_LEAK_BUSY,		       /* 5 per sample, in-flight noise of +-10 */
	SHAPE_LEAK_WARM,      /* warm-up with a time constant of 1 to 4, then 20 per sample */
	SHAPE_LEAK_GARBAGE,   /* 50 per sample under young garbage of up to 200 */
	SHAPE_LEAK_TWO_PACES, /* another pace, a third to three times, from sample 40 to 80 on */
	SHAPE_LEAK_PAUSE,     /* none for 5 to 12 samples, from sample 40 to 80 on */
	SHAPE_LEAK_BURSTS,    /* 0 to 60 per sample, another pace every 3 */
	SHAPE_CNT,
};

const char *synthetic_name(enum shape shape);
void synthetic_fill(enum shape shape, struct synthetic_rng *rng, double *values, size_t cnt);

/* `series_cnt` types of one shape, watched together by one detector that judges at every
 * sample. */
struct synthetic_case {
	enum shape shape;
	size_t series_cnt;
	size_t sample_cnt;
	uint64_t seed;
};

struct synthetic_result {
	size_t leak_cnt;   /* series ever called a leak */
	size_t leak_by_26; /* ... within the first 26 samples */
	size_t leak_by_48;
	size_t taken_back;	/* series that were called a leak, and later were not */
	size_t leak_at_end;	/* ... at the last sample */
	size_t suspect_cnt;	/* series ever called suspect */
	size_t suspect_samples; /* series times samples */
	size_t median_sample;	/* at which half of the leaks were called first */
};

/* 0 or -errno of the detector. */
int synthetic_watch(const struct synthetic_case *synthetic, struct synthetic_result *out);

#endif
