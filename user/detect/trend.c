/* SPDX-License-Identifier: BSD-2-Clause */
/* Trend statistics. A slope test alone calls a random walk a trend: a walk drifts, and its
 * residuals are so smooth that the slope looks certain. So the evidence here (`nats`) is a
 * likelihood ratio between two families, each with its best AR(1) coefficient from 0 (white
 * noise) to 1 (a walk): noise about a line against noise about a level. A walk that drifts by
 * chance is explained by the second as well as by the first, and gets few nats whatever its
 * slope. What a reader would get wrong: nats say nothing about shape. Half a sine wave beats
 * any level too; `wander` (is it a line?) and `bend` (does it slow down?) must be asked as well.
 */
#include "detect/trend.h"

#include <math.h>
#include <string.h>

/* The AR(1) coefficients that both families choose from. */
static const double ar_grid[] = { 0.0, 0.3, 0.5, 0.7, 0.85, 0.95, 1.0 };

#define AR_CNT (sizeof(ar_grid) / sizeof(ar_grid[0]))

/* Two-column least squares, accumulated: y on a*c + b*x. */
struct pair_sums {
	double cc, cx, xx, cy, xy, yy;
};

static void pair_sums_add(struct pair_sums *s, double c, double x, double y)
{
	s->cc += c * c;
	s->cx += c * x;
	s->xx += x * x;
	s->cy += c * y;
	s->xy += x * y;
	s->yy += y * y;
}

/* Residual squares about a level. Without a c column (a walk has no level): the squares. */
static double pair_sums_level(const struct pair_sums *s)
{
	return s->cc > 1e-12 ? s->yy - s->cy * s->cy / s->cc : s->yy;
}

static double pair_sums_line(const struct pair_sums *s)
{
	double det = s->cc * s->xx - s->cx * s->cx;
	double a, b;

	if (s->cc <= 1e-12)
		return s->yy - s->xy * s->xy / s->xx;
	a = (s->cy * s->xx - s->xy * s->cx) / det;
	b = (s->xy * s->cc - s->cy * s->cx) / det;
	return s->yy - a * s->cy - b * s->xy;
}

/* Minus twice the log likelihood, less what is the same for both families. */
static double ar_misfit(double squares, double floor, size_t n, double ar)
{
	double used = ar < 1 ? n : n - 1;
	double variance = (squares > 0 ? squares : 0) / used + floor;

	return n * log(variance) - (ar < 1 ? log(1 - ar * ar) : 0);
}

/* Cheap and enough to turn noise away: the evidence if noise were white for certain. A series
 * worth weighing has far more than WORTH_NATS of it. */
#define WORTH_NATS 6.0

static bool is_worth_weighing(double total, double squares, size_t n, double floor)
{
	double ratio = (total / (double)n + floor) / (squares / (double)n + floor);

	return 0.5 * ((double)n - 2) * log(ratio) >= WORTH_NATS;
}

/* x and y are centred and x is scaled to -1..1, so that the sums keep their precision. */
static double trend_nats(const double *x, const double *y, size_t n, double floor)
{
	double level = INFINITY;
	double line = INFINITY;

	for (size_t g = 0; g < AR_CNT; g++) {
		double ar = ar_grid[g];
		double first = sqrt(1 - ar * ar);
		struct pair_sums s = { 0 };

		pair_sums_add(&s, first, first * x[0], first * y[0]);
		for (size_t i = 1; i < n; i++)
			pair_sums_add(&s, 1 - ar, x[i] - ar * x[i - 1], y[i] - ar * y[i - 1]);
		level = fmin(level, ar_misfit(pair_sums_level(&s), floor, n, ar));
		line = fmin(line, ar_misfit(pair_sums_line(&s), floor, n, ar));
	}
	/* n - 2 for n: a line through few points fits too well. */
	return 0.5 * (level - line) * ((double)n - 2) / (double)n;
}

/* What the directions of the steps alone say against a fair coin. Steps of one quantum have no
 * sizes to judge by, and the likelihood above, which believes in sizes, makes too much of a run
 * of heads: it saw 20 nats in 29 of 31. */
static double sign_nats(const double *v, size_t n)
{
	double up = 0, down = 0;
	double nats;

	for (size_t i = 1; i < n; i++) {
		up += v[i] > v[i - 1];
		down += v[i] < v[i - 1];
	}
	if (up <= down)
		return 0;
	nats = (up + down) * log(2) + up * log(up / (up + down));
	return down > 0 ? nats + down * log(down / (up + down)) : nats;
}

/* Lag-1 autocorrelation of residuals. Detrending n points pulls it down by about
 * (2 + 4 rho) / n (Kendall's correction for a fitted mean and slope); it is put back. */
static double lag1_corrected(const double *r, size_t n, double floor)
{
	double squares = (double)n * floor;
	double products = 0;
	double rho;

	for (size_t i = 0; i < n; i++) {
		squares += r[i] * r[i];
		products += i ? r[i] * r[i - 1] : 0;
	}
	if (squares <= 0)
		return 0;
	rho = products / squares;
	rho += (2 + 4 * rho) / (double)n;
	return fmin(fmax(rho, -0.5), 0.95);
}

/* Negative autocorrelation would promise more points than there are: not believed. */
static double effective_size(double lag1, size_t n)
{
	double rho = fmax(lag1, 0);

	return fmax((double)n * (1 - rho) / (1 + rho), 2);
}

/* The quadratic about the line: y = slope x + curve (x^2 - ...). x is orthogonalised against
 * nothing else, which holds exactly for even spacing and nearly for the spacing met here. */
