/* SPDX-License-Identifier: BSD-2-Clause */
/* Grades growth over several horizons that end now: the newest samples one by one and as minima
 * of three, and the whole history's lower envelope; the best grade counts. A strong one must
 * beat every random walk by `nats_needed`, be a line (`wander`), not slow down (`bend`), set a
 * new minimum in each of six windows, and go on now. What a reader would get wrong: growth that
 * slows down over a long horizon is often a straight line over a short one, so the block before
 * the evidence is asked too; but a warm-up that ended must not hide the leak after it. */
#include "detect/evidence.h"

#include <math.h>
#include <string.h>

#include "base/cleanup.h"

#define SUSPECT_SAMPLES_MIN 20
#define SUSPECT_NATS 12.0
#define CONFIRM_NATS 8.0 /* for a series that was called a leak the last time */
#define WANDER_MAX 0.6	 /* white noise has 0.5, half a sine wave over 0.6 */
#define SPAN_MIN_S 15.0	 /* however short the interval */
#define DAY_S 86400.0
#define DAILY_RATE (2 * 2 * M_PI / DAY_S)
#define UNEVEN_POINT 3	 /* samples per low point */
#define UNEVEN_WINDOWS 4 /* of 10 samples or more */

static bool is_called(const struct series *series)
{
	return series->hold.state == HOLD_LEAK;
}

/* How many of the windows set a higher minimum than the one before, the newest counted only
 * if the growth goes on at 0.4 of its pace. Returns -1 when it does not go on. */
static int count_rises(const struct evidence *c)
{
	double lo[EVIDENCE_WINDOWS];
	int rises = 0;

	for (size_t w = 0; w < EVIDENCE_WINDOWS; w++) {
		lo[w] = INFINITY;
		for (size_t i = w * c->n / EVIDENCE_WINDOWS; i < (w + 1) * c->n / EVIDENCE_WINDOWS;
		     i++)
			lo[w] = fmin(lo[w], c->y[i]);
		rises += w && lo[w] > lo[w - 1];
	}
	if ((lo[EVIDENCE_WINDOWS - 1] - lo[EVIDENCE_WINDOWS - 3]) / 2 <
	    0.4 * (lo[EVIDENCE_WINDOWS - 1] - lo[0]) / (EVIDENCE_WINDOWS - 1))
		return -1;
	return rises;
}

/* A daily cycle grows at 2 pi / day of its level, and at twice that where it is deep. Over
 * minutes that bound holds. Over longer times the foot of a cycle that goes down to nothing
 * comes into view: t seconds after it, the load grows at 2 / t of its level and speeds up, and
 * that passes for straight (WANDER_MAX) once t is twice the span. */
static bool is_slow(const struct trend *trend, double level)
{
	double rate = trend->slope / fmax(level, 1);

	if (rate < DAILY_RATE || trend->span_s < 120)
		return rate < DAILY_RATE;
	return rate < 12 * DAILY_RATE && (trend->growth < 0.85 * level || trend->bend > 0.3);
}

static enum grade grade_points(struct evidence *c, const struct judge_context *context,
			       const struct judge_rules *rules, bool called)
{
	double needed = called ? CONFIRM_NATS : context->nats_needed;
	double bend_max = called ? 0.6 : 0.18 + 0.35 * c->trend.bend_se;
	int rises;

	if (c->trend.slope <= 0 || c->trend.growth < rules->min_growth)
		return GRADE_NONE;
	if (c->trend.nats < (called ? CONFIRM_NATS : SUSPECT_NATS))
		return GRADE_NONE;
	if (c->trend.bend < -bend_max)
		return GRADE_BENT;
	rises = count_rises(c);
	if (c->trend.wander > WANDER_MAX || rises < EVIDENCE_WINDOWS - 3)
		return GRADE_NONE;
	c->rises = (unsigned int)rises;
	if (c->trend.nats < needed ||
	    rises < (called || c->n >= 40 ? EVIDENCE_WINDOWS - 2 : EVIDENCE_WINDOWS - 1))
		return GRADE_WEAK;
	return GRADE_STRONG;
}

/* Fits and grades the points in `c`. */
static void grade_candidate(struct evidence *c, const struct series *series,
			    const struct judge_context *context, const struct judge_rules *rules)
{
	c->grade = GRADE_NONE;
	if (!trend_fit(c->t, c->y, c->n, rules->quantum, &c->trend))
		return;
	c->start_s = c->t[0];
	c->level = rules->level > 0 ? rules->level : c->y[c->n - 1];
	c->grade = grade_points(c, context, rules, is_called(series));
	c->slow = is_slow(&c->trend, c->level) && c->trend.span_s < 2 * DAY_S;
}

static double rank_of(const struct evidence *c)
{
	return c->grade * 1000.0 + (c->slow ? 0 : 500.0) + fmin(c->trend.nats, 400);
}

