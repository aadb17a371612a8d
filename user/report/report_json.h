/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the JSON report share, and the clock that tests replace. */
#ifndef PYLEAK_REPORT_JSON_H
#define PYLEAK_REPORT_JSON_H

#include <jansson.h>

#include "report/report.h"

#define JSON_SCHEMA 1

/* Seconds since the epoch, UTC. */
typedef double (*report_clock)(void);
/* Where `time` comes from. NULL restores the real clock. For tests. */
void report_json_set_clock(report_clock clock);

/* A new object of `kind` with schema, kind, time and pid; NULL: no memory. `time_s` is taken
 * once for all objects that belong together. */
json_t *json_object_begin(const struct report *report, const char *kind, double time_s);
/* Writes the object as one line, and frees it. A NULL object or `err` != 0 means that memory
 * ran out: a warning instead of half an object. */
void json_object_end(struct report *report, json_t *object, int err);
/* The same for an object whose last members are arrays of many rows: row by row, so that one row is
 * in memory and not all. open() takes the members before; false: no memory, nothing was written. */
bool json_line_open(struct report *report, json_t *object, int err);
void json_line_array(struct report *report, const char *key);
/* Takes the row; `cnt` counts those of the array. */
void json_line_row(struct report *report, json_t *row, int err, size_t *cnt);
void json_line_array_end(struct report *report);
void json_line_close(struct report *report);
double json_time_now(void);

/* Parts that several kinds have. 0 or -1 (no memory). */
int json_put_cost(json_t *object, const struct cost *cost);
int json_put_losses(json_t *object, const struct loss *losses, size_t cnt);
int json_put_memory(json_t *object, const struct memory *memory);
/* The array `types` of an open line, most instances first. */
void json_line_types(struct report *report, const struct sample *sample, size_t limit);

/* Ops (json_status.c, json_tables.c). */
void json_write_status(struct report *report, const struct status *status);
void json_write_summary(struct report *report, const struct summary *summary);
void json_write_types(struct report *report, const struct status *status, size_t limit);
void json_write_growth(struct report *report, const struct status *status,
		       const struct type_growth *rows, size_t cnt, size_t limit);
void json_write_stat(struct report *report, const struct gc_stat *stat, const struct cost *cost);
void json_write_doctor(struct report *report, const struct check *checks, size_t cnt);

/* Ops for snapshots (json_snapshot.c, json_paths.c). */
void json_write_snapshot(struct report *report, const struct graph_info *info,
			 const struct heap_totals *totals);
void json_write_paths(struct report *report, const struct heap_graph *graph,
		      const struct type_paths *paths, size_t limit);
void json_write_cycles(struct report *report, const struct heap_graph *graph,
		       const struct cycles *cycles, size_t limit);
void json_write_holders(struct report *report, const struct heap_graph *graph,
			const struct dominators *dominators, const uint32_t *nodes,
			const struct path_shape *ways, size_t cnt);
/* "steps" and "root" of a way; NULL: none and null. */
int json_put_way(json_t *object, const struct heap_graph *graph, const struct path_shape *shape);
void json_write_audit(struct report *report, const struct heap_graph *graph,
		      const struct audit *audit, size_t limit);
void json_write_diff(struct report *report, const struct diff *diff, size_t limit);
void json_write_all_types(struct report *report, const struct heap_graph *graph,
			  const struct type_total *rows, size_t cnt, size_t limit);

/* Ops for allocations (json_allocs.c). */
void json_write_stacks(struct report *report, const struct alloc_stacks *stacks, size_t limit);
void json_write_exact(struct report *report, double watch_s, const struct exact_counts *counts,
		      size_t limit);

#endif
