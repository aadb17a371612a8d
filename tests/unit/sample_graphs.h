/* SPDX-License-Identifier: BSD-2-Clause */
/* Graphs that several tests use. */
#ifndef PYLEAK_TESTS_SAMPLE_GRAPHS_H
#define PYLEAK_TESTS_SAMPLE_GRAPHS_H

#include "make_graph.h"

#define MODEL_CONNECTIONS 20
#define MODEL_MESSAGES 3

/* Module mq has a list `connections`; Connection.channels is a dict of Channels; Channel.callbacks
 * a list with a bound method of the Connection, Channel.incoming a list of Messages. */
struct model {
	struct heap_graph *graph;
	uint32_t connection, channel, message, dict, list, method, module; /* types */
	uint32_t module_node, connections;	  /* nodes: the module and its list */
	uint32_t first_connection, first_message; /* nodes */
};

struct model model_leak(void);

/* Up to 60 nodes of all kinds and up to 200 edges; the same for the same seed. */
struct heap_graph *random_graph(uint32_t seed);

/* A list of `cnt` nodes that refer to the next one and, if `doubly`, to the one before; a module
 * holds the first, and by way of a list all of them if `listed`. The nodes are 3 .. 2 + cnt, their
 * type 3. */
struct heap_graph *chain_graph(uint32_t cnt, bool doubly, bool listed);

/* The nodes of a type; the number. */
uint32_t nodes_of(const struct heap_graph *graph, uint32_t type, uint32_t *out);

/* By brute force: what the roots reach by holding edges without entering `without`. */
void reach_slowly(const struct heap_graph *graph, const bool *without, bool *reached);

#endif
