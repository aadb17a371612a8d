/* SPDX-License-Identifier: BSD-2-Clause */
/* Verdicts as words, as the table of a live block, and as the news of a log. A group of types
 * that grow together is one leak: only its head gets a row, the others are named under it. That
 * members follow their head in the array is detect's habit, and not relied on here.
 */
#include "report/report_text.h"

#include <stdlib.h>
#include <string.h>

/* What a reader must know. The others explain growth away; a log is silent about them. */
static bool is_grave(enum verdict_kind kind)
{
	return kind >= VERDICT_SUSPECT;
}

enum text_colour text_verdict_colour(enum verdict_kind kind)
{
	switch (kind) {
	case VERDICT_LEAK:
		return TEXT_RED;
	case VERDICT_NATIVE:
		return TEXT_MAGENTA;
	case VERDICT_SUSPECT:
		return TEXT_YELLOW;
	default:
		return TEXT_PLAIN;
	}
}

char *text_verdict_label(char *buf, size_t size, const struct verdict *v, int columns)
{
	char name[TEXT_NAME_BYTES], holds[TEXT_NAME_BYTES];
	char address[24];
	int left;

	if (v->subject == SUBJECT_MEMORY) {
		snprintf(buf, size, "native memory");
		return buf;
	}
	if (v->subject == SUBJECT_TYPE)
		return text_name(buf, size, v->name, columns);
	/* The address tells two lists apart: it is the one part that is never shortened. */
	snprintf(address, sizeof(address), " @0x%llx", (unsigned long long)v->address);
	left = columns - (int)strlen(address);
	text_name(holds, sizeof(holds), v->holds, left > 8 ? left / 2 : 4);
	text_name(name, sizeof(name), v->name,
		  v->holds && left > 8 ? left - 2 - text_width(holds)
		  : left > 4	       ? left
				       : 4);
	if (v->holds)
		text_name(holds, sizeof(holds), v->holds, left - 2 - text_width(name));
	/* Of a short rest of a name nothing can be read. */
	if (!v->holds || (strstr(holds, "...") && text_width(holds) < 8))
		snprintf(buf, size, "%.1000s%s",
			 text_name(name, sizeof(name), v->name, left > 4 ? left : 4), address);
	else
		snprintf(buf, size, "%.490s[%.490s]%s", name, holds, address);
	return buf;
}

bool text_verdict_leads(const struct verdict *v)
{
	return v->kind != VERDICT_STABLE && (v->head || v->group == 0);
}

size_t text_verdict_count(const struct status *status, enum verdict_kind kind)
{
	size_t cnt = 0;

	for (size_t i = 0; i < status->verdict_cnt; i++)
		if (status->verdicts[i].kind == kind && text_verdict_leads(&status->verdicts[i]))
			cnt++;
	return cnt;
}

char *text_verdict_counts(char *buf, size_t size, const struct status *status)
{
	size_t used = 0;

	buf[0] = '\0';
	for (int kind = VERDICT_LEAK; is_grave((enum verdict_kind)kind); kind--) {
		size_t cnt = text_verdict_count(status, (enum verdict_kind)kind);

		if (cnt == 0 || used >= size)
			continue;
		used += (size_t)snprintf(buf + used, size - used, "%s%s %zu", used ? " " : "",
					 verdict_name((enum verdict_kind)kind), cnt);
	}
	return buf;
}

static bool grows_with(const struct verdict *v, const struct verdict *head)
{
	return head->group != 0 && v->group == head->group && v != head;
}

char *text_grows_with(char *buf, size_t size, const struct status *status,
		      const struct verdict *head, int columns)
{
	/* Room for ", 1,234 more" at the end. */
	const int names_columns = columns > 30 ? columns - 12 : 18;
	int width = 0;
	size_t used = 0, skipped = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < status->verdict_cnt; i++) {
		char label[TEXT_NAME_BYTES];

		if (!grows_with(&status->verdicts[i], head))
			continue;
		text_verdict_label(label, sizeof(label), &status->verdicts[i], names_columns);
		if (width + text_width(label) + 2 > names_columns + 2 ||
		    used + strlen(label) + 32 > size) {
			skipped++;
			continue;
		}
		used += (size_t)snprintf(buf + used, size - used, "%s%s", used ? ", " : "", label);
		width = text_width(buf);
	}
	if (skipped > 0)
		snprintf(buf + used, size - used, "%s%s more", used ? ", " : "",
			 text_count(skipped).s);
	return buf;
}

struct text text_verdict_live(const struct verdict *v)
{
	return v->subject == SUBJECT_MEMORY ? text_bytes((double)v->live) : text_count(v->live);
}

const char *text_verdict_noun(const struct verdict *v)
{
	return v->subject == SUBJECT_MEMORY	 ? "unexplained"
	       : v->subject == SUBJECT_CONTAINER ? "elements"
						 : "live";
}

struct text text_verdict_growth(const struct verdict *v)
{
	return v->subject == SUBJECT_MEMORY ? text_bytes_change(v->growth) : text_change(v->growth);
}

struct text text_verdict_rate(const struct verdict *v, double per_s)
{
	return v->subject == SUBJECT_MEMORY ? text_bytes_change(per_s) : text_rate(per_s);
}

/* Numbers from a hostile target may have 26 characters: then they are scaled. */
static struct text narrow(struct text t, double n, int columns)
{
	return (int)strlen(t.s) > columns ? text_scaled(n) : t;
}

