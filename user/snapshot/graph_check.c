/* SPDX-License-Identifier: BSD-2-Clause */
/* What everyone who walks a graph relies on, checked in one place. */
#include "snapshot/graph_file.h"

#include <string.h>

#define ALL_FLAGS                                                                                  \
	(NODE_TRACKED | NODE_FIXED | NODE_PSEUDO | NODE_TORN | NODE_STATIC | NODE_NAMESPACE)
#define YEAR_10000 253402300800.0 /* what gmtime() can be asked for and a column has room for */
#define SECONDS_MAX 1e9

/* False for NaN, too. */
static bool is_between_0_and(double value, double most)
{
	return value >= 0 && value <= most;
}

/* To look at a bool that is neither is undefined. */
static bool is_bool(const bool *value)
{
	uint8_t byte;

	memcpy(&byte, value, sizeof(byte));
	return byte <= 1;
}

static bool info_is_sound(const struct graph_info *info)
{
	return memchr(info->program, '\0', sizeof(info->program)) && is_bool(&info->paused) &&
	       info->minor <= UINT8_MAX && info->micro <= UINT8_MAX && /* as in PY_VERSION_HEX */
	       is_between_0_and(info->time, YEAR_10000) &&
	       is_between_0_and(info->pause_s, SECONDS_MAX) &&
	       is_between_0_and(info->build_s, SECONDS_MAX);
}

static bool counts_are_sound(const struct heap_graph *graph)
{
	return graph->node_cnt && graph->node_cnt <= GRAPH_CNT_MAX &&
	       graph->edge_cnt <= GRAPH_CNT_MAX && graph->type_cnt &&
	       graph->type_cnt <= GRAPH_CNT_MAX && graph->root_cnt <= GRAPH_CNT_MAX &&
	       graph->name_cnt && graph->name_cnt <= GRAPH_CNT_MAX && graph->text_bytes &&
	       graph->text_bytes <= GRAPH_CNT_MAX;
}

/* An offset in the text and a zero at the text's end end every name. */
static bool names_are_sound(const struct heap_graph *graph)
{
	for (uint32_t i = 0; i < graph->name_cnt; i++) {
		if (graph->names[i] >= graph->text_bytes)
			return false;
	}
	return !graph->text[graph->text_bytes - 1] && !graph->text[graph->names[0]];
}

static bool types_are_sound(const struct heap_graph *graph)
{
	for (uint32_t i = 0; i < graph->type_cnt; i++) {
		const struct graph_type *type = &graph->types[i];

		if (type->name >= graph->name_cnt || type->role >= ROLE_CNT ||
		    (type->node >= graph->node_cnt && type->node != NODE_NONE) ||
		    !is_bool(&type->own))
			return false;
	}
	return true;
}

static bool roots_are_sound(const struct heap_graph *graph)
{
	for (uint32_t i = 0; i < graph->root_cnt; i++) {
		const struct graph_root *root = &graph->roots[i];

		if (root->node >= graph->node_cnt || root->name >= graph->name_cnt ||
		    root->kind >= ROOT_KIND_CNT)
			return false;
	}
	return true;
}

static bool value_is_sound(const struct heap_graph *graph, const struct graph_edge *edge)
{
	switch (edge->kind) {
	case EDGE_FIELD:
	case EDGE_ATTRIBUTE:
	case EDGE_VALUE:
	case EDGE_LOCAL:
		return edge->value < graph->name_cnt;
	case EDGE_ROOT:
		return edge->value < graph->root_cnt && graph->roots[edge->value].node == edge->to;
	default:
		return edge->kind < EDGE_KIND_CNT;
	}
}

/* GRAPH_ROOT alone has edges to roots, and no others; nothing leads to it. */
static bool edges_are_sound(const struct heap_graph *graph, uint32_t node)
{
	for (uint32_t e = graph->first[node]; e < graph->first[node + 1]; e++) {
		const struct graph_edge *edge = &graph->edges[e];

		if (edge->to >= graph->node_cnt || edge->to == GRAPH_ROOT ||
		    (edge->kind == EDGE_ROOT) != (node == GRAPH_ROOT) ||
		    !value_is_sound(graph, edge))
			return false;
	}
	return true;
}

static bool nodes_are_sound(const struct heap_graph *graph)
{
	if (graph->first[0] || graph->first[graph->node_cnt] != graph->edge_cnt ||
	    !(graph->nodes[GRAPH_ROOT].flags & NODE_PSEUDO))
		return false;
	for (uint32_t n = 0; n < graph->node_cnt; n++) {
		const struct graph_node *node = &graph->nodes[n];

		if (node->type >= graph->type_cnt || node->flags & ~(unsigned int)ALL_FLAGS ||
		    graph->first[n] > graph->first[n + 1] ||
		    graph->first[n + 1] > graph->edge_cnt || !edges_are_sound(graph, n))
			return false;
	}
	return true;
}

bool graph_is_sound(const struct heap_graph *graph)
{
	return counts_are_sound(graph) && info_is_sound(&graph->info) && names_are_sound(graph) &&
	       types_are_sound(graph) && roots_are_sound(graph) && nodes_are_sound(graph);
}
