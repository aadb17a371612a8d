/* SPDX-License-Identifier: BSD-2-Clause */
/* Saved graphs as bytes that can be taken apart, damaged and put together again with the right
 * checksums, for tests and fuzzers. Every call asserts. */
#ifndef PYLEAK_TESTS_GRAPH_BYTES_H
#define PYLEAK_TESTS_GRAPH_BYTES_H

#include "snapshot/graph_format.h"

/* A small graph with every kind of edge, root and role. To be destroyed by the caller. */
struct heap_graph *graph_small(void);

/* What graph_encode() writes; to be freed by the caller. */
uint8_t *graph_bytes(const struct heap_graph *graph, size_t *size);

/* Sets the checksums to what they have to be, as far as there are whole blocks. */
void graph_bytes_fix(uint8_t *bytes, size_t size);

struct raw_column {
	uint8_t *bytes; /* varints */
	size_t size;
};

/* A file before it is compressed. */
struct raw_graph {
	struct snapshot_header header; /* in the machine's byte order */
	struct raw_column columns[GRAPH_COLUMN_CNT];
};

void raw_graph_open(const struct heap_graph *graph, struct raw_graph *out);
void raw_graph_close(struct raw_graph *raw);
/* The file, to be freed by the caller; a column is one block if it fits. */
uint8_t *raw_graph_pack(const struct raw_graph *raw, size_t *size);

bool graphs_equal(const struct heap_graph *a, const struct heap_graph *b);

#endif
