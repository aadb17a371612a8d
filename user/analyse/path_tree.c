/* SPDX-License-Identifier: BSD-2-Clause */
/* The tree of preferred ways: Dijkstra's algorithm with a ring of buckets, a bucket for each
 * distance (Dial), because distances are small whole numbers. */
#include "analyse/paths.h"

#include <errno.h>
#include <string.h>

#include "analyse/reach.h"
#include "base/cleanup.h"

/* A power of two, above every cost and every root's start. */
#define BUCKETS 32

/* What counts once is 2, so that the two halves of object -> attribute dict -> attribute can be 1
 * each. */
#define ONCE 2
#define AHEAD 8 /* edges */
#define COST_DULL (5 * ONCE)

struct bucket {
	uint32_t *nodes;
	size_t cnt, room;
};

struct walk {
	const struct heap_graph *graph;
	const struct path_tree *tree;
	uint32_t *distance;
	bool *dull; /* of a name: a field of that name says little about who holds */
	struct bucket buckets[BUCKETS];
};

static const uint8_t start_distance[ROOT_KIND_CNT] = {
	[ROOT_MODULE] = 0,	  [ROOT_FRAME] = 2 * ONCE,	 [ROOT_TYPE] = 3 * ONCE,
	[ROOT_THREAD] = 4 * ONCE, [ROOT_INTERPRETER] = 8 * ONCE, [ROOT_DATA] = 10 * ONCE,
	[ROOT_STACK] = 12 * ONCE, [ROOT_MALLOC] = 12 * ONCE,	 [ROOT_UNKNOWN] = 14 * ONCE,
};

/* 0: no way. */
static const uint8_t kind_cost[EDGE_KIND_CNT] = {
	[EDGE_FIELD] = ONCE,	 [EDGE_DICT] = ONCE / 2,  [EDGE_ATTRIBUTE] = ONCE,
	[EDGE_KEY] = 2 * ONCE,	 [EDGE_VALUE] = ONCE,	  [EDGE_INDEX] = ONCE,
	[EDGE_ELEMENT] = ONCE,	 [EDGE_LOCAL] = 2 * ONCE, [EDGE_STACK] = ONCE,
	[EDGE_TYPE] = COST_DULL, [EDGE_SCAN] = 4 * ONCE,
};

/* Everything leads to these by way of every function and class. */
static const char *const dull_fields[] = {
	"__globals__", "__builtins__",	 "__dict__",   "__mro__",   "__bases__",  "__base__",
	"__class__",   "__subclasses__", "__module__", "tp_mro",    "tp_bases",	  "tp_base",
	"tp_cache",    "tp_subclasses",	 "ht_module",  "f_globals", "f_builtins",
};

static int push(struct bucket *bucket, uint32_t node)
{
	if (bucket->cnt == bucket->room) {
		size_t room = bucket->room ? 2 * bucket->room : 1024;
		uint32_t *nodes = realloc(bucket->nodes, room * sizeof(*nodes));

		if (!nodes)
			return -ENOMEM;
		bucket->nodes = nodes;
		bucket->room = room;
	}
	bucket->nodes[bucket->cnt++] = node;
	return 0;
}

/* Of ways that cost the same, the one by the lowest node: the result must not depend on the order
 * in which nodes are looked at. A node can be in a bucket of a distance that was improved since. */
static int relax(struct walk *walk, uint32_t from, uint32_t e, uint32_t distance)
{
	uint32_t to = walk->graph->edges[e].to;

	if (distance > walk->distance[to] || to == GRAPH_ROOT)
		return 0;
	if (distance == walk->distance[to]) {
		if (from >= walk->tree->parent[to])
			return 0;
		walk->tree->parent[to] = from;
		walk->tree->edge[to] = e;
		return 0;
	}
	walk->distance[to] = distance;
	walk->tree->parent[to] = from;
	walk->tree->edge[to] = e;
	return push(&walk->buckets[distance % BUCKETS], to);
}

static uint32_t edge_cost(const struct walk *walk, bool from_dict, const struct graph_edge *edge)
{
	if (edge->kind == EDGE_FIELD && edge->value < walk->graph->name_cnt &&
	    walk->dull[edge->value])
		return COST_DULL;
	if (edge->kind == EDGE_ATTRIBUTE && from_dict)
		return ONCE / 2;
	return kind_cost[edge->kind];
}

