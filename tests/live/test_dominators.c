/* SPDX-License-Identifier: BSD-2-Clause */
/* Retained sizes of every object of a real heap, against dominators computed in Python. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyse/retained.h"
#include "heap_truth.h"

#define PYTHON "/usr/bin/python3"

static void put(FILE *file, uint32_t word)
{
	cr_assert_eq(fwrite(&word, sizeof(word), 1, file), 1);
}

/* As dominators.py reads it. */
static void write_graph(const struct heap_graph *graph, FILE *file)
{
	uint32_t cnt = 0;

	for (uint32_t e = 0; e < graph->edge_cnt; e++)
		cnt += graph_edge_holds(&graph->edges[e]);
	put(file, graph->node_cnt);
	put(file, cnt);
	for (uint32_t n = 0; n < graph->node_cnt; n++)
		put(file, (uint32_t)graph->nodes[n].bytes);
	for (uint32_t n = 0; n < graph->node_cnt; n++) {
		for (uint32_t e = graph->first[n]; e < graph->first[n + 1]; e++) {
			if (!graph_edge_holds(&graph->edges[e]))
				continue;
			put(file, n);
			put(file, graph->edges[e].to);
		}
	}
	cr_assert_eq(fclose(file), 0);
}

static void compare(const struct heap_graph *graph, const struct dominators *ours, FILE *theirs)
{
	uint32_t reached = 0, wrong = 0;
	char line[64];

	for (uint32_t n = 0; n < graph->node_cnt; n++) {
		cr_assert(fgets(line, sizeof(line), theirs), "dominators.py ended at node %u", n);
		if (line[0] == '-') {
			wrong += n && ours->parent[n] != NODE_NONE;
			continue;
		}
		reached++;
		wrong += strtoull(line, NULL, 10) != ours->bytes[n];
	}
	cr_expect_eq(wrong, 0, "%u of %u nodes differ", wrong, graph->node_cnt);
	cr_expect_gt(reached, 50000, "%u nodes are too few to prove anything", reached);
}

Test(dominators, retained_sizes_equal_those_of_python, .timeout = 180)
{
	char path[] = "/tmp/pyleak-test-XXXXXX", command[128];
	struct dominators dominators;
	struct heap_graph *graph;
	struct program program;
	FILE *theirs;
	int fd;

	live_needs_root();
	program_start_ready(&program, PYTHON, "references.py", NULL);
	free(program_ask(&program, "rest"));
	graph = graph_of(program.pid);
	fd = mkstemp(path);
	cr_assert(fd >= 0);
	write_graph(graph, fdopen(fd, "w"));
	cr_assert_eq(dominators_build(graph, &dominators), 0);
	snprintf(command, sizeof(command), PYTHON " tests/programs/dominators.py %s", path);
	theirs = popen(command, "re");
	cr_assert(theirs);
	compare(graph, &dominators, theirs);
	cr_expect_eq(pclose(theirs), 0);
	unlink(path);
	dominators_deinit(&dominators);
	graph_destroy(graph);
	program_stop(&program);
}
