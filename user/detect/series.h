/* SPDX-License-Identifier: BSD-2-Clause */
/* Bounded history. A timeline is the clock that many series share: when samples were taken and
 * what the collector had done by then. A series is one number at each of these samples. */
#ifndef PYLEAK_SERIES_H
#define PYLEAK_SERIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SERIES_RAW 64	  /* newest samples kept one by one */
#define SERIES_BUCKETS 64 /* whole history: even, they are merged in pairs */

struct tick {
	double time_s;
	uint64_t young; /* garbage objects found by young collections so far */
	uint64_t fulls; /* full collections so far */
};

struct timeline {
	uint64_t sample_cnt;
	struct tick raw[SERIES_RAW]; /* ring, by sample number */
	struct tick bucket_first[SERIES_BUCKETS];
	struct tick bucket_last[SERIES_BUCKETS];
	size_t bucket_cnt;
	uint64_t bucket_width; /* samples per bucket, a power of two */
	uint64_t last_fill;    /* samples in the newest bucket */
	struct tick first;
};

struct series_history {
	double raw[SERIES_RAW]; /* ring, by sample number */
	float lo[SERIES_BUCKETS];
	float hi[SERIES_BUCKETS]; /* NAN: nothing known in this bucket */
};

/* One rise since the last fall, and the tallest and longest that ended in a fall. A fall takes
 * back half of a rise or more. */
struct teeth {
	double base, base_s; /* where and when the present rise began */
	double peak;
	double longest_s, highest; /* of the rises that fell */
	unsigned int fall_cnt;
	unsigned int gc_fall_cnt; /* falls at a full collection */
	double last_fall_s;
	double before_full; /* value before a full collection that is not yet judged */
	bool full_pending;
	bool outlived_full; /* the present rise was there before a full collection, and after */
};

enum hold_state {
	HOLD_NONE,
	HOLD_SUSPECT,
	HOLD_LEAK,
	HOLD_ENDED, /* was a leak, grows no more */
	HOLD_FELL,  /* was a leak, fell back */
};

/* What the series was called, and what it did since: the judge's memory, see hold.c. */
struct hold {
	enum hold_state state;
	double base, base_s; /* where and when the growth began */
	double lost;	     /* from `top` to the newest samples */
	double top, top_s;   /* highest low point */
	double mark, mark_s; /* low point at the last real progress */
	double from, from_s; /* ... or at the end of a pause since then */
	uint64_t top_sample, mark_sample, end_sample;
	double confidence;
	bool proved; /* a container proved it, see promote.c */
};

struct series {
	double value;
	double min_rise;		/* falls of smaller rises are noise */
	uint64_t first_sample;		/* number of the first sample with a value */
	uint64_t changed_sample;	/* number of the newest sample with another value */
	uint64_t merged_width;		/* bucket width that history follows */
	struct series_history *history; /* NULL until the value changes */
	struct teeth teeth;
	struct hold hold;
};

void timeline_init(struct timeline *timeline);
/* Call once per sample, before series_add() of that sample. */
void timeline_add(struct timeline *timeline, const struct tick *tick);
const struct tick *timeline_newest(const struct timeline *timeline);
/* Full collections, and garbage that young ones found, after `since_s`. */
void timeline_gc_since(const struct timeline *timeline, double since_s, uint64_t *fulls,
		       uint64_t *young);

/* `since_start`: `value` held from the first sample on; else nothing is known before the
 * newest. series_deinit() frees and is safe on a zeroed struct. */
void series_init(struct series *series, const struct timeline *timeline, double value,
		 double min_rise, bool since_start);
void series_deinit(struct series *series);
/* The value at the newest sample. 0 or -ENOMEM, after which the series is as before. */
int series_add(struct series *series, const struct timeline *timeline, double value);

/* Newest raw samples that can be asked for. */
size_t series_available(const struct series *series, const struct timeline *timeline);
/* Has the value moved within the newest `samples`? */
bool series_moved(const struct series *series, const struct timeline *timeline, size_t samples);
/* The newest `want` samples ending `skip` before the newest, as minima of `window` samples
 * each. Returns the number of points, 0 when there are not so many samples. */
size_t series_recent(const struct series *series, const struct timeline *timeline, size_t want,
		     size_t skip, size_t window, double *t, double *y);
/* The lower envelope of the whole history, in windows at least `width_s` long; an incomplete
 * last window is left out. At most SERIES_BUCKETS points. */
size_t series_envelope(const struct series *series, const struct timeline *timeline, double width_s,
		       double *t, double *y);

#endif
