/* SPDX-License-Identifier: BSD-2-Clause */
#include "analyse/paths.h"

#include <errno.h>
#include <string.h>

#include "analyse/reach.h"
#include "analyse/shape_trie.h"
#include "base/cleanup.h"

struct grouping {
	const struct heap_graph *graph;
	const struct path_tree *tree;
	const struct cycles *cycles;
	struct shape_trie trie;
	uint32_t *shape_of; /* of a node; NODE_NONE: not known yet */
	uint32_t *way;	    /* the nodes whose shapes are to be found */
};

/* Shapes with the same fingerprint. */
struct union_shape {
	uint64_t instances, bytes;
	uint64_t most; /* instances of `shape` */
	uint32_t shape;
};

/* An attribute dict and its object are one step. */
static bool is_attribute_dict(const struct grouping *g, uint32_t node)
{
	uint32_t owner = g->tree->parent[node];

	return graph_node_type(g->graph, node)->role == ROLE_DICT && owner != NODE_NONE &&
	       owner != GRAPH_ROOT && g->graph->edges[g->tree->edge[node]].kind == EDGE_DICT;
}

/* The holder of a node that no root holds directly, and how it holds it. */
static uint32_t holder_of(const struct grouping *g, uint32_t node, struct path_step *step)
{
	const struct graph_edge *edge = &g->graph->edges[g->tree->edge[node]];
	uint32_t holder = g->tree->parent[node];
	const uint32_t *component = g->cycles ? g->cycles->component : NULL;

	step->kind = edge->kind;
	step->name = reach_edge_name(g->graph, holder, edge);
	if (edge->kind == EDGE_ATTRIBUTE && is_attribute_dict(g, holder))
		holder = g->tree->parent[holder];
	step->type = g->graph->nodes[holder].type;
	step->cycle = component && component[node] && component[node] == component[holder];
	step->repeats = false;
	return holder;
}

/* Up to the first object whose shape is known, and down again. */
static int find_shape(struct grouping *g, uint32_t node)
{
	struct path_step step;
	uint32_t depth = 0, shape;

	while (g->shape_of[node] == NODE_NONE && g->tree->parent[node] != GRAPH_ROOT) {
		g->way[depth++] = node;
		node = holder_of(g, node, &step);
	}
	if (g->shape_of[node] == NODE_NONE &&
	    shape_trie_root(&g->trie, g->graph->edges[g->tree->edge[node]].value,
			    &g->shape_of[node]))
		return -ENOMEM;
	shape = g->shape_of[node];
	while (depth) {
		node = g->way[--depth];
		holder_of(g, node, &step);
		if (shape_trie_add(&g->trie, shape, &step, &shape))
			return -ENOMEM;
		g->shape_of[node] = shape;
	}
	return 0;
}

static int count_instances(struct grouping *g, const uint32_t *instances, size_t cnt,
			   struct paths *out)
{
	for (size_t i = 0; i < cnt; i++) {
		uint64_t bytes = g->graph->nodes[instances[i]].bytes;
		struct shape *shape;

		out->instances++;
		out->bytes += bytes;
		if (g->tree->parent[instances[i]] == NODE_NONE) {
			out->unreachable++;
			continue;
		}
		if (find_shape(g, instances[i]))
			return -ENOMEM;
		shape = &g->trie.shapes[g->shape_of[instances[i]]];
		if (!shape->instances++)
			shape->example = instances[i];
		shape->bytes += bytes;
	}
	return 0;
}

/* Two frames of one function are two roots, and a list of two nodes is not one of three: what is
 * told apart in the trie becomes one here, looking like the one with the most instances. */
static int unite(const struct shape_trie *trie, struct union_shape *unions, size_t *union_cnt)
{
	struct keymap map;
	int err = keymap_init(&map);

	for (uint32_t s = 0; !err && s < trie->cnt; s++) {
		const struct shape *shape = &trie->shapes[s];
		struct union_shape *u;
		uint32_t found;

		if (!shape->instances)
			continue;
		err = keymap_add(&map, shape->fingerprint, (uint32_t)*union_cnt, &found);
		if (err)
			break;
		u = &unions[found];
		if (found == *union_cnt) {
			*u = (struct union_shape){ 0 };
			(*union_cnt)++;
		}
		u->instances += shape->instances;
		u->bytes += shape->bytes;
		if (shape->instances > u->most) {
			u->most = shape->instances;
			u->shape = s;
		}
	}
	keymap_deinit(&map);
	return err;
}

static int most_instances_first(const void *a, const void *b)
{
	const struct union_shape *x = a, *y = b;

	if (x->instances != y->instances)
		return x->instances > y->instances ? -1 : 1;
	if (x->bytes != y->bytes)
		return x->bytes > y->bytes ? -1 : 1;
	return (x->shape > y->shape) - (x->shape < y->shape);
}

