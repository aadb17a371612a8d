/* SPDX-License-Identifier: BSD-2-Clause */
/* Refcounts against references; and what the collector would free. */
#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

#include "analyse/audit.h"
#include "sample_graphs.h"

Test(audit, an_excess_is_found_and_what_hangs_on_it_alone)
{
	struct graph_maker *m = maker_create();
	uint32_t module = maker_type(m, "module", ROLE_MODULE, false);
	uint32_t thing = maker_type(m, "app.Thing", ROLE_INSTANCE, true);
	uint32_t native = maker_type(m, "<unknown>", ROLE_PSEUDO, false);
	uint32_t root = maker_node(m, module, 1), held = maker_node(m, thing, 1);
	uint32_t lost = maker_node(m, thing, 1), odd = maker_node(m, thing, 1);
	uint32_t torn = maker_node(m, thing, 1), for_ever = maker_node(m, thing, 1);
	uint32_t unknown = maker_node(m, native, 0), in_data = maker_node(m, thing, 1);
	struct heap_graph *graph;
	struct audit audit;

	maker_root(m, root, ROOT_MODULE, "app");
	maker_root(m, unknown, ROOT_UNKNOWN, "?");
	maker_excess(m, root, 7);
	maker_edge(m, root, held, EDGE_ATTRIBUTE, maker_name(m, "held"));
	maker_edge(m, root, odd, EDGE_ATTRIBUTE, maker_name(m, "odd"));
	maker_edge(m, unknown, lost, EDGE_SCAN, 0); /* counted, and by no one that is known */
	maker_excess(m, held, 2);
	maker_excess(m, lost, 3);
	maker_excess(m, torn, 5);
	maker_excess(m, in_data, 5);
	graph = maker_finish(m);
	graph->nodes[unknown].flags = NODE_PSEUDO;
	graph->nodes[torn].flags |= NODE_TORN;
	graph->nodes[in_data].flags |= NODE_STATIC;
	graph->nodes[for_ever].refcount = REFCOUNT_IMMORTAL;
	graph->nodes[odd].refcount = 0;
	cr_assert_eq(audit_refcounts(graph, &audit), 0);
	cr_assert_eq(audit.objects, 3);
	cr_assert_eq(audit.negative, 1);
	cr_assert_eq(audit.immortal, 1);
	cr_assert_eq(audit.cnt, 1);
	cr_assert_eq(audit.rows[0].type, thing);
	cr_assert_eq(audit.rows[0].objects, 2);
	cr_assert_eq(audit.rows[0].excess, 2 + 4);
	cr_assert_eq(audit.rows[0].only, 1);
	cr_assert_eq(audit.rows[0].example, held);
	audit_deinit(&audit);
	graph_destroy(graph);
}

Test(audit, rows_go_by_excess)
{
	struct graph_maker *m = maker_create();
	uint32_t few = maker_type(m, "app.Few", ROLE_INSTANCE, true);
	uint32_t many = maker_type(m, "app.Many", ROLE_INSTANCE, true);
	struct heap_graph *graph;
	struct audit audit;

	maker_excess(m, maker_node(m, few, 1), 2);
	maker_excess(m, maker_node(m, many, 1), 1);
	maker_excess(m, maker_node(m, many, 1), 9);
	graph = maker_finish(m);
	cr_assert_eq(audit_refcounts(graph, &audit), 0);
	cr_assert_eq(audit.cnt, 2);
	cr_assert_eq(audit.rows[0].type, many);
	cr_assert_eq(audit.rows[0].excess, 10);
	cr_assert_eq(audit.rows[1].excess, 2);
	audit_deinit(&audit);
	graph_destroy(graph);
}

