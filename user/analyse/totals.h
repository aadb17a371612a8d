/* SPDX-License-Identifier: BSD-2-Clause */
/* How much there is: of all, and of each type. */
#ifndef PYLEAK_ANALYSE_TOTALS_H
#define PYLEAK_ANALYSE_TOTALS_H

#include "snapshot/graph.h"

struct heap_totals {
	uint64_t objects; /* pseudo nodes are none */
	uint64_t bytes;	  /* shallow */
	uint64_t references;
	uint32_t types; /* that have objects */
};

struct type_total {
	uint32_t type; /* index into types */
	uint64_t objects;
	uint64_t bytes;
};

/* *out: the types that have objects, most objects first, ties by bytes and name. The caller frees
 * it. `totals` may be NULL. 0 or -ENOMEM. */
int totals_by_type(const struct heap_graph *graph, struct heap_totals *totals,
		   struct type_total **out, size_t *out_cnt);

/* *out: the nodes of a type, in the order of the graph; the caller frees it. 0 or -ENOMEM. */
int totals_instances(const struct heap_graph *graph, uint32_t type, uint32_t **out,
		     size_t *out_cnt);

#endif
