/* SPDX-License-Identifier: BSD-2-Clause */
/* Who holds the objects of a type: the ways preferred, and their shapes. */
#include <criterion/criterion.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyse/paths.h"
#include "sample_graphs.h"

static struct paths paths_of(const struct heap_graph *graph, const struct cycles *cycles,
			     uint32_t type, size_t max)
{
	uint32_t *nodes = malloc((graph->node_cnt + 1) * sizeof(*nodes));
	uint32_t cnt = nodes_of(graph, type, nodes);
	struct path_tree tree;
	struct paths paths;

	cr_assert_eq(path_tree_build(graph, &tree), 0);
	cr_assert_eq(paths_aggregate(graph, &tree, cycles, nodes, cnt, max, &paths), 0);
	path_tree_deinit(&tree);
	free(nodes);
	return paths;
}

/* "type kind name" of a step, a star for repetitions, an exclamation mark for a cycle. */
static void expect_step(const struct heap_graph *graph, const struct path_step *step,
			const char *expected)
{
	static const char *const kinds[EDGE_KIND_CNT] = {
		"root",	   "field", "dict",  "attribute", "key",  "value", "index",
		"element", "local", "stack", "type",	  "weak", "scan",  "borrowed",
	};
	char text[200];

	snprintf(text, sizeof(text), "%s %s %s%s%s",
		 graph_name(graph, graph->types[step->type].name), kinds[step->kind],
		 graph_name(graph, step->name), step->repeats ? "*" : "", step->cycle ? "!" : "");
	cr_assert_str_eq(text, expected);
}

Test(paths, the_model_leak_is_one_shape)
{
	struct model model = model_leak();
	struct paths paths = paths_of(model.graph, NULL, model.message, 10);
	const struct path_shape *shape = &paths.shapes[0];

	cr_assert_eq(paths.cnt, 1);
	cr_assert_eq(paths.instances, MODEL_CONNECTIONS * MODEL_MESSAGES);
	cr_assert_eq(shape->instances, paths.instances);
	cr_assert_eq(shape->bytes, 50 * paths.instances);
	cr_assert_eq(shape->example, model.first_message);
	cr_assert_eq(model.graph->roots[shape->root].node, model.module_node);
	cr_assert_eq(shape->step_cnt, 6);
	expect_step(model.graph, &shape->steps[0], "list index ");
	expect_step(model.graph, &shape->steps[1], "mq.Channel attribute incoming");
	expect_step(model.graph, &shape->steps[2], "dict value ");
	expect_step(model.graph, &shape->steps[3], "mq.Connection attribute channels");
	expect_step(model.graph, &shape->steps[4], "list index ");
	expect_step(model.graph, &shape->steps[5], "module attribute connections");
	paths_deinit(&paths);
	graph_destroy(model.graph);
}

Test(paths, steps_on_a_cycle_are_marked)
{
	struct model model = model_leak();
	struct cycles cycles;
	struct paths paths;

	cr_assert_eq(cycles_find(model.graph, &cycles), 0);
	paths = paths_of(model.graph, &cycles, model.channel, 10);
	cr_assert_eq(paths.cnt, 1);
	expect_step(model.graph, &paths.shapes[0].steps[0], "dict value !");
	expect_step(model.graph, &paths.shapes[0].steps[1], "mq.Connection attribute channels!");
	expect_step(model.graph, &paths.shapes[0].steps[2], "list index ");
	paths_deinit(&paths);
	cycles_deinit(&cycles);
	graph_destroy(model.graph);
}

Test(paths, one_object_has_the_way_of_its_kind)
{
	struct model model = model_leak();
	struct paths paths = paths_of(model.graph, NULL, model.message, 10);
	struct path_tree tree;
	struct path_shape way;

	cr_assert_eq(path_tree_build(model.graph, &tree), 0);
	cr_assert_eq(path_of_node(model.graph, &tree, NULL, model.connections, &way), 0);
	cr_assert_eq(way.step_cnt, 1);
	cr_assert_eq(way.example, model.connections);
	cr_assert_eq(way.instances, 1);
	expect_step(model.graph, &way.steps[0], "module attribute connections");
	free(way.steps);
	cr_assert_eq(path_of_node(model.graph, &tree, NULL, model.module_node, &way), 0);
	cr_assert_eq(way.step_cnt, 0);
	free(way.steps);
	cr_assert_eq(path_of_node(model.graph, &tree, NULL, model.first_message, &way), 0);
	cr_assert_eq(way.fingerprint, paths.shapes[0].fingerprint);
	cr_assert_eq(way.step_cnt, 6);
	free(way.steps);
	cr_assert_eq(path_of_node(model.graph, &tree, NULL, GRAPH_ROOT, &way), -ENOENT);
	paths_deinit(&paths);
	path_tree_deinit(&tree);
	graph_destroy(model.graph);
}

