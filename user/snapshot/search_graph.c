/* SPDX-License-Identifier: BSD-2-Clause */
#include "snapshot/search_graph.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "snapshot/build.h"

uint8_t *search_reached(const struct heap *heap)
{
	const struct heap_graph *graph = heap->graph;
	uint8_t *reached = calloc(graph->node_cnt, 1);
	bool more = reached != NULL;

	for (uint32_t r = 0; reached && r < graph->root_cnt; r++)
		reached[graph->roots[r].node] = 1;
	/* Edges of later levels lead to those of earlier ones. */
	while (more) {
		more = false;
		for (uint32_t e = graph->edge_cnt; e-- > 0;) {
			if (!graph_edge_holds(&graph->edges[e]) ||
			    !reached[heap->search->sources[e]] || reached[graph->edges[e].to])
				continue;
			reached[graph->edges[e].to] = 1;
			more = true;
		}
	}
	return reached;
}

/* Whoever holds it is no object that the collector tracks, or is too many levels away. */
static int add_unknown(struct heap *heap)
{
	uint32_t cnt = heap->graph->node_cnt;
	_cleanup_free_ uint8_t *held = calloc(cnt, 1);

	if (!held)
		return -ENOMEM;
	for (uint32_t r = 0; r < heap->graph->root_cnt; r++)
		held[heap->graph->roots[r].node] = 1;
	for (uint32_t e = 0; e < heap->graph->edge_cnt; e++)
		held[heap->graph->edges[e].to] = 1;
	for (uint32_t n = SEARCH_SCRATCH + 1; n < cnt; n++) {
		if (!held[n] && !(heap->graph->nodes[n].flags & NODE_PSEUDO))
			heap_root(heap, n, ROOT_UNKNOWN, "");
	}
	return 0;
}

/* Dicts that turned out to hold the attributes of an object. */
static void name_attributes(struct heap *heap)
{
	struct heap_graph *graph = heap->graph;

	for (uint32_t e = 0; e < graph->edge_cnt; e++) {
		if (graph->edges[e].kind == EDGE_DICT)
			graph->nodes[graph->edges[e].to].flags |= NODE_NAMESPACE;
	}
	for (uint32_t e = 0; e < graph->edge_cnt; e++) {
		if (graph->edges[e].kind == EDGE_VALUE &&
		    graph->nodes[heap->search->sources[e]].flags & NODE_NAMESPACE)
			graph->edges[e].kind = EDGE_ATTRIBUTE;
	}
}

/* Edges were found in no order: a counting sort by their source. */
static int sort_edges(struct heap *heap)
{
	struct heap_graph *graph = heap->graph;
	struct graph_edge *sorted = malloc((graph->edge_cnt + 1UL) * sizeof(*sorted));
	uint32_t *first = calloc(graph->node_cnt + 2UL, sizeof(*first));

	if (!sorted || !first) {
		free(sorted);
		free(first);
		return -ENOMEM;
	}
	/* One place further on, so that filling in leaves the starts where they belong. */
	for (uint32_t e = 0; e < graph->edge_cnt; e++)
		first[heap->search->sources[e] + 2]++;
	for (uint32_t n = 0; n < graph->node_cnt; n++)
		first[n + 2] += first[n + 1];
	for (uint32_t e = 0; e < graph->edge_cnt; e++)
		sorted[first[heap->search->sources[e] + 1]++] = graph->edges[e];
	free(graph->edges);
	free(graph->first);
	graph->edges = sorted;
	graph->first = first;
	return 0;
}

int search_finish(struct heap *heap)
{
	int err = add_unknown(heap);

	if (err)
		return err;
	name_attributes(heap);
	err = sort_edges(heap);
	return err ? err : graph_add_root_edges(heap->graph);
}
