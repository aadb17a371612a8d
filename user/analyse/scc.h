/* SPDX-License-Identifier: BSD-2-Clause */
/* Strongly connected components, and what a cycle looks like from inside. */
#ifndef PYLEAK_ANALYSE_SCC_H
#define PYLEAK_ANALYSE_SCC_H

#include "snapshot/graph.h"

/* `component` of every node: 0 = on no cycle; the numbers go by the components' lowest nodes.
 * 0 or -ENOMEM. */
int scc_find(const struct heap_graph *graph, uint32_t *component, uint32_t *component_cnt);

#endif
