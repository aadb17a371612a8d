/* SPDX-License-Identifier: BSD-2-Clause */
/* The tables of `stat`: collections, pauses and their histogram. A pause belongs to one
 * generation; the bar is the sum of the three, on a linear scale, so that its length can be
 * compared by eye.
 */
#include "report/report_text.h"

#include <math.h>
#include <string.h>

#define GENERATIONS 3
#define BAR_MAX 40

static void put_generation(struct report_text *rt, const struct gc_stat *stat, int gen)
{
	uint64_t pauses = stat->pauses[gen];
	struct text mean = { .s = "-" }, longest = { .s = "-" }, rate = { .s = "-" };

	if (stat->elapsed_s > 0)
		snprintf(rate.s, sizeof(rate.s), "%.4g",
			 (double)stat->collections[gen] / stat->elapsed_s);
	if (pauses > 0) {
		mean = text_seconds(stat->pause_total_s[gen] / (double)pauses);
		longest = text_seconds(stat->pause_longest_s[gen]);
	}
	text_row(&rt->o, TEXT_PLAIN, "", "%-3d %11s %9s %11s %9s %8s %8s %10s", gen,
		 text_count(stat->collections[gen]).s, rate.s, text_count(stat->collected[gen]).s,
		 text_count(pauses).s, mean.s, longest.s, text_seconds(stat->pause_total_s[gen]).s);
}

static uint64_t bucket_total(const struct gc_stat *stat, int bucket)
{
	uint64_t total = 0;

	for (int gen = 0; gen < GENERATIONS; gen++)
		total += stat->log2_us[gen][bucket];
	return total;
}

static void bucket_label(char *buf, size_t size, int bucket)
{
	if (bucket == 0)
		snprintf(buf, size, "under 2 us");
	else
		snprintf(buf, size, "%s .. %s", text_seconds(ldexp(1e-6, bucket)).s,
			 text_seconds(ldexp(1e-6, bucket + 1)).s);
}

static void put_bucket(struct report_text *rt, const struct gc_stat *stat, int bucket,
		       uint64_t largest, int bar_columns)
{
	uint64_t total = bucket_total(stat, bucket);
	int len = (int)ceil((double)total / (double)largest * bar_columns);
	char label[96], bar[BAR_MAX + 1];

	memset(bar, '#', sizeof(bar));
	bar[len > bar_columns ? bar_columns : len] = '\0';
	bucket_label(label, sizeof(label), bucket);
	text_row(&rt->o, TEXT_PLAIN, "", "%-18s %9s %9s %9s |%-*s|", label,
		 text_count(stat->log2_us[0][bucket]).s, text_count(stat->log2_us[1][bucket]).s,
		 text_count(stat->log2_us[2][bucket]).s, bar_columns, bar);
}

static void put_histogram(struct report_text *rt, const struct gc_stat *stat)
{
	int first = STAT_PAUSE_BUCKETS, last = -1;
	int bar_columns = rt->o.columns - 51;
	uint64_t largest = 0;

	for (int b = 0; b < STAT_PAUSE_BUCKETS; b++) {
		uint64_t total = bucket_total(stat, b);

		if (total == 0)
			continue;
		first = first < b ? first : b;
		last = b;
		largest = total > largest ? total : largest;
	}
	if (last < 0) {
		text_line(&rt->o, 2, "no pause was measured");
		return;
	}
	bar_columns = bar_columns < 4 ? 4 : bar_columns > BAR_MAX ? BAR_MAX : bar_columns;
	text_row(&rt->o, TEXT_BOLD, "", "%-18s %9s %9s %9s", "PAUSE", "GEN 0", "GEN 1", "GEN 2");
	for (int b = first; b <= last; b++)
		put_bucket(rt, stat, b, largest, bar_columns);
}

void text_put_stat(struct report *report, const struct gc_stat *stat, const struct cost *cost)
{
	struct report_text *rt = text_of(report);

	rt->ended = true;
	text_line(&rt->o, 2, "garbage collections in %s", text_seconds(stat->elapsed_s).s);
	text_row(&rt->o, TEXT_BOLD, "", "%-3s %11s %9s %11s %9s %8s %8s %10s", "GEN", "COLLECTIONS",
		 "PER S", "GARBAGE", "PAUSES", "MEAN", "LONGEST", "TOTAL");
	for (int gen = 0; gen < GENERATIONS; gen++)
		put_generation(rt, stat, gen);
	text_line(&rt->o, 0, "%s", "");
	put_histogram(rt, stat);
	if (stat->unknown_pauses > 0)
		text_line(&rt->o, 2, "%s pauses had no known generation or no seen end",
			  text_count(stat->unknown_pauses).s);
	text_line(&rt->o, 0, "%s", "");
	if (stat->promoted_known && isfinite(stat->promoted_per_s))
		text_line(&rt->o, 2, "promoted: %s objects/s survived a young collection",
			  text_rate(stat->promoted_per_s).s + 1);
	else
		text_line(&rt->o, 2, "promoted: n/a (not every young collection could be counted)");
	text_put_cost(rt, cost);
	fflush(rt->o.out);
}
