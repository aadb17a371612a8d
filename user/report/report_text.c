/* SPDX-License-Identifier: BSD-2-Clause */
/* The main job for a person: who is watched, then a status per interval. On a terminal the
 * status is a block that is rewritten in place; in a pipe it is one line, and a verdict gets a
 * line only when it is new or has changed, so that a log of a day stays readable.
 *
 * The block is found again by the number of its lines: whoever else writes to the terminal
 * between two statuses must do it through note().
 */
#include "report/report_text.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/* Below this not even a number and its name fit side by side. */
#define MIN_COLUMNS 20

size_t text_rows(const struct report_text *rt)
{
	return rt->base.limit > 0 ? (size_t)rt->base.limit : TEXT_DEFAULT_ROWS;
}

void text_block_erase(struct report_text *rt)
{
	unsigned int lines = rt->o.lines - rt->block_from;

	if (rt->block_shown && lines > 0)
		fprintf(rt->o.out, "\x1b[%uA\r\x1b[J", lines);
	rt->block_shown = false;
	rt->block_goes_on = false;
}

void text_block_begin(struct report_text *rt)
{
	if (!rt->block_goes_on) {
		text_block_erase(rt);
		rt->block_from = rt->o.lines;
		rt->block_shown = true;
	}
	rt->block_goes_on = false;
}

static void text_put_target(struct report *report, const struct target_info *target)
{
	struct report_text *rt = text_of(report);
	struct text_out *o = &rt->o;
	char name[TEXT_NAME_BYTES], version[TEXT_NAME_BYTES];

	text_name(rt->hook, sizeof(rt->hook), target->hook ? target->hook : "none", 40);
	text_name(name, sizeof(name), target->program, o->columns - 24);
	text_lead(o, TEXT_BOLD, "pyleak-bpf", 2, " watches %d: %s", target->pid, name);
	text_name(version, sizeof(version), target->version, 20);
	text_name(name, sizeof(name), target->python_file, o->columns - 40);
	text_line(o, 4, "  Python %s, %s, %u interpreter%s", version, name, target->interpreters,
		  target->interpreters == 1 ? "" : "s");
	text_line(o, 4, "  hook %s; every %s, budget %.3g %% of a core, pauses up to %s", rt->hook,
		  text_seconds(target->interval_s).s, target->budget_pct,
		  text_seconds(target->max_pause_ms / 1e3).s);
	fflush(o->out);
}

static const char *instrument_word(const struct sample *sample)
{
	return sample ? instrument_name(sample->instrument) : "none";
}

/* "rss 261.4 MiB +12.1 MiB", from the first status on. */
static char *rss_words(struct report_text *rt, char *buf, size_t size, const struct sample *s)
{
	uint64_t rss = s ? s->memory.rss : 0;

	if (rss == 0) {
		snprintf(buf, size, "rss ?");
		return buf;
	}
	if (!rt->rss_known) {
		rt->rss_known = true;
		rt->rss_first = rss;
	}
	snprintf(buf, size, "rss %s %s", text_bytes((double)rss).s,
		 text_bytes_change((double)rss - (double)rt->rss_first).s);
	return buf;
}

/* The essentials in one line; what a narrow one cannot hold is the least grave. */
static void put_log_line(struct report_text *rt, const struct status *status)
{
	const struct sample *s = status->sample;
	struct text time = { .s = "?" }, objects = { .s = "?" };
	struct text cost = text_percent(status->cost.target_share);
	bool narrow = rt->o.columns < TEXT_DEFAULT_COLUMNS;
	char rss[96], counts[120];

	if (s) {
		time = text_seconds(s->time_s);
		objects = narrow ? text_scaled((double)s->objects) : text_count(s->objects);
	}
	rss_words(rt, rss, sizeof(rss), s);
	text_verdict_counts(counts, sizeof(counts), status);
	if (narrow)
		text_row(&rt->o, TEXT_PLAIN, "", "%5s %s obj %s %.4s %s %s", time.s, objects.s, rss,
			 instrument_word(s), cost.s, counts);
	else
		text_row(&rt->o, TEXT_PLAIN, "", "%6s  %s objects  %s  %s  cost %s  %s", time.s,
			 objects.s, rss, instrument_word(s), cost.s, counts);
	text_verdict_news(rt, status);
}

/* The block must not outgrow the screen: the reasons are told at the end. */
static void put_loss_row(struct report_text *rt, const struct status *status)
{
	uint64_t lost = 0;

	for (size_t i = 0; i < status->loss_cnt; i++)
		lost += status->losses[i].cnt;
	if (lost > 0)
		text_row(&rt->o, TEXT_YELLOW, "lost", " %s so far, reasons at the end",
			 text_count(lost).s);
}

static void put_live_block(struct report_text *rt, const struct status *status)
{
	const struct sample *s = status->sample;
	char rss[96];

	text_block_begin(rt);
	text_row(&rt->o, TEXT_BOLD, s ? text_seconds(s->time_s).s : "?",
		 "  %s objects  %s  cost %s  census %s", s ? text_count(s->objects).s : "?",
		 rss_words(rt, rss, sizeof(rss), s), text_percent(status->cost.target_share).s,
		 instrument_word(s));
	text_verdict_table(rt, status);
	put_loss_row(rt, status);
}

static void text_put_status(struct report *report, const struct status *status)
{
	struct report_text *rt = text_of(report);

	if (rt->live)
		put_live_block(rt, status);
	else
		put_log_line(rt, status);
	fflush(rt->o.out);
}

static void text_put_note(struct report *report, double time_s, const char *sentence)
{
	struct report_text *rt = text_of(report);
	char safe[TEXT_NAME_BYTES * 2];

	text_block_erase(rt);
	text_line(&rt->o, 8, "%6s  note: %s", text_seconds(time_s).s,
		  text_escape(safe, sizeof(safe), sentence));
	fflush(rt->o.out);
}

static void text_insert(struct report *report, const char *text, size_t len)
{
	struct report_text *rt = text_of(report);

	text_block_erase(rt);
	fwrite(text, 1, len, rt->o.out);
	fflush(rt->o.out);
}

static void text_destroy(struct report *report)
{
	struct report_text *rt = text_of(report);

	seen_deinit(&rt->seen);
	free(rt);
}

static const struct report_ops text_ops = {
	.target = text_put_target,
	.status = text_put_status,
	.note = text_put_note,
	.summary = text_put_summary,
	.insert = text_insert,
	.types = text_put_types,
	.growth = text_put_growth,
	.stat = text_put_stat,
	.doctor = text_put_doctor,
	.snapshot = text_put_snapshot,
	.paths = text_put_paths,
	.cycles = text_put_cycles,
	.holders = text_put_holders,
	.audit = text_put_audit,
	.diff = text_put_diff,
	.stacks = text_put_stacks,
	.exact = text_put_exact,
	.all_types = text_put_all_types,
	.destroy = text_destroy,
};

struct report *report_text_create(FILE *out, int columns, bool live, bool colour)
{
	struct report_text *rt = calloc(1, sizeof(*rt));

	if (!rt)
		return NULL;
	rt->base.ops = &text_ops;
	rt->base.out = out;
	rt->o.out = out;
	rt->o.columns = columns <= 0		? TEXT_DEFAULT_COLUMNS
			: columns < MIN_COLUMNS ? MIN_COLUMNS
						: columns;
	rt->o.colour = colour;
	rt->live = live;
	return &rt->base;
}
