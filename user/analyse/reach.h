/* SPDX-License-Identifier: BSD-2-Clause */
/* What is reachable by edges that hold; and what an edge is called. */
#ifndef PYLEAK_ANALYSE_REACH_H
#define PYLEAK_ANALYSE_REACH_H

#include "snapshot/graph.h"

#define REACH_ALL_ROOTS ((1U << ROOT_KIND_CNT) - 1)

/* Marks with `value` what the nodes of `start` reach, and them. What has a mark already is not
 * entered; `start` is, whatever its mark. 0 or -ENOMEM. */
int reach_from(const struct heap_graph *graph, const uint32_t *start, size_t cnt, uint8_t value,
	       uint8_t *mark);

/* The same from the roots of some kinds, a bit each; GRAPH_ROOT is marked. */
int reach_from_roots(const struct heap_graph *graph, uint32_t kinds, uint8_t value, uint8_t *mark);

/* The name by which `from` holds what the edge leads to, as in a path_step: of attributes, fields,
 * variables, and keys of small dicts; in a large one the keys are data. */
uint32_t reach_edge_name(const struct heap_graph *graph, uint32_t from,
			 const struct graph_edge *edge);

#endif