static void keep_better(struct evidence *best, const struct evidence *c)
{
	if (c->grade != GRADE_NONE && (best->grade == GRADE_NONE || rank_of(c) > rank_of(best)))
		*best = *c;
}

/* Was the pace faster in a block before the evidence, as if it died away exponentially? Then
 * the evidence must bend by a known measure; when it clearly does not, the block was a warm-up.
 * `factor`: what is still noise. Ten times faster is no approach but a step. */
static bool was_faster(const struct evidence *c, const double *t, const double *y, size_t n,
		       double factor)
{
	struct trend before;
	double apart, ratio, bend;

	if (!trend_fit(t, y, n, 0, &before))
		return false;
	ratio = before.slope / c->trend.slope;
	if (ratio < factor || ratio > 10 || before.bend < -4)
		return false;
	if (ratio < 2.5)
		return true; /* too small a bend to see */
	apart = c->t[0] + c->trend.span_s / 2 - t[0] - before.span_s / 2;
	bend = -log(ratio) * c->trend.span_s / apart;
	return c->trend.bend < 0.5 * bend + 3 * fmax(c->trend.bend_se, 0.12);
}

/* An exponential approach looks like a line from near, so the block before the evidence is
 * asked, of equal length and as far back as there is. Much faster, or with a kink, was a
 * warm-up or a step, and says nothing. */
static bool slows_down(const struct evidence *c, const struct series *series,
		       const struct judge_context *context, size_t samples)
{
	double t[SERIES_RAW], y[SERIES_RAW];
	size_t rest = series_available(series, context->timeline) - samples;
	size_t n = series_recent(series, context->timeline, rest, samples, 1, t, y);
	size_t equal = n < samples ? n : samples;

	return was_faster(c, t + n - equal, y + n - equal, equal, n < samples ? 1.3 : 1.2) ||
	       was_faster(c, t, y, n, n < samples ? 1.3 : 1.2);
}

/* The thin tail of a large rise: what is left of a cache that fills looks steady in places. */
static bool is_tail(const struct evidence *c, const struct series *series,
		    const struct judge_context *context)
{
	double rise = series->teeth.peak - series->teeth.base;
	double rise_s = timeline_newest(context->timeline)->time_s - series->teeth.base_s;

	return c->trend.growth < 0.15 * rise && c->trend.slope < 0.5 * rise / rise_s;
}

static void grade_recent(struct evidence *best, const struct series *series,
			 const struct judge_context *context, const struct judge_rules *rules)
{
	/* 26 grows from 23: what a watch of half a minute has. */
	static const struct {
		size_t want, window;
	} scales[] = {
		{ 23, 1 }, { 26, 1 }, { 24, 3 }, { 32, 1 }, { 45, 1 }, { 64, 1 }, { 63, 3 }
	};
	size_t available = series_available(series, context->timeline);
	double span_min_s = fmax(0.9 * (JUDGE_SAMPLES_MIN - 1) * context->interval_s, SPAN_MIN_S);
	struct evidence c = { 0 };
	bool flat = false;

	if (available >= SUSPECT_SAMPLES_MIN && available < JUDGE_SAMPLES_MIN) {
		c.n = series_recent(series, context->timeline, available, 0, 1, c.t, c.y);
		grade_candidate(&c, series, context, rules);
		if (c.grade == GRADE_STRONG)
			c.grade = GRADE_WEAK;
		keep_better(best, &c);
	}
	for (size_t i = 0; i < ARRAY_SIZE(scales) && scales[i].want <= available; i++) {
		/* Nothing new at all: longer horizons may differ, those alike will not. */
		if (flat && scales[i].want <= 32)
			continue;
		c.n = series_recent(series, context->timeline, scales[i].want, 0, scales[i].window,
				    c.t, c.y);
		grade_candidate(&c, series, context, rules);
		flat = c.trend.growth < 0.5 * rules->min_growth;
		if (c.grade == GRADE_STRONG && c.trend.span_s < span_min_s * (c.n < 23 ? 0.8 : 1))
			c.grade = GRADE_WEAK;
		if (c.grade == GRADE_STRONG && !is_called(series) &&
		    (is_tail(&c, series, context) ||
		     slows_down(&c, series, context, scales[i].want)))
			c.grade = GRADE_BENT;
		keep_better(best, &c);
	}
}

/* A leak whose pace is uneven from the start is no line. What it has instead: beyond every walk
 * by nats, its low points never fall, it grows in each window, and no less lately than before.
 * A cache that fills never falls either; but its windows grow less and less, so one of the two
 * newest must have grown as the mean does, unless the whole hardly bends. Both beyond chance:
 * a cache of a time constant of 45 samples has 0.86 in the third window and a bend of -0.8, with
 * the noise of counting. */
