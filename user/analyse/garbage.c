/* SPDX-License-Identifier: BSD-2-Clause */
/* What gc.collect() would free: update_refs(), subtract_refs() and move_unreachable() of CPython's
 * Modules/gcmodule.c (Python/gc.c from 3.13 on), on all generations at once. */
#include "analyse/audit.h"

#include <errno.h>

#include "base/cleanup.h"

static bool is_tracked(const struct heap_graph *graph, uint32_t node)
{
	return graph->nodes[node].flags & NODE_TRACKED;
}

/* tp_traverse visits it, and the refcount counts it. */
static bool is_visited(const struct graph_edge *edge)
{
	return graph_edge_counts(edge) && !edge->hidden;
}

/* References of tracked objects: the collector sees no others, and takes what an untracked tuple
 * or a native library holds for held from outside. */
static void subtract(const struct heap_graph *graph, uint32_t *inner)
{
	for (uint32_t n = 0; n < graph->node_cnt; n++) {
		if (!is_tracked(graph, n))
			continue;
		for (uint32_t e = graph->first[n]; e < graph->first[n + 1]; e++)
			inner[graph->edges[e].to] += is_visited(&graph->edges[e]);
	}
}

static bool held_from_outside(const struct graph_node *node, uint32_t inner)
{
	return node->refcount == REFCOUNT_IMMORTAL || node->flags & NODE_TORN ||
	       node->refcount != inner;
}

/* Takes what the nodes of the stack reach off the garbage. */
static int64_t rescue(const struct heap_graph *graph, uint32_t *stack, size_t depth,
		      uint8_t *garbage)
{
	int64_t cnt = 0;

	while (depth) {
		uint32_t node = stack[--depth];

		for (uint32_t e = graph->first[node]; e < graph->first[node + 1]; e++) {
			uint32_t to = graph->edges[e].to;

			if (!garbage[to] || !is_visited(&graph->edges[e]))
				continue;
			garbage[to] = 0;
			stack[depth++] = to;
			cnt++;
		}
	}
	return cnt;
}

int64_t garbage_find(const struct heap_graph *graph, uint8_t *garbage)
{
	size_t size = (size_t)graph->node_cnt + 1;
	_cleanup_free_ uint32_t *inner = calloc(size, sizeof(*inner));
	_cleanup_free_ uint32_t *stack = malloc(size * sizeof(*stack));
	size_t depth = 0;
	int64_t cnt = 0;

	if (!inner || !stack)
		return -ENOMEM;
	subtract(graph, inner);
	for (uint32_t n = 0; n < graph->node_cnt; n++) {
		garbage[n] = 0;
		if (!is_tracked(graph, n))
			continue;
		if (held_from_outside(&graph->nodes[n], inner[n]))
			stack[depth++] = n;
		else
			garbage[n] = 1;
		cnt += garbage[n];
	}
	return cnt - rescue(graph, stack, depth, garbage);
}
