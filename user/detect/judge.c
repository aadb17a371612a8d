/* SPDX-License-Identifier: BSD-2-Clause */
/* Judges one series. Several horizons that end now are graded (the newest samples one by one
 * and as minima of three, and the whole history's lower envelope); the best grade counts, and
 * then the innocent explanations are asked for: a saw-tooth whose teeth are as long, a daily
 * cycle, garbage that waits for a full collection. A leak must beat every random walk by
 * `nats_needed`, be a line (`wander`), not slow down (`bend`), set a new minimum in each of six
 * windows, and go on now. What a reader would get wrong: the order. Growth that slows down over
 * a long horizon is often a straight line over a short one, so the block before the evidence is
 * asked too; but a warm-up that ended must not hide the leak after it. */
#include "detect/judge.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

#define WINDOWS 6
#define SUSPECT_SAMPLES_MIN 20
#define SUSPECT_NATS 12.0
#define CONFIRM_NATS 8.0 /* for a series that was called a leak the last time */
#define WANDER_MAX 0.6	 /* white noise has 0.5, half a sine wave over 1 */
#define SPAN_MIN_S 15.0	 /* however short the interval */
#define DAY_S 86400.0

enum grade { GRADE_NONE, GRADE_WEAK, GRADE_BENT, GRADE_STRONG };

struct candidate {
	enum grade grade;
	struct trend trend;
	double start_s;
	double level; /* newest point */
	unsigned int rises;
	bool slow;
	size_t n;
	double t[SERIES_BUCKETS];
	double y[SERIES_BUCKETS];
};

/* 400: false alarms of 120 looks at a random walk are 400 exp(-nats), by simulation (see
 * tests/unit/test_detect.c). */
#define WALK_ALARMS 400.0

double judge_nats_needed(double tested)
{
	return fmin(fmax(log(WALK_ALARMS * fmax(tested, 1) / 0.005), 14), 20);
}

static double confidence_of(double nats, double tested)
{
	return 1 / (1 + WALK_ALARMS * fmax(tested, 1) * exp(-nats));
}

/* How many of the windows set a higher minimum than the one before, the newest counted only
 * if the growth goes on at 0.4 of its pace. Returns -1 when it does not go on. */
static int count_rises(const struct candidate *c)
{
	double lo[WINDOWS];
	int rises = 0;

	for (size_t w = 0; w < WINDOWS; w++) {
		lo[w] = INFINITY;
		for (size_t i = w * c->n / WINDOWS; i < (w + 1) * c->n / WINDOWS; i++)
			lo[w] = fmin(lo[w], c->y[i]);
		rises += w && lo[w] > lo[w - 1];
	}
	if ((lo[WINDOWS - 1] - lo[WINDOWS - 3]) / 2 < 0.4 * (lo[WINDOWS - 1] - lo[0]) / (WINDOWS - 1))
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
	double daily = 2 * 2 * M_PI / DAY_S;

	if (rate < daily || trend->span_s < 120)
		return rate < daily;
	return rate < 12 * daily && (trend->growth < 0.85 * level || trend->bend > 0.3);
}

static enum grade grade_points(struct candidate *c, const struct judge_context *context,
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
	if (c->trend.wander > WANDER_MAX || rises < WINDOWS - 3)
		return GRADE_NONE;
	c->rises = (unsigned int)rises;
	if (c->trend.nats < needed || rises < (called || c->n >= 40 ? WINDOWS - 2 : WINDOWS - 1))
		return GRADE_WEAK;
	return GRADE_STRONG;
}

/* Fits and grades the points in `c`. */
static void grade_candidate(struct candidate *c, const struct series *series,
			    const struct judge_context *context, const struct judge_rules *rules)
{
	c->grade = GRADE_NONE;
	if (!trend_fit(c->t, c->y, c->n, rules->quantum, &c->trend))
		return;
	c->start_s = c->t[0];
	c->level = rules->level > 0 ? rules->level : c->y[c->n - 1];
	c->grade = grade_points(c, context, rules, series->called);
	c->slow = is_slow(&c->trend, c->level) && c->trend.span_s < 2 * DAY_S;
}

static double rank_of(const struct candidate *c)
{
	return c->grade * 1000.0 + (c->slow ? 0 : 500.0) + fmin(c->trend.nats, 400);
}

static void keep_better(struct candidate *best, const struct candidate *c)
{
	if (c->grade != GRADE_NONE && (best->grade == GRADE_NONE || rank_of(c) > rank_of(best)))
		*best = *c;
}

/* Was the pace faster in a block before the evidence, as if it died away exponentially? Then
 * the evidence must bend by a known measure; when it clearly does not, the block was a warm-up.
 * `factor`: what is still noise. Ten times faster is no approach but a step. */
