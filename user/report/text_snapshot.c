/* SPDX-License-Identifier: BSD-2-Clause */
/* What a snapshot is, and what lies in it: types, holders, refcounts. */
#include "report/report_text.h"

#include <inttypes.h>
#include <string.h>

#include "report/heap_words.h"

#define COUNT_COLUMNS 13
#define BYTES_COLUMNS 11
#define ADDRESS_COLUMNS 16

void text_gap(struct report_text *rt)
{
	if (rt->o.lines > 0)
		text_line(&rt->o, 0, "%s", "");
}

static void put_loss(struct report_text *rt, uint64_t cnt, const char *words)
{
	char lead[60];

	if (cnt == 0)
		return;
	snprintf(lead, sizeof(lead), "lost %s", text_count(cnt).s);
	text_lead(&rt->o, TEXT_YELLOW, lead, 2, ": %s", words);
}

static void put_searched(struct report_text *rt, const struct graph_info *info)
{
	text_line(&rt->o, 4,
		  "  Python 3.%" PRIu32 ".%" PRIu32 "; no copy, for want of memory: the holders of "
		  "%s of %s objects were searched for while the program ran, in %s",
		  info->minor, info->micro, text_count(info->sampled).s,
		  text_count(info->searched).s, text_seconds(info->build_s).s);
}

void text_put_snapshot(struct report *report, const struct graph_info *info,
		       const struct heap_totals *totals)
{
	struct report_text *rt = text_of(report);
	char program[TEXT_NAME_BYTES];

	text_gap(rt);
	text_name(program, sizeof(program), info->program, rt->o.columns - 24);
	text_lead(&rt->o, TEXT_BOLD, "snapshot", 2, " of %" PRIu32 ": %s", info->pid, program);
	if (info->searched) {
		put_searched(rt, info);
		fflush(rt->o.out);
		return;
	}
	text_line(&rt->o, 4,
		  "  Python 3.%" PRIu32 ".%" PRIu32 "; %s objects of %s types, %s, %s "
		  "references",
		  info->minor, info->micro, text_count(totals->objects).s,
		  text_count(totals->types).s, text_bytes((double)totals->bytes).s,
		  text_count(totals->references).s);
	if (info->paused)
		text_line(&rt->o, 4, "  the program stood still for %s while %s were copied",
			  text_seconds(info->pause_s).s, text_bytes((double)info->copied).s);
	else
		text_line(&rt->o, 4, "  %s copied while the program ran: it did not wait",
			  text_bytes((double)info->copied).s);
	text_line(&rt->o, 4, "  the graph took %s", text_seconds(info->build_s).s);
	put_loss(rt, info->loss.torn, "objects that changed while they were copied");
	put_loss(rt, info->loss.unreadable, "references into memory that was not copied");
	put_loss(rt, info->loss.no_object, "references to what is no object");
	put_loss(rt, info->loss.limit, "objects or references beyond what a graph holds");
	fflush(rt->o.out);
}

static void put_type_row(struct report_text *rt, const char *safe, uint64_t objects, uint64_t bytes)
{
	int columns = text_name_columns(rt, COUNT_COLUMNS + BYTES_COLUMNS + 2);
	char padded[TEXT_NAME_BYTES];

	text_cut(strcpy(padded, safe), columns);
	text_pad(padded, sizeof(padded), columns);
	text_row(&rt->o, TEXT_PLAIN, "", "%s %*s %*s", padded, COUNT_COLUMNS, text_count(objects).s,
		 BYTES_COLUMNS, text_bytes((double)bytes).s);
}

void text_put_all_types(struct report *report, const struct heap_graph *graph,
			const struct type_total *rows, size_t cnt, size_t limit)
{
	struct report_text *rt = text_of(report);
	int columns = text_name_columns(rt, COUNT_COLUMNS + BYTES_COLUMNS + 2);
	uint64_t objects = 0, bytes = 0;
	char name[TEXT_NAME_BYTES];

	text_gap(rt);
	if (limit == 0 || limit > cnt)
		limit = cnt;
	text_row(&rt->o, TEXT_BOLD, "", "%-*s %*s %*s", columns, "TYPE", COUNT_COLUMNS, "OBJECTS",
		 BYTES_COLUMNS, "BYTES");
	for (size_t i = 0; i < cnt; i++) {
		objects += rows[i].objects;
		bytes += rows[i].bytes;
		if (i >= limit)
			continue;
		text_name(name, sizeof(name), heap_type_raw(graph, rows[i].type), columns);
		put_type_row(rt, name, rows[i].objects, rows[i].bytes);
	}
	snprintf(name, sizeof(name),
		 limit < cnt ? "total of %zu types, %zu shown" : "total of %zu types", cnt, limit);
	put_type_row(rt, name, objects, bytes);
	fflush(rt->o.out);
}

