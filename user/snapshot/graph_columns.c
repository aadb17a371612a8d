/* SPDX-License-Identifier: BSD-2-Clause */
/* The columns of a saved graph: each field's way to a small number and back, side by side. */
#include "snapshot/graph_format.h"

#include <limits.h>

#define BITS(n) ((1ULL << (n)) - 1)

/* Small numbers of either sign to small ones without: 0, -1, 1, -2, ... */
static uint32_t zigzag(uint32_t difference)
{
	return difference << 1 ^ -(difference >> 31);
}

static uint32_t unzigzag(uint64_t value)
{
	return (uint32_t)value >> 1 ^ -((uint32_t)value & 1);
}

/* A field that is stored as it is. */
#define PLAIN(name, items, field, max)                                                             \
	static uint64_t get_##name(const struct heap_graph *graph, struct column_cursor *cursor,   \
				   uint32_t i)                                                     \
	{                                                                                          \
		(void)cursor;                                                                      \
		return (uint64_t)graph->items[i] field;                                            \
	}                                                                                          \
	static bool set_##name(struct heap_graph *graph, struct column_cursor *cursor, uint32_t i, \
			       uint64_t value)                                                     \
	{                                                                                          \
		(void)cursor;                                                                      \
		if (value > (max))                                                                 \
			return false;                                                              \
		graph->items[i] field = (__typeof__(graph->items[i] field + 0))value;              \
		return true;                                                                       \
	}

PLAIN(type_name, types, .name, UINT32_MAX)
PLAIN(type_role, types, .role, ROLE_CNT - 1)
PLAIN(type_own, types, .own, 1)
PLAIN(root_node, roots, .node, UINT32_MAX)
PLAIN(root_name, roots, .name, UINT32_MAX)
PLAIN(root_kind, roots, .kind, ROOT_KIND_CNT - 1)
PLAIN(node_type, nodes, .type, UINT32_MAX)
PLAIN(node_bytes, nodes, .bytes, BITS(40))
PLAIN(node_flags, nodes, .flags, BITS(24))

/* The kind, and above it whether the edge is hidden. */
static uint64_t get_edge_kind(const struct heap_graph *graph, struct column_cursor *cursor,
			      uint32_t i)
{
	(void)cursor;
	return graph->edges[i].kind | (uint64_t)graph->edges[i].hidden << 4;
}

static bool set_edge_kind(struct heap_graph *graph, struct column_cursor *cursor, uint32_t i,
			  uint64_t value)
{
	(void)cursor;
	graph->edges[i].kind = value & 15;
	graph->edges[i].hidden = value >> 4 & 1;
	return value < 32 && (value & 15) < EDGE_KIND_CNT;
}

static uint64_t get_text(const struct heap_graph *graph, struct column_cursor *cursor, uint32_t i)
{
	(void)cursor;
	return (uint8_t)graph->text[i];
}

static bool set_text(struct heap_graph *graph, struct column_cursor *cursor, uint32_t i,
		     uint64_t value)
{
	(void)cursor;
	graph->text[i] = (char)value;
	return value <= UCHAR_MAX;
}

/* Names follow each other in the text: the distance is a length. */
static uint64_t get_name(const struct heap_graph *graph, struct column_cursor *cursor, uint32_t i)
{
	(void)cursor;
	return zigzag(graph->names[i] - (i ? graph->names[i - 1] : 0));
}

static bool set_name(struct heap_graph *graph, struct column_cursor *cursor, uint32_t i,
		     uint64_t value)
{
	(void)cursor;
	graph->names[i] = (i ? graph->names[i - 1] : 0) + unzigzag(value);
	return value <= UINT32_MAX;
}

/* NODE_NONE and REFCOUNT_IMMORTAL are frequent and as large as can be: one more makes them 0. */
static uint64_t get_type_node(const struct heap_graph *graph, struct column_cursor *cursor,
			      uint32_t i)
{
	(void)cursor;
	return graph->types[i].node + 1U;
}

static bool set_type_node(struct heap_graph *graph, struct column_cursor *cursor, uint32_t i,
			  uint64_t value)
{
	(void)cursor;
	graph->types[i].node = (uint32_t)value - 1;
	return value <= UINT32_MAX;
}

static uint64_t get_refcount(const struct heap_graph *graph, struct column_cursor *cursor,
			     uint32_t i)
{
	(void)cursor;
	return graph->nodes[i].refcount + 1U;
}

static bool set_refcount(struct heap_graph *graph, struct column_cursor *cursor, uint32_t i,
			 uint64_t value)
{
	(void)cursor;
	graph->nodes[i].refcount = (uint32_t)value - 1;
	return value <= UINT32_MAX;
}

static uint64_t get_address(const struct heap_graph *graph, struct column_cursor *cursor,
			    uint32_t i)
{
	uint64_t difference = graph->nodes[i].address - cursor->address;

	cursor->address = graph->nodes[i].address;
	return difference << 1 ^ -(difference >> 63);
}