Test(audit, the_model_is_garbage_without_its_module)
{
	struct model model = model_leak();
	uint8_t *garbage = malloc(model.graph->node_cnt);

	cr_assert_eq(garbage_find(model.graph, garbage), 0);
	model.graph->nodes[model.module_node].refcount = 0;
	cr_assert_eq(garbage_find(model.graph, garbage), model.graph->node_cnt - 1);
	cr_assert_eq(garbage[GRAPH_ROOT], 0);
	cr_assert_eq(garbage[model.first_message], 1);
	free(garbage);
	graph_destroy(model.graph);
}

/* The collector does not see what an untracked tuple holds: it takes it for held from outside. */
Test(audit, what_an_untracked_object_holds_is_no_garbage)
{
	struct graph_maker *m = maker_create();
	uint32_t list = maker_type(m, "list", ROLE_LIST, false);
	uint32_t outer = maker_node(m, list, 1), inner = maker_node(m, list, 1);
	struct heap_graph *graph;
	uint8_t garbage[3];

	maker_edge(m, outer, inner, EDGE_INDEX, 0);
	maker_edge(m, inner, outer, EDGE_INDEX, 0);
	graph = maker_finish(m);
	cr_assert_eq(garbage_find(graph, garbage), 2);
	graph->nodes[outer].flags &= ~(uint32_t)NODE_TRACKED;
	cr_assert_eq(garbage_find(graph, garbage), 0);
	graph_destroy(graph);
}

/* Again and again: a tracked object is alive if the tracked objects do not account for all of its
 * references, or if one that is alive refers to it. */
static void find_slowly(const struct heap_graph *graph, bool *alive)
{
	bool more = true;
	uint32_t inner[64] = { 0 };

	for (uint32_t n = 0; n < graph->node_cnt; n++) {
		for (uint32_t e = graph->first[n]; e < graph->first[n + 1]; e++) {
			if (graph->nodes[n].flags & NODE_TRACKED &&
			    graph_edge_counts(&graph->edges[e]))
				inner[graph->edges[e].to]++;
		}
	}
	for (uint32_t n = 0; n < graph->node_cnt; n++)
		alive[n] =
			graph->nodes[n].refcount > inner[n] && graph->nodes[n].flags & NODE_TRACKED;
	while (more) {
		more = false;
		for (uint32_t n = 0; n < graph->node_cnt; n++) {
			for (uint32_t e = graph->first[n]; alive[n] && e < graph->first[n + 1];
			     e++) {
				uint32_t to = graph->edges[e].to;

				if (alive[to] || !graph_edge_counts(&graph->edges[e]) ||
				    !(graph->nodes[to].flags & NODE_TRACKED))
					continue;
				alive[to] = true;
				more = true;
			}
		}
	}
}

Test(audit, random_garbage_agrees_with_the_naive_rule)
{
	for (uint32_t seed = 0; seed < 500; seed++) {
		struct heap_graph *graph = random_graph(seed);
		uint8_t garbage[64];
		bool alive[64];
		int64_t expected = 0;

		find_slowly(graph, alive);
		for (uint32_t n = 0; n < graph->node_cnt; n++)
			expected += graph->nodes[n].flags & NODE_TRACKED && !alive[n];
		cr_assert_eq(garbage_find(graph, garbage), expected, "seed %u", seed);
		for (uint32_t n = 0; n < graph->node_cnt; n++)
			cr_assert_eq(garbage[n], graph->nodes[n].flags & NODE_TRACKED && !alive[n]);
		graph_destroy(graph);
	}
}

