/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PYLEAK_SNAPSHOT_BUILD_H
#define PYLEAK_SNAPSHOT_BUILD_H

#include "snapshot/graph.h"
#include "snapshot/image.h"

/* The interpreter whose heap it is. */
struct build_source {
	int minor, micro;
	const struct py_layout *layout;
	raddr_t type_type, str_type; /* PyType_Type, PyUnicode_Type */
	const struct python *python; /* names what lies in its data segment; NULL: nothing does */
};

struct build_source build_source_of(const struct python *python);

/* Makes the graph of every object that the collector tracks and of everything reachable from
 * them. `containers`: addresses of further objects, which the GC does not track. Logs one line and
 * returns -errno. */
int graph_build(struct image *image, const struct build_source *source,
		const struct gc_lists *lists, const raddr_t *containers, size_t container_cnt,
		struct heap_graph **out);

/* The edges of GRAPH_ROOT, which come first, from its roots. 0 or -ENOMEM. */
int graph_add_root_edges(struct heap_graph *graph);

#endif
