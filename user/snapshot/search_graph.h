/* SPDX-License-Identifier: BSD-2-Clause */
/* From what a search found to a graph as any other. */
#ifndef PYLEAK_SNAPSHOT_SEARCH_GRAPH_H
#define PYLEAK_SNAPSHOT_SEARCH_GRAPH_H

#include "snapshot/heap.h"

#define SEARCH_SCRATCH 1U /* the node that stands for the object that is read */

/* Per node: do the roots hold it by way of the edges found so far? Free with free(); NULL: no
 * memory. */
uint8_t *search_reached(const struct heap *heap);
/* Adds roots for what nobody was found to hold, and puts the edges in order. 0 or -ENOMEM. */
int search_finish(struct heap *heap);

#endif
