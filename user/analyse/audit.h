/* SPDX-License-Identifier: BSD-2-Clause */
/* Refcounts against the references found; and what gc.collect() would free. */
#ifndef PYLEAK_ANALYSE_AUDIT_H
#define PYLEAK_ANALYSE_AUDIT_H

#include "snapshot/graph.h"

/* References of a type's objects that no holder was found for. Types, modules and what lies in a
 * data segment have many of them by their nature: they are left out. */
struct audit_row {
	uint32_t type;
	uint64_t objects; /* with an excess */
	uint64_t excess;  /* their refcounts minus the references found */
	uint64_t only;	  /* of the objects: those that nothing but the excess, or a word on a
			   * stack or in native memory, keeps alive */
	uint32_t example;
};

struct audit {
	struct audit_row *rows; /* the most excess first */
	size_t cnt;
	uint64_t objects;  /* audited: also immortal, torn and pseudo nodes are not */
	uint64_t negative; /* objects with more references found than counted: misread or torn */
	uint64_t immortal;
};

/* 0 or -ENOMEM. */
int audit_refcounts(const struct heap_graph *graph, struct audit *out);
void audit_deinit(struct audit *audit);

/* The tracked objects that a full collection would find unreachable, by the collector's own rule:
 * nothing but each other holds them. `garbage` has a byte per node and becomes 0 or 1. Objects that
 * were torn, or have more references than are counted, were misread and are taken for reachable.
 * The number found, or -ENOMEM. */
int64_t garbage_find(const struct heap_graph *graph, uint8_t *garbage);

#endif
