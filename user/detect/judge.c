/* SPDX-License-Identifier: BSD-2-Clause */
/* Judges one series: asks the innocent explanations for the best evidence of growth that it has
 * (evidence.c): a saw-tooth whose teeth are as long, growth that slows down, garbage that waits
 * for a full collection, a daily cycle. Without evidence of growth it names the shape. What a
 * reader would get wrong: teeth excuse growth only up to their own size, and garbage only until
 * a full collection has come and the growth is still there. */
#include "detect/judge.h"

#include <math.h>
#include <stdio.h>

#include "detect/evidence.h"
#include "detect/hold.h"

/* 400: false alarms of 120 looks at a random walk are 400 exp(-nats), by simulation (see
 * tests/unit/test_detect_long.c). */
#define WALK_ALARMS 400.0

double judge_nats_needed(double tested)
{
	return fmin(fmax(log(WALK_ALARMS * fmax(tested, 1) / 0.005), 14), 20);
}

static double confidence_of(double nats, double tested)
{
	return 1 / (1 + WALK_ALARMS * fmax(tested, 1) * exp(-nats));
}

/* Did it fall back after rises as long and as high as this one? */
static bool is_tooth(const struct series *series, const struct evidence *c)
{
	const struct teeth *teeth = &series->teeth;

	return teeth->fall_cnt && c->trend.span_s < 3 * teeth->longest_s &&
	       teeth->peak - teeth->base <= 2.5 * teeth->highest;
}

/* Cyclic garbage that outlived the young collections grows like a leak until the next full
 * one. Only a process whose collector finds garbage can have it. */
