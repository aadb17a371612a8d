/* SPDX-License-Identifier: BSD-2-Clause */
/* Reference cycles: strongly connected components, grouped by the types in them. Every class is a
 * cycle by itself, and by way of a function's globals nearly everything of a module would be one:
 * the edges object -> type and function -> globals are left out, and modules and what frames
 * that run hold do not close a cycle. */
#ifndef PYLEAK_ANALYSE_CYCLES_H
#define PYLEAK_ANALYSE_CYCLES_H

#include "snapshot/graph.h"

struct cycle_member {
	uint32_t type;
	uint64_t cnt; /* objects of the type in one cycle; in a merged group: in all of them */
};

/* An object of `from` holds one of `to`: `kind` and `name` as in a path_step. */
struct cycle_link {
	uint32_t from, to;
	uint32_t kind, name;
};

#define CYCLE_RING_MAX 64
#define CYCLE_CUT_MAX 3

/* Components with the same types in the same numbers. Where the numbers differ from one to the
 * next, or the components are large, those with the same types are one group: it is `merged`. */
struct cycle_group {
	struct cycle_member *members; /* the most objects first */
	size_t member_cnt;
	struct cycle_link *ring; /* a shortest ring through the example, from link to link; an
				  * attribute dict in between is folded into its object */
	size_t ring_cnt;	 /* at most CYCLE_RING_MAX */
	size_t ring_total;	 /* what it would be: more than ring_cnt if the ring is cut short */
	uint64_t cycles;
	uint64_t objects;
	uint64_t bytes;
	uint64_t garbage; /* cycles that no root reaches: they wait for the collector */
	struct cycle_link cut[CYCLE_CUT_MAX]; /* links without which the most are no cycle */
	size_t cut_cnt;			      /* 0: no CYCLE_CUT_MAX links break any */
	/* How many of the `examined` the first k + 1 links together break. */
	uint64_t cut_breaks[CYCLE_CUT_MAX];
	uint64_t examined; /* a sample, of components of a limited size; may be 0 */
	uint32_t example;  /* a node of one of them */
	bool merged;
	bool classes; /* nothing but classes and what belongs to them: not a leak's cycle */
};

struct cycles {
	uint32_t *component; /* of a node: 0 = on no cycle, else the same number for the same one */
	uint32_t component_cnt;
	struct cycle_group *groups; /* the most objects first, `classes` last */
	size_t cnt;
	uint64_t cycles, objects, bytes; /* without `classes` */
};

/* 0 or -ENOMEM. */
int cycles_find(const struct heap_graph *graph, struct cycles *out);
void cycles_deinit(struct cycles *cycles);

/* Is the edge one that can be part of a cycle, as the head of this file says? */
bool cycles_follow(const struct heap_graph *graph, uint32_t from, const struct graph_edge *edge);

#endif
