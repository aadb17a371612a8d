/* SPDX-License-Identifier: BSD-2-Clause */
/* Tarjan's algorithm in Pearce's form, with a stack instead of recursion: one number for each node
 * does. A node being visited has a number from 1 up, a finished one its component's from node_cnt
 * down: these are always the higher ones. */
#include "analyse/scc.h"

#include <errno.h>
#include <string.h>

#include "analyse/cycles.h"
#include "base/cleanup.h"

#define AHEAD 16 /* edges */

enum bar {
	BAR_NODE = 1 << 0,  /* closes no cycle */
	BAR_NAMES = 1 << 1, /* its fields must be looked at */
	BAR_SELF = 1 << 2,  /* refers to itself */
};

struct visit {
	uint32_t node;
	uint32_t edge; /* the next one */
	uint32_t number;
};

struct search {
	const struct heap_graph *graph;
	uint8_t *bars;
	uint32_t *number; /* 0: not visited */
	struct visit *visits;
	uint32_t *open; /* visited, component not complete */
	uint32_t depth, open_cnt;
	uint32_t next;	 /* number */
	uint32_t closed; /* the next component's number */
};

static bool node_is_barred(const struct heap_graph *graph, uint32_t node)
{
	return graph->nodes[node].flags & NODE_PSEUDO ||
	       graph_node_type(graph, node)->role == ROLE_MODULE;
}

static bool has_globals(const struct heap_graph *graph, uint32_t node)
{
	uint8_t role = graph_node_type(graph, node)->role;

	return role == ROLE_FUNCTION || role == ROLE_FRAME;
}

static bool names_globals(const struct heap_graph *graph, uint32_t name)
{
	const char *text = graph_name(graph, name);

	return !strcmp(text, "__globals__") || !strcmp(text, "__builtins__") ||
	       !strcmp(text, "f_globals") || !strcmp(text, "f_builtins");
}

static bool kind_closes(const struct graph_edge *edge)
{
	return graph_edge_counts(edge) && edge->kind != EDGE_TYPE;
}

bool cycles_follow(const struct heap_graph *graph, uint32_t from, const struct graph_edge *edge)
{
	if (!kind_closes(edge) || node_is_barred(graph, from) || node_is_barred(graph, edge->to))
		return false;
	return edge->kind != EDGE_FIELD || !has_globals(graph, from) ||
	       !names_globals(graph, edge->value);
}

/* The same by the bars, which are small enough to stay in the cache. */
static inline bool follow(const struct search *s, uint8_t bars, const struct graph_edge *edge)
{
	return kind_closes(edge) && !(s->bars[edge->to] & BAR_NODE) &&
	       (edge->kind != EDGE_FIELD || !(bars & BAR_NAMES) ||
		!names_globals(s->graph, edge->value));
}

static void enter(struct search *s, uint32_t node)
{
	uint32_t cnt = 0;

	s->number[node] = s->next;
	s->visits[s->depth++] = (struct visit){ node, s->graph->first[node], s->next++ };
	/* They are wanted soon, and lie anywhere. */
	for (uint32_t e = s->graph->first[node]; e < s->graph->first[node + 1] && cnt < AHEAD;
	     e++, cnt++)
		__builtin_prefetch(&s->number[s->graph->edges[e].to]);
}

/* The next edge to a node not visited yet: true, and that was entered. The edge is looked at again
 * after the visit, for the lower number it may have brought. */
static bool descend(struct search *s, struct visit *visit)
{
	const struct heap_graph *graph = s->graph;
	uint32_t node = visit->node, end = graph->first[node + 1];
	uint8_t bars = s->bars[node];

	for (; visit->edge < end; visit->edge++) {
		const struct graph_edge *edge = &graph->edges[visit->edge];

		if (!follow(s, bars, edge))
			continue;
		if (!s->number[edge->to]) {
			/* A leaf is a component by itself. */
			if (graph->first[edge->to] == graph->first[edge->to + 1]) {
				s->number[edge->to] = s->closed--;
				continue;
			}
			enter(s, edge->to);
			return true;
		}
		if (edge->to == node)
			s->bars[node] |= BAR_SELF;
		if (s->number[edge->to] < s->number[node])
			s->number[node] = s->number[edge->to];
	}
	return false;
}

/* Nothing below leads further up than the node: what is open since is its component. */
static void leave(struct search *s, const struct visit *visit)
{
	uint32_t node = visit->node;

	s->depth--;
	if (s->number[node] != visit->number) {
		s->open[s->open_cnt++] = node;
		return;
	}
	s->next--;
	while (s->open_cnt && s->number[s->open[s->open_cnt - 1]] >= visit->number) {
		s->number[s->open[--s->open_cnt]] = s->closed;
		s->next--;
	}
	s->number[node] = s->closed--;
}

static void search_all(struct search *s)
{
	for (uint32_t n = 0; n < s->graph->node_cnt; n++) {
		if (s->number[n] || s->bars[n] & BAR_NODE)
			continue;
		enter(s, n);
		while (s->depth) {
			struct visit *visit = &s->visits[s->depth - 1];

			if (!descend(s, visit))
				leave(s, visit);
		}
	}
}

/* Leaves out the components of one node that does not refer to itself. */
static int renumber(const struct search *s, uint32_t *component, uint32_t *component_cnt)
{
	uint32_t node_cnt = s->graph->node_cnt, cnt = 0;
	uint32_t spare = node_cnt - s->closed; /* for those that were not visited */
	_cleanup_free_ uint32_t *given = calloc((size_t)spare + 1, sizeof(*given));

	if (!given)
		return -ENOMEM;
	/* First the sizes: 0, 1, or NODE_NONE for more. */
	for (uint32_t n = 0; n < node_cnt; n++) {
		uint32_t *size = given + (s->number[n] ? node_cnt - s->number[n] : spare);

		*size = *size || s->bars[n] & BAR_SELF ? NODE_NONE : 1;
	}
	for (uint32_t i = 0; i < spare; i++)
		given[i] = given[i] == NODE_NONE ? NODE_NONE : 0;
	given[spare] = 0;
	for (uint32_t n = 0; n < node_cnt; n++) {
		uint32_t *mine = given + (s->number[n] ? node_cnt - s->number[n] : spare);

		if (*mine == NODE_NONE)
			*mine = ++cnt;
		component[n] = *mine;
	}
	*component_cnt = cnt;
	return 0;
}

int scc_find(const struct heap_graph *graph, uint32_t *component, uint32_t *component_cnt)
{
	size_t cnt = (size_t)graph->node_cnt + 1;
	_cleanup_free_ uint8_t *bars = calloc(cnt, sizeof(*bars));
	_cleanup_free_ uint32_t *number = calloc(cnt, sizeof(*number));
	_cleanup_free_ struct visit *visits = malloc(cnt * sizeof(*visits));
	_cleanup_free_ uint32_t *open = malloc(cnt * sizeof(*open));
	struct search s = {
		.graph = graph,
		.bars = bars,
		.number = number,
		.visits = visits,
		.open = open,
		.next = 1,
		.closed = graph->node_cnt,
	};

	if (!bars || !number || !visits || !open)
		return -ENOMEM;
	for (uint32_t n = 0; n < graph->node_cnt; n++) {
		bars[n] = (node_is_barred(graph, n) ? BAR_NODE : 0) |
			  (has_globals(graph, n) ? BAR_NAMES : 0);
	}
	search_all(&s);
	return renumber(&s, component, component_cnt);
}