static bool may_wait_for_gc(const struct series *series, const struct evidence *c,
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

static enum verdict_kind explain(const struct series *series, const struct evidence *c,
				 const struct judge_context *context,
				 const struct judge_rules *rules)
{
	const struct teeth *teeth = &series->teeth;

	if (is_tooth(series, c))
		return teeth->gc_fall_cnt * 2 > teeth->fall_cnt ? VERDICT_GC_LAG : VERDICT_SAWTOOTH;
	if (c->grade == GRADE_BENT)
		return c->trend.bend + c->trend.bend_se < -0.25 ? VERDICT_SATURATING
								: VERDICT_SUSPECT;
	if (may_wait_for_gc(series, c, context, rules))
		return VERDICT_GC_LAG;
	return c->grade == GRADE_STRONG && !c->slow ? VERDICT_LEAK : VERDICT_SUSPECT;
}

/* Without a line to explain: teeth, or growth that has ended. */
static enum verdict_kind judge_shape(const struct series *series,
				     const struct judge_context *context,
				     const struct judge_rules *rules, struct evidence *c)
{
	const struct teeth *teeth = &series->teeth;
	size_t available = series_available(series, context->timeline);
	double now_s = timeline_newest(context->timeline)->time_s;
	double total;
	double lost = 0;

	if (teeth->fall_cnt && teeth->longest_s >= 3.5 * context->interval_s &&
	    teeth->highest >= fmax(2.5 * rules->min_growth, 0.3 * teeth->peak) &&
	    now_s - teeth->last_fall_s <= 3 * teeth->longest_s)
		return teeth->gc_fall_cnt * 2 > teeth->fall_cnt ? VERDICT_GC_LAG : VERDICT_SAWTOOTH;
	c->n = available >= 18
		       ? series_recent(series, context->timeline, available, 0, 3, c->t, c->y)
		       : 0;
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

static void describe_growth(const struct evidence *c, const struct series *series,
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
	snprintf(out->why, sizeof(out->why), "rose in %u of %d windows%s, %+.3g%s/s, %s%s%s",
		 c->rises, EVIDENCE_WINDOWS - 1, c->uneven ? " at an uneven pace" : "",
		 c->trend.slope, rules->unit,
		 series->teeth.fall_cnt ? "the low points too" : "no fall back", gc,
		 out->kind == VERDICT_LEAK ? ""
		 : c->grade == GRADE_BENT  ? "; but slows down"
		 : c->slow		   ? "; slow enough for a daily cycle"
					   : "; too early to tell");
}

static void describe(const struct evidence *c, const struct series *series,
		     const struct judge_context *context, const struct judge_rules *rules,
		     struct judgement *out)
{
	const struct teeth *teeth = &series->teeth;

	if (out->kind == VERDICT_SAWTOOTH)
		snprintf(out->why, sizeof(out->why),
			 "fell back %u time%s by half or more, rises of up to %.3g s",
			 teeth->fall_cnt, teeth->fall_cnt == 1 ? "" : "s", teeth->longest_s);
	else if (out->kind == VERDICT_SATURATING)
		snprintf(out->why, sizeof(out->why), "grew by %.4g%s, and grows less and less",
			 c->trend.growth, rules->unit);
	else if (out->kind == VERDICT_GC_LAG && teeth->gc_fall_cnt)
		snprintf(out->why, sizeof(out->why), "falls back at full collections (%u so far)",
			 teeth->gc_fall_cnt);
	else if (out->kind == VERDICT_GC_LAG)
		snprintf(out->why, sizeof(out->why),
			 "%+.3g/s, but no full collection yet in a process that makes cyclic "
			 "garbage",
			 c->trend.slope);
	else
		describe_growth(c, series, context, rules, out);
}

static double confidence_in(const struct evidence *c, const struct series *series,
			    const struct judge_context *context, enum verdict_kind kind)
{
	double growth = confidence_of(c->trend.nats, context->tested);

	switch (kind) {
	case VERDICT_LEAK:
		return growth * fmin(1, 0.5 + 0.5 * c->rises / (EVIDENCE_WINDOWS - 1.0));
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

/* The newest samples as they are: what a call that is held, or has ended, shows now. */
static void show_newest(struct series *series, const struct judge_context *context,
			const struct judge_rules *rules, struct evidence *c)
{
	size_t available = series_available(series, context->timeline);
	size_t want = available < JUDGE_SAMPLES_MIN ? available : JUDGE_SAMPLES_MIN;

	c->grade = GRADE_NONE;
	c->slow = false;
	c->n = series_recent(series, context->timeline, want, 0, 1, c->t, c->y);
	if (!trend_fit(c->t, c->y, c->n, rules->quantum, &c->trend))
		return;
	trend_fit_robust(c->t, c->y, &c->trend);
	c->start_s = c->t[0];
}

static void judge_growth(struct series *series, const struct judge_context *context,
			 const struct judge_rules *rules, struct evidence *best,
			 enum verdict_kind judged, struct judgement *out)
{
	bool held = out->kind != judged;

	if (held)
		show_newest(series, context, rules, best);
	else if (out->kind >= VERDICT_GC_LAG && best->grade != GRADE_NONE)
		trend_fit_robust(best->t, best->y, &best->trend);
	out->trend = best->trend;
	out->slow = best->slow;
	out->start_s = best->start_s;
	out->first_growth_s = series->hold.state ? series->hold.base_s : series->teeth.base_s;
	out->confidence = confidence_in(best, series, context, out->kind);
	if (held && out->kind == VERDICT_LEAK)
		out->confidence = hold_confidence(&series->hold, context->timeline);
	else if (held && out->kind == VERDICT_SUSPECT)
		out->confidence = 0.3;
	if (held)
		hold_describe(series, context, rules, out);
	else
		describe(best, series, context, rules, out);
}

void judge_series(struct series *series, const struct judge_context *context,
		  const struct judge_rules *rules, struct judgement *out)
{
	struct evidence best;
	enum verdict_kind judged;

	out->kind = VERDICT_STABLE;
	if (!series_moved(series, context->timeline, SERIES_RAW) && !series->hold.state)
		return;
	*out = (struct judgement){ .kind = VERDICT_STABLE, .confidence = 1 };
	hold_watch(series, context, rules);
	evidence_find(&best, series, context, rules);
	judged = best.grade != GRADE_NONE ? explain(series, &best, context, rules)
					  : judge_shape(series, context, rules, &best);
	out->kind = hold_decide(series, context, &best, judged);
	if (out->kind != VERDICT_STABLE)
		judge_growth(series, context, rules, &best, judged, out);
}
