/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PYLEAK_HEAP_OPEN_H
#define PYLEAK_HEAP_OPEN_H

#include "attach/python.h"
#include "cli/options.h"
#include "snapshot/graph.h"

/* The graph that the command line names: of the process, or a saved one. Logs one line and returns
 * -errno. */
int heap_open(const struct options *options, struct heap_graph **out);
/* The graph of a process that is open already, with further containers in it that the GC does not
 * track. As heap_open(). */
int heap_take(const struct options *options, struct target *target, const struct python *python,
	      const raddr_t *containers, size_t cnt, struct heap_graph **out);

#endif
