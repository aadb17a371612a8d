/* SPDX-License-Identifier: BSD-2-Clause */
/* Bounded history of one number: the newest samples as they were, and the whole past in at most
 * SERIES_BUCKETS windows whose width doubles when they are used up. Only minima and maxima of
 * the past are kept: counts taken at collections have young garbage on top, so the minimum is
 * what stays. The clock is shared (struct timeline), so a series is 1 KiB, and nothing but its
 * value until that moves for the first time: most types of a program never do. What a reader
 * would get wrong: all series must be fed at each sample, else their buckets slip. */
#include "detect/series.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void timeline_init(struct timeline *timeline)
{
	*timeline = (struct timeline){ .bucket_width = 1 };
}

static void timeline_merge(struct timeline *timeline)
{
	for (size_t i = 0; i < SERIES_BUCKETS / 2; i++) {
		timeline->bucket_first[i] = timeline->bucket_first[2 * i];
		timeline->bucket_last[i] = timeline->bucket_last[2 * i + 1];
	}
	timeline->bucket_cnt = SERIES_BUCKETS / 2;
	timeline->bucket_width *= 2;
}

void timeline_add(struct timeline *timeline, const struct tick *tick)
{
	if (!timeline->sample_cnt)
		timeline->first = *tick;
	timeline->raw[timeline->sample_cnt++ % SERIES_RAW] = *tick;
	if (!timeline->bucket_cnt || timeline->last_fill == timeline->bucket_width) {
		if (timeline->bucket_cnt == SERIES_BUCKETS)
			timeline_merge(timeline);
		timeline->bucket_first[timeline->bucket_cnt++] = *tick;
		timeline->last_fill = 0;
	}
	timeline->bucket_last[timeline->bucket_cnt - 1] = *tick;
	timeline->last_fill++;
}

const struct tick *timeline_newest(const struct timeline *timeline)
{
	return &timeline->raw[(timeline->sample_cnt - 1) % SERIES_RAW];
}

void timeline_gc_since(const struct timeline *timeline, double since_s, uint64_t *fulls,
		       uint64_t *young)
{
	const struct tick *newest = timeline_newest(timeline);
	const struct tick *start = &timeline->first;
	uint64_t kept = timeline->sample_cnt < SERIES_RAW ? timeline->sample_cnt : SERIES_RAW;

	for (size_t i = 0; i < timeline->bucket_cnt; i++) {
		if (timeline->bucket_last[i].time_s <= since_s)
			start = &timeline->bucket_last[i];
	}
	for (uint64_t i = timeline->sample_cnt - kept; i < timeline->sample_cnt; i++) {
		const struct tick *tick = &timeline->raw[i % SERIES_RAW];

		if (tick->time_s <= since_s && tick->time_s > start->time_s)
			start = tick;
	}
	*fulls = newest->fulls - start->fulls;
	*young = newest->young - start->young;
}

void series_init(struct series *series, const struct timeline *timeline, double value,
		 double min_rise, bool since_start)
{
	const struct tick *start = since_start ? &timeline->first : timeline_newest(timeline);

	*series = (struct series){
		.value = value,
		.min_rise = min_rise,
		.first_sample = since_start ? 0 : timeline->sample_cnt - 1,
		.changed_sample = since_start ? 0 : timeline->sample_cnt - 1,
		.teeth = { .base = value, .base_s = start->time_s, .peak = value },
	};
}

void series_deinit(struct series *series)
{
	free(series->history);
	series->history = NULL;
}

/* The history that a value constant until now has had. */
static int series_open_history(struct series *series, const struct timeline *timeline)
{
	struct series_history *history = malloc(sizeof(*history));
	size_t first_bucket = series->first_sample / timeline->bucket_width;

	if (!history)
		return -ENOMEM;
	for (size_t i = 0; i < SERIES_RAW; i++)
		history->raw[i] = series->value;
	for (size_t i = 0; i < SERIES_BUCKETS; i++) {
		history->lo[i] = i < first_bucket ? NAN : (float)series->value;
		history->hi[i] = history->lo[i];
	}
	series->history = history;
	series->merged_width = timeline->bucket_width;
	return 0;
}

static void series_merge(struct series *series, const struct timeline *timeline)
{
	struct series_history *history = series->history;

	while (series->merged_width < timeline->bucket_width) {
		for (size_t i = 0; i < SERIES_BUCKETS / 2; i++) {
			history->lo[i] = fminf(history->lo[2 * i], history->lo[2 * i + 1]);
			history->hi[i] = fmaxf(history->hi[2 * i], history->hi[2 * i + 1]);
		}
		series->merged_width *= 2;
	}
}

/* Did the rise outlive a full collection? The collection ran after the sample before, so its
 * effect shows for certain only in the sample after the one that counted it. */