static bool was_faster(const struct candidate *c, const double *t, const double *y, size_t n,
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
static bool slows_down(const struct candidate *c, const struct series *series,
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
static bool is_tail(const struct candidate *c, const struct series *series,
		    const struct judge_context *context)
{
	double rise = series->teeth.peak - series->teeth.base;
	double rise_s = timeline_newest(context->timeline)->time_s - series->teeth.base_s;

	return c->trend.growth < 0.15 * rise && c->trend.slope < 0.5 * rise / rise_s;
}

static void grade_recent(struct candidate *best, const struct series *series,
			 const struct judge_context *context, const struct judge_rules *rules)
{
	/* 26 grows from 23: what a watch of half a minute has. */
	static const struct {
		size_t want, window;
	} scales[] = { { 23, 1 }, { 26, 1 }, { 24, 3 }, { 32, 1 }, { 45, 1 }, { 64, 1 }, { 63, 3 } };
	size_t available = series_available(series, context->timeline);
	double span_min_s = fmax(0.9 * (JUDGE_SAMPLES_MIN - 1) * context->interval_s, SPAN_MIN_S);
	struct candidate c = { 0 };

	if (available >= SUSPECT_SAMPLES_MIN && available < JUDGE_SAMPLES_MIN) {
		c.n = series_recent(series, context->timeline, available, 0, 1, c.t, c.y);
		grade_candidate(&c, series, context, rules);
		if (c.grade == GRADE_STRONG)
			c.grade = GRADE_WEAK;
		keep_better(best, &c);
	}
	for (size_t i = 0; i < ARRAY_SIZE(scales) && scales[i].want <= available; i++) {
		c.n = series_recent(series, context->timeline, scales[i].want, 0, scales[i].window,
				    c.t, c.y);
		grade_candidate(&c, series, context, rules);
		if (c.grade == GRADE_STRONG && c.trend.span_s < span_min_s * (c.n < 23 ? 0.8 : 1))
			c.grade = GRADE_WEAK;
		if (c.grade == GRADE_STRONG && !series->called &&
		    (is_tail(&c, series, context) ||
		     slows_down(&c, series, context, scales[i].want)))
			c.grade = GRADE_BENT;
		keep_better(best, &c);
	}
}

/* Days of samples: the envelope's windows are at least as long as the longest tooth, and a day
 * where teeth of hours were seen: the day has more than one rush hour. */
static void grade_history(struct candidate *best, const struct series *series,
			  const struct judge_context *context, const struct judge_rules *rules)
{
	double tooth_s = series->teeth.longest_s;
	double width_s = tooth_s > DAY_S / 12 ? fmax(tooth_s, DAY_S) : tooth_s;
	double t[SERIES_BUCKETS], y[SERIES_BUCKETS];
	struct candidate c = { 0 };
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
		if (c.grade == GRADE_STRONG && !series->called &&
		    (is_tail(&c, series, context) || was_faster(&c, t, y, start, 1.2)))
			c.grade = GRADE_BENT;
		keep_better(best, &c);
	}
}

/* Did it fall back after rises as long and as high as this one? */
static bool is_tooth(const struct series *series, const struct candidate *c)
{
	const struct teeth *teeth = &series->teeth;

	return teeth->fall_cnt && c->trend.span_s < 3 * teeth->longest_s &&
	       teeth->peak - teeth->base <= 2.5 * teeth->highest;
}

/* Cyclic garbage that outlived the young collections grows like a leak until the next full
 * one. Only a process whose collector finds garbage can have it. */
static bool may_wait_for_gc(const struct series *series, const struct candidate *c,
			    const struct judge_context *context, const struct judge_rules *rules)
{
	uint64_t fulls;
	uint64_t young;

	if (!rules->collectable || !context->gc_enabled || series->teeth.outlived_full)
		return false;
	timeline_gc_since(context->timeline, c->start_s, &fulls, &young);
	return series->teeth.gc_fall_cnt || (double)young > 0.25 * c->trend.growth ||
	       context->garbage_per_full > 0.5 * c->trend.growth;
}

static enum verdict_kind explain(const struct series *series, const struct candidate *c,
				 const struct judge_context *context,
				 const struct judge_rules *rules)
{
	const struct teeth *teeth = &series->teeth;

	if (is_tooth(series, c))
		return teeth->gc_fall_cnt * 2 > teeth->fall_cnt ? VERDICT_GC_LAG :
								  VERDICT_SAWTOOTH;
	if (c->grade == GRADE_BENT)
		return c->trend.bend + c->trend.bend_se < -0.25 ? VERDICT_SATURATING :
								 VERDICT_SUSPECT;
	if (may_wait_for_gc(series, c, context, rules))
		return VERDICT_GC_LAG;
	return c->grade == GRADE_STRONG && !c->slow ? VERDICT_LEAK : VERDICT_SUSPECT;
}

/* Without a line to explain: teeth, or growth that has ended. */
static enum verdict_kind judge_shape(const struct series *series,
				     const struct judge_context *context,
				     const struct judge_rules *rules, struct candidate *c)
{
	const struct teeth *teeth = &series->teeth;
	size_t available = series_available(series, context->timeline);
	double now_s = timeline_newest(context->timeline)->time_s;
	double total;
	double lost = 0;

	if (teeth->fall_cnt && teeth->longest_s >= 3.5 * context->interval_s &&
	    teeth->highest >= fmax(2.5 * rules->min_growth, 0.3 * teeth->peak) &&
	    now_s - teeth->last_fall_s <= 3 * teeth->longest_s)
		return teeth->gc_fall_cnt * 2 > teeth->fall_cnt ? VERDICT_GC_LAG :
								  VERDICT_SAWTOOTH;
	c->n = available >= 18 ?
		       series_recent(series, context->timeline, available, 0, 3, c->t, c->y) : 0;
	if (!trend_fit(c->t, c->y, c->n, rules->quantum, &c->trend))
		return VERDICT_STABLE;
	c->start_s = c->t[0];
	for (size_t i = 1; i < c->n; i++)
		lost += fmax(c->y[i - 1] - c->y[i], 0);
	total = c->y[c->n - 1] - c->y[0];
	if (total < rules->min_growth || lost > 0.15 * total ||
	    c->y[c->n - 1] - c->y[c->n / 2] > 0.6 * (c->y[c->n / 2] - c->y[0]))
		return VERDICT_STABLE;
	return VERDICT_SATURATING;
}

static void describe_growth(const struct candidate *c, const struct series *series,
			    const struct judge_context *context, const struct judge_rules *rules,
			    struct judgement *out)
{
	char gc[48] = "";
	uint64_t fulls;
	uint64_t young;

	timeline_gc_since(context->timeline, c->start_s, &fulls, &young);
	if (fulls && rules->collectable)
		snprintf(gc, sizeof(gc), ", across %llu full collection%s",
			 (unsigned long long)fulls, fulls == 1 ? "" : "s");
	snprintf(out->why, sizeof(out->why), "rose in %u of %d windows, %+.3g%s/s, %s%s%s",
		 c->rises, WINDOWS - 1, c->trend.slope, rules->unit,
		 series->teeth.fall_cnt ? "the low points too" : "no fall back", gc,
		 out->kind == VERDICT_LEAK    ? "" :
		 c->grade == GRADE_BENT	      ? "; but slows down" :
		 c->slow		      ? "; slow enough for a daily cycle" :
						"; too early to tell");
}

static void describe(const struct candidate *c, const struct series *series,
		     const struct judge_context *context, const struct judge_rules *rules,
		     struct judgement *out)
{
	const struct teeth *teeth = &series->teeth;

	if (out->kind == VERDICT_SAWTOOTH)
		snprintf(out->why, sizeof(out->why),
			 "fell back %u time%s by half or more, rises of up to %.3g s",
			 teeth->fall_cnt, teeth->fall_cnt == 1 ? "" : "s", teeth->longest_s);
	else if (out->kind == VERDICT_SATURATING)
		snprintf(out->why, sizeof(out->why),
			 "grew by %.4g%s, and grows less and less", c->trend.growth, rules->unit);
	else if (out->kind == VERDICT_GC_LAG && teeth->gc_fall_cnt)
		snprintf(out->why, sizeof(out->why), "falls back at full collections (%u so far)",
			 teeth->gc_fall_cnt);
	else if (out->kind == VERDICT_GC_LAG)
		snprintf(out->why, sizeof(out->why),
			 "%+.3g/s, but no full collection yet in a process that makes cyclic garbage",
			 c->trend.slope);
	else
		describe_growth(c, series, context, rules, out);
}

static double confidence_in(const struct candidate *c, const struct series *series,
			    const struct judge_context *context, enum verdict_kind kind)
{
	double growth = confidence_of(c->trend.nats, context->tested);

	switch (kind) {
	case VERDICT_LEAK:
		return growth * fmin(1, 0.5 + 0.5 * c->rises / (WINDOWS - 1.0));
	case VERDICT_SUSPECT:
		return 0.5 * growth;
	case VERDICT_SAWTOOTH:
		return 1 - pow(0.5, series->teeth.fall_cnt);
	case VERDICT_GC_LAG:
		return series->teeth.gc_fall_cnt ? 1 - pow(0.5, series->teeth.gc_fall_cnt) : 0.4;
	default:
		return 0.7;
	}
}

void judge_series(struct series *series, const struct judge_context *context,
		  const struct judge_rules *rules, struct judgement *out)
{
	struct candidate best = { .grade = GRADE_NONE };

	*out = (struct judgement){ .kind = VERDICT_STABLE, .confidence = 1 };
	if (!series_moved(series, context->timeline, SERIES_RAW)) {
		series->called = false;
		return;
	}
	grade_recent(&best, series, context, rules);
	grade_history(&best, series, context, rules);
	out->kind = best.grade != GRADE_NONE ? explain(series, &best, context, rules) :
					       judge_shape(series, context, rules, &best);
	series->called = out->kind == VERDICT_LEAK;
	if (out->kind == VERDICT_STABLE)
		return;
	if (out->kind >= VERDICT_GC_LAG && best.grade != GRADE_NONE)
		trend_fit_robust(best.t, best.y, &best.trend);
	out->trend = best.trend;
	out->slow = best.slow;
	out->start_s = best.start_s;
	out->first_growth_s = series->teeth.base_s;
	out->confidence = confidence_in(&best, series, context, out->kind);
	describe(&best, series, context, rules, out);
}
