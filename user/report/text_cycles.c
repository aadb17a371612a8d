/* SPDX-License-Identifier: BSD-2-Clause */
/* Cycles: what is in them, one of them as a ring, and where to cut. */
#include "report/report_text.h"

#include <string.h>

#include "report/heap_words.h"

#define MAX_NAMES 8
#define LINE_BYTES 4000

/* "Channel, Connection, dict, 3 more types" */
static void name_members(char *buf, size_t size, const struct heap_graph *graph,
			 const struct cycle_group *group)
{
	size_t used = 0, i;

	buf[0] = '\0';
	for (i = 0; i < group->member_cnt && i < MAX_NAMES; i++) {
		char name[TEXT_NAME_BYTES];

		text_name(name, sizeof(name), heap_type_raw(graph, group->members[i].type), 40);
		if (used + strlen(name) + 40 > size)
			break;
		used += (size_t)snprintf(buf + used, size - used, "%s%s", i ? ", " : "", name);
	}
	if (i < group->member_cnt)
		snprintf(buf + used, size - used, ", %zu more type%s", group->member_cnt - i,
			 group->member_cnt - i == 1 ? "" : "s");
}

static char *link_words(char *buf, size_t size, const struct heap_graph *graph,
			const struct cycle_link *link)
{
	return heap_step_words(buf, size, graph, link->from, link->kind, link->name, 60);
}

/* "Channel.callbacks -> list[*] -> method.__self__ -> Channel" */
static void put_ring(struct report_text *rt, const struct heap_graph *graph,
		     const struct cycle_group *group)
{
	char line[LINE_BYTES], words[TEXT_NAME_BYTES];
	size_t used = 0, i;

	for (i = 0; i < group->ring_cnt; i++) {
		link_words(words, sizeof(words), graph, &group->ring[i]);
		if (used + strlen(words) + 200 > sizeof(line))
			break;
		used += (size_t)snprintf(line + used, sizeof(line) - used, "%s -> ", words);
	}
	if (i == 0)
		return;
	text_name(words, sizeof(words), heap_type_raw(graph, group->ring[0].from), 60);
	snprintf(line + used, sizeof(line) - used, "%.180s", i < group->ring_cnt ? "..." : words);
	text_line(&rt->o, 6, "  ring: %s", line);
}

/* "Connection.channels and Message.channel" */
static void name_cut(char *buf, size_t size, const struct heap_graph *graph,
		     const struct cycle_group *group)
{
	char words[TEXT_NAME_BYTES];
	size_t used = 0;

	for (size_t i = 0; i < group->cut_cnt; i++) {
		const char *between = i == 0 ? "" : i + 1 < group->cut_cnt ? ", " : " and ";

		link_words(words, sizeof(words), graph, &group->cut[i]);
		used += (size_t)snprintf(buf + used, size - used, "%s%.900s", between, words);
	}
}

static void put_cut(struct report_text *rt, const struct heap_graph *graph,
		    const struct cycle_group *group)
{
	const char *of = group->examined < group->cycles ? " that were examined" : "";
	const char *verb = group->cut_cnt == 1 ? "breaks" : "break";
	uint64_t breaks = group->cut_cnt ? group->cut_breaks[group->cut_cnt - 1] : 0;
	char names[LINE_BYTES];

	if (group->examined == 0)
		return;
	if (breaks == 0) {
		text_line(&rt->o, 6, "  cut: more than %d references would have to go%s",
			  CYCLE_CUT_MAX, of);
		return;
	}
	name_cut(names, sizeof(names), graph, group);
	if (group->examined == 1)
		text_line(&rt->o, 6, "  cut: %s %s it", names, verb);
	else if (breaks >= group->examined)
		text_line(&rt->o, 6, "  cut: %s %s all %s%s", names, verb,
			  text_count(group->examined).s, of);
	else
		text_line(&rt->o, 6, "  cut: %s %s %s of %s%s; for all, more would have to go",
			  names, verb, text_count(breaks).s, text_count(group->examined).s, of);
}

static void put_group(struct report_text *rt, const struct heap_graph *graph,
		      const struct cycle_group *group)
{
	char names[LINE_BYTES / 2], lead[60];

	name_members(names, sizeof(names), graph, group);
	snprintf(lead, sizeof(lead), "%s cycle%s", text_count(group->cycles).s,
		 group->cycles == 1 ? "" : "s");
	text_lead(&rt->o, TEXT_BOLD, lead, 2, " of %s (%s objects, %s)", names,
		  text_count(group->objects).s, text_bytes((double)group->bytes).s);
	put_ring(rt, graph, group);
	put_cut(rt, graph, group);
	if (group->garbage == 0)
		return;
	if (group->garbage == group->cycles)
		text_line(&rt->o, 6, "  garbage: no root holds %s: %s for the collector",
			  group->cycles == 1 ? "it" : "them",
			  group->cycles == 1 ? "it waits" : "they wait");
	else
		text_line(&rt->o, 6,
			  "  garbage: no root holds %s of them: they wait for the "
			  "collector",
			  text_count(group->garbage).s);
}

void text_put_cycles(struct report *report, const struct heap_graph *graph,
		     const struct cycles *cycles, size_t limit)
{
	struct report_text *rt = text_of(report);
	uint64_t left_out = 0, of_classes = 0;
	size_t shown = 0;

	text_gap(rt);
	for (size_t i = 0; i < cycles->cnt; i++) {
		const struct cycle_group *group = &cycles->groups[i];

		if (group->classes) {
			of_classes += group->cycles;
		} else if (limit > 0 && shown == limit) {
			left_out += group->cycles;
		} else {
			put_group(rt, graph, group);
			shown++;
		}
	}
	if (shown == 0)
		text_line(&rt->o, 2, "no reference cycles%s",
			  of_classes ? " but those of classes" : "");
	if (left_out > 0)
		text_line(&rt->o, 2, "and %s cycle%s of other types", text_count(left_out).s,
			  left_out == 1 ? "" : "s");
	if (of_classes > 0)
		text_line(&rt->o, 2, "not shown: %s of classes, which are made that way",
			  text_count(of_classes).s);
	fflush(rt->o.out);
}
