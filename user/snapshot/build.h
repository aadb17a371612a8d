/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PYLEAK_SNAPSHOT_BUILD_H
#define PYLEAK_SNAPSHOT_BUILD_H

#include "snapshot/graph.h"
#include "snapshot/image.h"

/* Makes the graph of every object that the collector tracks and of everything reachable from
 * them. `containers`: addresses of further objects, which the GC does not track. Logs one line and
 * returns -errno. */
int graph_build(struct image *image, const struct python *python, const struct gc_lists *lists,
		const raddr_t *containers, size_t container_cnt, struct heap_graph **out);

/* The edges of GRAPH_ROOT, which come first, from its roots. 0 or -ENOMEM. */
int graph_add_root_edges(struct heap_graph *graph);

#endif
