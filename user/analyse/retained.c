/* SPDX-License-Identifier: BSD-2-Clause */
#include "analyse/retained.h"

#include <errno.h>
#include <string.h>

#include "analyse/reach.h"
#include "base/cleanup.h"

#define ZERO_BYTES_MAX 64 /* nodes without bytes in a row, in near_above() */

#define ROUNDS 2

enum mark { MARK_OTHERS = 1, MARK_THEIRS, MARK_BARRED };

struct candidate {
	uint64_t bytes;
	uint32_t node;
};

static int most_bytes_first(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	if (x->bytes != y->bytes)
		return x->bytes > y->bytes ? -1 : 1;
	return (x->node > y->node) - (x->node < y->node);
}

/* What everything hangs on, and nothing is learnt from. */
static bool is_fabric(const struct heap_graph *graph, uint32_t node)
{
	uint8_t role = graph_node_type(graph, node)->role;

	return role == ROLE_TYPE || role == ROLE_MODULE || role == ROLE_FUNCTION ||
	       role == ROLE_CODE || graph->nodes[node].flags & NODE_PSEUDO;
}

static bool may_be_listed(const struct heap_graph *graph, const struct dominators *dominators,
			  uint32_t node)
{
	uint32_t parent = dominators->parent[node];

	if (is_fabric(graph, node) || parent == NODE_NONE)
		return false;
	return graph_node_type(graph, node)->role != ROLE_DICT || parent == GRAPH_ROOT ||
	       graph->nodes[parent].flags & NODE_PSEUDO || !is_fabric(graph, parent);
}

/* The nearest listed node that dominates `node`, or NODE_NONE. Those above come earlier, but for
 * the ones without bytes. */
static uint32_t near_above(const struct dominators *dominators, const uint32_t *near, uint32_t node)
{
	for (uint32_t i = 0; i < ZERO_BYTES_MAX && node != GRAPH_ROOT; i++) {
		node = dominators->parent[node];
		if (near[node] != NODE_NONE)
			return near[node] == GRAPH_ROOT ? NODE_NONE : near[node];
	}
	return NODE_NONE;
}

/* If the nearest does not stand for it, no other one above does: that has more besides. */
static bool is_covered(const struct dominators *dominators, uint32_t above, uint32_t node)
{
	return above != NODE_NONE &&
	       dominators->bytes[above] - dominators->bytes[node] < dominators->bytes[above] / 10;
}

/* `near`: of a node looked at, the listed node nearest above or itself; GRAPH_ROOT: there is none.
 */
static size_t list_candidates(const struct heap_graph *graph, const struct dominators *dominators,
			      const struct candidate *candidates, size_t cnt, uint32_t *near,
			      uint32_t *out, size_t max)
{
	size_t listed = 0;

	memset(near, 0xff, (size_t)graph->node_cnt * sizeof(*near));
	near[GRAPH_ROOT] = GRAPH_ROOT;
	for (size_t i = 0; i < cnt && listed < max; i++) {
		uint32_t node = candidates[i].node;
		uint32_t above = near_above(dominators, near, node);

		near[node] = above == NODE_NONE ? GRAPH_ROOT : above;
		if (!may_be_listed(graph, dominators, node) || is_covered(dominators, above, node))
			continue;
		near[node] = node;
		out[listed++] = node;
	}
	return listed;
}

/* Few nodes retain much: sorting those above a limit is enough, if the limit is low enough. What
 * retains less than a 65536th of everything is not listed. */
int64_t dominators_top(const struct heap_graph *graph, const struct dominators *dominators,
		       uint32_t *out, size_t max)
{
	size_t size = (size_t)graph->node_cnt + 1;
	_cleanup_free_ struct candidate *candidates = malloc(size * sizeof(*candidates));
	_cleanup_free_ uint32_t *near = malloc(size * sizeof(*near));
	uint64_t limit = dominators->bytes[GRAPH_ROOT];
	size_t listed, cnt;
	int round = 0;

	if (!candidates || !near)
		return -ENOMEM;
	for (listed = 0; listed < max && round < ROUNDS && limit; round++) {
		limit /= 256;
		cnt = 0;
		for (uint32_t n = 1; n < graph->node_cnt; n++) {
			if (dominators->parent[n] != NODE_NONE && dominators->bytes[n] >= limit)
				candidates[cnt++] = (struct candidate){ dominators->bytes[n], n };
		}
		qsort(candidates, cnt, sizeof(*candidates), most_bytes_first);
		listed = list_candidates(graph, dominators, candidates, cnt, near, out, max);
	}
	return (int64_t)listed;
}

int retained_by(const struct heap_graph *graph, const uint32_t *nodes, size_t cnt,
		struct retained *out)
{
	_cleanup_free_ uint8_t *mark = calloc((size_t)graph->node_cnt + 1, sizeof(*mark));
	struct retained retained = { 0 };

	if (!mark)
		return -ENOMEM;
	for (size_t i = 0; i < cnt; i++)
		mark[nodes[i]] = MARK_BARRED;
	if (reach_from_roots(graph, REACH_ALL_ROOTS, MARK_OTHERS, mark) ||
	    reach_from(graph, nodes, cnt, MARK_THEIRS, mark))
		return -ENOMEM;
	for (uint32_t n = 0; n < graph->node_cnt; n++) {
		if (mark[n] != MARK_THEIRS || graph->nodes[n].flags & NODE_PSEUDO)
			continue;
		retained.objects++;
		retained.bytes += graph->nodes[n].bytes;
	}
	*out = retained;
	return 0;
}
