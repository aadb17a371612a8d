/* SPDX-License-Identifier: BSD-2-Clause */
/* How two findings are alike: shape, pace, and whether one holds the other. Two series have one
 * shape when their ratio is the same in both halves of the newest samples and, where both grow
 * unevenly, when they do so at the same moments. What a reader would get wrong: two series that
 * are both perfectly steady have one shape, whatever they are. */
#include "detect/finding.h"

#include <math.h>
#include <string.h>

#define SHAPE_SAMPLES 32
#define SHAPE_SAMPLES_MIN 12
#define HISTORY_LOW 3 /* intervals per low point */
#define HISTORY_POINTS_MIN 8
#define HISTORY_APART_MAX 0.12
#define REST_WANDER_MAX 0.9 /* variance over mean squared step: white noise has 0.5 */

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

bool shape_is_same(const struct finding *a, const struct finding *b)
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
bool shape_holds(const struct verdict *container, const struct verdict *type)
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

bool shape_same_pace(const struct verdict *a, const struct verdict *b, double tolerance)
{
	return fabs(a->slope_per_s - b->slope_per_s) <=
	       tolerance * fmax(a->slope_per_s, b->slope_per_s);
}
