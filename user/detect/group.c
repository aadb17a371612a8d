/* SPDX-License-Identifier: BSD-2-Clause */
/* Which verdicts are one leak. A leaked Connection brings its dict, its list and its methods;
 * all of them grow in proportion, and the reader wants one headline. Two series belong together
 * when their ratio is the same in both halves of the newest samples and, where both grow
 * unevenly, when they do so at the same moments; or when one is a container that holds the
 * other. What a reader would get wrong: two independent leaks that are both perfectly steady
 * cannot be told apart by their curves. They land in one group; the snapshot's paths, not this
 * module, tell them apart. */
#include "detect/finding.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detect/hold.h"

#define SHAPE_SAMPLES 32
#define SHAPE_SAMPLES_MIN 12
#define HISTORY_LOW 3 /* intervals per low point */
#define HISTORY_POINTS_MIN 8
#define HISTORY_APART_MAX 0.12
#define REST_WANDER_MAX 0.9 /* variance over mean squared step: white noise has 0.5 */
#define PROVED_PACE 0.5
#define GROUPS_MAX 256 /* findings after these stay alone: comparing is quadratic */

/* Moments of the two series' steps. */
struct steps {
	double a, b, aa, bb, ab;
	size_t n;
};

static struct steps steps_between(const double *a, const double *b, size_t n)
{
	struct steps s = { 0 };

	for (size_t i = 2; i < n; i += 2) {
		double da = a[i] - a[i - 2];
		double db = b[i] - b[i - 2];

		s.a += da;
		s.b += db;
		s.aa += da * da;
		s.bb += db * db;
		s.ab += da * db;
		s.n++;
	}
	return s;
}

/* Growth by fits and starts, of both, must come at the same moments. */
static bool steps_agree(const double *a, const double *b, size_t n)
{
	struct steps s = steps_between(a, b, n);
	double cnt = (double)s.n;
	double var_a = s.aa / cnt - s.a * s.a / cnt / cnt;
	double var_b = s.bb / cnt - s.b * s.b / cnt / cnt;
	double covariance = s.ab / cnt - s.a * s.b / cnt / cnt;
	bool uneven_a = var_a > 0.01 * s.a * s.a / cnt / cnt && var_a > 1;
	bool uneven_b = var_b > 0.01 * s.b * s.b / cnt / cnt && var_b > 1;

	return !uneven_a || !uneven_b || covariance > 0.3 * sqrt(var_a * var_b);
}

static bool ratio_is_stable(const double *a, const double *b, size_t n)
{
	size_t half = n / 2;
	double total_a = a[n - 1] - a[0];
	double total_b = b[n - 1] - b[0];
	double share_a = (a[half] - a[0]) / total_a;
	double share_b = (b[half] - b[0]) / total_b;

	return total_a > 0 && total_b > 0 && fabs(share_a - share_b) < 0.15;
}

/* Is what b has more or less than a's share in it noise that goes away again, not growth of
 * its own? Objects in flight on top of the same leak are; an independent leak walks off. */
static bool rest_is_noise(const double *a, const double *b, size_t n)
{
	double ratio = (b[n - 1] - b[0]) / (a[n - 1] - a[0]);
	double mean = 0, squares = 0, steps = 0;

	for (size_t i = 0; i < n; i++)
		mean += (b[i] - ratio * a[i]) / (double)n;
	for (size_t i = 0; i < n; i++) {
		double rest = b[i] - ratio * a[i] - mean;
		double before = i ? b[i - 1] - ratio * a[i - 1] - mean : rest;

		squares += rest * rest / (double)n;
		steps += (rest - before) * (rest - before) / (double)(n - 1);
	}
	return squares <= REST_WANDER_MAX * steps;
}

/* The low points of both since the older growth began. */
static bool history_is_proportional(const struct finding *a, const struct finding *b)
{
	double onset_s = fmin(a->verdict.first_growth_s, b->verdict.first_growth_s);
	double t[SERIES_BUCKETS], ya[SERIES_BUCKETS], yb[SERIES_BUCKETS];
	size_t n = series_envelope(a->series, a->timeline, HISTORY_LOW * a->interval_s, t, ya);
	size_t n_b = series_envelope(b->series, b->timeline, HISTORY_LOW * b->interval_s, t, yb);
	size_t skip = n > n_b ? n - n_b : 0; /* a container is known from when it was seen */
	size_t skip_b = n_b > n ? n_b - n : 0;
	double total_a, total_b;

	n -= skip;
	while (n > 1 && t[n_b - n + 1] <= onset_s) {
		n--;
		skip++;
		skip_b++;
	}
	if (n < HISTORY_POINTS_MIN)
		return false;
	total_a = ya[skip + n - 1] - ya[skip];
	total_b = yb[skip_b + n - 1] - yb[skip_b];
	if (total_a <= 0 || total_b <= 0)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (fabs((ya[skip + i] - ya[skip]) / total_a -
			 (yb[skip_b + i] - yb[skip_b]) / total_b) > HISTORY_APART_MAX)
			return false;
	}
	return true;
}