Test(paths, ways_of_one_and_of_many_agree)
{
	for (uint32_t seed = 0; seed < 300; seed++) {
		struct heap_graph *graph = random_graph(seed);
		struct path_tree tree;
		struct cycles cycles;

		cr_assert_eq(path_tree_build(graph, &tree), 0);
		cr_assert_eq(cycles_find(graph, &cycles), 0);
		for (uint32_t n = 1; n < graph->node_cnt; n++) {
			struct path_shape way;
			struct paths paths;
			int err = path_of_node(graph, &tree, &cycles, n, &way);

			cr_assert_eq(paths_aggregate(graph, &tree, &cycles, &n, 1, 1, &paths), 0);
			cr_assert_eq(err, paths.cnt ? 0 : -ENOENT);
			if (!err) {
				cr_assert_eq(way.fingerprint, paths.shapes[0].fingerprint);
				cr_assert_eq(way.step_cnt, paths.shapes[0].step_cnt);
				cr_assert_eq(way.root, paths.shapes[0].root);
				cr_assert_eq(way.bytes, paths.shapes[0].bytes);
				free(way.steps);
			}
			paths_deinit(&paths);
		}
		cycles_deinit(&cycles);
		path_tree_deinit(&tree);
		graph_destroy(graph);
	}
}

Test(paths, a_linked_list_is_one_shape)
{
	struct heap_graph *graph = chain_graph(1000, true, false);
	struct paths paths = paths_of(graph, NULL, 3, 10);

	/* The first, which the module holds; and the others. */
	cr_assert_eq(paths.cnt, 2);
	cr_assert_eq(paths.shapes[0].instances, 999);
	cr_assert_eq(paths.shapes[0].step_cnt, 2);
	expect_step(graph, &paths.shapes[0].steps[0], "app.Node attribute next*");
	expect_step(graph, &paths.shapes[0].steps[1], "module attribute head");
	paths_deinit(&paths);
	graph_destroy(graph);
}

/* A chain in which `period` classes take turns. */
static struct heap_graph *turns_graph(uint32_t period, uint32_t cnt)
{
	struct graph_maker *m = maker_create();
	uint32_t types[8], holder = maker_node(m, maker_type(m, "module", ROLE_MODULE, false), 10);
	char name[16];

	for (uint32_t t = 0; t < period; t++) {
		snprintf(name, sizeof(name), "app.T%u", t);
		types[t] = maker_type(m, name, ROLE_INSTANCE, true);
	}
	maker_root(m, holder, ROOT_MODULE, "app");
	for (uint32_t i = 0; i < cnt; i++) {
		uint32_t node = maker_node(m, types[i % period], 10);

		maker_edge(m, holder, node, EDGE_ATTRIBUTE, maker_name(m, "next"));
		holder = node;
	}
	return maker_finish(m);
}

Test(paths, blocks_of_up_to_three_steps_repeat)
{
	for (uint32_t period = 2; period <= 3; period++) {
		struct heap_graph *graph = turns_graph(period, 600);
		struct paths paths = paths_of(graph, NULL, 2, 100);

		cr_assert_leq(paths.cnt, 3);
		cr_assert_geq(paths.shapes[0].instances, 600 / period - 2);
		cr_assert_eq(paths.shapes[0].step_cnt, period + 1);
		cr_assert(paths.shapes[0].steps[0].repeats);
		cr_assert(paths.shapes[0].steps[period - 1].repeats);
		cr_assert_not(paths.shapes[0].steps[period].repeats);
		paths_deinit(&paths);
		graph_destroy(graph);
	}
}

Test(paths, chains_that_do_not_fold_are_cut)
{
	struct heap_graph *graph = turns_graph(5, 5000);
	struct paths paths = paths_of(graph, NULL, 2, 100);

	cr_assert_leq(paths.cnt, PATH_STEPS_MAX);
	for (size_t i = 0; i < paths.cnt; i++)
		cr_assert_leq(paths.shapes[i].step_cnt, PATH_STEPS_MAX);
	cr_assert_geq(paths.shapes[0].instances, 900);
	paths_deinit(&paths);
	graph_destroy(graph);
}

