/* SPDX-License-Identifier: BSD-2-Clause */
/* Who holds the objects of a type: for every instance the preferred way to a root, and all
 * instances grouped by the shape of that way. */
#ifndef PYLEAK_ANALYSE_PATHS_H
#define PYLEAK_ANALYSE_PATHS_H

#include "analyse/cycles.h"
#include "snapshot/graph.h"

/* The tree of preferred ways: short ones, through telling edges, to telling roots. A weak
 * reference is no way. */
#define PATH_STEPS_MAX 64

struct path_tree {
	uint32_t *parent; /* the node that holds this one; NODE_NONE: no root reaches it */
	uint32_t *edge;	  /* the parent's edge to it */
};

/* 0 or -ENOMEM. */
int path_tree_build(const struct heap_graph *graph, struct path_tree *out);
void path_tree_deinit(struct path_tree *tree);

/* "An object of `type` holds what the step before names, by `kind` and `name`." An attribute held
 * in an attribute dict is one step, of the object; a module's global likewise. */
struct path_step {
	uint32_t type;
	uint32_t kind; /* enum edge_kind */
	uint32_t name; /* EDGE_FIELD, EDGE_ATTRIBUTE, EDGE_LOCAL, EDGE_VALUE: a name; else 0 */
	bool cycle;    /* this object and the one of the step before lie on one cycle */
	bool repeats;  /* stands for several like it in a row: a linked list. Up to three steps in
			* a row with it repeat as a block: a ring of three classes */
};

/* Instances whose ways look the same: the same types, kinds and names, whatever the indexes, the
 * number of repetitions and, in large dicts, the keys; and by a root of the same kind and name,
 * whatever the line of a frame and the numbers in a thread's or a native library's name. */
struct path_shape {
	struct path_step *steps; /* from the instance's holder on; the last is held by the root.
				  * At most PATH_STEPS_MAX: of longer ways the steps farthest
				  * from the root are left out, but for the instance's holder,
				  * which has `repeats` */
	size_t step_cnt;
	uint32_t root; /* index into roots; of the example */
	uint64_t instances;
	uint64_t bytes; /* shallow */
	uint32_t example;
	uint64_t fingerprint; /* of the shape's words: the same on every machine and run */
};

struct paths {
	struct path_shape *shapes; /* the most instances first */
	size_t cnt;
	uint64_t instances; /* all that were asked for */
	uint64_t bytes;
	uint64_t unreachable; /* of them, held by no root: they wait for the collector */
	uint64_t others;      /* instances in shapes beyond `max_shapes` */
};

/* `cycles` may be NULL. 0 or -ENOMEM. */
int paths_aggregate(const struct heap_graph *graph, const struct path_tree *tree,
		    const struct cycles *cycles, const uint32_t *instances, size_t cnt,
		    size_t max_shapes, struct paths *out);
void paths_deinit(struct paths *paths);

/* The way of one object; the caller frees out->steps. -ENOENT: no root reaches it; -ENOMEM. */
int path_of_node(const struct heap_graph *graph, const struct path_tree *tree,
		 const struct cycles *cycles, uint32_t node, struct path_shape *out);

#endif
