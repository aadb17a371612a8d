/* SPDX-License-Identifier: BSD-2-Clause */
/* Graphs of live processes, and what gc.get_referents() says in them. */
#ifndef PYLEAK_HEAP_TRUTH_H
#define PYLEAK_HEAP_TRUTH_H

#include "harness.h"
#include "snapshot/graph.h"

/* The graph of a process at rest. Asserts. */
struct heap_graph *graph_of(pid_t pid);

/* A line of the file that references.py dumps. */
struct truth_row {
	uint64_t object;
	const uint64_t *referents;
	uint64_t cnt;
};
struct truth {
	uint64_t *words;
	struct truth_row *rows; /* by address */
	size_t cnt;
};
void truth_load(const char *path, struct truth *out);
const struct truth_row *truth_find(const struct truth *truth, uint64_t object);
void truth_free(struct truth *truth);

/* What the comparison of some objects found. */
struct mismatch {
	uint64_t objects, references; /* as gc.get_referents() says */
	uint64_t missing, extra;
};
/* Of all tracked objects. Objects that both have are compared. */
struct comparison {
	struct mismatch fixed, guessed; /* by NODE_FIXED */
	uint64_t unknown;		/* tracked in the graph, not in the truth */
	uint64_t absent;		/* the other way round */
};
void truth_compare(const struct heap_graph *graph, const struct truth *truth,
		   struct comparison *out);

/* The node of the object at `address`, or NODE_NONE. A search of all. */
uint32_t node_at(const struct heap_graph *graph, uint64_t address);
/* Has the program put what it wrote there: its /tmp may be another one. Free with free(). */
char *path_in(pid_t pid, const char *path);

#endif