bool group_same_shape(const struct finding *a, const struct finding *b)
{
	double t[SERIES_RAW], ya[SERIES_RAW], yb[SERIES_RAW];
	size_t n = SHAPE_SAMPLES;
	size_t n_a = series_available(a->series, a->timeline);
	size_t n_b = series_available(b->series, b->timeline);

	n = n_a < n ? n_a : n;
	n = n_b < n ? n_b : n;
	if (n < SHAPE_SAMPLES_MIN || !series_recent(a->series, a->timeline, n, 0, 1, t, ya) ||
	    !series_recent(b->series, b->timeline, n, 0, 1, t, yb))
		return false;
	if (ratio_is_stable(ya, yb, n) && steps_agree(ya, yb, n))
		return true;
	if (a->timeline != b->timeline || !history_is_proportional(a, b))
		return false;
	n = n_a < n_b ? n_a : n_b;
	series_recent(a->series, a->timeline, n, 0, 1, t, ya);
	series_recent(b->series, b->timeline, n, 0, 1, t, yb);
	return ya[n - 1] > ya[0] && yb[n - 1] > yb[0] &&
	       (steps_agree(ya, yb, n) || rest_is_noise(ya, yb, n));
}

/* "str -> app.Message" holds "app.Message", as key or as value. */
static bool holds_type(const struct verdict *container, const struct verdict *type)
{
	const char *arrow;
	size_t len;

	if (container->subject != SUBJECT_CONTAINER || type->subject != SUBJECT_TYPE ||
	    !container->holds)
		return false;
	arrow = strstr(container->holds, " -> ");
	len = arrow ? (size_t)(arrow - container->holds) : strlen(container->holds);
	if (strlen(type->name) == len && !strncmp(container->holds, type->name, len))
		return true;
	return arrow && !strcmp(arrow + strlen(" -> "), type->name);
}

static bool same_pace(const struct verdict *a, const struct verdict *b, double tolerance)
{
	return fabs(a->slope_per_s - b->slope_per_s) <=
	       tolerance * fmax(a->slope_per_s, b->slope_per_s);
}

static bool is_member(const struct finding *finding)
{
	return finding->verdict.subject != SUBJECT_MEMORY &&
	       (finding->verdict.kind == VERDICT_LEAK || finding->verdict.kind == VERDICT_SUSPECT);
}

static bool belong_together(const struct finding *a, const struct finding *b)
{
	if (holds_type(&a->verdict, &b->verdict) || holds_type(&b->verdict, &a->verdict))
		return same_pace(&a->verdict, &b->verdict, 0.6) || group_same_shape(a, b);
	return group_same_shape(a, b);
}

/* A container that grows is alive: someone adds to it, so what it holds is no garbage that
 * waits, and its length has no objects in flight that could hide the trend. */
static bool container_proves(const struct finding *container, const struct finding *type)
{
	return container->verdict.subject == SUBJECT_CONTAINER &&
	       container->verdict.kind == VERDICT_LEAK && type->verdict.subject == SUBJECT_TYPE &&
	       (type->verdict.kind == VERDICT_SUSPECT || type->verdict.kind == VERDICT_GC_LAG) &&
	       type->verdict.slope_per_s > 0 &&
	       same_pace(&container->verdict, &type->verdict,
			 holds_type(&container->verdict, &type->verdict) ? 0.5 : 0.2);
}

/* ... and still goes at the pace of the container that proved it once. */
static bool is_proved(const struct finding *container, const struct finding *type)
{
	return type->series->hold.proved && type->verdict.kind == VERDICT_LEAK &&
	       container->verdict.kind == VERDICT_LEAK &&
	       same_pace(&container->verdict, &type->verdict, PROVED_PACE);
}

static void promote_held(struct finding *findings, size_t cnt)
{
	for (size_t c = 0; c < cnt; c++) {
		if (findings[c].verdict.subject != SUBJECT_CONTAINER)
			continue;
		for (size_t i = 0; i < cnt; i++) {
			struct verdict *v = &findings[i].verdict;

			if (is_proved(&findings[c], &findings[i]))
				findings[i].prover = findings[c].series;
			if (!container_proves(&findings[c], &findings[i]))
				continue;
			v->kind = VERDICT_LEAK;
			v->confidence = findings[c].verdict.confidence;
			findings[i].prover = findings[c].series;
			hold_prove(findings[i].series, findings[i].timeline, findings[i].start_s,
				   v->confidence);
			snprintf(v->why, sizeof(v->why), "%+.3g/s, as fast as a %s that only grows",
				 v->slope_per_s, findings[c].verdict.name);
		}
	}
}

static bool is_one_of(const char *name, const char *const *names, size_t cnt)
{
	for (size_t i = 0; i < cnt; i++) {
		if (!strcmp(name, names[i]))
			return true;
	}
	return false;
}

/* What a developer wants to read first: a class of the program, then any class with a module, then
 * a builtin that stands for something the program made, then the container. What everything is
 * made of comes last, whether it has a module or not. */
