/* SPDX-License-Identifier: BSD-2-Clause */
/* The judge's memory. A leak goes on at any pace: it speeds up, slows down, pauses, comes in
 * bursts, and each of these bends the newest samples away from the line that evidence.c asks
 * for. So a call is not taken back because the newest horizon would not make it. It ends when
 * the series gives back a real part of what it gained, or makes no progress for long. What a
 * reader would get wrong: progress is more than a new maximum: a cache that is
 * nearly full sets new maxima, one by one, for ever. */
#include "detect/hold.h"

#include <math.h>
#include <stdio.h>

#define LOW_SAMPLES 6 /* low points are minima of so many samples, or of the longest tooth */
/* What is given back to lose the call: in-flight objects and a flush of some of it are less. */
#define FALL_SHARE 0.3
#define SUSPECT_FALL_SHARE 0.2
/* Progress is a piece of this share, gained at this share of the mean pace so far. A pause, of
 * which the end is no progress yet, does not count in the pace of the piece. An exponential
 * approach makes its last progress after two time constants, and loses the call after three. */
#define PROGRESS_SHARE 0.03
#define PROGRESS_PACE 0.3
#define STALE_SAMPLES 24 /* the low points lag by LOW_SAMPLES: 30 from the last growth on */
#define STALE_SHARE 0.5	 /* of the time it grew */
#define SUSPECT_STALE_SAMPLES 6
#define PAUSE_SAMPLES 4

/* The lower envelope now, and the highest of the newest three: one torn count is no fall. */
static void newest_bounds(const struct series *series, const struct timeline *timeline, double *low,
			  double *high)
{
	double now_s = timeline_newest(timeline)->time_s;
	size_t available = series_available(series, timeline);

	*low = INFINITY;
	*high = -INFINITY;
	for (size_t i = 0; i < available; i++) {
		uint64_t sample = (timeline->sample_cnt - 1 - i) % SERIES_RAW;
		double value = series->history->raw[sample];

		if (i >= LOW_SAMPLES &&
		    now_s - timeline->raw[sample].time_s > series->teeth.longest_s)
			break;
		*low = fmin(*low, value);
		if (i < 3)
			*high = fmax(*high, value);
	}
}

static double value_at(const struct series *series, const struct timeline *timeline, double time_s)
{
	size_t available = series_available(series, timeline);
	double value = series->value;

	for (size_t i = 0; i < available; i++) {
		uint64_t sample = (timeline->sample_cnt - 1 - i) % SERIES_RAW;

		if (timeline->raw[sample].time_s < time_s)
			break;
		value = series->history->raw[sample];
	}
	return value;
}

/* The growth is as old as the rise, unless most of that came before the evidence: a warm-up. */
static void hold_open(struct series *series, const struct timeline *timeline, enum hold_state state,
		      double start_s, double start)
{
	const struct teeth *teeth = &series->teeth;
	struct hold *hold = &series->hold;
	double now_s = timeline_newest(timeline)->time_s;
	double low, high;

	newest_bounds(series, timeline, &low, &high);
	*hold = (struct hold){ .state = state, .base = start, .base_s = start_s };
	if (teeth->base_s < start_s && teeth->base < start &&
	    high - teeth->base <= 2 * (high - start)) {
		hold->base = teeth->base;
		hold->base_s = teeth->base_s;
	}
	hold->top = hold->mark = fmax(low, hold->base);
	hold->from = hold->top;
	hold->top_s = hold->mark_s = hold->from_s = now_s;
	hold->top_sample = hold->mark_sample = timeline->sample_cnt;
}

static bool made_progress(const struct hold *hold, double now_s, double min_growth)
{
	double gain = hold->mark - hold->base;
	double pace = gain / fmax(hold->mark_s - hold->base_s, 1e-9);
	double piece = hold->top - hold->from;

	return piece >= fmax(PROGRESS_SHARE * gain, 0.2 * min_growth) &&
	       piece >= PROGRESS_PACE * pace * (now_s - hold->from_s);
}

/* Follows the low points. */
static void hold_track(struct series *series, const struct timeline *timeline, double min_growth)
{
	struct hold *hold = &series->hold;
	double now_s = timeline_newest(timeline)->time_s;
	double low, high;

	newest_bounds(series, timeline, &low, &high);
	hold->lost = hold->top - high;
	if (low <= hold->top)
		return;
	if (timeline->sample_cnt - hold->top_sample >= PAUSE_SAMPLES) {
		hold->from = hold->top;
		hold->from_s = now_s;
	}
	hold->top = low;
	hold->top_s = now_s;
	hold->top_sample = timeline->sample_cnt;
	if (made_progress(hold, now_s, min_growth)) {
		hold->mark = hold->from = low;
		hold->mark_s = hold->from_s = now_s;
		hold->mark_sample = timeline->sample_cnt;
	}
}

static bool has_fallen(const struct series *series, const struct judge_context *context,
		       const struct judge_rules *rules, double share)
{
	const struct hold *hold = &series->hold;
	double gain = hold->top - hold->base;

	/* A fall by half needs no second look. */
	if (series->teeth.last_fall_s >= timeline_newest(context->timeline)->time_s &&
	    series->value - hold->base < 0.5 * gain)
		return true;
	return hold->lost > fmax(share * gain, 0.25 * rules->min_growth);
}