Test(paths, telling_ways_are_preferred_to_short_ones)
{
	struct graph_maker *m = maker_create();
	uint32_t module = maker_type(m, "module", ROLE_MODULE, false);
	uint32_t list = maker_type(m, "list", ROLE_LIST, false);
	uint32_t function = maker_type(m, "function", ROLE_FUNCTION, false);
	uint32_t thing = maker_type(m, "app.Thing", ROLE_INSTANCE, true);
	uint32_t root = maker_node(m, module, 1), inner = maker_node(m, list, 1);
	uint32_t outer = maker_node(m, list, 1), call = maker_node(m, function, 1);
	uint32_t leaked = maker_node(m, thing, 1), weak = maker_node(m, thing, 1);
	uint32_t borrowed = maker_node(m, thing, 1);
	struct heap_graph *graph;
	struct path_tree tree;

	maker_root(m, root, ROOT_MODULE, "app");
	maker_root(m, leaked, ROOT_UNKNOWN, "?");
	maker_edge(m, root, call, EDGE_ATTRIBUTE, maker_name(m, "call"));
	maker_edge(m, call, leaked, EDGE_FIELD, maker_name(m, "__globals__"));
	maker_edge(m, root, outer, EDGE_ATTRIBUTE, maker_name(m, "outer"));
	maker_edge(m, outer, inner, EDGE_INDEX, 0);
	maker_edge(m, inner, leaked, EDGE_INDEX, 0);
	maker_edge(m, root, weak, EDGE_WEAK, 0);
	maker_edge(m, root, borrowed, EDGE_BORROWED, 0);
	graph = maker_finish(m);
	cr_assert_eq(path_tree_build(graph, &tree), 0);
	cr_assert_eq(tree.parent[leaked], inner);
	cr_assert_eq(tree.parent[root], GRAPH_ROOT);
	cr_assert_eq(tree.parent[weak], NODE_NONE);
	cr_assert_eq(tree.parent[borrowed], NODE_NONE);
	path_tree_deinit(&tree);
	graph_destroy(graph);
}

/* Whatever the order in which they are found. */
Test(paths, of_equal_ways_the_lowest_node_is_taken)
{
	for (int turned = 0; turned < 2; turned++) {
		struct graph_maker *m = maker_create();
		uint32_t list = maker_type(m, "list", ROLE_LIST, false);
		uint32_t root = maker_node(m, maker_type(m, "module", ROLE_MODULE, false), 1);
		uint32_t one = maker_node(m, list, 1), two = maker_node(m, list, 1);
		uint32_t leaked = maker_node(m, list, 1);
		struct heap_graph *graph;
		struct path_tree tree;

		maker_root(m, root, ROOT_MODULE, "app");
		maker_edge(m, root, turned ? two : one, EDGE_ATTRIBUTE, maker_name(m, "a"));
		maker_edge(m, root, turned ? one : two, EDGE_ATTRIBUTE, maker_name(m, "b"));
		maker_edge(m, one, leaked, EDGE_INDEX, 0);
		maker_edge(m, two, leaked, EDGE_INDEX, 0);
		graph = maker_finish(m);
		cr_assert_eq(path_tree_build(graph, &tree), 0);
		cr_assert_eq(tree.parent[leaked], one);
		path_tree_deinit(&tree);
		graph_destroy(graph);
	}
}

/* Frames by name, each with a thing in a variable. */
static struct paths frame_paths(const char *const *names, size_t cnt, struct heap_graph **out)
{
	struct graph_maker *m = maker_create();
	uint32_t frame = maker_type(m, "<frame>", ROLE_PSEUDO, false);
	uint32_t thing = maker_type(m, "app.Thing", ROLE_INSTANCE, true);

	for (size_t i = 0; i < cnt; i++) {
		uint32_t running = maker_node(m, frame, 0);

		maker_root(m, running, ROOT_FRAME, names[i]);
		maker_edge(m, running, maker_node(m, thing, 1), EDGE_LOCAL, maker_name(m, "x"));
	}
	*out = maker_finish(m);
	return paths_of(*out, NULL, thing, 10);
}

