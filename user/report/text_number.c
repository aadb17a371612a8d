/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers for a person. Digits are grouped by hand: printf's ' flag needs a locale, and the
 * output must be the same on any machine. What is not a number (a rate over no time) is "?".
 * All of it stays ASCII ("us", not a micro sign): it must survive LANG=C.
 */
#include "report/text_util.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

struct text text_count(uint64_t n)
{
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)n);
	struct text t;
	size_t used = 0;

	for (int i = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			t.s[used++] = ',';
		t.s[used++] = digits[i];
	}
	t.s[used] = '\0';
	return t;
}

/* `t` with a sign in front. */
static struct text sign_put(double n, struct text t)
{
	struct text out;

	/* The cut cannot happen: the longest number is 26 characters. */
	snprintf(out.s, sizeof(out.s), "%c%.38s", n < 0 ? '-' : '+', t.s);
	return out;
}

static struct text unknown(void)
{
	return (struct text){ .s = "?" };
}

struct text text_change(double n)
{
	if (!isfinite(n))
		return unknown();
	if (fabs(n) >= 1e18)
		return sign_put(n, text_scaled(fabs(n)));
	return sign_put(round(n), text_count((uint64_t)llround(fabs(n))));
}

/* n = value * base^unit with 1 <= value < limit. */
static unsigned int unit_find(double *n, double base, double limit, unsigned int units)
{
	unsigned int unit = 0;

	while (fabs(*n) >= limit && unit + 1 < units) {
		*n /= base;
		unit++;
	}
	return unit;
}

struct text text_scaled(double n)
{
	static const char *const units[] = { "", " k", " M", " G", " T", " P", " E" };
	struct text t;
	unsigned int unit;

	if (!isfinite(n))
		return unknown();
	unit = unit_find(&n, 1000, 999.5, ARRAY_SIZE(units));
	if (n >= 1000)
		snprintf(t.s, sizeof(t.s), "%.3g", n * 1e18);
	else
		snprintf(t.s, sizeof(t.s), "%.*f%s",
			 unit == 0 || n >= 99.95 ? 0
			 : n >= 9.995		 ? 1
						 : 2,
			 n, units[unit]);
	return t;
}

struct text text_bytes(double bytes)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	struct text t;
	unsigned int unit;

	if (!isfinite(bytes))
		return unknown();
	unit = unit_find(&bytes, 1024, 1023.95, ARRAY_SIZE(units));
	snprintf(t.s, sizeof(t.s), "%.*f %s", unit ? 1 : 0, fmin(bytes, 1e9), units[unit]);
	return t;
}

struct text text_bytes_change(double bytes)
{
	return isfinite(bytes) ? sign_put(bytes, text_bytes(fabs(bytes))) : unknown();
}

struct text text_rate(double per_s)
{
	double n = fabs(per_s);
	struct text t;

	if (!isfinite(per_s))
		return unknown();
	if (n >= 1000)
		return text_change(per_s);
	if (n > 0 && n < 1)
		snprintf(t.s, sizeof(t.s), "%+.2g", per_s);
	else
		snprintf(t.s, sizeof(t.s), "%+.*f", n >= 10 ? 1 : 2, per_s);
	return t;
}

/* One decimal where it says something: "3.1 ms", "10 ms". */
static struct text with_unit(double n, const char *unit)
{
	bool whole = n >= 99.95 || fabs(n - round(n)) < 0.05;
	struct text t;

	snprintf(t.s, sizeof(t.s), "%.*f %s", whole ? 0 : 1, n, unit);
	return t;
}

struct text text_seconds(double s)
{
	struct text t;
	unsigned long long whole;

	if (!isfinite(s) || s < 0 || s > 1e12)
		return unknown();
	whole = (unsigned long long)llround(s);
	if (s > 0 && s < 0.9995e-3)
		return with_unit(s * 1e6, "us");
	if (s > 0 && s < 0.9995)
		return with_unit(s * 1e3, "ms");
	if (s < 9.95)
		return with_unit(s, "s");
	if (whole < 120)
		snprintf(t.s, sizeof(t.s), "%llu s", whole);
	else if (whole < 7200)
		snprintf(t.s, sizeof(t.s), "%llu min %llu s", whole / 60, whole % 60);
	else if (whole < 48 * 3600)
		snprintf(t.s, sizeof(t.s), "%llu h %llu min", whole / 3600, whole / 60 % 60);
	else
		snprintf(t.s, sizeof(t.s), "%llu d %llu h", whole / 86400, whole / 3600 % 24);
	return t;
}

struct text text_percent(double share)
{
	double percent = share * 100;
	struct text t;

	if (!isfinite(share))
		return unknown();
	if (percent > 0 && percent < 0.01)
		return (struct text){ .s = "<0.01 %" };
	snprintf(t.s, sizeof(t.s), "%.*f %%", percent >= 9.95 || percent == 0 ? 0 : 2, percent);
	return t;
}

struct text text_sure(double confidence)
{
	return confidence >= 0.995 ? (struct text){ .s = ">99 %" } : text_percent(confidence);
}
