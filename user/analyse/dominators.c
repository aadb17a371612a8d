/* SPDX-License-Identifier: BSD-2-Clause */
/* Immediate dominators by Lengauer and Tarjan's algorithm in its simple form, O(m log n), without
 * recursion. Nodes go by their number in a depth-first walk; GRAPH_ROOT is 0. An edge from a lower
 * number to a higher one needs no forest and is used up during the walk; the others are kept. */
#include "analyse/retained.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"

#define AHEAD 16 /* edges */

struct back_edge {
	uint32_t from, to; /* numbers, from >= to */
};

struct visit {
	uint32_t node;
	uint32_t edge; /* the next one */
};

struct numbering {
	const struct heap_graph *graph;
	uint32_t *number; /* of a node; NODE_NONE: not reached */
	uint32_t *node;	  /* of a number */
	uint32_t *up;	  /* parent in the walk; later shortened, see lowest() */
	uint32_t *semi;	  /* the lowest number from which a way leads here through higher ones */
	uint32_t *first;  /* to number i lead from[first[i]] .. from[first[i + 1] - 1] */
	uint32_t *from;
	uint32_t cnt;
};

struct forest {
	const struct numbering *walk;
	uint32_t *up, *semi;
	uint32_t *label; /* the node with the lowest semi up to where `up` leads */
	uint32_t *stack;
	uint32_t *dominator;
	uint32_t *waiting; /* of a number: the first of those with it as semidominator */
	uint32_t *next;	   /* the next one of them */
};

static void number_node(struct numbering *w, struct visit *visits, uint32_t *depth, uint32_t node,
			uint32_t parent)
{
	const struct heap_graph *graph = w->graph;
	uint32_t cnt = 0;

	w->number[node] = w->cnt;
	w->node[w->cnt] = node;
	w->up[w->cnt] = parent;
	w->semi[w->cnt] = parent;
	w->cnt++;
	if (graph->first[node] == graph->first[node + 1])
		return;
	visits[(*depth)++] = (struct visit){ node, graph->first[node] };
	/* They are wanted soon, and lie anywhere. */
	for (uint32_t e = graph->first[node]; e < graph->first[node + 1] && cnt < AHEAD; e++, cnt++)
		__builtin_prefetch(&w->number[graph->edges[e].to]);
}

/* One step of the walk: down to a node not seen yet, or back up. Edges that lead to lower numbers
 * are written down. */
static void step(struct numbering *w, struct visit *visits, uint32_t *depth, struct back_edge *back,
		 uint32_t *back_cnt)
{
	const struct heap_graph *graph = w->graph;
	struct visit *visit = &visits[*depth - 1];
	uint32_t number = w->number[visit->node], end = graph->first[visit->node + 1];

	while (visit->edge < end) {
		const struct graph_edge *edge = &graph->edges[visit->edge++];
		uint32_t to = w->number[edge->to];

		if (!graph_edge_holds(edge))
			continue;
		if (to == NODE_NONE) {
			number_node(w, visits, depth, edge->to, number);
			if (visit != &visits[*depth - 1])
				return;
		} else if (to > number) {
			w->semi[to] = number < w->semi[to] ? number : w->semi[to];
		} else if (to) {
			back[(*back_cnt)++] = (struct back_edge){ number, to };
			w->first[to + 1]++;
		}
	}
	(*depth)--;
}

/* A counting sort: by target, `first` having the numbers of them. */
static int sort_back_edges(struct numbering *w, const struct back_edge *back, uint32_t cnt)
{
	w->from = malloc(((size_t)cnt + 1) * sizeof(*w->from));
	if (!w->from)
		return -ENOMEM;
	for (uint32_t i = 0; i < w->cnt; i++)
		w->first[i + 1] += w->first[i];
	/* From their ends: what is filled in moves the ends to the starts. */
	for (uint32_t i = cnt; i-- > 0;)
		w->from[--w->first[back[i].to + 1]] = back[i].from;
	memmove(w->first, w->first + 1, w->cnt * sizeof(*w->first));
	w->first[w->cnt] = cnt;
	return 0;
}

static int walk_graph(struct numbering *w)
{
	const struct heap_graph *graph = w->graph;
	size_t cnt = (size_t)graph->node_cnt + 1;
	_cleanup_free_ struct visit *visits = malloc(cnt * sizeof(*visits));
	_cleanup_free_ struct back_edge *back =
		malloc(((size_t)graph->edge_cnt + 1) * sizeof(*back));
	uint32_t depth = 0, back_cnt = 0;

	if (!visits || !back)
		return -ENOMEM;
	memset(w->number, 0xff, cnt * sizeof(*w->number));
	number_node(w, visits, &depth, GRAPH_ROOT, 0);
	while (depth)
		step(w, visits, &depth, back, &back_cnt);
	return sort_back_edges(w, back, back_cnt);
}

/* The node with the lowest semi on the way up from `number`, as far as nodes from `last` on. The
 * way is shortened for the next time: that makes it O(log n) on average. */
