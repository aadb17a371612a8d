/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PYLEAK_HEAP_OPEN_H
#define PYLEAK_HEAP_OPEN_H

#include "cli/options.h"
#include "snapshot/graph.h"

/* The graph that the command line names: of the process, or a saved one. Logs one line and returns
 * -errno. */
int heap_open(const struct options *options, struct heap_graph **out);

#endif