static int walk_roots(struct walk *walk)
{
	const struct heap_graph *graph = walk->graph;

	for (uint32_t e = graph->first[GRAPH_ROOT]; e < graph->first[GRAPH_ROOT + 1]; e++) {
		uint32_t root = graph->edges[e].value;

		if (graph->edges[e].kind != EDGE_ROOT || root >= graph->root_cnt)
			continue;
		if (relax(walk, GRAPH_ROOT, e, start_distance[graph->roots[root].kind]))
			return -ENOMEM;
	}
	return 0;
}

static int walk_node(struct walk *walk, uint32_t node)
{
	const struct heap_graph *graph = walk->graph;
	bool dict = graph_node_type(graph, node)->role == ROLE_DICT;
	uint32_t distance = walk->distance[node];

	for (uint32_t e = graph->first[node]; e < graph->first[node + 1]; e++) {
		uint32_t cost = edge_cost(walk, dict, &graph->edges[e]);

		if (cost && relax(walk, node, e, distance + cost))
			return -ENOMEM;
	}
	return 0;
}

static void look_ahead(const struct walk *walk, const struct bucket *bucket, size_t at)
{
	const struct heap_graph *graph = walk->graph;
	uint32_t near, cnt = 0;

	graph_prefetch(graph, bucket->nodes, at, bucket->cnt);
	if (at + 16 < bucket->cnt)
		__builtin_prefetch(&graph->nodes[bucket->nodes[at + 16]]);
	if (at + 4 >= bucket->cnt)
		return;
	near = bucket->nodes[at + 4];
	for (uint32_t e = graph->first[near]; e < graph->first[near + 1] && cnt < AHEAD; e++, cnt++)
		__builtin_prefetch(&walk->distance[graph->edges[e].to]);
}

/* Every cost is at least 1, so nothing is added to the bucket being emptied. */
static int walk_all(struct walk *walk)
{
	uint32_t idle = 0;

	if (walk_roots(walk))
		return -ENOMEM;
	for (uint32_t distance = 0; idle < BUCKETS; distance++) {
		struct bucket *bucket = &walk->buckets[distance % BUCKETS];

		idle = bucket->cnt ? 0 : idle + 1;
		for (size_t i = 0; i < bucket->cnt; i++) {
			look_ahead(walk, bucket, i);
			if (walk->distance[bucket->nodes[i]] != distance)
				continue;
			if (walk_node(walk, bucket->nodes[i]))
				return -ENOMEM;
		}
		bucket->cnt = 0;
	}
	return 0;
}

static void find_dull(const struct heap_graph *graph, bool *dull)
{
	for (uint32_t n = 0; n < graph->name_cnt; n++) {
		for (size_t i = 0; i < ARRAY_SIZE(dull_fields); i++)
			dull[n] |= !strcmp(graph_name(graph, n), dull_fields[i]);
	}
}

int path_tree_build(const struct heap_graph *graph, struct path_tree *out)
{
	size_t cnt = graph->node_cnt;
	_cleanup_free_ uint32_t *distance = malloc(cnt * sizeof(*distance));
	_cleanup_free_ bool *dull = calloc((size_t)graph->name_cnt + 1, sizeof(*dull));
	struct path_tree tree = { malloc(cnt * sizeof(uint32_t)), malloc(cnt * sizeof(uint32_t)) };
	struct walk walk = { .graph = graph, .tree = &tree, .distance = distance, .dull = dull };
	int err = -ENOMEM;

	if (distance && dull && tree.parent && tree.edge) {
		memset(distance, 0xff, cnt * sizeof(*distance));
		memset(tree.parent, 0xff, cnt * sizeof(*tree.parent));
		memset(tree.edge, 0xff, cnt * sizeof(*tree.edge));
		find_dull(graph, dull);
		err = walk_all(&walk);
	}
	for (size_t i = 0; i < BUCKETS; i++)
		free(walk.buckets[i].nodes);
	if (err)
		path_tree_deinit(&tree);
	else
		*out = tree;
	return err;
}

void path_tree_deinit(struct path_tree *tree)
{
	free(tree->parent);
	free(tree->edge);
	tree->parent = NULL;
	tree->edge = NULL;
}
