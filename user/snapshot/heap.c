/* SPDX-License-Identifier: BSD-2-Clause */
/* Nodes are found by address through an array beside each region of the copy, one entry per 16
 * bytes: no two objects begin in the same 16. Edges are appended in the order of their source, so
 * that they need no sorting. */
#include "snapshot/heap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/cleanup.h"

#define MAX_NODES INT32_MAX
#define MAX_EDGES INT32_MAX
#define FIRST_ROOM 4096
#define OBJECT_ALIGN 8
/* A larger count is the link of a free block, or garbage. */
#define MAX_REFCOUNT (1ULL << 31)
#define FROZEN_REFCOUNT 500000000U /* 3.11: constants in the program's file have 999999999 */

/* Objects outside the copy: in read-only memory. */
struct heap_foreign {
	raddr_t address;
	uint32_t node;
	UT_hash_handle hh;
};

/* Makes room for one more; false: no memory or no more indexes, and the graph is incomplete. */
static bool make_room(struct heap *heap, void *items_at, size_t size, uint32_t cnt, uint32_t *room,
		      uint32_t most)
{
	void **items = items_at, *larger;
	uint64_t wanted = *room ? 2 * (uint64_t)*room : FIRST_ROOM;

	if (cnt < *room)
		return true;
	if (wanted > most)
		wanted = most;
	larger = wanted > cnt ? realloc(*items, wanted * size) : NULL;
	if (!larger) {
		heap->out_of_room = true;
		heap->graph->info.loss.limit++;
		return false;
	}
	*items = larger;
	*room = (uint32_t)wanted;
	return true;
}

/* Where the number of the node at `address` is kept; NULL: outside the copy. */
static uint32_t *node_slot(struct heap *heap, raddr_t address)
{
	struct image_region *region = image_find(heap->image, address);

	if (!region || (!region->nodes && image_region_nodes(region)))
		return NULL;
	return &region->nodes[(address - region->start) >> 4];
}

static bool read_refcount(const struct heap *heap, uint64_t word, uint32_t *out)
{
	uint32_t low = (uint32_t)word;

	if (heap->minor >= 12) {
		*out = low >= IMMORTAL_REFCOUNT ? REFCOUNT_IMMORTAL : low;
		/* The upper half is zero up to 3.13; then it holds flags above an overflow that
		 * is zero. */
		return low && !(heap->minor >= 14 ? word >> 32 & 0xffff : word >> 32);
	}
	*out = word >= FROZEN_REFCOUNT ? REFCOUNT_IMMORTAL : low;
	return word && word < MAX_REFCOUNT;
}

static uint32_t append_node(struct heap *heap, const struct graph_node *node)
{
	struct heap_graph *graph = heap->graph;

	if (!make_room(heap, &graph->nodes, sizeof(*graph->nodes), graph->node_cnt,
		       &heap->node_room, MAX_NODES))
		return NODE_NONE;
	graph->nodes[graph->node_cnt] = *node;
	return graph->node_cnt++;
}

/* The node of an object that is not known yet, when there is one. */
static uint32_t new_node(struct heap *heap, raddr_t address)
{
	const uint64_t *words = heap_words(heap, address, 2);
	struct graph_node node = { .address = address };
	const struct heap_type *type;
	const struct image_region *region;

	if (!words || !read_refcount(heap, words[0], &node.refcount))
		return NODE_NONE;
	type = heap_type_get(heap, words[1]);
	if (!type)
		return NODE_NONE;
	region = image_find(heap->image, address);
	if (!heap->search && (!region || address < heap->data_end[region - heap->image->regions]))
		node.flags = NODE_STATIC;
	node.type = type->index;
	node.bytes = heap_object_bytes(heap, type, address);
	return append_node(heap, &node);
}

uint32_t heap_foreign_node(struct heap *heap, raddr_t address)
{
	struct heap_foreign *foreign;

	HASH_FIND(hh, heap->foreign, &address, sizeof(address), foreign);
	return foreign ? foreign->node : NODE_NONE;
}

static uint32_t foreign_node(struct heap *heap, raddr_t address)
{
	uint32_t node = heap_foreign_node(heap, address);
	struct heap_foreign *foreign;

	if (node != NODE_NONE)
		return node;
	node = new_node(heap, address);
	foreign = node == NODE_NONE ? NULL : malloc(sizeof(*foreign));
	if (!foreign)
		return NODE_NONE;
	foreign->address = address;
	foreign->node = node;
	HASH_ADD(hh, heap->foreign, address, sizeof(foreign->address), foreign);
	return node;
}

