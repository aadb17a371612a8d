/* SPDX-License-Identifier: BSD-2-Clause */
/* Shapes of ways, from the root on: a shape is the one of its holder and a step more, so that a
 * way of a million steps costs a step for each object on it. Repetitions are folded as they are
 * added, which also keeps the trie small. */
#ifndef PYLEAK_ANALYSE_SHAPE_TRIE_H
#define PYLEAK_ANALYSE_SHAPE_TRIE_H

#include "analyse/keymap.h"
#include "analyse/paths.h"

struct shape {
	uint64_t fingerprint;
	uint64_t instances;
	uint64_t bytes;
	uint32_t example;
	uint32_t root;	/* index into roots */
	uint32_t above; /* the shape with a step less; NODE_NONE: the root alone */
	uint32_t depth; /* steps */
	struct path_step step;
};

struct shape_trie {
	const struct heap_graph *graph;
	struct shape *shapes;
	uint32_t cnt, room;
	struct keymap map;
};

int shape_trie_init(struct shape_trie *trie, const struct heap_graph *graph);
void shape_trie_deinit(struct shape_trie *trie);

/* The shape of what a root holds directly. 0 or -ENOMEM. */
int shape_trie_root(struct shape_trie *trie, uint32_t root, uint32_t *out);

/* The shape of what an object of shape `above` holds by `step`. 0 or -ENOMEM. */
int shape_trie_add(struct shape_trie *trie, uint32_t above, const struct path_step *step,
		   uint32_t *out);

#endif