static int specificity(const struct finding *finding)
{
	static const char *const made[] = {
		"type", "generator", "coroutine", "async_generator", "function", "module",
	};
	static const char *const parts[] = {
		"collections.deque",	 "collections.OrderedDict", "collections.defaultdict",
		"weakref.ReferenceType", "functools.partial",	    "_thread.lock",
	};
	const char *name = finding->verdict.name;

	if (finding->verdict.subject == SUBJECT_CONTAINER)
		return 1;
	if (finding->own)
		return 4;
	if (is_one_of(name, made, sizeof(made) / sizeof(made[0])))
		return 2;
	return strchr(name, '.') && !is_one_of(name, parts, sizeof(parts) / sizeof(parts[0])) ? 3
											      : 0;
}

static bool heads_better(const struct finding *a, const struct finding *b)
{
	int by_kind = (int)a->verdict.kind - (int)b->verdict.kind;
	int by_class = specificity(a) - specificity(b);

	if (by_kind || by_class)
		return by_kind ? by_kind > 0 : by_class > 0;
	if (!same_pace(&a->verdict, &b->verdict, 0.02))
		return a->verdict.slope_per_s > b->verdict.slope_per_s;
	if (a->verdict.bytes != b->verdict.bytes)
		return a->verdict.bytes > b->verdict.bytes;
	return strcmp(a->verdict.name, b->verdict.name) < 0;
}

/* Surest evidence first, so that groups form around it. */
static int by_evidence(const void *left, const void *right)
{
	const struct finding *a = left;
	const struct finding *b = right;

	if (a->verdict.kind != b->verdict.kind)
		return a->verdict.kind < b->verdict.kind ? 1 : -1;
	if (a->nats != b->nats)
		return a->nats < b->nats ? 1 : -1;
	return strcmp(a->verdict.name, b->verdict.name);
}

static unsigned int group_of(const struct finding *findings, size_t cnt,
			     const struct series *series)
{
	for (size_t i = 0; i < cnt; i++) {
		if (findings[i].series == series)
			return findings[i].verdict.group;
	}
	return 0;
}

/* The container that proved a type a leak is the same leak: the type has no evidence of its
 * own to tell them apart by. */
static void assign_proved(struct finding *findings, size_t cnt)
{
	for (size_t i = 0; i < cnt; i++) {
		if (findings[i].prover)
			findings[i].verdict.group = group_of(findings, cnt, findings[i].prover);
	}
}

static void assign_groups(struct finding *findings, size_t cnt)
{
	const struct finding *seeds[GROUPS_MAX];
	unsigned int group_cnt = 0;

	for (size_t i = 0; i < cnt; i++) {
		unsigned int g = 0;

		if (!is_member(&findings[i]) || findings[i].prover)
			continue;
		while (g < group_cnt && g < GROUPS_MAX && !belong_together(seeds[g], &findings[i]))
			g++;
		g = g == GROUPS_MAX ? group_cnt : g;
		if (g == group_cnt) {
			if (g < GROUPS_MAX)
				seeds[g] = &findings[i];
			group_cnt++;
		}
		findings[i].verdict.group = g + 1;
	}
	assign_proved(findings, cnt);
}

/* Groups beyond GROUPS_MAX have one member each. */
static void name_heads(struct finding *findings, size_t cnt)
{
	struct finding *heads[GROUPS_MAX + 1] = { NULL };

	for (size_t i = 0; i < cnt; i++) {
		unsigned int group = findings[i].verdict.group;

		if (group && group <= GROUPS_MAX &&
		    (!heads[group] || heads_better(&findings[i], heads[group])))
			heads[group] = &findings[i];
	}
	for (size_t i = 0; i < cnt; i++) {
		struct finding *f = &findings[i];
		unsigned int group = f->verdict.group;
		const struct finding *head = group && group <= GROUPS_MAX ? heads[group] : f;

		f->verdict.head = head == f;
		f->group_kind = head->verdict.kind;
		f->group_weight = head->verdict.growth;
	}
}

static int by_report(const void *left, const void *right)
{
	const struct finding *a = left;
	const struct finding *b = right;

	if (a->group_kind != b->group_kind)
		return a->group_kind < b->group_kind ? 1 : -1;
	if (a->verdict.group != b->verdict.group && a->group_weight != b->group_weight)
		return a->group_weight < b->group_weight ? 1 : -1;
	if (a->verdict.group != b->verdict.group)
		return a->verdict.group < b->verdict.group ? -1 : 1;
	if (a->verdict.head != b->verdict.head)
		return a->verdict.head ? -1 : 1;
	if (a->verdict.slope_per_s != b->verdict.slope_per_s)
		return a->verdict.slope_per_s < b->verdict.slope_per_s ? 1 : -1;
	return strcmp(a->verdict.name, b->verdict.name);
}

void group_findings(struct finding *findings, size_t cnt)
{
	if (!cnt)
		return;
	promote_held(findings, cnt);
	qsort(findings, cnt, sizeof(*findings), by_evidence);
	assign_groups(findings, cnt);
	name_heads(findings, cnt);
}

void group_sort(struct finding *findings, size_t cnt)
{
	if (cnt)
		qsort(findings, cnt, sizeof(*findings), by_report);
}
