/* SPDX-License-Identifier: BSD-2-Clause */
/* Exact counts. While a watch goes on: on a terminal a short table on top of the status block, in a
 * pipe one line. After its summary, and after `stat`: the whole table, and what its words mean.
 */
#include "report/report_text.h"

#include <math.h>
#include <string.h>

#include "collect/exact.h"

#define LIVE_COLUMNS 11
#define NUMBER_COLUMNS 9
#define FIXED_COLUMNS (1 + LIVE_COLUMNS + 1 + 4 * (1 + NUMBER_COLUMNS))
/* With the status below it the block must not outgrow a screen of 24 lines. */
#define LIVE_ROWS 5
#define NEWS 3
#define NEWS_NAME_COLUMNS 30
#define FREE_LISTS 8

/* Of the last interval. */
static double change_of(const struct exact_type *type, const struct exact_counts *counts)
{
	return (type->alloc_per_s - type->free_per_s) * counts->interval_s;
}

/* "53.1": a rate without the sign. */
static struct text per_second(double n)
{
	struct text t = text_rate(n);

	if (t.s[0] == '+')
		memmove(t.s, t.s + 1, strlen(t.s));
	return n == 0 ? (struct text){ .s = "0" } : t;
}

static struct text fitting(struct text t, double n, int columns)
{
	return (int)strlen(t.s) > columns ? text_scaled(n) : t;
}

static struct text live_words(const struct exact_type *type)
{
	struct text t =
		type->live < 0 ? text_change((double)type->live) : text_count((uint64_t)type->live);

	return fitting(t, (double)type->live, LIVE_COLUMNS);
}

static char *name_words(char *buf, size_t size, const struct exact_type *type, int columns)
{
	static const char gone[] = " (gone)";
	int mark = type->is_dead ? (int)strlen(gone) : 0;

	text_name(buf, size - sizeof(gone), type->name, columns - mark);
	return mark ? strcat(buf, gone) : buf;
}

static bool drift_is_known(const struct exact_counts *counts)
{
	return counts->censuses >= 2;
}

/* "12 (0.01 %)" */
static struct text drift_words(const struct exact_counts *counts)
{
	double share =
		counts->anchored_live ? (double)counts->drift / (double)counts->anchored_live : NAN;
	struct text t;

	if (!drift_is_known(counts))
		return (struct text){ .s = "not known yet" };
	snprintf(t.s, sizeof(t.s), "%.20s (%.14s)",
		 fitting(text_count(counts->drift), (double)counts->drift, 20).s,
		 text_percent(share).s);
	return t;
}

/* ---- the table */

static void put_row(struct report_text *rt, const struct exact_counts *counts,
		    const struct exact_type *type)
{
	int columns = text_name_columns(rt, FIXED_COLUMNS);
	double change = change_of(type, counts);
	struct text drift = { .s = "-" };
	char name[TEXT_NAME_BYTES];

	if (drift_is_known(counts) && type->anchored)
		drift = type->drift ? text_change((double)type->drift) : (struct text){ .s = "0" };
	text_cut(name_words(name, sizeof(name), type, columns), columns);
	text_pad(name, sizeof(name), columns);
	text_row(&rt->o, TEXT_PLAIN, "", "%s %*s%c %*s %*s %*s %*s", name, LIVE_COLUMNS,
		 live_words(type).s, type->anchored ? ' ' : '*', NUMBER_COLUMNS,
		 fitting(text_change(change), change, NUMBER_COLUMNS).s, NUMBER_COLUMNS,
		 fitting(per_second(type->alloc_per_s), type->alloc_per_s, NUMBER_COLUMNS).s,
		 NUMBER_COLUMNS,
		 fitting(per_second(type->free_per_s), type->free_per_s, NUMBER_COLUMNS).s,
		 NUMBER_COLUMNS, fitting(drift, (double)type->drift, NUMBER_COLUMNS).s);
}

static void put_table(struct report_text *rt, const struct exact_counts *counts, size_t limit)
{
	int columns = text_name_columns(rt, FIXED_COLUMNS);
	size_t shown = limit > 0 && limit < counts->cnt ? limit : counts->cnt;

	if (counts->cnt == 0) {
		text_line(&rt->o, 2, "no object was made or freed");
		return;
	}
	text_row(&rt->o, TEXT_BOLD, "", "%-*s %*s  %*s %*s %*s %*s", columns, "TYPE", LIVE_COLUMNS,
		 "LIVE", NUMBER_COLUMNS, "+/-", NUMBER_COLUMNS, "MADE/S", NUMBER_COLUMNS, "FREED/S",
		 NUMBER_COLUMNS, "DRIFT");
	for (size_t i = 0; i < shown; i++)
		put_row(rt, counts, &counts->types[i]);
	if (shown < counts->cnt)
		text_row(&rt->o, TEXT_PLAIN, "", "%s more", text_count(counts->cnt - shown).s);
}

/* ---- while the watch goes on */

static void put_live(struct report_text *rt, const struct exact_counts *counts, size_t limit)
{
	rt->block_goes_on = false;
	text_block_begin(rt);
	rt->block_goes_on = true;
	text_row(&rt->o, TEXT_BOLD, "exact", "  %s/s made, %s/s freed, drift %s, cost %s",
		 per_second(counts->alloc_per_s).s, per_second(counts->free_per_s).s,
		 drift_words(counts).s, text_percent(counts->target_share).s);
	put_table(rt, counts, limit == 0 || limit > LIVE_ROWS ? LIVE_ROWS : limit);
}

