/* SPDX-License-Identifier: BSD-2-Clause */
#include "analyse/cycle_view.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyse/reach.h"

void cycle_view_deinit(struct cycle_view *view)
{
	free(view->edges);
	free(view->first);
	free(view->owner);
	free(view->queue);
	free(view->via);
	free(view->parent);
}

static int grow(uint32_t **items, uint32_t cnt)
{
	free(*items);
	*items = malloc(((size_t)cnt + 1) * sizeof(**items));
	return *items ? 0 : -ENOMEM;
}

static int reserve_nodes(struct cycle_view *view, uint32_t cnt)
{
	if (cnt <= view->room)
		return 0;
	view->room = 0;
	if (grow(&view->first, cnt) || grow(&view->owner, cnt) || grow(&view->queue, cnt) ||
	    grow(&view->via, cnt) || grow(&view->parent, cnt))
		return -ENOMEM;
	view->room = cnt;
	return 0;
}

static int add_edge(struct cycle_view *view, uint32_t to, uint32_t edge)
{
	if (view->edge_cnt == view->edge_room) {
		uint32_t room = view->edge_room ? 2 * view->edge_room : 1024;
		struct view_edge *edges = realloc(view->edges, room * sizeof(*edges));

		if (!edges)
			return -ENOMEM;
		view->edges = edges;
		view->edge_room = room;
	}
	view->edges[view->edge_cnt++] = (struct view_edge){ to, edge };
	return 0;
}

int cycle_view_enter(struct cycle_view *view, const uint32_t *nodes, uint32_t cnt)
{
	const struct heap_graph *graph = view->graph;
	uint32_t component = view->component[nodes[0]];

	if (reserve_nodes(view, cnt))
		return -ENOMEM;
	view->nodes = nodes;
	view->cnt = cnt;
	view->edge_cnt = 0;
	memset(view->owner, 0xff, cnt * sizeof(*view->owner));
	for (uint32_t n = 0; n < cnt; n++) {
		view->first[n] = view->edge_cnt;
		for (uint32_t e = graph->first[nodes[n]]; e < graph->first[nodes[n] + 1]; e++) {
			const struct graph_edge *edge = &graph->edges[e];

			if (view->component[edge->to] != component ||
			    !cycles_follow(graph, nodes[n], edge))
				continue;
			if (add_edge(view, view->place[edge->to], e))
				return -ENOMEM;
			if (edge->kind == EDGE_DICT)
				view->owner[view->place[edge->to]] = n;
		}
	}
	view->first[cnt] = view->edge_cnt;
	return 0;
}

static const struct graph_edge *graph_edge_of(const struct cycle_view *view, uint32_t e)
{
	return &view->graph->edges[view->edges[e].edge];
}

struct cycle_link cycle_view_link(const struct cycle_view *view, uint32_t from, uint32_t e)
{
	const struct graph_edge *edge = graph_edge_of(view, e);
	uint32_t holder = from;

	if (edge->kind == EDGE_ATTRIBUTE && view->owner[from] != NODE_NONE)
		holder = view->owner[from];
	return (struct cycle_link){
		.from = view->graph->nodes[view->nodes[holder]].type,
		.to = view->graph->nodes[edge->to].type,
		.kind = edge->kind,
		.name = reach_edge_name(view->graph, view->nodes[from], edge),
	};
}

/* The way from an object to its dict, if the ring goes on to an attribute. */
static bool is_half(const struct cycle_view *view, uint32_t e, uint32_t next)
{
	return graph_edge_of(view, e)->kind == EDGE_DICT &&
	       graph_edge_of(view, next)->kind == EDGE_ATTRIBUTE;
}

/* `ring` has its edges, the last one first; that leads from `last` to where it began. What a dict
 * holds is its object's only if the ring comes from there: it must read as a ring. */
static size_t write_ring(const struct cycle_view *view, const uint32_t *ring, uint32_t cnt,
			 uint32_t last, struct cycle_link *out, size_t max)
{
	const struct graph_node *nodes = view->graph->nodes;
	size_t written = 0;
	uint32_t before = last, from = view->edges[ring[0]].to;

	for (uint32_t i = cnt; i-- > 0;) {
		uint32_t previous = ring[i + 1 < cnt ? i + 1 : 0];

		if (!is_half(view, ring[i], ring[i ? i - 1 : cnt - 1])) {
			if (written < max) {
				uint32_t holder = is_half(view, previous, ring[i]) ? before : from;

				out[written] = cycle_view_link(view, from, ring[i]);
				out[written].from = nodes[view->nodes[holder]].type;
			}
			written++;
		}
		before = from;
		from = view->edges[ring[i]].to;
	}
	return written;
}

/* Breadth first, until it is back at the start. Every node of a component leads back. */
static void search_ring(struct cycle_view *view, uint32_t start)
{
	uint32_t head = 0, tail = 0;

	memset(view->via, 0xff, view->cnt * sizeof(*view->via));
	view->queue[tail++] = start;
	while (head < tail && view->via[start] == NODE_NONE) {
		uint32_t node = view->queue[head++];

		for (uint32_t e = view->first[node]; e < view->first[node + 1]; e++) {
			uint32_t to = view->edges[e].to;

			if (view->via[to] != NODE_NONE)
				continue;
			view->via[to] = e;
			view->parent[to] = node;
			if (to != start)
				view->queue[tail++] = to;
		}
	}
	assert(view->via[start] != NODE_NONE);
}

/* The edges of the way back are collected in what was the queue. */
size_t cycle_view_ring(struct cycle_view *view, uint32_t start, struct cycle_link *out, size_t max)
{
	uint32_t cnt = 0, node = start;

	search_ring(view, start);
	do {
		view->queue[cnt++] = view->via[node];
		node = view->parent[node];
	} while (node != start);
	return write_ring(view, view->queue, cnt, view->parent[start], out, max);
}
