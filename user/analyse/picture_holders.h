/* SPDX-License-Identifier: BSD-2-Clause */
/* Who holds an object, as a picture tells it; for picture*.c only. */
#ifndef PYLEAK_ANALYSE_PICTURE_HOLDERS_H
#define PYLEAK_ANALYSE_PICTURE_HOLDERS_H

#include "snapshot/graph.h"

struct holders {
	const struct heap_graph *graph;
	const struct referrers *referrers; /* the caller's, set before holders_init() */
	uint32_t *owner;		   /* of an attribute dict: its object; else NODE_NONE */
	uint32_t *root;			   /* of a node: index into roots, or NODE_NONE */
	bool indexes;			   /* the index of a list is a name */
};

/* One of them, an attribute dict replaced by its object. */
struct holder {
	uint32_t node;
	uint32_t kind, name; /* as in a path_step */
};

/* 0 or -ENOMEM; to be followed by holders_deinit() either way. */
int holders_init(struct holders *holders, const struct heap_graph *graph, bool indexes);
void holders_deinit(struct holders *holders);

/* The holder by the reference `at`, an index into referrers; false: that one holds nothing. */
bool holders_at(const struct holders *holders, uint32_t at, struct holder *out);

/* Who holds a container, and by what: the same for lists that are held by the same attribute of
 * the same class. */
uint64_t holders_place(const struct holders *holders, uint32_t node);

#endif
