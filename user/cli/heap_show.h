/* SPDX-License-Identifier: BSD-2-Clause */
/* What a graph tells of the objects of a type, through a report. */
#ifndef PYLEAK_HEAP_SHOW_H
#define PYLEAK_HEAP_SHOW_H

#include "analyse/cycles.h"
#include "analyse/paths.h"
#include "report/report.h"
#include "snapshot/graph.h"

/* A graph and what every question about it needs, computed once. */
struct heap_view {
	const struct heap_graph *graph;
	struct path_tree tree;
	struct cycles cycles;
};

/* 0 or -ENOMEM. */
int heap_view_open(const struct heap_graph *graph, struct heap_view *out);
void heap_view_close(struct heap_view *view);

/* Objects, time, cost and losses of the snapshot. */
int heap_show_snapshot(struct report *report, const struct heap_graph *graph);
/* Who holds these objects, which are all those of a type, or one (`address` is not 0). */
int heap_show_paths(struct report *report, const struct heap_view *view, const uint32_t *nodes,
		    size_t cnt, uint64_t address, size_t limit);

/* The cycles that objects of the type are on, most objects first: the groups are borrowed from the
 * view, their array is the caller's to free. */
int heap_cycles_of(const struct heap_view *view, uint32_t type, struct cycles *out);
/* References without a holder, when there are any. */
int heap_show_excess(struct report *report, const struct heap_graph *graph, size_t limit);
/* The whole heap at a glance: what retains most, and references without a holder. */
int heap_show_overview(struct report *report, const struct heap_graph *graph, size_t limit);

/* The node of the object at `address`; NODE_NONE. */
uint32_t heap_find_object(const struct heap_graph *graph, uint64_t address);
/* The one type that `name` names. Logs one line and returns -ENOENT: there is none, or -EINVAL:
 * there are several, which are listed. */
int heap_find_type(const struct heap_graph *graph, const char *name, uint32_t *out);

/* The picture of what holds these objects, as dot into `path`; NULL: to `out`. -errno, logged. */
int heap_write_dot(const struct heap_view *view, const uint32_t *nodes, size_t cnt,
		   unsigned int limit, unsigned int depth, const char *path, FILE *out);

#endif