/* The loop that runs it: a reference that the collector knows nothing of. */
Test(audit, what_runs_is_held_by_its_loop)
{
	struct graph_maker *m = maker_create();
	uint32_t frame = maker_type(m, "frame", ROLE_FRAME, false);
	uint32_t runs = maker_node(m, frame, 1), leaks = maker_node(m, frame, 1);
	uint32_t held = maker_node(m, frame, 1), rests = maker_node(m, frame, 1);
	struct heap_graph *graph;
	struct audit audit;

	maker_root(m, runs, ROOT_FRAME, "work (app.py:1)");
	maker_root(m, leaks, ROOT_FRAME, "work (app.py:2)");
	maker_root(m, held, ROOT_FRAME, "work (app.py:3)");
	maker_edge(m, runs, held, EDGE_FIELD, maker_name(m, "f_back"));
	maker_excess(m, runs, 1);
	maker_excess(m, leaks, 2);
	maker_excess(m, rests, 1);
	graph = maker_finish(m);
	cr_assert_eq(audit_refcounts(graph, &audit), 0);
	cr_assert_eq(audit.objects, 4);
	cr_assert_eq(audit.negative, 0, "one that is held otherwise is counted no more");
	cr_assert_eq(audit.cnt, 1);
	cr_assert_eq(audit.rows[0].objects, 2);
	cr_assert_eq(audit.rows[0].excess, 1 + 1);
	cr_assert_eq(audit.rows[0].example, leaks);
	cr_assert_eq(audit.rows[0].only, 1);
	audit_deinit(&audit);
	graph_destroy(graph);
}

/* References to each node; `unknown`: only those from holders that were not found. */
static void count_slowly(const struct heap_graph *graph, bool unknown, uint32_t *out)
{
	bool is_unknown[64] = { false };

	for (uint32_t r = 0; r < graph->root_cnt; r++) {
		uint32_t node = graph->roots[r].node;

		is_unknown[node] |= graph->roots[r].kind == ROOT_UNKNOWN &&
				    graph->nodes[node].flags & NODE_PSEUDO;
	}
	for (uint32_t n = 0; n < graph->node_cnt; n++) {
		for (uint32_t e = graph->first[n]; e < graph->first[n + 1]; e++) {
			if (!unknown || is_unknown[n])
				out[graph->edges[e].to] += graph_edge_counts(&graph->edges[e]);
		}
	}
	/* By the loop that runs it. */
	for (uint32_t r = 0; !unknown && r < graph->root_cnt; r++) {
		uint32_t node = graph->roots[r].node;

		out[node] += graph->roots[r].kind == ROOT_FRAME &&
			     out[node] < graph->nodes[node].refcount;
	}
}

Test(audit, random_excess_is_what_was_added)
{
	for (uint32_t seed = 0; seed < 300; seed++) {
		struct heap_graph *graph = random_graph(seed);
		struct audit audit;
		uint64_t excess = 0, rows = 0;
		uint32_t found[64] = { 0 }, unknown[64] = { 0 };

		count_slowly(graph, false, found);
		count_slowly(graph, true, unknown);
		for (uint32_t n = 1; n < graph->node_cnt; n++) {
			uint8_t role = graph_node_type(graph, n)->role;

			if (role != ROLE_TYPE && role != ROLE_MODULE && role != ROLE_PSEUDO)
				excess += graph->nodes[n].refcount - (found[n] - unknown[n]);
		}
		cr_assert_eq(audit_refcounts(graph, &audit), 0);
		for (size_t i = 0; i < audit.cnt; i++)
			rows += audit.rows[i].excess;
		cr_assert_eq(rows, excess, "seed %u", seed);
		cr_assert_eq(audit.negative, 0);
		audit_deinit(&audit);
		graph_destroy(graph);
	}
}

Test(audit, a_million_in_a_row, .timeout = 30)
{
	struct heap_graph *graph = chain_graph(1000000, true, true);
	uint8_t *garbage = malloc(graph->node_cnt);
	struct audit audit;

	cr_assert_eq(garbage_find(graph, garbage), graph->node_cnt - 1);
	graph->nodes[1].refcount++;
	cr_assert_eq(garbage_find(graph, garbage), 0);
	cr_assert_eq(audit_refcounts(graph, &audit), 0);
	cr_assert_eq(audit.objects, 1000001);
	audit_deinit(&audit);
	free(garbage);
	graph_destroy(graph);
}
