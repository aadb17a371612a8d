/* SPDX-License-Identifier: BSD-2-Clause */
/* Who holds the objects of a type, when there is no memory for a copy of the heap. The lists of
 * the GC are walked once while the process runs, and the addresses of all objects kept: 8 bytes
 * each. For each level of holders every object is read in the order of addresses, through a small
 * buffer, and kept only if it refers to one that is looked for. What is found becomes a small
 * graph. */
#ifndef PYLEAK_SNAPSHOT_SEARCH_H
#define PYLEAK_SNAPSHOT_SEARCH_H

#include "attach/gc_lists.h"
#include "attach/target.h"
#include "snapshot/graph.h"

struct search_options {
	const char *type; /* NULL: the object at `address` */
	uint64_t address;
	unsigned int depth; /* levels of holders; 0 = SEARCH_DEPTH */
};

#define SEARCH_DEPTH 10
#define SEARCH_SAMPLE 1000 /* objects whose holders are looked for */

/* Holders outside of what the GC tracks are not found: an object without any has ROOT_UNKNOWN.
 * graph->info.searched and .sampled are set. Logs one line and returns -errno: -ENOENT (no object
 * of the type is tracked), -EINVAL (several types are called so), -EAGAIN (the lists changed too
 * fast, or a collection ran at each of many tries). */
int search_holders(struct target *target, const struct python *python, const struct gc_lists *lists,
		   const struct search_options *options, struct heap_graph **out);

#endif