static uint32_t lowest(struct forest *f, uint32_t number, uint32_t last)
{
	uint32_t *up = f->up, *semi = f->semi, *label = f->label;
	uint32_t depth = 0;

	if (number < last)
		return number;
	for (uint32_t n = number; up[n] >= last; n = up[n])
		f->stack[depth++] = n;
	while (depth) {
		uint32_t n = f->stack[--depth], above = up[n];

		if (semi[label[above]] < semi[label[n]])
			label[n] = label[above];
		up[n] = up[above];
	}
	return label[number];
}

static void find_semi(struct forest *f, uint32_t number)
{
	const struct numbering *w = f->walk;

	for (uint32_t i = w->first[number]; i < w->first[number + 1]; i++) {
		uint32_t semi = f->semi[lowest(f, w->from[i], number + 1)];

		if (semi < f->semi[number])
			f->semi[number] = semi;
	}
}

static void find_dominators(struct forest *f)
{
	for (uint32_t n = f->walk->cnt; n-- > 1;) {
		uint32_t parent = f->up[n];

		find_semi(f, n);
		if (f->semi[n] == parent) {
			f->dominator[n] = parent;
		} else {
			f->next[n] = f->waiting[f->semi[n]];
			f->waiting[f->semi[n]] = n;
		}
		for (uint32_t v = f->waiting[parent]; v != NODE_NONE; v = f->next[v]) {
			uint32_t low = lowest(f, v, n);

			f->dominator[v] = f->semi[low] < f->semi[v] ? low : parent;
		}
		f->waiting[parent] = NODE_NONE;
	}
	for (uint32_t n = 1; n < f->walk->cnt; n++) {
		if (f->dominator[n] != f->semi[n])
			f->dominator[n] = f->dominator[f->dominator[n]];
	}
}

static void write_tree(const struct numbering *w, const uint32_t *dominator, struct dominators *out)
{
	for (uint32_t i = 0; i < w->cnt; i++) {
		const struct graph_node *node = &w->graph->nodes[w->node[i]];
		bool pseudo = node->flags & NODE_PSEUDO;

		out->parent[w->node[i]] = i ? w->node[dominator[i]] : NODE_NONE;
		out->bytes[w->node[i]] = pseudo ? 0 : node->bytes;
		out->objects[w->node[i]] = !pseudo;
	}
	/* A dominator has a lower number than what it dominates. */
	for (uint32_t i = w->cnt; i-- > 1;) {
		uint32_t node = w->node[i], parent = w->node[dominator[i]];

		out->bytes[parent] += out->bytes[node];
		out->objects[parent] += out->objects[node];
	}
}

static int solve(const struct numbering *w, struct dominators *out)
{
	size_t cnt = (size_t)w->cnt + 1;
	_cleanup_free_ uint32_t *label = malloc(cnt * sizeof(*label));
	_cleanup_free_ uint32_t *stack = malloc(cnt * sizeof(*stack));
	_cleanup_free_ uint32_t *dominator = calloc(cnt, sizeof(*dominator));
	_cleanup_free_ uint32_t *waiting = malloc(cnt * sizeof(*waiting));
	_cleanup_free_ uint32_t *next = malloc(cnt * sizeof(*next));
	struct forest f = {
		.walk = w,
		.up = w->up,
		.semi = w->semi,
		.label = label,
		.stack = stack,
		.dominator = dominator,
		.waiting = waiting,
		.next = next,
	};

	if (!label || !stack || !dominator || !waiting || !next)
		return -ENOMEM;
	for (uint32_t i = 0; i < w->cnt; i++)
		label[i] = i;
	memset(waiting, 0xff, cnt * sizeof(*waiting));
	find_dominators(&f);
	write_tree(w, dominator, out);
	return 0;
}

int dominators_build(const struct heap_graph *graph, struct dominators *out)
{
	size_t cnt = (size_t)graph->node_cnt + 1;
	_cleanup_free_ uint32_t *number = malloc(cnt * sizeof(*number));
	_cleanup_free_ uint32_t *node = malloc(cnt * sizeof(*node));
	_cleanup_free_ uint32_t *up = malloc(cnt * sizeof(*up));
	_cleanup_free_ uint32_t *semi = malloc(cnt * sizeof(*semi));
	_cleanup_free_ uint32_t *first = calloc(cnt + 1, sizeof(*first));
	struct numbering w = {
		.graph = graph,
		.number = number,
		.node = node,
		.up = up,
		.semi = semi,
		.first = first,
	};
	struct dominators made = {
		.parent = malloc(cnt * sizeof(*made.parent)),
		.bytes = calloc(cnt, sizeof(*made.bytes)),
		.objects = calloc(cnt, sizeof(*made.objects)),
	};
	int err = -ENOMEM;

	if (number && node && up && semi && first && made.parent && made.bytes && made.objects) {
		memset(made.parent, 0xff, cnt * sizeof(*made.parent));
		err = walk_graph(&w);
	}
	if (!err)
		err = solve(&w, &made);
	free(w.from);
	if (err)
		dominators_deinit(&made);
	else
		*out = made;
	return err;
}

void dominators_deinit(struct dominators *dominators)
{
	free(dominators->parent);
	free(dominators->bytes);
	free(dominators->objects);
	memset(dominators, 0, sizeof(*dominators));
}