void text_put_holders(struct report *report, const struct heap_graph *graph,
		      const struct dominators *dominators, const uint32_t *nodes,
		      const struct path_shape *ways, size_t cnt)
{
	struct report_text *rt = text_of(report);
	int columns = text_name_columns(rt, ADDRESS_COLUMNS + COUNT_COLUMNS + BYTES_COLUMNS + 3);

	text_gap(rt);
	if (cnt == 0)
		text_line(&rt->o, 2, "no object holds much by itself");
	else
		text_row(&rt->o, TEXT_BOLD, "", "%-*s %*s %*s %*s", columns, "WHAT GOES WITH",
			 ADDRESS_COLUMNS, "ADDRESS", COUNT_COLUMNS, "OBJECTS", BYTES_COLUMNS,
			 "BYTES");
	for (size_t i = 0; i < cnt; i++) {
		char name[TEXT_WAY_BYTES], address[24];

		text_way(name, sizeof(name), graph, graph->nodes[nodes[i]].type, &ways[i], columns);
		text_pad(name, sizeof(name), columns);
		snprintf(address, sizeof(address), "0x%" PRIx64, graph->nodes[nodes[i]].address);
		text_row(&rt->o, TEXT_PLAIN, "", "%s %*s %*s %*s", name, ADDRESS_COLUMNS, address,
			 COUNT_COLUMNS, text_count(dominators->objects[nodes[i]]).s, BYTES_COLUMNS,
			 text_bytes((double)dominators->bytes[nodes[i]]).s);
	}
	fflush(rt->o.out);
}

static void put_audit_row(struct report_text *rt, const struct heap_graph *graph,
			  const struct audit_row *row)
{
	char name[TEXT_NAME_BYTES], only[80] = "";

	text_name(name, sizeof(name), heap_type_raw(graph, row->type), TEXT_NAME_COLUMNS);
	if (row->only > 0 && row->only == row->objects)
		snprintf(only, sizeof(only), "; nothing else keeps %s alive",
			 row->objects == 1 ? "it" : "them");
	else if (row->only > 0)
		snprintf(only, sizeof(only), "; nothing else keeps %s of them alive",
			 text_count(row->only).s);
	text_line(&rt->o, 4,
		  "%s: %s object%s with %s reference%s that no Python object holds%s: "
		  "lost in native code?",
		  name, text_count(row->objects).s, row->objects == 1 ? "" : "s",
		  text_count(row->excess).s, row->excess == 1 ? "" : "s", only);
}

void text_put_audit(struct report *report, const struct heap_graph *graph,
		    const struct audit *audit, size_t limit)
{
	struct report_text *rt = text_of(report);
	uint64_t left_out = 0;

	text_gap(rt);
	for (size_t i = 0; i < audit->cnt; i++) {
		if (limit == 0 || i < limit)
			put_audit_row(rt, graph, &audit->rows[i]);
		else
			left_out += audit->rows[i].objects;
	}
	if (audit->cnt == 0)
		text_line(&rt->o, 2, "every reference that was counted has a holder");
	if (left_out > 0)
		text_line(&rt->o, 2, "and %s object%s of %zu more type%s", text_count(left_out).s,
			  left_out == 1 ? "" : "s", audit->cnt - limit,
			  audit->cnt - limit == 1 ? "" : "s");
	text_line(&rt->o, 2, "%s refcounts compared; %s immortal, not compared",
		  text_count(audit->objects).s, text_count(audit->immortal).s);
	put_loss(rt, audit->negative, "objects with fewer references counted than were found");
	fflush(rt->o.out);
}
