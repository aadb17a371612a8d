/* SPDX-License-Identifier: BSD-2-Clause */
/* The tables of `types`, `growth` and `doctor`. objgraph's users know the first two; the bytes
 * are ours, and are shallow: what the objects hold is not in them.
 */
#include "report/report_text.h"

#include <string.h>

#include "base/cleanup.h"
#include "report/rank.h"

#define LIVE_COLUMNS 13
#define BYTES_COLUMNS 11

int text_name_columns(const struct report_text *rt, int taken)
{
	int left = rt->o.columns - taken;

	return left < 8 ? 8 : left > TEXT_NAME_COLUMNS ? TEXT_NAME_COLUMNS : left;
}

static void put_type_row(struct report_text *rt, const char *name, uint64_t live, uint64_t bytes)
{
	int columns = text_name_columns(rt, LIVE_COLUMNS + BYTES_COLUMNS + 2);
	char padded[TEXT_NAME_BYTES];

	text_name(padded, sizeof(padded), name, columns);
	text_pad(padded, sizeof(padded), columns);
	text_row(&rt->o, TEXT_PLAIN, "", "%s %*s %*s", padded, LIVE_COLUMNS, text_count(live).s,
		 BYTES_COLUMNS, text_bytes((double)bytes).s);
}

static void put_census(struct report_text *rt, const struct status *status)
{
	const struct sample *s = status->sample;

	text_line(&rt->o, 0, "%s", "");
	if (s)
		text_line(&rt->o, 2, "census %s, %s after the start",
			  instrument_name(s->instrument), text_seconds(s->time_s).s);
	text_put_cost(rt, &status->cost);
	text_put_losses(rt, status->losses, status->loss_cnt);
	fflush(rt->o.out);
}

void text_put_types(struct report *report, const struct status *status, size_t limit)
{
	struct report_text *rt = text_of(report);
	int columns = text_name_columns(rt, LIVE_COLUMNS + BYTES_COLUMNS + 2);
	_cleanup_free_ const struct type_count **types = NULL;
	uint64_t live = 0, bytes = 0;
	char total[80];
	size_t cnt;

	types = rank_types(status->sample, &cnt);
	if (limit == 0 || limit > cnt)
		limit = cnt;
	text_row(&rt->o, TEXT_BOLD, "", "%-*s %*s %*s", columns, "TYPE", LIVE_COLUMNS, "LIVE",
		 BYTES_COLUMNS, "BYTES");
	for (size_t i = 0; i < cnt; i++) {
		live += types[i]->live;
		bytes += types[i]->bytes;
		if (i < limit)
			put_type_row(rt, types[i]->name, types[i]->live, types[i]->bytes);
	}
	snprintf(total, sizeof(total),
		 limit < cnt ? "total of %zu types, %zu shown" : "total of %zu types", cnt, limit);
	put_type_row(rt, total, live, bytes);
	put_census(rt, status);
}

void text_put_growth(struct report *report, const struct status *status,
		     const struct type_growth *rows, size_t cnt, size_t limit)
{
	struct report_text *rt = text_of(report);
	int columns = text_name_columns(rt, 2 * (LIVE_COLUMNS + BYTES_COLUMNS) + 4);
	size_t shown = 0, left_out = 0;

	for (size_t i = 0; i < cnt; i++) {
		char name[TEXT_NAME_BYTES];

		if (rows[i].growth <= 0)
			continue;
		if (limit > 0 && shown == limit) {
			left_out++;
			continue;
		}
		if (shown++ == 0)
			text_row(&rt->o, TEXT_BOLD, "", "%-*s %*s %*s %*s %*s", columns, "TYPE",
				 LIVE_COLUMNS, "LIVE", LIVE_COLUMNS, "GROWTH", BYTES_COLUMNS,
				 "BYTES", BYTES_COLUMNS, "GROWTH");
		text_name(name, sizeof(name), rows[i].name, columns);
		text_pad(name, sizeof(name), columns);
		text_row(&rt->o, TEXT_PLAIN, "", "%s %*s %*s %*s %*s", name, LIVE_COLUMNS,
			 text_count(rows[i].live).s, LIVE_COLUMNS,
			 text_change((double)rows[i].growth).s, BYTES_COLUMNS,
			 text_bytes((double)rows[i].bytes).s, BYTES_COLUMNS,
			 text_bytes_change((double)rows[i].bytes_growth).s);
	}
	if (left_out > 0)
		text_line(&rt->o, 2, "and %s more", text_count(left_out).s);
	if (shown == 0)
		text_line(&rt->o, 2, "nothing grew in %s", text_seconds(status->cost.elapsed_s).s);
	put_census(rt, status);
}

static const struct {
	const char *word;
	enum text_colour colour;
} check_words[] = {
	[CHECK_OK] = { "ok  ", TEXT_GREEN },
	[CHECK_NOTE] = { "note", TEXT_YELLOW },
	[CHECK_BAD] = { "BAD ", TEXT_RED },
};

void text_put_doctor(struct report *report, const struct check *checks, size_t cnt)
{
	struct report_text *rt = text_of(report);
	size_t bad = 0;

	for (size_t i = 0; i < cnt; i++) {
		const struct check *c = &checks[i];
		char what[TEXT_NAME_BYTES], safe[TEXT_NAME_BYTES];

		text_name(what, sizeof(what), c->what, 20);
		text_pad(what, sizeof(what), 16);
		text_lead(&rt->o, check_words[c->state].colour, check_words[c->state].word, 22,
			  " %s %s", what, text_escape(safe, sizeof(safe), c->found));
		if (c->advice[0])
			text_line(&rt->o, 8, "     -> %s",
				  text_escape(safe, sizeof(safe), c->advice));
		bad += c->state == CHECK_BAD;
	}
	if (bad > 0)
		text_line(&rt->o, 2, "bad: %zu of %zu checks", bad, cnt);
	else
		text_line(&rt->o, 2, "all that is needed works");
	fflush(rt->o.out);
}
