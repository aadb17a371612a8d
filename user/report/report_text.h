/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the text report share; nobody else includes this. */
#ifndef PYLEAK_REPORT_TEXT_H
#define PYLEAK_REPORT_TEXT_H

#include "report/report.h"
#include "report/text_out.h"
#include "report/text_seen.h"
#include "report/text_util.h"

#define TEXT_DEFAULT_ROWS 10
#define TEXT_DEFAULT_COLUMNS 100

struct report_text {
	struct report base; /* first: the ops get a pointer to it */
	struct text_out o;
	bool live;
	unsigned int block_from; /* value of o.lines where the block on the screen starts */
	bool block_shown;
	bool block_goes_on; /* exact counts are on top of it, a status goes below them */
	bool ended;	    /* what comes is told once: there is no next interval */
	bool rss_known;
	uint64_t rss_first;
	struct seen seen;
	char hook[TEXT_NAME_BYTES]; /* of the target, for the summary */
};

static inline struct report_text *text_of(struct report *report)
{
	return (struct report_text *)report;
}

/* Of the rows of a status. */
size_t text_rows(const struct report_text *rt);

/* Verdicts (text_verdict.c). */

/* "mq.Message", "list[str] @0x7f12ab34cd00", "native memory": safe, at most `columns`. */
char *text_verdict_label(char *buf, size_t size, const struct verdict *v, int columns);
enum text_colour text_verdict_colour(enum verdict_kind kind);
/* It stands for itself or for its group: one line, one leak. */
bool text_verdict_leads(const struct verdict *v);
size_t text_verdict_count(const struct status *status, enum verdict_kind kind);
/* "leak 1 suspect 2", the gravest first; "" when nothing needs attention. */
char *text_verdict_counts(char *buf, size_t size, const struct status *status);
/* "Channel, Connection, 3 more": what grows with `head`; "" = nothing. */
char *text_grows_with(char *buf, size_t size, const struct status *status,
		      const struct verdict *head, int columns);
/* "48,129", or bytes if that is the unit of `v`. */
struct text text_verdict_live(const struct verdict *v);
/* What text_verdict_live() counts: "live", "elements", ... */
const char *text_verdict_noun(const struct verdict *v);
struct text text_verdict_growth(const struct verdict *v);
struct text text_verdict_rate(const struct verdict *v, double per_s);
/* The table of a live block, and the new lines of a log. */
void text_verdict_table(struct report_text *rt, const struct status *status);
void text_verdict_news(struct report_text *rt, const struct status *status);

/* Ops (text_summary.c, report_tables.c). */
void text_put_summary(struct report *report, const struct summary *summary);
void text_put_types(struct report *report, const struct status *status, size_t limit);
void text_put_growth(struct report *report, const struct status *status,
		     const struct type_growth *rows, size_t cnt, size_t limit);
void text_put_stat(struct report *report, const struct gc_stat *stat, const struct cost *cost);
void text_put_doctor(struct report *report, const struct check *checks, size_t cnt);

/* Ops for snapshots (text_snapshot.c, text_paths.c, text_cycles.c, text_diff.c). */
void text_put_snapshot(struct report *report, const struct graph_info *info,
		       const struct heap_totals *totals);
void text_put_paths(struct report *report, const struct heap_graph *graph,
		    const struct type_paths *paths, size_t limit);
void text_put_cycles(struct report *report, const struct heap_graph *graph,
		     const struct cycles *cycles, size_t limit);
void text_put_holders(struct report *report, const struct heap_graph *graph,
		      const struct dominators *dominators, const uint32_t *nodes,
		      const struct path_shape *ways, size_t cnt);
void text_put_audit(struct report *report, const struct heap_graph *graph,
		    const struct audit *audit, size_t limit);
void text_put_diff(struct report *report, const struct diff *diff, size_t limit);
void text_put_all_types(struct report *report, const struct heap_graph *graph,
			const struct type_total *rows, size_t cnt, size_t limit);
/* Ops for allocations (text_stacks.c, text_exact.c). */
void text_put_stacks(struct report *report, const struct alloc_stacks *stacks, size_t limit);
void text_put_exact(struct report *report, double time_s, const struct exact_counts *counts,
		    size_t limit);

/* "list <- module mq: connections" in so many columns: of a longer way the middle is left out.
 * `size` at least TEXT_WAY_BYTES. */
#define TEXT_WAY_BYTES 4096
char *text_way(char *buf, size_t size, const struct heap_graph *graph, uint32_t type,
	       const struct path_shape *shape, int columns);
/* An empty line between what was written and what comes. */
void text_gap(struct report_text *rt);
/* What numbers of `taken` columns leave for the name beside them; at least 8. */
int text_name_columns(const struct report_text *rt, int taken);

/* Who makes what `head` and its group tell of; nothing when that is not known (text_makers.c). */
void text_put_makers(struct report_text *rt, const struct alloc_stacks *stacks,
		     const struct status *status, const struct verdict *head);
/* Cost to the target and our own, used by all summaries. */
void text_put_cost(struct report_text *rt, const struct cost *cost);
void text_put_losses(struct report_text *rt, const struct loss *losses, size_t cnt);
/* The live block: the next one takes the place of the one before, unless that goes on. */
void text_block_begin(struct report_text *rt);
/* Takes it off the screen. */
void text_block_erase(struct report_text *rt);

#endif
