/* SPDX-License-Identifier: BSD-2-Clause */
/* Two snapshots of one process. */
#ifndef PYLEAK_ANALYSE_DIFF_H
#define PYLEAK_ANALYSE_DIFF_H

#include "snapshot/graph.h"

struct diff_row {
	const char *name; /* of the type, or of several of that name; belongs to a graph */
	uint64_t before, after;
	uint64_t bytes_before, bytes_after;
	uint64_t fresh; /* objects in `after` at an address where none of the type was before; 0 if
			 * it is not the same process */
	uint64_t excess_before, excess_after; /* see audit.h */
};

struct diff {
	struct diff_row *rows; /* the most growth in objects first */
	size_t cnt;
	bool same_process; /* pid and program are the same: addresses can be compared */
};

/* 0 or -ENOMEM. */
int diff_graphs(const struct heap_graph *before, const struct heap_graph *after, struct diff *out);
void diff_deinit(struct diff *diff);

/* The nodes of `after` of a type (index in `after`) that are new since `before`: at an address
 * where none of a type of that name was. None of another process. `out` has room for all nodes of
 * the type. The number, or -ENOMEM. */
int64_t diff_fresh(const struct heap_graph *before, const struct heap_graph *after, uint32_t type,
		   uint32_t *out);

#endif
