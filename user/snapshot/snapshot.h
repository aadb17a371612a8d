/* SPDX-License-Identifier: BSD-2-Clause */
/* A graph of a live process: stop, copy, let go, then make the graph of the copy. */
#ifndef PYLEAK_SNAPSHOT_SNAPSHOT_H
#define PYLEAK_SNAPSHOT_SNAPSHOT_H

#include "attach/gc_lists.h"
#include "attach/target.h"
#include "snapshot/graph.h"

struct snapshot_options {
	bool no_pause;	     /* copy while the process runs */
	uint64_t max_memory; /* bytes for the copy and the graph; 0 = half of what is available */
	bool can_search;     /* after -E2BIG the caller searches instead, and that is said */
	/* Containers that the GC does not track, to be in the graph. */
	const raddr_t *containers;
	size_t container_cnt;
};

/* Logs one line and returns -errno: what image_take() and graph_build() return. */
int snapshot_take(struct target *target, const struct python *python, const struct gc_lists *lists,
		  const struct snapshot_options *options, struct heap_graph **out);

/* Half of the memory that is available on this machine. */
uint64_t snapshot_default_memory(void);

#endif
