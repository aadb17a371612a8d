/* SPDX-License-Identifier: BSD-2-Clause */
/* What is said of a group of components: its members, a ring, and where to cut it. */
#ifndef PYLEAK_ANALYSE_CYCLE_GROUP_H
#define PYLEAK_ANALYSE_CYCLE_GROUP_H

#include "analyse/cycle_view.h"

struct component {
	uint64_t set;	/* hash of its types */
	uint64_t multi; /* of them and their numbers */
	uint32_t first; /* of its nodes */
	uint32_t cnt;
	uint32_t group;
};

struct cycle_finder {
	const struct heap_graph *graph;
	struct component *components; /* from 1 on */
	uint32_t *nodes;	      /* of all components, one after the other */
	uint32_t *place;	      /* of a node in its component */
	uint32_t *tally;	      /* by type; all 0 between uses */
	uint32_t *touched;	      /* the types that are not */
	uint8_t *reached;	      /* from the roots */
	bool *class_part;	      /* by type */
	struct cycle_view view;
	uint64_t cut_budget; /* nodes and edges looked at, for all groups */
};

/* Counts the types of a component in `tally`; the number of `touched` ones, of which `cnt` are
 * known already. */
uint32_t cycle_tally(struct cycle_finder *finder, const struct component *component, uint32_t cnt);

/* Fills in a group of the components with the numbers given, but for `merged`, which it reads. */
int cycle_group_fill(struct cycle_finder *finder, const uint32_t *numbers, size_t cnt,
		     struct cycle_group *out);

#endif
