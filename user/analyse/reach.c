/* SPDX-License-Identifier: BSD-2-Clause */
#include "analyse/reach.h"

#include <errno.h>

#include "base/cleanup.h"

#define NAMED_ENTRIES_MAX 32

int reach_from(const struct heap_graph *graph, const uint32_t *start, size_t cnt, uint8_t value,
	       uint8_t *mark)
{
	_cleanup_free_ uint32_t *queue = malloc(((size_t)graph->node_cnt + 1) * sizeof(*queue));
	size_t tail = 0;

	if (!queue)
		return -ENOMEM;
	for (size_t i = 0; i < cnt; i++)
		mark[start[i]] = 0;
	for (size_t i = 0; i < cnt; i++) {
		if (mark[start[i]])
			continue; /* given twice */
		mark[start[i]] = value;
		queue[tail++] = start[i];
	}
	graph_spread(graph, queue, tail, value, mark);
	return 0;
}

int reach_from_roots(const struct heap_graph *graph, uint32_t kinds, uint8_t value, uint8_t *mark)
{
	_cleanup_free_ uint32_t *queue = malloc(((size_t)graph->node_cnt + 1) * sizeof(*queue));
	size_t tail = 0;

	if (!queue)
		return -ENOMEM;
	mark[GRAPH_ROOT] = value;
	for (uint32_t e = graph->first[GRAPH_ROOT]; e < graph->first[GRAPH_ROOT + 1]; e++) {
		const struct graph_edge *edge = &graph->edges[e];

		if (mark[edge->to] || edge->kind != EDGE_ROOT || edge->value >= graph->root_cnt ||
		    !(kinds & 1U << graph->roots[edge->value].kind))
			continue;
		mark[edge->to] = value;
		queue[tail++] = edge->to;
	}
	graph_spread(graph, queue, tail, value, mark);
	return 0;
}

uint32_t reach_edge_name(const struct heap_graph *graph, uint32_t from,
			 const struct graph_edge *edge)
{
	switch (edge->kind) {
	case EDGE_FIELD:
	case EDGE_ATTRIBUTE:
	case EDGE_LOCAL:
		return edge->value;
	case EDGE_VALUE: /* an entry is two edges: its key, its value */
		return (graph->first[from + 1] - graph->first[from]) / 2 <= NAMED_ENTRIES_MAX
			       ? edge->value
			       : 0;
	default:
		return 0;
	}
}
