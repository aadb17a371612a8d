/* SPDX-License-Identifier: BSD-2-Clause */
/* The interpreters of the target and the heads of their GC lists: found by pattern, validated in
 * memory, never taken from a table (they move even inside a minor version). */
#ifndef PYLEAK_GC_LISTS_H
#define PYLEAK_GC_LISTS_H

#include <linux/types.h>

#include "attach/python.h"
#include "pyleak_wire.h"

struct gc_lists {
	struct pyleak_interpreter interpreters[PYLEAK_MAX_INTERPRETERS];
	raddr_t stats[PYLEAK_MAX_INTERPRETERS];	  /* generation_stats, 0 = not known */
	raddr_t enabled[PYLEAK_MAX_INTERPRETERS]; /* int, 0 = not known */
	raddr_t newest_interpreter; /* the first of the chain of PyInterpreterState; 0 = not known
				     */
	uint32_t cnt;
	uint32_t total;	     /* cnt, and those beyond what the kernel side can hold */
	uint32_t head_bytes; /* sizeof(PyGC_Head) */
};

/* Not logged: -EAGAIN (a collection was running, or it is only starting: try again), -ENOENT (there
 * is no interpreter: not initialised yet, or finalised). */
int gc_lists_find(const struct python *python, struct remote *remote, struct gc_lists *out);
/* The same, again every 5 ms for so long as it fails. */
int gc_lists_await(const struct python *python, struct remote *remote, unsigned int patience_ms,
		   struct gc_lists *out);

/* The three generations that begin at `address`, checked as they are in memory. The size of
 * PyGC_Head, or 0: these are not generations. */
uint32_t gc_lists_check(struct remote *remote, raddr_t address);

struct gc_totals {
	uint64_t collections[PYLEAK_GENERATIONS];
	uint64_t collected[PYLEAK_GENERATIONS];
	bool enabled;
};

/* Sums over the interpreters what gc.get_stats() tells in them. -ENOENT: not known. */
int gc_lists_totals(const struct gc_lists *lists, int minor, struct remote *remote,
		    struct gc_totals *out);

#endif
