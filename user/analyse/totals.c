/* SPDX-License-Identifier: BSD-2-Clause */
#include "analyse/totals.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

static bool is_object(const struct heap_graph *graph, uint32_t node)
{
	return !(graph->nodes[node].flags & NODE_PSEUDO);
}

static int by_objects(const void *a, const void *b, void *arg)
{
	const struct type_total *x = a, *y = b;
	const struct heap_graph *graph = arg;
	int order;

	if (x->objects != y->objects)
		return x->objects > y->objects ? -1 : 1;
	if (x->bytes != y->bytes)
		return x->bytes > y->bytes ? -1 : 1;
	order = strcmp(graph_name(graph, graph->types[x->type].name),
		       graph_name(graph, graph->types[y->type].name));
	return order ? order : (x->type > y->type) - (x->type < y->type);
}

static uint64_t count_references(const struct heap_graph *graph)
{
	uint64_t cnt = 0;

	for (uint32_t e = 0; e < graph->edge_cnt; e++)
		cnt += graph_edge_counts(&graph->edges[e]);
	return cnt;
}

int totals_by_type(const struct heap_graph *graph, struct heap_totals *totals,
		   struct type_total **out, size_t *out_cnt)
{
	_cleanup_free_ struct type_total *rows = calloc((size_t)graph->type_cnt + 1, sizeof(*rows));
	struct heap_totals sum = { 0 };
	size_t cnt = 0;

	if (!rows)
		return -ENOMEM;
	for (uint32_t n = 0; n < graph->node_cnt; n++) {
		struct type_total *row = &rows[graph->nodes[n].type];

		if (!is_object(graph, n))
			continue;
		row->objects++;
		row->bytes += graph->nodes[n].bytes;
		sum.objects++;
		sum.bytes += graph->nodes[n].bytes;
	}
	for (uint32_t t = 0; t < graph->type_cnt; t++) {
		rows[t].type = t;
		if (rows[t].objects > 0)
			rows[cnt++] = rows[t];
	}
	qsort_r(rows, cnt, sizeof(*rows), by_objects, (void *)graph);
	sum.references = count_references(graph);
	sum.types = (uint32_t)cnt;
	if (totals)
		*totals = sum;
	*out = take_ptr(rows);
	*out_cnt = cnt;
	return 0;
}

int totals_instances(const struct heap_graph *graph, uint32_t type, uint32_t **out, size_t *out_cnt)
{
	uint32_t *nodes;
	size_t cnt = 0;

	for (uint32_t n = 0; n < graph->node_cnt; n++)
		cnt += graph->nodes[n].type == type && is_object(graph, n);
	nodes = malloc((cnt + 1) * sizeof(*nodes));
	if (!nodes)
		return -ENOMEM;
	*out_cnt = cnt;
	cnt = 0;
	for (uint32_t n = 0; n < graph->node_cnt; n++) {
		if (graph->nodes[n].type == type && is_object(graph, n))
			nodes[cnt++] = n;
	}
	*out = nodes;
	return 0;
}
