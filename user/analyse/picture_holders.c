/* SPDX-License-Identifier: BSD-2-Clause */
#include "analyse/picture_holders.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int holders_init(struct holders *holders, const struct heap_graph *graph, bool indexes)
{
	size_t cnt = graph->node_cnt;

	holders->graph = graph;
	holders->indexes = indexes;
	holders->owner = malloc(cnt * sizeof(*holders->owner));
	holders->root = malloc(cnt * sizeof(*holders->root));
	if (!holders->owner || !holders->root)
		return -ENOMEM;
	memset(holders->owner, 0xff, cnt * sizeof(*holders->owner));
	memset(holders->root, 0xff, cnt * sizeof(*holders->root));
	for (uint32_t n = 0; n < graph->node_cnt; n++) {
		for (uint32_t e = graph->first[n]; e < graph->first[n + 1]; e++) {
			if (graph->edges[e].kind == EDGE_DICT)
				holders->owner[graph->edges[e].to] = n;
		}
	}
	/* A node may be several roots: the most telling counts, of equal ones the first. */
	for (uint32_t r = graph->root_cnt; r-- > 0;) {
		uint32_t *root = &holders->root[graph->roots[r].node];

		if (*root == NODE_NONE || graph->roots[r].kind <= graph->roots[*root].kind)
			*root = r;
	}
	return 0;
}

void holders_deinit(struct holders *holders)
{
	free(holders->owner);
	free(holders->root);
	holders->owner = NULL;
	holders->root = NULL;
}

bool holders_at(const struct holders *holders, uint32_t at, struct holder *out)
{
	const struct graph_edge *edge = &holders->graph->edges[holders->referrers->edge[at]];
	uint32_t from = holders->referrers->from[at];
	bool named = edge->kind == EDGE_FIELD || edge->kind == EDGE_ATTRIBUTE ||
		     edge->kind == EDGE_LOCAL || edge->kind == EDGE_VALUE ||
		     (holders->indexes && edge->kind == EDGE_INDEX);

	if (from == GRAPH_ROOT || !graph_edge_holds(edge))
		return false;
	*out = (struct holder){ from, edge->kind, named ? edge->value : 0 };
	if (holders->owner[from] != NODE_NONE &&
	    (edge->kind == EDGE_ATTRIBUTE || edge->kind == EDGE_VALUE)) {
		out->node = holders->owner[from];
		out->kind = EDGE_ATTRIBUTE;
	}
	return true;
}

/* Of an entry of a dict the key does not count: it would make a place of each. */
static uint64_t place_of(const struct holders *holders, const struct holder *holder)
{
	const struct heap_graph *graph = holders->graph;
	uint32_t root = holders->root[holder->node];
	uint64_t who = root != NODE_NONE ? 1ULL << 31 | graph->roots[root].name
					 : graph->nodes[holder->node].type;

	return who << 32 | (uint64_t)holder->kind << 28 |
	       (holder->kind == EDGE_VALUE ? 0 : holder->name);
}

uint64_t holders_place(const struct holders *holders, uint32_t node)
{
	static const uint8_t telling[EDGE_KIND_CNT] = {
		[EDGE_ATTRIBUTE] = 9, [EDGE_LOCAL] = 8, [EDGE_FIELD] = 7,   [EDGE_DICT] = 7,
		[EDGE_VALUE] = 6,     [EDGE_INDEX] = 6, [EDGE_ELEMENT] = 6, [EDGE_KEY] = 5,
		[EDGE_STACK] = 4,     [EDGE_SCAN] = 1,
	};
	const uint32_t *first = &holders->referrers->first[node];
	uint64_t best = 0;
	int best_telling = -1;

	for (uint32_t at = first[0]; at < first[1]; at++) {
		struct holder holder;
		uint64_t place;

		if (!holders_at(holders, at, &holder) || telling[holder.kind] < best_telling)
			continue;
		place = place_of(holders, &holder);
		/* Of equally telling ones any will do, if it is always the same. */
		if (telling[holder.kind] > best_telling || place < best)
			best = place;
		best_telling = telling[holder.kind];
	}
	return best;
}
