/* SPDX-License-Identifier: BSD-2-Clause */
/* The end of a watch: what leaks, why we think so, what it cost, and what was not seen. It says
 * "no leak found" only when something was looked at: no census is not a clean bill of health.
 */
#include "report/report_text.h"

#include <string.h>

#include "base/cleanup.h"

#define HANG 6

/* The paragraph under a headline. */
static void put_evidence(struct report_text *rt, const struct summary *summary,
			 const struct verdict *v)
{
	const struct status *status = &summary->status;
	char text[TEXT_NAME_BYTES];

	if (v->subject != SUBJECT_MEMORY)
		text_line(&rt->o, HANG, "      %s in %s%s%s", text_bytes((double)v->bytes).s,
			  v->subject == SUBJECT_TYPE ? "the objects themselves"
						     : "the container itself",
			  v->rss_per_unit > 0 ? "; RSS grows per piece by " : "",
			  v->rss_per_unit > 0 ? text_bytes(v->rss_per_unit).s : "");
	text_line(&rt->o, HANG, "      %s in %s; the growth began %s into the watch",
		  text_verdict_growth(v).s, text_seconds(v->evidence_s).s,
		  text_seconds(v->first_growth_s).s);
	text_grows_with(text, sizeof(text), status, v, 2 * rt->o.columns - 40);
	if (text[0])
		text_line(&rt->o, HANG, "      grows with it: %s", text);
	text_put_makers(rt, summary->stacks, status, v);
	if (v->why[0])
		text_line(&rt->o, HANG, "      why: %s", text_escape(text, sizeof(text), v->why));
}

/* Inside the brackets of an interval a plus says nothing. */
static struct text without_plus(struct text t)
{
	if (t.s[0] == '+')
		memmove(t.s, t.s + 1, strlen(t.s));
	return t;
}

static void put_leak(struct report_text *rt, const struct summary *summary, const struct verdict *v)
{
	char label[TEXT_NAME_BYTES];
	bool native = v->kind == VERDICT_NATIVE;

	text_verdict_label(label, sizeof(label), v, rt->o.columns - 8);
	text_lead(&rt->o, text_verdict_colour(v->kind), native ? "NATIVE" : "LEAK", HANG,
		  "  %s  %s %s, %s/s [%s..%s], %s sure, watched %s", label, text_verdict_live(v).s,
		  text_verdict_noun(v), text_verdict_rate(v, v->slope_per_s).s,
		  without_plus(text_verdict_rate(v, v->slope_lo)).s,
		  without_plus(text_verdict_rate(v, v->slope_hi)).s, text_sure(v->confidence).s,
		  text_seconds(v->evidence_s).s);
	put_evidence(rt, summary, v);
}

static void put_one_line(struct report_text *rt, const struct verdict *v)
{
	char label[TEXT_NAME_BYTES], why[TEXT_NAME_BYTES];

	text_verdict_label(label, sizeof(label), v, rt->o.columns / 3);
	text_escape(why, sizeof(why), v->why);
	text_row(&rt->o, text_verdict_colour(v->kind), verdict_name(v->kind),
		 "  %s  %s %s, %s/s, %s sure%s%s", label, text_verdict_live(v).s,
		 text_verdict_noun(v), text_verdict_rate(v, v->slope_per_s).s,
		 text_sure(v->confidence).s, why[0] ? ": " : "", why);
}

static void put_verdicts(struct report_text *rt, const struct summary *summary,
			 enum verdict_kind kind)
{
	const struct status *status = &summary->status;
	bool leak = kind == VERDICT_LEAK || kind == VERDICT_NATIVE;
	size_t shown = 0, left_out = 0;

	for (size_t i = 0; i < status->verdict_cnt; i++) {
		const struct verdict *v = &status->verdicts[i];

		if (v->kind != kind || !text_verdict_leads(v))
			continue;
		/* A leak is what the user came for: none is left out, but of a hundred only the
		 * first get a paragraph. */
		shown++;
		if (leak && shown <= text_rows(rt))
			put_leak(rt, summary, v);
		else if (leak || shown <= text_rows(rt))
			put_one_line(rt, v);
		else
			left_out++;
	}
	if (left_out > 0)
		text_line(&rt->o, 2, "%s  %s more", verdict_name(kind), text_count(left_out).s);
}

/* Growth is judged on no fewer (detect/evidence.c). */
#define JUDGED_CENSUSES 20

static void put_no_leak(struct report_text *rt, const struct summary *summary)
{
	const struct status *status = &summary->status;
	size_t suspects = text_verdict_count(status, VERDICT_SUSPECT);
	size_t native = text_verdict_count(status, VERDICT_NATIVE);
	struct text watched = text_seconds(status->cost.elapsed_s);

	if (text_verdict_count(status, VERDICT_LEAK) > 0)
		return;
	if (summary->censuses == 0)
		text_line(&rt->o, 2, "nothing can be said: no census was taken in %s", watched.s);
	else if (summary->censuses < JUDGED_CENSUSES && native == 0)
		text_line(&rt->o, 2,
			  "no leak found, but %llu census%s in %s are too few to tell: watch "
			  "longer; for "
			  "a large heap raise --budget and --max-pause",
			  (unsigned long long)summary->censuses, summary->censuses == 1 ? "" : "es",
			  watched.s);
	else if (native > 0)
		text_line(&rt->o, 2, "no leak found among Python's objects in %s", watched.s);
	else
		text_lead(&rt->o, suspects ? TEXT_PLAIN : TEXT_GREEN, "no leak found", 2,
			  " in %s%s", watched.s,
			  suspects ? "; what is suspect needs a longer watch" : "");
}

