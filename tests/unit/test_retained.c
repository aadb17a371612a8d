/* SPDX-License-Identifier: BSD-2-Clause */
/* What would be freed, against taking it away and looking. */
#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

#include "analyse/retained.h"
#include "sample_graphs.h"

/* In the model, of one Connection. */
#define CONNECTION_BYTES (100 + 200 + 300 + 100 + 200 + 60 + 60 + 70 + MODEL_MESSAGES * 50)
#define CONNECTION_OBJECTS (8 + MODEL_MESSAGES)

Test(retained, a_connection_retains_its_channels_and_messages)
{
	struct model model = model_leak();
	struct dominators dominators;
	struct retained retained;
	uint32_t two[2] = { model.first_connection, model.first_connection + CONNECTION_OBJECTS };

	cr_assert_eq(dominators_build(model.graph, &dominators), 0);
	cr_assert_eq(dominators.parent[model.first_connection], model.connections);
	cr_assert_eq(dominators.bytes[model.first_connection], CONNECTION_BYTES);
	cr_assert_eq(dominators.objects[model.first_connection], CONNECTION_OBJECTS);
	cr_assert_eq(dominators.objects[GRAPH_ROOT], model.graph->node_cnt - 1);
	cr_assert_eq(retained_by(model.graph, two, 2, &retained), 0);
	cr_assert_eq(retained.bytes, 2 * CONNECTION_BYTES);
	cr_assert_eq(retained.objects, 2 * CONNECTION_OBJECTS);
	dominators_deinit(&dominators);
	graph_destroy(model.graph);
}

Test(retained, a_node_given_often_counts_once)
{
	struct model model = model_leak();
	static uint32_t often[100000];
	struct retained retained;

	for (size_t i = 0; i < 100000; i++)
		often[i] = model.first_connection;
	cr_assert_eq(retained_by(model.graph, often, 100000, &retained), 0);
	cr_assert_eq(retained.objects, CONNECTION_OBJECTS);
	graph_destroy(model.graph);
}

Test(retained, the_list_stands_for_all_that_leads_to_it)
{
	struct model model = model_leak();
	struct dominators dominators;
	uint32_t top[4];

	cr_assert_eq(dominators_build(model.graph, &dominators), 0);
	/* The module and its dict are not listed; the Connection's dict has nearly all of its. */
	cr_assert_eq(dominators_top(model.graph, &dominators, top, 4), 4);
	cr_assert_eq(top[0], model.connections);
	cr_assert_eq(top[1], model.first_connection);
	cr_assert_eq(model.graph->nodes[top[2]].type, model.connection);
	cr_assert_eq(model.graph->nodes[top[3]].type, model.connection);
	dominators_deinit(&dominators);
	graph_destroy(model.graph);
}

/* The immediate dominator is the one of the dominators that all others dominate. */
static void expect_dominators(const struct heap_graph *graph, const struct dominators *dominators,
			      uint32_t seed)
{
	static bool dominates[64][64];
	bool all[64], without[64], reached[64];

	reach_slowly(graph, NULL, all);
	for (uint32_t d = 0; d < graph->node_cnt; d++) {
		memset(without, 0, sizeof(without));
		without[d] = true;
		reach_slowly(graph, without, reached);
		for (uint32_t n = 0; n < graph->node_cnt; n++)
			dominates[d][n] = all[d] && all[n] && d != n && (!d || !reached[n]);
	}
	for (uint32_t n = 0; n < graph->node_cnt; n++) {
		uint32_t nearest = NODE_NONE;

		for (uint32_t d = 0; d < graph->node_cnt; d++) {
			if (dominates[d][n] && (nearest == NODE_NONE || dominates[nearest][d]))
				nearest = d;
		}
		cr_assert_eq(dominators->parent[n], nearest, "seed %u node %u", seed, n);
	}
}