uint32_t heap_node(struct heap *heap, raddr_t address)
{
	uint32_t *slot, node;

	if (!address || address % OBJECT_ALIGN)
		return NODE_NONE;
	slot = node_slot(heap, address);
	if (!slot)
		return foreign_node(heap, address);
	if (*slot)
		return heap->graph->nodes[*slot].address == address ? *slot : NODE_NONE;
	node = new_node(heap, address);
	if (node != NODE_NONE)
		*slot = node;
	return node;
}

uint32_t heap_add_type(struct heap *heap, const struct heap_type *type,
		       const struct graph_type *graph_type)
{
	struct heap_graph *graph = heap->graph;
	uint32_t room = heap->type_room;

	if (!make_room(heap, &graph->types, sizeof(*graph->types), graph->type_cnt,
		       &heap->type_room, UINT32_MAX))
		return 0;
	if (room != heap->type_room) {
		const struct heap_type **larger =
			realloc(heap->by_index, heap->type_room * sizeof(*larger));

		if (!larger) {
			heap->type_room = room;
			heap->out_of_room = true;
			return 0;
		}
		heap->by_index = larger;
	}
	heap->by_index[graph->type_cnt] = type;
	graph->types[graph->type_cnt] = *graph_type;
	return graph->type_cnt++;
}

static uint32_t pseudo_type(struct heap *heap, const char *name)
{
	struct heap_graph *graph = heap->graph;
	uint32_t index = heap_name(heap, name);

	for (uint32_t t = 0; t < graph->type_cnt; t++) {
		if (graph->types[t].role == ROLE_PSEUDO && graph->types[t].name == index)
			return t;
	}
	return heap_add_type(
		heap, NULL,
		&(struct graph_type){ .name = index, .node = NODE_NONE, .role = ROLE_PSEUDO });
}

uint32_t heap_pseudo(struct heap *heap, const char *type, raddr_t address)
{
	struct graph_node node = {
		.address = address,
		.flags = NODE_PSEUDO,
		.refcount = 0,
		.type = pseudo_type(heap, type),
	};

	return append_node(heap, &node);
}

void heap_edge(struct heap *heap, uint32_t to, enum edge_kind kind, uint32_t value, bool hidden)
{
	struct heap_graph *graph = heap->graph;

	/* Everything holds its type, and that says nothing of who holds the type. */
	if (heap->search) {
		uint32_t source = kind == EDGE_TYPE ? NODE_NONE : search_source(heap, to);

		if (source == NODE_NONE)
			return;
		heap->search->sources[graph->edge_cnt] = source;
	}
	if (!make_room(heap, &graph->edges, sizeof(*graph->edges), graph->edge_cnt,
		       &heap->edge_room, MAX_EDGES))
		return;
	graph->edges[graph->edge_cnt++] = (struct graph_edge){
		.to = to,
		.kind = kind,
		.hidden = hidden,
		.value = value > EDGE_VALUE_MAX ? EDGE_VALUE_MAX : value,
	};
}

void heap_begin_edges(struct heap *heap, uint32_t node)
{
	struct heap_graph *graph = heap->graph;

	heap->source = node;
	if (node + 2 > heap->first_room) {
		uint64_t room = node + node / 2 + 1024ULL;
		uint32_t *first = realloc(graph->first, room * sizeof(*first));

		if (!first) {
			heap->out_of_room = true;
			return;
		}
		graph->first = first;
		heap->first_room = (uint32_t)room;
	}
	graph->first[node] = graph->edge_cnt;
	graph->first[node + 1] = graph->edge_cnt;
}

void heap_end_edges(struct heap *heap)
{
	if (!heap->out_of_room)
		heap->graph->first[heap->source + 1] = heap->graph->edge_cnt;
}

void heap_root(struct heap *heap, uint32_t node, enum root_kind kind, const char *name)
{
	struct heap_graph *graph = heap->graph;

	if (node == NODE_NONE || !make_room(heap, &graph->roots, sizeof(*graph->roots),
					    graph->root_cnt, &heap->root_room, EDGE_VALUE_MAX))
		return;
	graph->roots[graph->root_cnt++] = (struct graph_root){
		.node = node,
		.name = heap_name(heap, name),
		.kind = (uint8_t)kind,
	};
}

void heap_deinit(struct heap *heap)
{
	struct heap_foreign *foreign, *next;

	HASH_ITER (hh, heap->foreign, foreign, next) {
		HASH_DEL(heap->foreign, foreign);
		free(foreign);
	}
	for (size_t i = 0; heap->seen && i < heap->image->region_cnt; i++) {
		const struct image_region *region = &heap->image->regions[i];

		if (heap->seen[i])
			munmap(heap->seen[i], (region->end - region->start) / 64 + 8);
	}
	free(heap->seen);
	free(heap->data_end);
	heap_types_destroy(heap);
	heap_names_destroy(heap);
	py_types_destroy(heap->types);
}
