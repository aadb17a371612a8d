/* SPDX-License-Identifier: BSD-2-Clause */
/* One component from inside: its nodes numbered from 0, and only the edges that stay in it. */
#ifndef PYLEAK_ANALYSE_CYCLE_VIEW_H
#define PYLEAK_ANALYSE_CYCLE_VIEW_H

#include "analyse/cycles.h"

struct view_edge {
	uint32_t to;   /* in the view */
	uint32_t edge; /* in the graph */
};

/* Kept from one component to the next, for its memory. */
struct cycle_view {
	const struct heap_graph *graph;
	const uint32_t *component;
	const uint32_t *place; /* of a node in its component */
	const uint32_t *nodes; /* of the component */
	uint32_t cnt, edge_cnt;
	struct view_edge *edges;
	uint32_t *first;
	uint32_t *owner; /* of an attribute dict: its object; NODE_NONE */
	uint32_t *queue, *via, *parent;
	uint32_t room, edge_room;
};

void cycle_view_deinit(struct cycle_view *view);

/* Turns to another component. 0 or -ENOMEM. */
int cycle_view_enter(struct cycle_view *view, const uint32_t *nodes, uint32_t cnt);

/* A shortest ring through `start`: at most `max` links are stored; their number without the limit.
 */
size_t cycle_view_ring(struct cycle_view *view, uint32_t start, struct cycle_link *out, size_t max);

/* What an edge of the view, from a node of it, is called. What an attribute dict holds, its object
 * holds. */
struct cycle_link cycle_view_link(const struct cycle_view *view, uint32_t from, uint32_t edge);

#endif