static bool set_address(struct heap_graph *graph, struct column_cursor *cursor, uint32_t i,
			uint64_t value)
{
	cursor->address += value >> 1 ^ -(value & 1);
	graph->nodes[i].address = cursor->address;
	return true;
}

/* How many edges the node has. */
static uint64_t get_degree(const struct heap_graph *graph, struct column_cursor *cursor, uint32_t i)
{
	(void)cursor;
	return graph->first[i + 1] - graph->first[i];
}

/* From here on edges may rely on the sum. */
static bool set_degree(struct heap_graph *graph, struct column_cursor *cursor, uint32_t i,
		       uint64_t value)
{
	(void)cursor;
	if (value > graph->edge_cnt - graph->first[i])
		return false;
	graph->first[i + 1] = graph->first[i] + (uint32_t)value;
	return i + 1 < graph->node_cnt || graph->first[i + 1] == graph->edge_cnt;
}

static void go_to_edge(const struct heap_graph *graph, struct column_cursor *cursor, uint32_t i)
{
	while (graph->first[cursor->node + 1] <= i)
		cursor->node++;
}

/* Indexes count up from 0. */
static bool guess_value(const struct heap_graph *graph, struct column_cursor *cursor, uint32_t i,
			uint32_t *guess)
{
	const struct graph_edge *edge = &graph->edges[i];

	if (edge->kind != EDGE_INDEX && edge->kind != EDGE_ROOT)
		return false;
	go_to_edge(graph, cursor, i);
	*guess = i > graph->first[cursor->node] && edge[-1].kind == edge->kind ? edge[-1].value + 1
									       : 0;
	return true;
}

static uint64_t get_value(const struct heap_graph *graph, struct column_cursor *cursor, uint32_t i)
{
	uint32_t guess;

	if (!guess_value(graph, cursor, i, &guess))
		return graph->edges[i].value;
	return zigzag(graph->edges[i].value - guess);
}

static bool set_value(struct heap_graph *graph, struct column_cursor *cursor, uint32_t i,
		      uint64_t value)
{
	uint32_t guess;

	if (value > UINT32_MAX)
		return false;
	if (guess_value(graph, cursor, i, &guess))
		value = guess + unzigzag(value);
	graph->edges[i].value = value & EDGE_VALUE_MAX;
	return value <= EDGE_VALUE_MAX;
}

/* Where an edge leads: near to its node, or near to where the last one of its kind led, which
 * follows from the order in which objects were found; to a type: the node's own. */
static uint32_t near_node(const struct heap_graph *graph, const struct column_cursor *cursor,
			  uint32_t i)
{
	uint32_t type = graph->nodes[cursor->node].type;

	if (graph->edges[i].kind == EDGE_TYPE && type < graph->type_cnt)
		return graph->types[type].node;
	return cursor->node;
}

/* The lowest bit says which of the two it is near to. */
static uint64_t get_to(const struct heap_graph *graph, struct column_cursor *cursor, uint32_t i)
{
	uint32_t *last = &cursor->last[graph->edges[i].kind];
	uint32_t to = graph->edges[i].to, from_node, from_last;

	go_to_edge(graph, cursor, i);
	from_node = zigzag(to - near_node(graph, cursor, i));
	from_last = zigzag(to - *last);
	*last = to;
	return from_node <= from_last ? (uint64_t)from_node << 1 : (uint64_t)from_last << 1 | 1;
}

static bool set_to(struct heap_graph *graph, struct column_cursor *cursor, uint32_t i,
		   uint64_t value)
{
	uint32_t *last = &cursor->last[graph->edges[i].kind];

	go_to_edge(graph, cursor, i);
	*last = (value & 1 ? *last : near_node(graph, cursor, i)) + unzigzag(value >> 1);
	graph->edges[i].to = *last;
	return value >> 33 == 0;
}

#define COLUMN(items, name)                                                                        \
	{                                                                                          \
		items, get_##name, set_##name                                                      \
	}

/* Types before nodes, and both before edges: the latter are told from them. */
const struct graph_column graph_columns[GRAPH_COLUMN_CNT] = {
	COLUMN(CNT_TEXT, text),	      COLUMN(CNT_NAMES, name),	     COLUMN(CNT_TYPES, type_name),
	COLUMN(CNT_TYPES, type_node), COLUMN(CNT_TYPES, type_role),  COLUMN(CNT_TYPES, type_own),
	COLUMN(CNT_ROOTS, root_node), COLUMN(CNT_ROOTS, root_name),  COLUMN(CNT_ROOTS, root_kind),
	COLUMN(CNT_NODES, address),   COLUMN(CNT_NODES, node_bytes), COLUMN(CNT_NODES, node_flags),
	COLUMN(CNT_NODES, refcount),  COLUMN(CNT_NODES, node_type),  COLUMN(CNT_NODES, degree),
	COLUMN(CNT_EDGES, edge_kind), COLUMN(CNT_EDGES, value),	     COLUMN(CNT_EDGES, to),
};