static bool is_stale(const struct hold *hold, const struct timeline *timeline, uint64_t samples,
		     double share)
{
	double now_s = timeline_newest(timeline)->time_s;

	return timeline->sample_cnt - hold->mark_sample > samples &&
	       now_s - hold->mark_s > share * (hold->mark_s - hold->base_s);
}

/* After a call: it ended, it did not turn out to be nothing. */
static enum verdict_kind after_end(struct hold *hold, const struct timeline *timeline,
				   enum verdict_kind judged)
{
	uint64_t since = timeline->sample_cnt - hold->end_sample;

	if (judged == VERDICT_SUSPECT && since >= STALE_SAMPLES)
		return judged;
	if (judged != VERDICT_STABLE && judged != VERDICT_SUSPECT)
		return judged;
	if (since >= SERIES_RAW) {
		hold->state = HOLD_NONE;
		return judged;
	}
	return hold->state == HOLD_FELL ? VERDICT_SAWTOOTH : VERDICT_SATURATING;
}

void hold_watch(struct series *series, const struct judge_context *context,
		const struct judge_rules *rules)
{
	const struct timeline *timeline = context->timeline;
	struct hold *hold = &series->hold;

	if (hold->state != HOLD_LEAK && hold->state != HOLD_SUSPECT)
		return;
	hold_track(series, timeline, rules->min_growth);
	if (hold->state == HOLD_SUSPECT) {
		if (has_fallen(series, context, rules, SUSPECT_FALL_SHARE) ||
		    is_stale(hold, timeline, SUSPECT_STALE_SAMPLES, 0))
			hold->state = HOLD_NONE;
		return;
	}
	if (has_fallen(series, context, rules, FALL_SHARE))
		hold->state = HOLD_FELL;
	else if (is_stale(hold, timeline, STALE_SAMPLES, STALE_SHARE))
		hold->state = HOLD_ENDED;
	hold->end_sample = timeline->sample_cnt;
}

enum verdict_kind hold_decide(struct series *series, const struct judge_context *context,
			      const struct evidence *newest, enum verdict_kind judged)
{
	struct hold *hold = &series->hold;
	enum hold_state state = hold->state;
	bool weaker = judged == VERDICT_STABLE ||
		      (judged == VERDICT_SATURATING && newest->grade == GRADE_NONE);

	if (judged == VERDICT_LEAK) {
		if (state != HOLD_LEAK)
			hold_open(series, context->timeline, HOLD_LEAK, newest->start_s,
				  newest->y[0]);
		hold->confidence = 1;
		return judged;
	}
	if (state == HOLD_LEAK)
		return VERDICT_LEAK;
	if (state == HOLD_FELL || state == HOLD_ENDED)
		return after_end(hold, context->timeline, judged);
	if (judged == VERDICT_SUSPECT && state == HOLD_NONE)
		hold_open(series, context->timeline, HOLD_SUSPECT, newest->start_s, newest->y[0]);
	if (state == HOLD_SUSPECT && weaker)
		return VERDICT_SUSPECT;
	if (judged != VERDICT_SUSPECT)
		hold->state = HOLD_NONE;
	return judged;
}

void hold_prove(struct series *series, const struct timeline *timeline, double start_s,
		double confidence, bool by_container)
{
	if (series->hold.state != HOLD_LEAK)
		hold_open(series, timeline, HOLD_LEAK, start_s,
			  value_at(series, timeline, start_s));
	series->hold.confidence = confidence;
	series->hold.proved = by_container;
}

double hold_confidence(const struct hold *hold, const struct timeline *timeline)
{
	double still = (double)(timeline->sample_cnt - hold->mark_sample) / (2.0 * STALE_SAMPLES);

	return hold->confidence * (1 - fmin(still, 0.5));
}

void hold_describe(const struct series *series, const struct judge_context *context,
		   const struct judge_rules *rules, struct judgement *out)
{
	const struct hold *hold = &series->hold;
	const struct timeline *timeline = context->timeline;
	double gain = hold->top - hold->base;
	double pause_s = timeline_newest(timeline)->time_s - hold->top_s;

	if (out->kind == VERDICT_SAWTOOTH)
		snprintf(out->why, sizeof(out->why), "had grown by %.4g%s, and fell back", gain,
			 rules->unit);
	else if (out->kind == VERDICT_SATURATING)
		snprintf(out->why, sizeof(out->why),
			 "had grown by %.4g%s, and hardly grows any more", gain, rules->unit);
	else if (timeline->sample_cnt - hold->top_sample >= PAUSE_SAMPLES)
		snprintf(out->why, sizeof(out->why),
			 "grew by %.4g%s in %.3g s, pauses for %.3g s, and gave back %s", gain,
			 rules->unit, hold->top_s - hold->base_s, pause_s,
			 series->value < hold->top - 0.05 * gain ? "little" : "nothing");
	else
		snprintf(out->why, sizeof(out->why),
			 "grew by %.4g%s in %.3g s at an uneven pace, gave nothing back, now "
			 "%+.3g%s/s",
			 gain, rules->unit, hold->top_s - hold->base_s, out->trend.slope,
			 rules->unit);
}