Test(paths, the_line_of_a_frame_does_not_matter)
{
	static const char *const names[] = { "work (app.py:12)", "work (app.py:130)",
					     "work2 (app.py:12)" };
	struct heap_graph *one, *two;
	struct paths three = frame_paths(names, 3, &one), moved = frame_paths(names + 1, 1, &two);

	cr_assert_eq(three.cnt, 2);
	cr_assert_eq(three.shapes[0].instances, 2);
	cr_assert_eq(three.shapes[1].instances, 1);
	cr_assert_eq(three.shapes[0].fingerprint, moved.shapes[0].fingerprint);
	cr_assert_neq(three.shapes[0].fingerprint, three.shapes[1].fingerprint);
	expect_step(one, &three.shapes[0].steps[0], "<frame> local x");
	paths_deinit(&three);
	paths_deinit(&moved);
	graph_destroy(one);
	graph_destroy(two);
}

/* It is written down in files: a change of it makes them worthless. */
Test(paths, fingerprints_are_for_ever)
{
	struct model model = model_leak();
	struct paths paths = paths_of(model.graph, NULL, model.message, 10);

	cr_assert_eq(paths.shapes[0].fingerprint, 0xdbc8966fc2dc1ac9U, "%#lx",
		     (unsigned long)paths.shapes[0].fingerprint);
	paths_deinit(&paths);
	graph_destroy(model.graph);
}

Test(paths, keys_of_large_dicts_are_data)
{
	for (uint32_t entries = 32; entries <= 33; entries++) {
		struct graph_maker *m = maker_create();
		uint32_t dict = maker_node(m, maker_type(m, "dict", ROLE_DICT, false), 1);
		uint32_t thing = maker_type(m, "app.Thing", ROLE_INSTANCE, true);
		uint32_t key = maker_node(m, maker_type(m, "str", ROLE_STR, false), 1);
		struct heap_graph *graph;
		struct paths paths;

		maker_root(m, dict, ROOT_INTERPRETER, "codecs");
		for (uint32_t i = 0; i < entries; i++) {
			char name[16];

			snprintf(name, sizeof(name), "k%u", i);
			maker_edge(m, dict, key, EDGE_KEY, 0);
			maker_edge(m, dict, maker_node(m, thing, 1), EDGE_VALUE,
				   maker_name(m, name));
		}
		graph = maker_finish(m);
		paths = paths_of(graph, NULL, thing, 5);
		cr_assert_eq(paths.cnt, entries == 32 ? 5 : 1);
		cr_assert_eq(paths.others, entries == 32 ? 27 : 0);
		paths_deinit(&paths);
		graph_destroy(graph);
	}
}

Test(paths, random_graphs_are_reached_as_by_brute_force)
{
	for (uint32_t seed = 0; seed < 500; seed++) {
		struct heap_graph *graph = random_graph(seed);
		uint32_t all[64], held = 0;
		struct path_tree tree;
		struct paths paths;
		bool reached[64];

		reach_slowly(graph, NULL, reached);
		cr_assert_eq(path_tree_build(graph, &tree), 0);
		for (uint32_t n = 1; n < graph->node_cnt; n++) {
			uint32_t up = tree.parent[n], steps = 0;

			all[n - 1] = n;
			cr_assert_eq(up != NODE_NONE, reached[n], "seed %u node %u", seed, n);
			held += reached[n];
			for (uint32_t v = n; reached[n] && v != GRAPH_ROOT; v = tree.parent[v]) {
				cr_assert_eq(graph->edges[tree.edge[v]].to, v);
				cr_assert_lt(steps++, 64);
			}
		}
		cr_assert_eq(
			paths_aggregate(graph, &tree, NULL, all, graph->node_cnt - 1, 1000, &paths),
			0);
		cr_assert_eq(paths.unreachable, graph->node_cnt - 1 - held);
		for (size_t i = 0; i < paths.cnt; i++)
			held -= (uint32_t)paths.shapes[i].instances;
		cr_assert_eq(held, 0);
		paths_deinit(&paths);
		path_tree_deinit(&tree);
		graph_destroy(graph);
	}
}

Test(paths, a_million_in_a_row_or_in_a_list, .timeout = 30)
{
	for (int listed = 0; listed < 2; listed++) {
		struct heap_graph *graph = chain_graph(1000000, true, listed);
		struct paths paths = paths_of(graph, NULL, 3, 10);

		cr_assert_eq(paths.instances, 1000000);
		cr_assert_geq(paths.shapes[0].instances, 999990);
		paths_deinit(&paths);
		graph_destroy(graph);
	}
}
