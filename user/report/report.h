/* SPDX-License-Identifier: BSD-2-Clause */
/* How results look. A report is fed plain data, in this order:
 *   target, then any number of (sample [verdicts] | note), then summary.
 * What a snapshot tells comes in any order, best after `snapshot`. One implementation per format;
 * a full-screen view would be another one. */
#ifndef PYLEAK_REPORT_H
#define PYLEAK_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "analyse/audit.h"
#include "analyse/cycles.h"
#include "analyse/diff.h"
#include "analyse/paths.h"
#include "analyse/retained.h"
#include "analyse/totals.h"
#include "collect/sample.h"
#include "detect/verdict.h"
#include "snapshot/graph.h"

struct alloc_stacks;
struct exact_counts;

/* What is watched. Strings may hold anything the target put there: printing makes them safe. */
struct target_info {
	int pid;
	const char *program;	 /* "python3 app.py --port 80" */
	const char *version;	 /* "3.11.2" */
	const char *python_file; /* "/usr/bin/python3.11" */
	const char *hook;	 /* "USDT gc__start", "gc_collect_main (symbol)", ... */
	unsigned int interpreters;
	double interval_s;
	double budget_pct;
	double max_pause_ms;
};

/* What watching cost, since the start. */
struct cost {
	double elapsed_s;
	double target_share; /* of one core, 0.003 = 0.3 %: of all instruments together */
	double probes_share; /* of it, probes on allocations */
	double longest_pause_s;
	double tool_share; /* our own CPU time, of one core */
	uint64_t tool_rss;
	double ns_per_object; /* of the censuses in the kernel; 0 = none yet */
	uint64_t gc_hits;     /* collections seen */
	uint64_t safepoint_hits;
};

/* All but the probes on allocations, of `target_share`. */
static inline double cost_of_censuses(const struct cost *cost)
{
	return cost->target_share > cost->probes_share ? cost->target_share - cost->probes_share
						       : 0;
}

/* Everything known at one moment. */
struct status {
	const struct sample *sample;
	const struct verdict *verdicts;
	size_t verdict_cnt;
	struct cost cost;
	const struct loss *losses; /* those that are not zero */
	size_t loss_cnt;
};

enum watch_end { END_DURATION, END_INTERRUPTED, END_TARGET_EXITED, END_TARGET_EXECED };

struct summary {
	struct status status; /* the newest */
	enum watch_end end;
	uint64_t censuses;
	uint64_t censuses_by[5]; /* index: enum instrument */
	unsigned int children;	 /* processes that the target forked and that were not watched */
	const struct alloc_stacks *stacks; /* who made the objects of leaks; NULL: not looked at */
};

/* One type between two moments. */
struct type_growth {
	const char *name;
	uint64_t live;
	int64_t growth;
	uint64_t bytes;
	int64_t bytes_growth;
};

#define STAT_PAUSE_BUCKETS 40
struct gc_stat {
	double elapsed_s;
	uint64_t collections[3];
	uint64_t collected[3];
	uint64_t pauses[3];
	double pause_total_s[3];
	double pause_longest_s[3];
	/* Bucket b: 2^b .. 2^(b+1) microseconds; bucket 0: below 2. */
	uint64_t log2_us[3][STAT_PAUSE_BUCKETS];
	bool promoted_known;   /* false: not every young collection could be counted */
	double promoted_per_s; /* objects that survived a collection of the youngest generation */
	uint64_t unknown_pauses;
};

enum check_state { CHECK_OK, CHECK_NOTE, CHECK_BAD };

/* One line of `doctor`. */
struct check {
	enum check_state state;
	const char *what; /* "kernel", "BTF", "hook" */
	char found[160];  /* what it is */
	char advice[200]; /* what to do; "" = nothing */
};

/* Who holds the objects of one type, or one container. */
struct type_paths {
	uint32_t type;	  /* index into types */
	uint64_t address; /* of the one object that was asked for; 0 = all of the type */
	const struct paths *paths;
	struct retained retained; /* by all of them together; 0 objects = not computed */
};

struct report;

struct report_ops {
	void (*target)(struct report *report, const struct target_info *target);
	/* After every interval. */
	void (*status)(struct report *report, const struct status *status);
	/* One sentence: a child was forked, memory is short, ... */
	void (*note)(struct report *report, double time_s, const char *sentence);
	void (*summary)(struct report *report, const struct summary *summary);
	/* What another report of the same format wrote. */
	void (*insert)(struct report *report, const char *text, size_t len);
	/* The verbs' tables. `limit` rows at most; 0 = all. `types` sorts by itself; `growth` takes
	 * the rows in the caller's order and leaves out what did not grow. */
	void (*types)(struct report *report, const struct status *status, size_t limit);
	void (*growth)(struct report *report, const struct status *status,
		       const struct type_growth *rows, size_t cnt, size_t limit);
	void (*stat)(struct report *report, const struct gc_stat *stat, const struct cost *cost);
	void (*doctor)(struct report *report, const struct check *checks, size_t cnt);
	/* What a snapshot tells; the analyses' order is kept. `limit` as above. */
	void (*snapshot)(struct report *report, const struct graph_info *info,
			 const struct heap_totals *totals);
	void (*paths)(struct report *report, const struct heap_graph *graph,
		      const struct type_paths *paths, size_t limit);
	void (*cycles)(struct report *report, const struct heap_graph *graph,
		       const struct cycles *cycles, size_t limit);
	/* `nodes`: from dominators_top(). `ways`: who holds each, from path_of_node(); the root
	 * NODE_NONE: not known. */
	void (*holders)(struct report *report, const struct heap_graph *graph,
			const struct dominators *dominators, const uint32_t *nodes,
			const struct path_shape *ways, size_t cnt);
	void (*audit)(struct report *report, const struct heap_graph *graph,
		      const struct audit *audit, size_t limit);
	void (*diff)(struct report *report, const struct diff *diff, size_t limit);
	/* Who allocates (`sites`): `limit` stacks of each type at most; 0 = all. */
	void (*stacks)(struct report *report, const struct alloc_stacks *stacks, size_t limit);
	/* Exact mode: after every interval, before its status; and at the end, after `summary` or
	 * `stat`: then all of it is told. */
	void (*exact)(struct report *report, double time_s, const struct exact_counts *counts,
		      size_t limit);
	void (*all_types)(struct report *report, const struct heap_graph *graph,
			  const struct type_total *rows, size_t cnt, size_t limit);
	void (*destroy)(struct report *report);
};

struct report {
	const struct report_ops *ops;
	FILE *out;
	int pid;
	int limit; /* rows of a status; 0 = 10 */
};

/* `columns`: width to fit; 0 = 100 (a file); at least 20. `live`: out is a terminal and status
 * blocks may be rewritten in place; else every block is appended. NULL: no memory.
 * Ends with report_destroy(). */
struct report *report_text_create(FILE *out, int columns, bool live, bool colour);
struct report *report_json_create(FILE *out);
void report_destroy(struct report *report);

#endif
