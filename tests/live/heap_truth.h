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

/* What the comparison of all tracked objects found, per type. */
struct mismatch {
	uint64_t objects, missing, extra;	      /* of objects whose references are exact */
	uint64_t guessed, guess_missing, guess_extra; /* of all others */
};
/* `by_type` has a row per type of the graph. */
void truth_compare(const struct heap_graph *graph, const struct truth *truth,
		   struct mismatch *by_type, uint64_t *unknown_objects);

#endif