#define VERDICT_COLUMNS 10
#define NUMBER_COLUMNS 11
#define SURE_COLUMNS 5
/* All but the name: the verdict, three numbers, the confidence, and a blank before each. */
#define FIXED_COLUMNS (VERDICT_COLUMNS + 1 + 3 * (1 + NUMBER_COLUMNS) + 1 + SURE_COLUMNS)

static int name_columns(const struct report_text *rt)
{
	int left = rt->o.columns - FIXED_COLUMNS;

	return left < 8 ? 8 : left > TEXT_NAME_COLUMNS ? TEXT_NAME_COLUMNS : left;
}

static void put_table_row(struct report_text *rt, const struct verdict *v)
{
	char label[TEXT_NAME_BYTES], kind[32];

	snprintf(kind, sizeof(kind), "%-*s", VERDICT_COLUMNS, verdict_name(v->kind));
	text_verdict_label(label, sizeof(label), v, name_columns(rt));
	text_pad(label, sizeof(label), name_columns(rt));
	text_row(&rt->o, text_verdict_colour(v->kind), kind, " %s %*s %*s %*s %*s", label,
		 NUMBER_COLUMNS, narrow(text_verdict_live(v), (double)v->live, NUMBER_COLUMNS).s,
		 NUMBER_COLUMNS, narrow(text_verdict_growth(v), v->growth, NUMBER_COLUMNS).s,
		 NUMBER_COLUMNS,
		 narrow(text_verdict_rate(v, v->slope_per_s), v->slope_per_s, NUMBER_COLUMNS).s,
		 SURE_COLUMNS, text_sure(v->confidence).s);
}

/* A head and what grows with it, in at most `room` rows. Returns the rows it took. */
static size_t put_table_group(struct report_text *rt, const struct status *status,
			      const struct verdict *head, size_t room)
{
	char with[TEXT_NAME_BYTES];
	const char *tail = " (grow with it)";
	int columns = rt->o.columns - VERDICT_COLUMNS - 3 - (int)strlen(tail);

	put_table_row(rt, head);
	text_grows_with(with, sizeof(with), status, head, columns);
	if (!with[0] || room < 2)
		return 1;
	text_row(&rt->o, TEXT_PLAIN, "", "%*s + %s%s", VERDICT_COLUMNS, "", with, tail);
	return 2;
}

void text_verdict_table(struct report_text *rt, const struct status *status)
{
	size_t rows = 0, left_out = 0;

	for (size_t i = 0; i < status->verdict_cnt; i++) {
		const struct verdict *v = &status->verdicts[i];

		if (!text_verdict_leads(v))
			continue;
		if (rows == 0)
			text_row(&rt->o, TEXT_BOLD, "", "%-*s %-*s %*s %*s %*s %*s",
				 VERDICT_COLUMNS, "VERDICT", name_columns(rt), "WHAT",
				 NUMBER_COLUMNS, "LIVE", NUMBER_COLUMNS, "GROWTH", NUMBER_COLUMNS,
				 "PER SECOND", SURE_COLUMNS, "SURE");
		if (rows >= text_rows(rt))
			left_out++;
		else
			rows += put_table_group(rt, status, v, text_rows(rt) - rows);
	}
	if (left_out > 0)
		text_row(&rt->o, TEXT_PLAIN, "", "%s more", text_count(left_out).s);
	if (rows == 0)
		text_row(&rt->o, TEXT_PLAIN, "", "nothing grows so far");
}

static void put_news_line(struct report_text *rt, const struct status *status,
			  const struct verdict *v, const char *label, const char *before)
{
	char with[TEXT_NAME_BYTES], kind[32];

	snprintf(kind, sizeof(kind), "        %s", verdict_name(v->kind));
	text_grows_with(with, sizeof(with), status, v, 60);
	text_lead(&rt->o, text_verdict_colour(v->kind), kind, 10,
		  "  %s  %s %s, %s/s, %s sure%s%s%s%s", label, text_verdict_live(v).s,
		  text_verdict_noun(v), text_verdict_rate(v, v->slope_per_s).s,
		  text_sure(v->confidence).s, before ? ", was " : "", before ? before : "",
		  with[0] ? "; with " : "", with);
}

void text_verdict_news(struct report_text *rt, const struct status *status)
{
	struct seen_entry gone;

	seen_begin(&rt->seen);
	for (size_t i = 0; i < status->verdict_cnt; i++) {
		const struct verdict *v = &status->verdicts[i];
		enum verdict_kind before = VERDICT_STABLE;
		enum seen_change change;
		char label[TEXT_NAME_BYTES];

		if (v->kind == VERDICT_STABLE)
			continue;
		if (!text_verdict_leads(v)) {
			seen_touch(&rt->seen, v);
			continue;
		}
		text_verdict_label(label, sizeof(label), v, 50);
		change = seen_mark(&rt->seen, v, label, &before);
		if (change != SEEN_SAME && (is_grave(v->kind) || is_grave(before)))
			put_news_line(rt, status, v, label,
				      change == SEEN_CHANGED ? verdict_name(before) : NULL);
	}
	while (seen_pop_gone(&rt->seen, &gone)) {
		if (is_grave(gone.kind))
			text_line(&rt->o, 10, "        %s  %s, was %s",
				  verdict_name(VERDICT_STABLE), gone.label ? gone.label : "?",
				  verdict_name(gone.kind));
		free(gone.label);
	}
}
