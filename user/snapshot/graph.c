/* SPDX-License-Identifier: BSD-2-Clause */
#include "snapshot/graph.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/types.h>

#include "collect/py_type.h"

void graph_destroy(struct heap_graph *graph)
{
	if (!graph)
		return;
	free(graph->nodes);
	free(graph->first);
	free(graph->edges);
	free(graph->types);
	free(graph->roots);
	free(graph->text);
	free(graph->names);
	free(graph);
}

/* Every node is in the queue once at most: it is marked when it is put there. */
void graph_spread(const struct heap_graph *graph, uint32_t *queue, size_t tail, uint8_t value,
		  uint8_t *mark)
{
	for (size_t head = 0; head < tail; head++) {
		uint32_t node = queue[head];

		graph_prefetch(graph, queue, head, tail);
		for (uint32_t e = graph->first[node]; e < graph->first[node + 1]; e++) {
			uint32_t to = graph->edges[e].to;

			if (mark[to] || !graph_edge_holds(&graph->edges[e]))
				continue;
			mark[to] = value;
			queue[tail++] = to;
		}
	}
}

void graph_count_references(const struct heap_graph *graph, uint32_t *found)
{
	for (uint32_t e = 0; e < graph->edge_cnt; e++)
		found[graph->edges[e].to] += graph_edge_counts(&graph->edges[e]);
}

void referrers_deinit(struct referrers *referrers)
{
	free(referrers->first);
	free(referrers->from);
	free(referrers->edge);
	memset(referrers, 0, sizeof(*referrers));
}

/* A counting sort of the edges by their target. */
int graph_referrers(const struct heap_graph *graph, struct referrers *out)
{
	uint32_t total = 0;

	out->first = calloc((size_t)graph->node_cnt + 2, sizeof(*out->first));
	out->from = malloc(((size_t)graph->edge_cnt + 1) * sizeof(*out->from));
	out->edge = malloc(((size_t)graph->edge_cnt + 1) * sizeof(*out->edge));
	if (!out->first || !out->from || !out->edge) {
		referrers_deinit(out);
		return -ENOMEM;
	}
	/* One place further on, so that filling in leaves the starts where they belong. */
	for (uint32_t e = 0; e < graph->edge_cnt; e++)
		out->first[graph->edges[e].to + 2]++;
	for (uint32_t n = 0; n < graph->node_cnt; n++) {
		total += out->first[n + 2];
		out->first[n + 2] = total;
	}
	for (uint32_t n = 0; n < graph->node_cnt; n++) {
		for (uint32_t e = graph->first[n]; e < graph->first[n + 1]; e++) {
			uint32_t at = out->first[graph->edges[e].to + 1]++;

			out->from[at] = n;
			out->edge[at] = e;
		}
	}
	return 0;
}

size_t graph_find_types(const struct heap_graph *graph, const char *wanted, uint32_t *out,
			size_t max)
{
	size_t cnt = 0;

	for (uint32_t t = 0; t < graph->type_cnt; t++) {
		if (!py_type_is_called(graph_name(graph, graph->types[t].name), wanted))
			continue;
		if (cnt < max)
			out[cnt] = t;
		cnt++;
	}
	return cnt;
}
