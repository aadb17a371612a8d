/* SPDX-License-Identifier: BSD-2-Clause */
/* Heap graphs made by hand, for tests. Node 0 is GRAPH_ROOT from the start. Every call asserts. */
#ifndef PYLEAK_TESTS_MAKE_GRAPH_H
#define PYLEAK_TESTS_MAKE_GRAPH_H

#include "snapshot/graph.h"

struct graph_maker;

struct graph_maker *maker_create(void);
uint32_t maker_name(struct graph_maker *maker, const char *name);
uint32_t maker_type(struct graph_maker *maker, const char *name, enum type_role role, bool own);
/* A tracked, exactly known object; its refcount becomes the number of edges to it that count. */
uint32_t maker_node(struct graph_maker *maker, uint32_t type, uint64_t bytes);
/* In any order; `value` as in struct graph_edge. */
void maker_edge(struct graph_maker *maker, uint32_t from, uint32_t to, enum edge_kind kind,
		uint32_t value);
/* Makes the node a root, with the edge from GRAPH_ROOT. */
void maker_root(struct graph_maker *maker, uint32_t node, enum root_kind kind, const char *name);
/* More references than there are edges. */
void maker_excess(struct graph_maker *maker, uint32_t node, uint32_t excess);
/* The graph, to be destroyed by the caller. The maker is gone. */
struct heap_graph *maker_finish(struct graph_maker *maker);

#endif
