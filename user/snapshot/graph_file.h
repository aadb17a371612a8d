/* SPDX-License-Identifier: BSD-2-Clause */
/* Saved graphs: versioned, compressed with zlib, checked on load. A file is foreign input. */
#ifndef PYLEAK_SNAPSHOT_GRAPH_FILE_H
#define PYLEAK_SNAPSHOT_GRAPH_FILE_H

#include "snapshot/graph.h"

/* Writes to `path` by way of a new file beside it, so that a failure leaves no half file; mode
 * 0600: names of a production process are in it. Logs one line and returns -errno. */
int graph_save(const struct heap_graph *graph, const char *path);

/* Logs one line and returns -errno: -EBADMSG damaged, -EPROTONOSUPPORT not a snapshot or of
 * another version, -E2BIG larger than `max_bytes` in memory (0 = no limit). Every index in the
 * graph that comes back is in range. */
int graph_load(const char *path, uint64_t max_bytes, struct heap_graph **out);

/* The same from memory, nothing logged: tests and fuzzers. */
int graph_parse(const void *bytes, size_t size, uint64_t max_bytes, struct heap_graph **out);

/* Are all indexes in range, edges sorted by node, names ended? What the makers of a graph promise.
 */
bool graph_is_sound(const struct heap_graph *graph);

#endif
