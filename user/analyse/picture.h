/* SPDX-License-Identifier: BSD-2-Clause */
/* The references around objects, small enough to be drawn: upwards from all objects of a type, or
 * from one object, to what holds them. Objects of a class are one node of the picture wherever
 * they are met; a built-in container is one for each thing it holds, because "list" means nothing
 * by itself. An attribute dict is part of its object. Modules, classes and roots end the way. */
#ifndef PYLEAK_ANALYSE_PICTURE_H
#define PYLEAK_ANALYSE_PICTURE_H

#include "analyse/cycles.h"
#include "snapshot/graph.h"

struct picture_options {
	unsigned int limit; /* nodes of the picture; 0 = 30 */
	unsigned int depth; /* levels above the start; 0 = 10 */
};

struct picture_node {
	uint32_t type;	  /* index into types; NODE_NONE: this is all the rest in one */
	uint32_t root;	  /* index into roots; NODE_NONE: no root */
	uint32_t class;	  /* type objects: the type it is, an index into types; else NODE_NONE */
	uint32_t example; /* one of its objects */
	uint64_t objects; /* that were met */
	uint64_t bytes;	  /* shallow */
	uint64_t groups;  /* the rest: nodes that are in it; else 1 */
	double share; /* of the start that it holds, when holders of one thing share it evenly */
	unsigned int level;
	bool start;
	bool cycle; /* most of its objects are on one */
	bool end;   /* a root, a module or a class: the way was not followed further */
	bool open;  /* held by more, beyond `depth` or, of one object, too many to draw */
};

struct picture_label {
	uint32_t kind; /* enum edge_kind, as in a path_step */
	uint32_t name; /* as there; around one object, EDGE_INDEX: the index */
	uint64_t cnt;
};

#define PICTURE_LABELS 2

/* Objects of `from` hold objects of `to`. */
struct picture_edge {
	uint32_t from, to;			     /* indexes into nodes */
	struct picture_label labels[PICTURE_LABELS]; /* the most references first */
	uint32_t label_cnt; /* different ones, more than there is room for */
	uint64_t references;
	bool cycle; /* most of them close a cycle */
};

struct picture {
	struct picture_node *nodes; /* the start first, then by share; the rest last */
	struct picture_edge *edges; /* by from, to */
	size_t node_cnt, edge_cnt;
	uint64_t hidden_edges; /* weaker ones that would make it unreadable */
	bool single;	       /* around one object: every node is one object */
};

/* `cycles` may be NULL, `options` too. 0 or -ENOMEM; -EINVAL: nothing to start from. */
int picture_of_objects(const struct heap_graph *graph, const struct referrers *referrers,
		       const struct cycles *cycles, const uint32_t *start, size_t cnt,
		       const struct picture_options *options, struct picture *out);
/* Around one object, as objgraph.show_backrefs() draws it. */
int picture_of_object(const struct heap_graph *graph, const struct referrers *referrers,
		      const struct cycles *cycles, uint32_t node,
		      const struct picture_options *options, struct picture *out);
void picture_deinit(struct picture *picture);

#endif
