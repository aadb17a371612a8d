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

static void put_cut(struct report_text *rt, const struct heap_graph *graph,
		    const struct cycle_group *group)
{
	const char *of = group->examined < group->cycles ? " that were examined" : "";
	char words[TEXT_NAME_BYTES];

	if (group->examined == 0)
		return;
	if (group->cut_breaks == 0) {
		text_line(&rt->o, 6, "  cut: no single reference breaks them%s", of);
		return;
	}
	link_words(words, sizeof(words), graph, &group->cut);
	if (group->examined == 1)
		text_line(&rt->o, 6, "  cut: %s breaks it", words);
	else if (group->cut_breaks >= group->examined)
		text_line(&rt->o, 6, "  cut: %s breaks all %s%s", words,
			  text_count(group->examined).s, of);
	else
		text_line(&rt->o, 6, "  cut: %s breaks %s of %s%s", words,
			  text_count(group->cut_breaks).s, text_count(group->examined).s, of);
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