static bool is_before(const struct exact_type *a, const struct exact_type *b,
		      const struct exact_counts *counts)
{
	double more = fabs(change_of(a, counts)) - fabs(change_of(b, counts));

	return more > 0 || (more == 0 && a < b);
}

/* The type that changed most after `last`; NULL: the rest did not change. */
static const struct exact_type *next_news(const struct exact_counts *counts,
					  const struct exact_type *last)
{
	const struct exact_type *best = NULL;

	for (size_t i = 0; i < counts->cnt; i++) {
		const struct exact_type *type = &counts->types[i];

		if (fabs(change_of(type, counts)) >= 0.5 &&
		    (!last || is_before(last, type, counts)) &&
		    (!best || is_before(type, best, counts)))
			best = type;
	}
	return best;
}

/* "; mq.Message +53, dict +12" */
static char *news_words(char *buf, size_t size, const struct exact_counts *counts)
{
	const struct exact_type *type = NULL;
	size_t used = 0;

	buf[0] = '\0';
	for (int i = 0; i < NEWS && (type = next_news(counts, type)); i++) {
		char name[TEXT_NAME_BYTES];

		text_name(name, sizeof(name), type->name, NEWS_NAME_COLUMNS);
		used += (size_t)snprintf(buf + used, size - used, "%s%s %s", i ? ", " : "; ", name,
					 text_change(change_of(type, counts)).s);
	}
	return buf;
}

static void put_log_line(struct report_text *rt, double time_s, const struct exact_counts *counts)
{
	char news[NEWS * (TEXT_NAME_BYTES + 44)];

	text_line(&rt->o, 8, "%*s  exact: %s/s made, %s/s freed, drift %s, cost %s%s",
		  rt->o.columns < TEXT_DEFAULT_COLUMNS ? 5 : 6, text_seconds(time_s).s,
		  per_second(counts->alloc_per_s).s, per_second(counts->free_per_s).s,
		  drift_words(counts).s, text_percent(counts->target_share).s,
		  news_words(news, sizeof(news), counts));
}

/* ---- at the end */

static void put_drift(struct report_text *rt, const struct exact_counts *counts)
{
	if (counts->censuses == 0)
		text_line(&rt->o, 2,
			  "no census was taken: LIVE is what is left of those made "
			  "since the counts began");
	else if (!drift_is_known(counts))
		text_line(&rt->o, 2, "drift is not known before a second census");
	else if (counts->drift == 0)
		text_line(&rt->o, 2,
			  "no drift: the last of %s censuses found what the counts had said",
			  text_count(counts->censuses).s);
	else
		text_line(&rt->o, 2,
			  "drift: the last of %s censuses found the counts wrong by %s of %s "
			  "objects and set them right; this comes of free lists, of objects that "
			  "change their class or that the collector does not track, and of misses",
			  text_count(counts->censuses).s, drift_words(counts).s,
			  text_count(counts->anchored_live).s);
}

static void put_unanchored(struct report_text *rt, const struct exact_counts *counts, size_t limit)
{
	for (size_t i = 0; counts->censuses > 0 && i < counts->cnt; i++) {
		if ((limit > 0 && i >= limit) || counts->types[i].anchored)
			continue;
		text_line(&rt->o, 2,
			  "* no census has met the type: LIVE is what is left of those "
			  "made since the counts began");
		return;
	}
}

static void put_free_lists(struct report_text *rt, const struct exact_counts *counts)
{
	char words[FREE_LISTS * (TEXT_NAME_BYTES + 32) + 40];
	size_t used = 0, told = 0, left_out = 0;

	for (size_t i = 0; i < counts->cnt; i++) {
		char name[TEXT_NAME_BYTES];

		if (counts->types[i].free_list == 0)
			continue;
		if (told == FREE_LISTS) {
			left_out++;
			continue;
		}
		text_name(name, sizeof(name), counts->types[i].name, NEWS_NAME_COLUMNS);
		used += (size_t)snprintf(words + used, sizeof(words) - used, "%s%s %s",
					 told++ ? ", " : "",
					 text_count(counts->types[i].free_list).s, name);
	}
	if (left_out > 0)
		snprintf(words + used, sizeof(words) - used, ", %s more types",
			 text_count(left_out).s);
	if (told > 0)
		text_line(&rt->o, 2,
			  "free lists: LIVE may be too high by so many that are kept for their "
			  "next use: %s",
			  words);
}

static void put_end(struct report_text *rt, const struct exact_counts *counts, size_t limit)
{
	text_gap(rt);
	text_lead(&rt->o, TEXT_BOLD, "exact counts", 2,
		  " of %s: %s objects made, %s freed; in the last %s %s/s made, %s/s freed",
		  text_seconds(counts->elapsed_s).s, text_count(counts->allocs).s,
		  text_count(counts->frees).s, text_seconds(counts->interval_s).s,
		  per_second(counts->alloc_per_s).s, per_second(counts->free_per_s).s);
	put_table(rt, counts, limit);
	put_unanchored(rt, counts, limit);
	put_drift(rt, counts);
	put_free_lists(rt, counts);
	text_line(&rt->o, 2, "cost of the counts to the target: %s of a core",
		  text_percent(counts->target_share).s);
	text_put_losses(rt, counts->losses, counts->loss_cnt);
}

void text_put_exact(struct report *report, double time_s, const struct exact_counts *counts,
		    size_t limit)
{
	struct report_text *rt = text_of(report);

	if (rt->ended)
		put_end(rt, counts, limit);
	else if (rt->live)
		put_live(rt, counts, limit);
	else
		put_log_line(rt, time_s, counts);
	fflush(rt->o.out);
}
