/* SPDX-License-Identifier: BSD-2-Clause */
/* Saved graphs: versioned, compressed with zlib, checked on load. A file is foreign input. */
#ifndef PYLEAK_SNAPSHOT_GRAPH_FILE_H
#define PYLEAK_SNAPSHOT_GRAPH_FILE_H

#include "snapshot/graph.h"

/* Of nodes, edges, names, ...: whoever walks a graph may add one or two to an index. */
#define GRAPH_CNT_MAX ((1U << 31) - 1)

/* Writes to `path` by way of a new file beside it, so that a failure leaves no half file; mode
 * 0600: names of a production process are in it. `path` is a new file or a regular one, which is
 * replaced. Logs one line and returns -errno; -EINVAL: the graph is not sound. */
int graph_save(const struct heap_graph *graph, const char *path);

/* Logs one line and returns -errno: -EBADMSG damaged, -EPROTONOSUPPORT not a snapshot or of
 * another version, -E2BIG larger than `max_bytes` in memory (0 = no limit). Every index in the
 * graph that comes back is in range. */
int graph_load(const char *path, uint64_t max_bytes, struct heap_graph **out);

/* The same from memory, nothing logged: tests and fuzzers. */
int graph_parse(const void *bytes, size_t size, uint64_t max_bytes, struct heap_graph **out);

/* What the makers of a graph promise: all indexes and enums are in range, edges are sorted by node,
 * names and the program's end, times are plausible. GRAPH_ROOT is pseudo, its edges are the only
 * EDGE_ROOT and lead to the nodes of the roots that they name, and none leads to it. */
bool graph_is_sound(const struct heap_graph *graph);

#endif
