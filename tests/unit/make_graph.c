/* SPDX-License-Identifier: BSD-2-Clause */
#include "make_graph.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define MAKER_MAX_TEXT 65536

struct made_edge {
	uint32_t from;
	struct graph_edge edge;
};

struct graph_maker {
	struct heap_graph *graph;
	struct made_edge *edges;
	uint32_t *excess;
};

/* Room for one more, in powers of two. */
static void *grow(void *items, uint32_t cnt, size_t size)
{
	if (cnt & (cnt - 1))
		return items;
	items = realloc(items, (cnt ? 2 * (size_t)cnt : 1) * size);
	assert(items);
	return items;
}

uint32_t maker_name(struct graph_maker *maker, const char *name)
{
	struct heap_graph *graph = maker->graph;
	size_t len = strlen(name) + 1;

	for (uint32_t i = 0; i < graph->name_cnt; i++) {
		if (!strcmp(graph_name(graph, i), name))
			return i;
	}
	assert(graph->text_bytes + len <= MAKER_MAX_TEXT);
	graph->names = grow(graph->names, graph->name_cnt, sizeof(*graph->names));
	graph->names[graph->name_cnt] = graph->text_bytes;
	memcpy(graph->text + graph->text_bytes, name, len);
	graph->text_bytes += (uint32_t)len;
	return graph->name_cnt++;
}

uint32_t maker_type(struct graph_maker *maker, const char *name, enum type_role role, bool own)
{
	struct heap_graph *graph = maker->graph;

	graph->types = grow(graph->types, graph->type_cnt, sizeof(*graph->types));
	graph->types[graph->type_cnt] = (struct graph_type){
		.name = maker_name(maker, name),
		.node = NODE_NONE,
		.role = (uint8_t)role,
		.own = own,
	};
	return graph->type_cnt++;
}

uint32_t maker_node(struct graph_maker *maker, uint32_t type, uint64_t bytes)
{
	struct heap_graph *graph = maker->graph;
	uint32_t cnt = graph->node_cnt;

	graph->nodes = grow(graph->nodes, cnt, sizeof(*graph->nodes));
	maker->excess = grow(maker->excess, cnt, sizeof(*maker->excess));
	maker->excess[cnt] = 0;
	graph->nodes[cnt] = (struct graph_node){
		.address = 0x10000 + 64 * (uint64_t)cnt,
		.bytes = bytes,
		.flags = cnt ? NODE_TRACKED | NODE_FIXED : NODE_PSEUDO,
		.type = type,
	};
	return graph->node_cnt++;
}

struct graph_maker *maker_create(void)
{
	struct graph_maker *maker = calloc(1, sizeof(*maker));

	assert(maker);
	maker->graph = calloc(1, sizeof(*maker->graph));
	assert(maker->graph);
	maker->graph->text = malloc(MAKER_MAX_TEXT);
	assert(maker->graph->text);
	maker_name(maker, "");
	maker_node(maker, maker_type(maker, "<root>", ROLE_PSEUDO, false), 0);
	return maker;
}

void maker_edge(struct graph_maker *maker, uint32_t from, uint32_t to, enum edge_kind kind,
		uint32_t value)
{
	uint32_t cnt = maker->graph->edge_cnt;

	assert(from < maker->graph->node_cnt && to < maker->graph->node_cnt);
	maker->edges = grow(maker->edges, cnt, sizeof(*maker->edges));
	maker->edges[cnt].from = from;
	maker->edges[cnt].edge = (struct graph_edge){ .to = to, .kind = kind, .value = value };
	maker->graph->edge_cnt++;
}

void maker_root(struct graph_maker *maker, uint32_t node, enum root_kind kind, const char *name)
{
	struct heap_graph *graph = maker->graph;

	graph->roots = grow(graph->roots, graph->root_cnt, sizeof(*graph->roots));
	graph->roots[graph->root_cnt] = (struct graph_root){
		.node = node,
		.name = maker_name(maker, name),
		.kind = (uint8_t)kind,
	};
	maker_edge(maker, GRAPH_ROOT, node, EDGE_ROOT, graph->root_cnt++);
}

void maker_excess(struct graph_maker *maker, uint32_t node, uint32_t excess)
{
	maker->excess[node] = excess;
}

/* A counting sort: tests of scale have millions of edges. */
struct heap_graph *maker_finish(struct graph_maker *maker)
{
	struct heap_graph *graph = maker->graph;

	graph->first = calloc(graph->node_cnt + 2, sizeof(*graph->first));
	graph->edges = calloc(graph->edge_cnt + 1, sizeof(*graph->edges));
	assert(graph->first && graph->edges);
	for (uint32_t e = 0; e < graph->edge_cnt; e++)
		graph->first[maker->edges[e].from + 2]++;
	for (uint32_t n = 1; n < graph->node_cnt; n++)
		graph->first[n + 1] += graph->first[n];
	for (uint32_t e = 0; e < graph->edge_cnt; e++) {
		const struct graph_edge *edge = &maker->edges[e].edge;

		graph->edges[graph->first[maker->edges[e].from + 1]++] = *edge;
		if (graph_edge_counts(edge))
			graph->nodes[edge->to].refcount++;
	}
	for (uint32_t n = 0; n < graph->node_cnt; n++)
		graph->nodes[n].refcount += maker->excess[n];
	free(maker->edges);
	free(maker->excess);
	free(maker);
	return graph;
}