void text_put_cost(struct report_text *rt, const struct cost *cost)
{
	struct text per_object = { .s = "" };

	if (cost->ns_per_object > 0)
		snprintf(per_object.s, sizeof(per_object.s), ", %.3g ns per object",
			 cost->ns_per_object);
	text_line(&rt->o, 2, "cost to the target: %s of a core, longest pause %s%s",
		  text_percent(cost->target_share).s, text_seconds(cost->longest_pause_s).s,
		  per_object.s);
	if (cost->probes_share > 0)
		text_line(&rt->o, 2, "  of it: censuses %s, allocation probes %s",
			  text_percent(cost_of_censuses(cost)).s,
			  text_percent(cost->probes_share).s);
	text_line(&rt->o, 2, "cost of pyleak-bpf itself: %s of a core, %s of memory",
		  text_percent(cost->tool_share).s, text_bytes((double)cost->tool_rss).s);
}

static const char *instrument_words(enum instrument instrument)
{
	switch (instrument) {
	case INSTRUMENT_GC:
		return "at collections";
	case INSTRUMENT_SAFEPOINT:
		return "at safe points";
	case INSTRUMENT_OUTSIDE:
		return "from outside";
	default:
		return instrument_name(instrument);
	}
}

static void put_censuses(struct report_text *rt, const struct summary *summary)
{
	const struct cost *cost = &summary->status.cost;
	char by[200] = "";
	size_t used = 0;

	for (size_t i = INSTRUMENT_GC; i < ARRAY_SIZE(summary->censuses_by); i++)
		if (summary->censuses_by[i] > 0 && used < sizeof(by))
			used += (size_t)snprintf(by + used, sizeof(by) - used, "%s%s %s",
						 used ? ", " : ": ",
						 text_count(summary->censuses_by[i]).s,
						 instrument_words((enum instrument)i));
	text_line(&rt->o, 2, "hook %s: %s collections seen, %s safe points; %s censuses%s",
		  rt->hook[0] ? rt->hook : "none", text_count(cost->gc_hits).s,
		  text_count(cost->safepoint_hits).s, text_count(summary->censuses).s, by);
}

static void put_memory(struct report_text *rt, const struct memory *m)
{
	uint64_t python = m->large_tables + (m->small_known ? m->small_held : 0);
	struct text rest = text_bytes(m->rss > python ? (double)(m->rss - python) : 0);

	if (m->small_known)
		text_line(&rt->o, 2,
			  "memory: RSS %s: small objects %s (held %s), large tables %s, rest %s",
			  text_bytes((double)m->rss).s, text_bytes((double)m->small_used).s,
			  text_bytes((double)m->small_held).s,
			  text_bytes((double)m->large_tables).s, rest.s);
	else
		text_line(&rt->o, 2,
			  "memory: RSS %s: small objects not measured, large tables %s, rest %s",
			  text_bytes((double)m->rss).s, text_bytes((double)m->large_tables).s,
			  rest.s);
}

void text_put_losses(struct report_text *rt, const struct loss *losses, size_t cnt)
{
	if (cnt == 0)
		text_line(&rt->o, 2, "nothing was lost");
	for (size_t i = 0; i < cnt; i++) {
		char words[TEXT_NAME_BYTES];

		text_name(words, sizeof(words), losses[i].words ? losses[i].words : losses[i].name,
			  80);
		text_lead(&rt->o, TEXT_YELLOW, "lost", 6, " %s: %s", text_count(losses[i].cnt).s,
			  words);
	}
}

static const char *end_words(enum watch_end end)
{
	switch (end) {
	case END_DURATION:
		return "the time asked for is over";
	case END_INTERRUPTED:
		return "interrupted";
	case END_TARGET_EXITED:
		return "the target exited";
	case END_TARGET_EXECED:
		return "the target became another program (exec)";
	}
	return "unknown";
}

void text_put_summary(struct report *report, const struct summary *summary)
{
	struct report_text *rt = text_of(report);
	const struct status *status = &summary->status;

	text_block_erase(rt);
	rt->ended = true;
	text_line(&rt->o, 0, "%s", "");
	put_no_leak(rt, summary);
	for (int kind = VERDICT_LEAK; kind > VERDICT_STABLE; kind--)
		put_verdicts(rt, summary, (enum verdict_kind)kind);
	text_line(&rt->o, 0, "%s", "");
	text_line(&rt->o, 2, "watched %s; ended: %s", text_seconds(status->cost.elapsed_s).s,
		  end_words(summary->end));
	put_censuses(rt, summary);
	text_put_cost(rt, &status->cost);
	if (status->sample)
		put_memory(rt, &status->sample->memory);
	text_put_losses(rt, status->losses, status->loss_cnt);
	if (summary->children > 0)
		text_line(&rt->o, 2, "not watched: %u process%s that the target started",
			  summary->children, summary->children == 1 ? "" : "es");
	fflush(rt->o.out);
}