static void teeth_watch_full(struct teeth *teeth, double before, double value, double min_rise,
			     bool full)
{
	if (teeth->full_pending) {
		double rise = teeth->before_full - teeth->base;

		if (rise >= min_rise && value >= teeth->before_full - 0.5 * rise)
			teeth->outlived_full = true;
		teeth->full_pending = false;
	}
	if (full) {
		teeth->before_full = before;
		teeth->full_pending = true;
	}
}

static void teeth_add(struct teeth *teeth, double value, double now_s, double min_rise, bool full)
{
	double rise = teeth->peak - teeth->base;

	if (rise >= min_rise && teeth->peak - value >= 0.5 * rise) {
		double length_s = now_s - teeth->base_s;

		teeth->longest_s = fmax(teeth->longest_s, length_s);
		teeth->highest = fmax(teeth->highest, rise);
		teeth->fall_cnt++;
		teeth->gc_fall_cnt += full || teeth->full_pending;
		teeth->last_fall_s = now_s;
		teeth->outlived_full = false;
		teeth->full_pending = false;
		teeth->base = teeth->peak = value;
		teeth->base_s = now_s;
	} else if (value <= teeth->base) {
		teeth->base = teeth->peak = value;
		teeth->base_s = now_s;
	} else if (value > teeth->peak) {
		teeth->peak = value;
	}
}

static bool timeline_full_now(const struct timeline *timeline)
{
	uint64_t cnt = timeline->sample_cnt;

	return cnt > 1 && timeline->raw[(cnt - 1) % SERIES_RAW].fulls !=
				  timeline->raw[(cnt - 2) % SERIES_RAW].fulls;
}

int series_add(struct series *series, const struct timeline *timeline, double value)
{
	uint64_t sample = timeline->sample_cnt - 1;
	size_t bucket = timeline->bucket_cnt - 1;
	bool full = timeline_full_now(timeline);
	struct series_history *history;

	if (!series->history && value != series->value) {
		int err = series_open_history(series, timeline);

		if (err)
			return err;
		/* It stood still until the sample before. */
		if (sample > series->first_sample)
			series->teeth.base_s = timeline->raw[(sample - 1) % SERIES_RAW].time_s;
	}
	if (value != series->value)
		series->changed_sample = sample;
	history = series->history;
	if (history) {
		series_merge(series, timeline);
		if (timeline->last_fill == 1)
			history->lo[bucket] = history->hi[bucket] = (float)value;
		history->lo[bucket] = fminf(history->lo[bucket], (float)value);
		history->hi[bucket] = fmaxf(history->hi[bucket], (float)value);
		history->raw[sample % SERIES_RAW] = value;
		teeth_watch_full(&series->teeth, series->value, value, series->min_rise, full);
		teeth_add(&series->teeth, value, timeline_newest(timeline)->time_s,
			  series->min_rise, full);
	}
	series->value = value;
	return 0;
}

size_t series_available(const struct series *series, const struct timeline *timeline)
{
	uint64_t cnt = timeline->sample_cnt - series->first_sample;

	return cnt < SERIES_RAW ? cnt : SERIES_RAW;
}

bool series_moved(const struct series *series, const struct timeline *timeline, size_t samples)
{
	return series->history && timeline->sample_cnt - series->changed_sample <= samples;
}

size_t series_recent(const struct series *series, const struct timeline *timeline, size_t want,
		     size_t skip, size_t window, double *t, double *y)
{
	uint64_t start = timeline->sample_cnt - skip - want / window * window;
	size_t cnt = want / window;

	if (!series->history || want + skip > series_available(series, timeline))
		return 0;
	for (size_t i = 0; i < cnt; i++) {
		t[i] = 0;
		y[i] = INFINITY;
		for (size_t j = 0; j < window; j++) {
			uint64_t sample = (start + i * window + j) % SERIES_RAW;

			t[i] += timeline->raw[sample].time_s / (double)window;
			y[i] = fmin(y[i], series->history->raw[sample]);
		}
	}
	return cnt;
}

size_t series_envelope(const struct series *series, const struct timeline *timeline, double width_s,
		       double *t, double *y)
{
	size_t cnt = 0;
	size_t first = 0; /* bucket that opens the window */
	float lo = INFINITY;

	if (!series->history)
		return 0;
	for (size_t i = 0; i < timeline->bucket_cnt; i++) {
		bool complete = i + 1 < timeline->bucket_cnt ||
				timeline->last_fill == timeline->bucket_width;
		double end_s = i + 1 < timeline->bucket_cnt ? timeline->bucket_first[i + 1].time_s
							    : timeline->bucket_last[i].time_s;

		if (isnan(series->history->lo[i])) {
			first = i + 1;
			continue;
		}
		lo = fminf(lo, series->history->lo[i]);
		if (!complete || end_s - timeline->bucket_first[first].time_s < width_s)
			continue;
		t[cnt] = (timeline->bucket_first[first].time_s + timeline->bucket_last[i].time_s) /
			 2;
		y[cnt++] = lo;
		lo = INFINITY;
		first = i + 1;
	}
	return cnt;
}
