/* SPDX-License-Identifier: BSD-2-Clause */
/* Some components of a group, side by side, with their edges by what they are called: what is
 * left of them without some links is asked again and again. */
#ifndef PYLEAK_ANALYSE_CYCLE_SAMPLE_H
#define PYLEAK_ANALYSE_CYCLE_SAMPLE_H

#include "analyse/cycle_group.h"
#include "analyse/keymap.h"

struct sample_link {
	struct cycle_link link;
	uint32_t edges; /* that are called so */
	bool without;	/* they are taken as not there */
};

struct sample_edge {
	uint32_t from, to;
	uint32_t link; /* index into links */
};

struct cycle_sample {
	struct sample_link *links;
	struct sample_edge *edges; /* by `from` */
	uint32_t *end;		   /* of a component: where its nodes end */
	uint32_t cnt;		   /* components */
	uint32_t node_cnt, edge_cnt, link_cnt, edge_room, link_room;
	struct keymap map;
	uint32_t *first;	 /* of a node: its edges, up to those of the next */
	uint32_t *first_in, *in; /* the same of edges that lead to it: indexes into edges */
	uint32_t *degree, *degree_in, *queue;
	uint64_t work; /* edges and nodes looked at */
};

/* What of a sample is on cycles, or between two of them. */
struct sample_left {
	uint32_t cycles, nodes;
};

/* Copies components with the numbers given: some, of a limited size; maybe none. 0 or -ENOMEM;
 * ends with cycle_sample_deinit() in either case. */
int cycle_sample_take(struct cycle_finder *finder, const uint32_t *numbers, size_t cnt,
		      struct cycle_sample *out);
void cycle_sample_deinit(struct cycle_sample *sample);

struct sample_left cycle_sample_left(struct cycle_sample *sample);

#endif