static void trend_bend(const double *x, double *r, double slope, double floor, struct trend *out)
{
	double mean = 0, xx = 0, xxx = 0, qq = 0, qr = 0, squares = 0;
	size_t n = out->n;
	double curve;

	for (size_t i = 0; i < n; i++) {
		mean += x[i] * x[i] / (double)n;
		xx += x[i] * x[i];
		xxx += x[i] * x[i] * x[i];
	}
	for (size_t i = 0; i < n; i++) {
		double q = x[i] * x[i] - mean - x[i] * xxx / xx;

		qq += q * q;
		qr += q * r[i];
	}
	curve = qq > 0 ? qr / qq : 0;
	for (size_t i = 0; i < n; i++) {
		r[i] -= curve * (x[i] * x[i] - mean - x[i] * xxx / xx);
		squares += r[i] * r[i];
	}
	out->lag1 = lag1_corrected(r, n, floor);
	out->n_eff = effective_size(out->lag1, n);
	squares = squares / (double)n + out->noise * out->noise * 0.02;
	out->bend = 4 * curve / fmax(fabs(slope), 1e-12);
	out->bend_se = qq > 0 ? 4 * sqrt(squares / qq * (double)n / out->n_eff) : 0;
	out->bend_se /= fmax(fabs(slope), 1e-12);
}

bool trend_fit(const double *t, const double *y, size_t n, double quantum, struct trend *out)
{
	double x[TREND_POINTS_MAX], v[TREND_POINTS_MAX], r[TREND_POINTS_MAX];
	double floor = quantum * quantum / 12; /* variance of rounding to a quantum */
	double mid, mean = 0, centre = 0, xx = 0, xv = 0, vv = 0, steps = 0, squares = 0, slope;

	if (n < TREND_POINTS_MIN || n > TREND_POINTS_MAX || t[n - 1] <= t[0])
		return false;
	*out = (struct trend){ .n = n, .span_s = t[n - 1] - t[0] };
	mid = t[0] + out->span_s / 2;
	for (size_t i = 0; i < n; i++) {
		x[i] = 2 * (t[i] - mid) / out->span_s;
		mean += (y[i] - y[0]) / (double)n;
		centre += x[i] / (double)n;
	}
	for (size_t i = 0; i < n; i++) {
		x[i] -= centre;
		v[i] = y[i] - y[0] - mean;
		xx += x[i] * x[i];
		xv += x[i] * v[i];
		vv += v[i] * v[i];
		steps += i ? (v[i] - v[i - 1]) * (v[i] - v[i - 1]) : 0;
	}
	slope = xv / xx;
	out->slope = out->slope_lo = out->slope_hi = 2 * slope / out->span_s;
	out->growth = 2 * slope;
	out->wander = INFINITY;
	if (slope <= 0)
		return true; /* half of all noise: nobody asks for the rest */
	for (size_t i = 0; i < n; i++) {
		r[i] = v[i] - slope * x[i];
		squares += r[i] * r[i];
	}
	out->noise = sqrt(squares / ((double)n - 2) + floor);
	out->wander = (squares / (double)n) / (steps / ((double)n - 1));
	if (is_worth_weighing(vv, squares, n, floor))
		out->nats = trend_nats(x, v, n, floor);
	if (out->growth <= 1.5 * quantum * ((double)n - 1))
		out->nats = fmin(out->nats, sign_nats(v, n));
	trend_bend(x, r, slope, floor, out);
	out->slope_lo -= 1.96 * out->noise / sqrt(xx * out->n_eff / (double)n) * 2 / out->span_s;
	out->slope_hi += out->slope - out->slope_lo;
	return true;
}

double trend_select(double *values, size_t n, size_t k)
{
	size_t lo = 0;
	size_t hi = n - 1;

	while (lo < hi) {
		double pivot = values[lo + (hi - lo) / 2];
		size_t i = lo;
		size_t j = hi;

		for (;;) {
			double swap;

			while (values[i] < pivot)
				i++;
			while (values[j] > pivot)
				j--;
			if (i >= j)
				break;
			swap = values[i];
			values[i++] = values[j];
			values[j--] = swap;
		}
		if (k <= j)
			hi = j;
		else
			lo = j + 1;
	}
	return values[k];
}

void trend_fit_robust(const double *t, const double *y, struct trend *trend)
{
	double slopes[TREND_POINTS_MAX * (TREND_POINTS_MAX - 1) / 2];
	double n = (double)trend->n;
	double variance = n * (n - 1) * (2 * n + 5) / 18 * n / fmax(trend->n_eff, 2);
	double score = 0;
	double reach;
	size_t cnt = 0;

	for (size_t i = 1; i < trend->n; i++) {
		for (size_t j = 0; j < i; j++) {
			score += (y[i] > y[j]) - (y[i] < y[j]);
			slopes[cnt++] = (y[i] - y[j]) / (t[i] - t[j]);
		}
	}
	/* Half the pairs by which the score may be wrong (Sen 1968): ranks either side. */
	reach = fmin(0.5 * 1.96 * sqrt(variance), 0.5 * (double)cnt);
	trend->z = score / sqrt(variance);
	trend->slope = trend_select(slopes, cnt, cnt / 2);
	trend->slope_lo = trend_select(slopes, cnt, (size_t)(0.5 * (double)cnt - reach));
	trend->slope_hi =
		trend_select(slopes, cnt, (size_t)fmin(0.5 * (double)cnt + reach, (double)cnt - 1));
	trend->growth = trend->slope * trend->span_s;
}
