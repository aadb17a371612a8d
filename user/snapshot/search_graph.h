/* SPDX-License-Identifier: BSD-2-Clause */
/* From what a search found to a graph as any other. */
#ifndef PYLEAK_SNAPSHOT_SEARCH_GRAPH_H
#define PYLEAK_SNAPSHOT_SEARCH_GRAPH_H

#include "snapshot/heap.h"

#define SEARCH_LEVEL_MOST 4096 /* objects whose holders are looked for at once */
#define SEARCH_SCRATCH 1U      /* the node that stands for the object that is read */

/* search_wanted.c: the table of what is looked for, at most SEARCH_LEVEL_MOST. 0 or -ENOMEM. */
int search_make_wanted(struct heap_search *search);
void search_forget_wanted(struct heap_search *search);
void search_want(struct heap_search *search, raddr_t address);

/* Per node: do the roots hold it by way of the edges found so far? Free with free(); NULL: no
 * memory. */
uint8_t *search_reached(const struct heap *heap);
/* Adds roots for what nobody was found to hold, and puts the edges in order. 0 or -ENOMEM. */
int search_finish(struct heap *heap);

#endif