static void expect_retained(const struct heap_graph *graph, const struct dominators *dominators,
			    uint32_t node, uint32_t seed)
{
	bool all[64], reached[64], without[64] = { [0] = false };
	struct retained expected = { 0 }, retained;

	without[node] = true;
	reach_slowly(graph, NULL, all);
	reach_slowly(graph, without, reached);
	for (uint32_t n = 1; n < graph->node_cnt; n++) {
		if (!all[n] || reached[n] || graph->nodes[n].flags & NODE_PSEUDO)
			continue;
		expected.objects++;
		expected.bytes += graph->nodes[n].bytes;
	}
	cr_assert_eq(dominators->bytes[node], expected.bytes, "seed %u node %u", seed, node);
	cr_assert_eq(dominators->objects[node], expected.objects);
	cr_assert_eq(retained_by(graph, &node, 1, &retained), 0);
	/* Garbage that it holds counts too. */
	cr_assert_geq(retained.objects, expected.objects);
	cr_assert_geq(retained.bytes, expected.bytes);
}

Test(retained, random_graphs_agree_with_removing_nodes)
{
	for (uint32_t seed = 0; seed < 400; seed++) {
		struct heap_graph *graph = random_graph(seed);
		struct dominators dominators;
		uint32_t top[10];

		cr_assert_eq(dominators_build(graph, &dominators), 0);
		expect_dominators(graph, &dominators, seed);
		for (uint32_t n = 1; n < graph->node_cnt; n++)
			expect_retained(graph, &dominators, n, seed);
		cr_assert_geq(dominators_top(graph, &dominators, top, 10), 0);
		dominators_deinit(&dominators);
		graph_destroy(graph);
	}
}

/* What the nodes of `theirs` reach of what the others do not; it is added to them. */
static void spread_slowly(const struct heap_graph *graph, const bool *others, bool *theirs)
{
	bool more = true;

	while (more) {
		more = false;
		for (uint32_t n = 0; n < graph->node_cnt; n++) {
			for (uint32_t e = graph->first[n]; theirs[n] && e < graph->first[n + 1];
			     e++) {
				uint32_t to = graph->edges[e].to;

				if (theirs[to] || others[to] || !graph_edge_holds(&graph->edges[e]))
					continue;
				theirs[to] = true;
				more = true;
			}
		}
	}
}

Test(retained, sets_agree_with_removing_them)
{
	for (uint32_t seed = 0; seed < 300; seed++) {
		struct heap_graph *graph = random_graph(seed);
		uint32_t set[60], cnt = 0;
		bool others[64], theirs[64] = { [0] = false };
		struct retained retained, expected = { 0 };

		for (uint32_t n = 1 + seed % 3; n < graph->node_cnt; n += 5) {
			set[cnt++] = n;
			theirs[n] = true;
		}
		reach_slowly(graph, theirs, others);
		spread_slowly(graph, others, theirs);
		for (uint32_t n = 1; n < graph->node_cnt; n++) {
			if (!theirs[n] || graph->nodes[n].flags & NODE_PSEUDO)
				continue;
			expected.objects++;
			expected.bytes += graph->nodes[n].bytes;
		}
		cr_assert_eq(retained_by(graph, set, cnt, &retained), 0);
		cr_assert_eq(retained.objects, expected.objects, "seed %u", seed);
		cr_assert_eq(retained.bytes, expected.bytes, "seed %u", seed);
		graph_destroy(graph);
	}
}

Test(retained, a_million_in_a_row_or_in_a_list, .timeout = 30)
{
	for (int listed = 0; listed < 2; listed++) {
		struct heap_graph *graph = chain_graph(1000000, true, listed);
		struct dominators dominators;
		uint32_t top[100];

		cr_assert_eq(dominators_build(graph, &dominators), 0);
		cr_assert_eq(dominators.objects[GRAPH_ROOT], 1000002);
		/* One that both the list and its neighbours hold is the module's. */
		cr_assert_eq(dominators.parent[500000], listed ? 1 : 499999);
		cr_assert_eq(dominators.objects[500000], listed ? 1 : 500003);
		cr_assert_geq(dominators_top(graph, &dominators, top, 100), 0);
		dominators_deinit(&dominators);
		graph_destroy(graph);
	}
}