static int write_shape(const struct shape_trie *trie, const struct union_shape *u,
		       struct path_shape *out)
{
	const struct shape *shape = &trie->shapes[u->shape];
	struct path_step *steps = calloc(shape->depth + 1, sizeof(*steps));

	if (!steps)
		return -ENOMEM;
	*out = (struct path_shape){
		.steps = steps,
		.step_cnt = shape->depth,
		.root = shape->root,
		.instances = u->instances,
		.bytes = u->bytes,
		.example = shape->example,
		.fingerprint = shape->fingerprint,
	};
	for (; shape->depth; shape = &trie->shapes[shape->above])
		*steps++ = shape->step;
	return 0;
}

static int write_shapes(const struct shape_trie *trie, size_t max_shapes, struct paths *out)
{
	_cleanup_free_ struct union_shape *unions = calloc(trie->cnt + 1, sizeof(*unions));
	size_t cnt = 0, kept;

	if (!unions || unite(trie, unions, &cnt))
		return -ENOMEM;
	qsort(unions, cnt, sizeof(*unions), most_instances_first);
	kept = cnt < max_shapes ? cnt : max_shapes;
	out->shapes = calloc(kept + 1, sizeof(*out->shapes));
	if (!out->shapes)
		return -ENOMEM;
	for (; out->cnt < kept; out->cnt++) {
		if (write_shape(trie, &unions[out->cnt], &out->shapes[out->cnt]))
			return -ENOMEM;
	}
	for (size_t i = kept; i < cnt; i++)
		out->others += unions[i].instances;
	return 0;
}

int paths_aggregate(const struct heap_graph *graph, const struct path_tree *tree,
		    const struct cycles *cycles, const uint32_t *instances, size_t cnt,
		    size_t max_shapes, struct paths *out)
{
	size_t bytes = (size_t)graph->node_cnt * sizeof(uint32_t);
	_cleanup_free_ uint32_t *shape_of = malloc(bytes);
	_cleanup_free_ uint32_t *way = malloc(bytes);
	struct grouping g = {
		.graph = graph,
		.tree = tree,
		.cycles = cycles,
		.shape_of = shape_of,
		.way = way,
	};
	struct paths paths = { 0 };
	int err;

	if (!shape_of || !way)
		return -ENOMEM;
	memset(shape_of, 0xff, bytes);
	err = shape_trie_init(&g.trie, graph);
	if (!err)
		err = count_instances(&g, instances, cnt, &paths);
	if (!err)
		err = write_shapes(&g.trie, max_shapes, &paths);
	shape_trie_deinit(&g.trie);
	if (err)
		paths_deinit(&paths);
	else
		*out = paths;
	return err;
}

/* The same as find_shape(), without what is kept for other objects. */
static int add_way(const struct grouping *g, struct shape_trie *trie, uint32_t node, uint32_t *out)
{
	_cleanup_free_ uint32_t *way = NULL;
	struct path_step step;
	uint32_t depth = 0, root = node;

	for (; g->tree->parent[root] != GRAPH_ROOT; depth++)
		root = holder_of(g, root, &step);
	way = malloc((depth + 1ULL) * sizeof(*way));
	if (!way || shape_trie_root(trie, g->graph->edges[g->tree->edge[root]].value, out))
		return -ENOMEM;
	for (uint32_t i = 0; i < depth; i++) {
		way[i] = node;
		node = holder_of(g, node, &step);
	}
	while (depth) {
		holder_of(g, way[--depth], &step);
		if (shape_trie_add(trie, *out, &step, out))
			return -ENOMEM;
	}
	return 0;
}

int path_of_node(const struct heap_graph *graph, const struct path_tree *tree,
		 const struct cycles *cycles, uint32_t node, struct path_shape *out)
{
	struct grouping g = { .graph = graph, .tree = tree, .cycles = cycles };
	struct union_shape one = { .instances = 1, .bytes = graph->nodes[node].bytes };
	struct shape_trie trie;
	int err;

	if (tree->parent[node] == NODE_NONE)
		return -ENOENT;
	err = shape_trie_init(&trie, graph);
	if (!err)
		err = add_way(&g, &trie, node, &one.shape);
	if (!err) {
		trie.shapes[one.shape].example = node;
		err = write_shape(&trie, &one, out);
	}
	shape_trie_deinit(&trie);
	return err;
}

void paths_deinit(struct paths *paths)
{
	for (size_t i = 0; i < paths->cnt; i++)
		free(paths->shapes[i].steps);
	free(paths->shapes);
	memset(paths, 0, sizeof(*paths));
}
