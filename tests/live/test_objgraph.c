/* SPDX-License-Identifier: BSD-2-Clause */
/* Who holds an object: what objgraph.show_backrefs() draws inside of the process, and the same walk
 * over the graph, must have the same nodes and edges. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "live/heap_truth.h"

#define DOT "/tmp/pyleak-backrefs.dot"
#define EDGES_MAX 200000

struct pair {
	uint64_t from, to;
};

struct pairs {
	struct pair at[EDGES_MAX];
	size_t cnt;
};

static void pairs_add(struct pairs *pairs, uint64_t from, uint64_t to)
{
	cr_assert_lt(pairs->cnt, (size_t)EDGES_MAX);
	pairs->at[pairs->cnt++] = (struct pair){ from, to };
}

static int by_pair(const void *a, const void *b)
{
	const struct pair *left = a, *right = b;

	if (left->from != right->from)
		return left->from < right->from ? -1 : 1;
	return left->to < right->to ? -1 : left->to > right->to;
}

/* Sorted, each once: an object that holds another twice is one of its holders. */
static void pairs_settle(struct pairs *pairs)
{
	size_t kept = 0;

	qsort(pairs->at, pairs->cnt, sizeof(*pairs->at), by_pair);
	for (size_t i = 0; i < pairs->cnt; i++) {
		if (!kept || by_pair(&pairs->at[kept - 1], &pairs->at[i]))
			pairs->at[kept++] = pairs->at[i];
	}
	pairs->cnt = kept;
}

/* The lines of the file, "  o140 -> o150 [label=...];". */
static struct pairs *read_dot(const char *path)
{
	_cleanup_fclose_ FILE *file = fopen(path, "re");
	struct pairs *pairs = calloc(1, sizeof(*pairs));
	_cleanup_free_ char *line = NULL;
	uint64_t from, to;
	size_t size = 0;

	cr_assert(file && pairs, "%s", path);
	while (getline(&line, &size, file) >= 0) {
		/* "o1->o1_has_a_del" is none. */
		if (strstr(line, " -> ") &&
		    sscanf(line, " o%" SCNu64 " -> o%" SCNu64, &from, &to) == 2)
			pairs_add(pairs, from, to);
	}
	pairs_settle(pairs);
	return pairs;
}

static bool has_root(const struct heap_graph *graph, uint32_t node, enum root_kind kind)
{
	for (uint32_t r = 0; r < graph->root_cnt; r++) {
		if (graph->roots[r].node == node && graph->roots[r].kind == kind)
			return true;
	}
	return false;
}

/* gc.get_referrers(): the tracked objects whose tp_traverse visits it. Frames that run are those of
 * the call, or of the wait for the next. */
static bool is_told(const struct heap_graph *graph, uint32_t from, const struct graph_edge *edge)
{
	if (!(graph->nodes[from].flags & NODE_TRACKED) || edge->hidden || edge->kind == EDGE_WEAK)
		return false;
	return graph_node_type(graph, from)->role != ROLE_FRAME ||
	       !has_root(graph, from, ROOT_FRAME);
}

/* objgraph stops at what sys.modules has. */
static struct pairs *walk(const struct heap_graph *graph, uint32_t start, uint32_t max_depth)
{
	struct pairs *pairs = calloc(1, sizeof(*pairs));
	_cleanup_free_ uint32_t *depth = calloc(graph->node_cnt, sizeof(*depth));
	_cleanup_free_ uint32_t *queue = calloc(graph->node_cnt, sizeof(*queue));
	struct referrers referrers;
	uint32_t cnt = 0;

