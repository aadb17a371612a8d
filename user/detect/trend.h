/* SPDX-License-Identifier: BSD-2-Clause */
/* Does a handful of points rise, and how sure is that? Pure functions over arrays. */
#ifndef PYLEAK_TREND_H
#define PYLEAK_TREND_H

#include <stdbool.h>
#include <stddef.h>

#define TREND_POINTS_MAX 64
#define TREND_POINTS_MIN 6

struct trend {
	size_t n;
	double span_s;	 /* time of the last point minus that of the first */
	double growth;	 /* slope times span */
	double slope;	 /* per second; least squares, Theil-Sen after trend_fit_robust() */
	double slope_lo; /* 95 % interval of it; of a falling line only by trend_fit_robust() */
	double slope_hi;
	/* Log likelihood by which a rising line beats every level or walk without one; 0 when it
	 * falls, or is not worth the sum. */
	double nats;
	/* The rest is 0 for a falling line, and wander infinite. */
	double wander; /* variance about the line over mean squared step: 0 line, 0.5 white noise */
	double bend;   /* relative change of the slope over the span: -1 = 2nd half grows 0.6 x */
	double bend_se; /* its standard error, autocorrelation allowed for */
	double noise;	/* standard deviation about the line, at least the quantum's */
	double lag1;	/* autocorrelation of the residuals, corrected for the bias of detrending */
	double n_eff;	/* points that independent noise would need for the same certainty */
	double z;	/* Mann-Kendall, with n_eff for n */
};

/* O(n). `quantum` is the unit that values are counted in: no noise below it is believed. Times
 * strictly rise. False when there is nothing to fit: fewer than TREND_POINTS_MIN or more than
 * TREND_POINTS_MAX points, or no time between them. */
bool trend_fit(const double *t, const double *y, size_t n, double quantum, struct trend *out);

/* O(n^2): replaces the slope by Theil-Sen's and fills its interval, n_eff and z. Takes the
 * same points as the trend_fit() that filled `trend`. */
void trend_fit_robust(const double *t, const double *y, struct trend *trend);

/* The k-th smallest of n; reorders them. */
double trend_select(double *values, size_t n, size_t k);

#endif
