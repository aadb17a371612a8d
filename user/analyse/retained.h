/* SPDX-License-Identifier: BSD-2-Clause */
/* What would be freed: dominators and retained size. */
#ifndef PYLEAK_ANALYSE_RETAINED_H
#define PYLEAK_ANALYSE_RETAINED_H

#include "snapshot/graph.h"

/* The dominator tree of what the roots reach. */
struct dominators {
	uint32_t *parent;  /* immediate dominator; NODE_NONE: not reachable. GRAPH_ROOT has none */
	uint64_t *bytes;   /* retained size: the node itself and all that it dominates */
	uint32_t *objects; /* their number; pseudo nodes are none. Not reachable: both are 0 */
};

/* 0 or -ENOMEM. */
int dominators_build(const struct heap_graph *graph, struct dominators *out);
void dominators_deinit(struct dominators *dominators);

/* The objects that retain the most, the most first; no types, modules, functions, nor their dicts,
 * nor what another in the list dominates with less than a tenth of its own besides. Their number,
 * or -ENOMEM. */
int64_t dominators_top(const struct heap_graph *graph, const struct dominators *dominators,
		       uint32_t *out, size_t max);

struct retained {
	uint64_t objects;
	uint64_t bytes;
};

/* What is reachable from the roots only by way of the nodes given, and they themselves: what
 * would be freed if they went. Exact for sets, where dominators are exact for one node. Garbage
 * that they hold is theirs too. 0 or -ENOMEM. */
int retained_by(const struct heap_graph *graph, const uint32_t *nodes, size_t cnt,
		struct retained *out);

#endif
