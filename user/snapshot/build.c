/* SPDX-License-Identifier: BSD-2-Clause */
/* Nodes first: all that the GC lists hold, in their order, which is that of their age. Then the
 * edges of one node after the other; what they lead to becomes a node, too, until nothing new is
 * found. */
#include "snapshot/build.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/types.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "pyleak_wire.h"
#include "pyleak_object.h"
#include "snapshot/roots.h"

static bool add_tracked(struct heap *heap, raddr_t object, void *context)
{
	uint32_t node = heap_node(heap, object);

	(void)context;
	if (node == NODE_NONE)
		heap->graph->info.loss.no_object++;
	else
		heap->graph->nodes[node].flags |= NODE_TRACKED;
	return true;
}

static void note_namespace(struct heap *heap, uint32_t node)
{
	const struct graph_node *at = &heap->graph->nodes[node];
	const struct heap_type *type = heap->by_index[at->type];
	raddr_t dict = attribute_dict(heap, type, at->address);
	uint32_t found = dict ? heap_node(heap, dict) : NODE_NONE;

	if (found != NODE_NONE)
		heap->graph->nodes[found].flags |= NODE_NAMESPACE;
}

static void expand(struct heap *heap, uint32_t *done)
{
	struct heap_graph *graph = heap->graph;

	for (; *done < graph->node_cnt && !heap->out_of_room; ++*done) {
		const struct heap_type *type = heap->by_index[graph->nodes[*done].type];

		heap_begin_edges(heap, *done);
		if (graph->nodes[*done].flags & NODE_PSEUDO) {
			refer_pseudo(heap, *done);
		} else {
			refer_object(heap, type, graph->nodes[*done].address);
			if (heap->exact)
				graph->nodes[*done].flags |= NODE_FIXED;
		}
		heap_end_edges(heap);
	}
}

/* Types are objects, too; static ones are held by nobody. */
static void add_types(struct heap *heap, uint32_t *begun)
{
	struct heap_graph *graph = heap->graph;

	for (; *begun < graph->type_cnt; ++*begun) {
		const struct heap_type *type = heap->by_index[*begun];
		uint32_t node;

		if (graph->types[*begun].role == ROLE_PSEUDO)
			continue;
		node = heap_node(heap, type->address);
		graph->types[*begun].node = node;
		if (!(type->flags & PYLEAK_FLAG_HEAPTYPE))
			heap_root(heap, node, ROOT_TYPE,
				  graph_name(graph, graph->types[*begun].name));
	}
}

int graph_add_root_edges(struct heap_graph *graph)
{
	struct graph_edge *edges;
	uint64_t cnt = (uint64_t)graph->edge_cnt + graph->root_cnt;

	edges = cnt < UINT32_MAX ? realloc(graph->edges, (cnt + 1) * sizeof(*edges)) : NULL;
	if (!edges)
		return -ENOMEM;
	graph->edges = edges;
	memmove(edges + graph->root_cnt, edges, graph->edge_cnt * sizeof(*edges));
	for (uint32_t r = 0; r < graph->root_cnt; r++)
		edges[r] = (struct graph_edge){ .to = graph->roots[r].node,
						.kind = EDGE_ROOT,
						.value = r };
	for (uint32_t n = 1; n <= graph->node_cnt; n++)
		graph->first[n] += graph->root_cnt;
	graph->edge_cnt = (uint32_t)cnt;
	return 0;
}

static int fill(struct heap *heap, const raddr_t *containers, size_t container_cnt)
{
	uint32_t done = 0, types = 0, tracked;
	int err;

	err = heap_each_tracked(heap, add_tracked, NULL);
	if (err == -EBADMSG)
		heap->graph->info.loss.torn++;
	else if (err)
		return err;
	for (size_t i = 0; i < container_cnt; i++)
		heap_node(heap, containers[i]);
	tracked = heap->graph->node_cnt;
	for (uint32_t n = 1; n < tracked; n++)
		note_namespace(heap, n);
	add_python_roots(heap);
	while (done < heap->graph->node_cnt || types < heap->graph->type_cnt) {
		expand(heap, &done);
		add_types(heap, &types);
		if (heap->out_of_room)
			return -ENOMEM;
	}
	fields_check_report(heap);
	err = add_native_roots(heap);
	if (!err && heap->out_of_room)
		err = -ENOMEM;
	return err ? err : graph_add_root_edges(heap->graph);
}

struct build_source build_source_of(const struct python *python)
{
	return (struct build_source){
		.minor = python->minor,
		.micro = python->micro,
		.layout = &python->layout,
		.type_type = python_symbol(python, "PyType_Type"),
		.str_type = python_symbol(python, "PyUnicode_Type"),
		.python = python,
	};
}

int graph_build(struct image *image, const struct build_source *source,
		const struct gc_lists *lists, const raddr_t *containers, size_t container_cnt,
		struct heap_graph **out)
{
	uint64_t begin_ns = clock_now_ns();
	struct heap heap;
	int err = heap_init(&heap, image, source, lists);

	if (!err)
		err = fill(&heap, containers, container_cnt);
	if (err) {
		pr_error("snapshot: the graph of %u objects could not be made: %s; a larger "
			 "--max-memory may help",
			 heap.graph ? heap.graph->node_cnt : 0, strerror(-err));
		graph_destroy(heap.graph);
	} else {
		heap.graph->info.build_s = (double)(clock_now_ns() - begin_ns) / 1e9;
		heap.graph->info.minor = (uint32_t)source->minor;
		heap.graph->info.micro = (uint32_t)source->micro;
		heap.graph->info.copied = image->copied;
		heap.graph->info.pause_s = image->pause_s;
		heap.graph->info.paused = image->paused;
		*out = heap.graph;
	}
	heap_deinit(&heap);
	return err;
}