	cr_assert(pairs && depth && queue);
	cr_assert_eq(graph_referrers(graph, &referrers), 0);
	depth[start] = 1;
	queue[cnt++] = start;
	for (uint32_t i = 0; i < cnt && depth[queue[i]] <= max_depth; i++) {
		uint32_t to = queue[i];

		if (has_root(graph, to, ROOT_MODULE))
			continue;
		for (uint32_t r = referrers.first[to]; r < referrers.first[to + 1]; r++) {
			uint32_t from = referrers.from[r];

			if (!is_told(graph, from, &graph->edges[referrers.edge[r]]))
				continue;
			pairs_add(pairs, graph->nodes[from].address, graph->nodes[to].address);
			if (depth[from])
				continue;
			depth[from] = depth[to] + 1;
			queue[cnt++] = from;
		}
	}
	referrers_deinit(&referrers);
	pairs_settle(pairs);
	return pairs;
}

static const char *type_at(const struct heap_graph *graph, uint64_t address)
{
	uint32_t node = node_at(graph, address);

	return node == NODE_NONE ? "no node" : graph_type_name(graph, node);
}

static void check_same(const struct heap_graph *graph, const struct pairs *ours,
		       const struct pairs *theirs, const char *name)
{
	size_t our = 0, their = 0;

	while (our < ours->cnt || their < theirs->cnt) {
		int order = our == ours->cnt	   ? 1
			    : their == theirs->cnt ? -1
						   : by_pair(&ours->at[our], &theirs->at[their]);
		const struct pair *pair = order < 0 ? &ours->at[our] : &theirs->at[their];

		our += order <= 0;
		their += order >= 0;
		cr_expect(order == 0, "%s: only %s has %s %#" PRIx64 " -> %s %#" PRIx64, name,
			  order < 0 ? "the graph" : "objgraph", type_at(graph, pair->from),
			  pair->from, type_at(graph, pair->to), pair->to);
	}
}

static void check(struct program *program, const char *name, uint32_t depth)
{
	_cleanup_free_ char *path = path_in(program->pid, DOT), *line;
	struct pairs *ours, *theirs;
	struct heap_graph *graph;
	char command[200];
	uint64_t address;
	uint32_t node;

	snprintf(command, sizeof(command), "backrefs %s %u %s", name, depth, DOT);
	/* Once for what the first time leaves behind. */
	free(program_ask(program, command));
	line = program_ask(program, command);
	address = strtoull(line, NULL, 10);
	graph = graph_of(program->pid);
	node = node_at(graph, address);
	cr_assert_neq(node, NODE_NONE);
	theirs = read_dot(path);
	ours = walk(graph, node, depth);
	cr_expect_gt(theirs->cnt, depth - 1, "%s: %s: %zu edges", program->name, name, theirs->cnt);
	check_same(graph, ours, theirs, name);
	free(ours);
	free(theirs);
	unlink(path);
	graph_destroy(graph);
}

ParameterizedTestParameters(objgraph, draws_the_same_holders)
{
	size_t cnt, kept = 0;
	struct python_param *all = live_pythons(&cnt);

	for (size_t i = 0; i < cnt; i++) {
		char command[400];

		snprintf(command, sizeof(command),
			 "%s -c 'import sys; sys.path.append(\"/usr/lib/python3/dist-packages\"); "
			 "import objgraph' 2>/dev/null",
			 all[i].path);
		if (!system(command))
			all[kept++] = all[i];
		else
			fprintf(stderr,
				"SKIPPED: %s has no objgraph "
				"(apt-get install python3-objgraph)\n",
				all[i].path);
	}
	return cr_make_param_array(struct python_param, all, kept);
}

ParameterizedTest(struct python_param *param, objgraph, draws_the_same_holders, .timeout = 240)
{
	static const char *const names[] = { "list",	  "dict",    "key",   "attribute", "slot",
					     "closure",	  "method",  "deque", "set",	   "tuple",
					     "generator", "default", "many" };
	struct program program;

	live_needs_root();
	program_start_ready(&program, param->path, "holders.py", NULL);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		check(&program, names[i], 3);
	check(&program, "many", 4);
	check(&program, "attribute", 5);
	program_stop(&program);
}
