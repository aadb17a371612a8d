/* SPDX-License-Identifier: BSD-2-Clause */
#include "analyse/reach.h"

#include <errno.h>

#include "base/cleanup.h"

#define NAMED_ENTRIES_MAX 32

/* Every node is in the queue once at most: it is marked when it is put there. */
static void spread(const struct heap_graph *graph, uint32_t *queue, size_t tail, uint8_t value,
		   uint8_t *mark)
{
	for (size_t head = 0; head < tail; head++) {
		uint32_t node = queue[head];

		reach_prefetch(graph, queue, head, tail);
		for (uint32_t e = graph->first[node]; e < graph->first[node + 1]; e++) {
			uint32_t to = graph->edges[e].to;

			if (mark[to] || !graph_edge_holds(&graph->edges[e]))
				continue;
			mark[to] = value;
			queue[tail++] = to;
		}
	}
}

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
	spread(graph, queue, tail, value, mark);
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
	spread(graph, queue, tail, value, mark);
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