static bool is_uneven(struct evidence *c, const struct judge_context *context,
		      const struct judge_rules *rules)
{
	size_t points = c->n / UNEVEN_POINT;
	double lo[SERIES_RAW / UNEVEN_POINT] = { 0 };
	double gain[UNEVEN_WINDOWS];
	double total, mean, late;
	double lost = 0;

	for (size_t i = 0; i < points; i++) {
		lo[i] = INFINITY;
		for (size_t j = c->n - (points - i) * UNEVEN_POINT, k = 0; k < UNEVEN_POINT; k++)
			lo[i] = fmin(lo[i], c->y[j + k]);
		lost += i ? fmax(lo[i - 1] - lo[i], 0) : 0;
	}
	total = lo[points - 1] - lo[0];
	mean = total / UNEVEN_WINDOWS;
	if (total < 2 * rules->min_growth || lost > 0.02 * total)
		return false;
	for (size_t w = 0; w < UNEVEN_WINDOWS; w++) {
		gain[w] = lo[(w + 1) * (points - 1) / UNEVEN_WINDOWS] -
			  lo[w * (points - 1) / UNEVEN_WINDOWS];
		if (gain[w] < 0.25 * mean)
			return false;
	}
	if (!trend_fit(c->t, c->y, c->n, rules->quantum, &c->trend) ||
	    c->trend.nats < context->nats_needed)
		return false;
	late = fmax(gain[UNEVEN_WINDOWS - 1], gain[UNEVEN_WINDOWS - 2]) / mean;
	if (late > fmax(0.86 + 4 / sqrt(mean), 1.05))
		return c->trend.bend > -0.8;
	return c->trend.bend > fmax(-0.7 + 4 * sqrt(12 / total), -0.3);
}

static void grade_uneven(struct evidence *best, const struct series *series,
			 const struct judge_context *context, const struct judge_rules *rules)
{
	static const size_t wants[] = { 42, 54, 64 };
	size_t available = series_available(series, context->timeline);
	struct evidence c = { .uneven = true, .rises = EVIDENCE_WINDOWS - 1 };
	uint64_t sample = context->timeline->sample_cnt - wants[0];

	/* Most series: not worth a copy. */
	if (available < wants[0] ||
	    series->value - series->history->raw[sample % SERIES_RAW] < rules->min_growth)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(wants) && wants[i] <= available; i++) {
		c.n = series_recent(series, context->timeline, wants[i], 0, 1, c.t, c.y);
		if (!is_uneven(&c, context, rules) || c.trend.span_s < SPAN_MIN_S ||
		    is_tail(&c, series, context))
			continue;
		c.start_s = c.t[0];
		c.level = rules->level > 0 ? rules->level : c.y[c.n - 1];
		/* No line to tell a cycle's foot by, so the bound of the foot is for all. */
		c.slow = c.trend.slope < 12 * DAILY_RATE * fmax(c.level, 1);
		if (c.slow)
			continue;
		c.grade = GRADE_STRONG;
		*best = c;
		return;
	}
}

/* Days of samples: the envelope's windows are at least as long as the longest tooth, and a day
 * where teeth of hours were seen: the day has more than one rush hour. */
static void grade_history(struct evidence *best, const struct series *series,
			  const struct judge_context *context, const struct judge_rules *rules)
{
	double tooth_s = series->teeth.longest_s;
	double width_s = tooth_s > DAY_S / 12 ? fmax(tooth_s, DAY_S) : tooth_s;
	double t[SERIES_BUCKETS], y[SERIES_BUCKETS];
	struct evidence c = { 0 };
	size_t n, half;

	if (context->timeline->sample_cnt <= SERIES_RAW)
		return;
	n = series_envelope(series, context->timeline, width_s, t, y);
	half = n / 2;
	for (size_t start = 0; start <= half; start += half) {
		c.n = n - start;
		if (!half || (start && c.n < 16))
			return;
		memcpy(c.t, t + start, c.n * sizeof(*t));
		memcpy(c.y, y + start, c.n * sizeof(*y));
		grade_candidate(&c, series, context, rules);
		if (c.grade == GRADE_STRONG && !is_called(series) &&
		    (is_tail(&c, series, context) || was_faster(&c, t, y, start, 1.2)))
			c.grade = GRADE_BENT;
		keep_better(best, &c);
	}
}

void evidence_find(struct evidence *best, const struct series *series,
		   const struct judge_context *context, const struct judge_rules *rules)
{
	*best = (struct evidence){ .grade = GRADE_NONE };
	grade_recent(best, series, context, rules);
	grade_history(best, series, context, rules);
	if (best->grade != GRADE_STRONG && !is_called(series) &&
	    series_moved(series, context->timeline, UNEVEN_POINT))
		grade_uneven(best, series, context, rules);
}
