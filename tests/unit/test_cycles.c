/* SPDX-License-Identifier: BSD-2-Clause */
/* Reference cycles: which objects are on one, how they are grouped, where to cut them. */
#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyse/cycles.h"
#include "sample_graphs.h"

static struct cycles cycles_of(const struct heap_graph *graph)
{
	struct cycles cycles;

	cr_assert_eq(cycles_find(graph, &cycles), 0);
	return cycles;
}

static void expect_link(const struct heap_graph *graph, const struct cycle_link *link,
			uint32_t from, enum edge_kind kind, const char *name, uint32_t to)
{
	cr_assert_eq(link->from, from);
	cr_assert_eq(link->to, to);
	cr_assert_eq(link->kind, kind);
	cr_assert_str_eq(graph_name(graph, link->name), name);
}

Test(cycles, the_model_leak_is_one_group)
{
	struct model model = model_leak();
	struct heap_graph *graph = model.graph;
	struct cycles cycles = cycles_of(graph);
	const struct cycle_group *group = &cycles.groups[0];

	cr_assert_eq(cycles.cnt, 1);
	cr_assert_eq(group->cycles, MODEL_CONNECTIONS);
	/* All but the incoming list and its messages. */
	cr_assert_eq(group->objects, 7 * MODEL_CONNECTIONS);
	cr_assert_eq(group->bytes, (100 + 200 + 300 + 100 + 200 + 60 + 70) * MODEL_CONNECTIONS);
	cr_assert_eq(cycles.objects, group->objects);
	cr_assert_eq(group->garbage, 0);
	cr_assert_not(group->classes);
	cr_assert_not(group->merged);
	cr_assert_eq(group->member_cnt, 5);
	cr_assert_eq(group->members[0].type, model.dict);
	cr_assert_eq(group->members[0].cnt, 3);
	cr_assert_eq(group->example, model.first_connection);
	cr_assert_eq(group->ring_cnt, 5);
	expect_link(graph, &group->ring[0], model.connection, EDGE_ATTRIBUTE, "channels",
		    model.dict);
	expect_link(graph, &group->ring[1], model.dict, EDGE_VALUE, "", model.channel);
	expect_link(graph, &group->ring[2], model.channel, EDGE_ATTRIBUTE, "callbacks", model.list);
	expect_link(graph, &group->ring[3], model.list, EDGE_INDEX, "", model.method);
	expect_link(graph, &group->ring[4], model.method, EDGE_FIELD, "__self__", model.connection);
	cr_assert_eq(group->examined, MODEL_CONNECTIONS);
	cr_assert_eq(group->cut_cnt, 1);
	cr_assert_eq(group->cut_breaks[0], MODEL_CONNECTIONS);
	expect_link(graph, &group->cut[0], model.connection, EDGE_ATTRIBUTE, "channels",
		    model.dict);
	cycles_deinit(&cycles);
	graph_destroy(graph);
}

/* A parent with two children, each of which has it as `parent`. */
Test(cycles, the_cut_is_the_link_that_all_rings_share)
{
	struct graph_maker *m = maker_create();
	uint32_t parent = maker_type(m, "app.Parent", ROLE_INSTANCE, true);
	uint32_t child = maker_type(m, "app.Child", ROLE_INSTANCE, true);
	uint32_t root = maker_node(m, parent, 1), left = maker_node(m, child, 1);
	uint32_t right = maker_node(m, child, 1);
	struct heap_graph *graph;
	struct cycles cycles;

	maker_edge(m, root, left, EDGE_ATTRIBUTE, maker_name(m, "left"));
	maker_edge(m, root, right, EDGE_ATTRIBUTE, maker_name(m, "right"));
	maker_edge(m, left, root, EDGE_ATTRIBUTE, maker_name(m, "parent"));
	maker_edge(m, right, root, EDGE_ATTRIBUTE, maker_name(m, "parent"));
	graph = maker_finish(m);
	cycles = cycles_of(graph);
	cr_assert_eq(cycles.cnt, 1);
	cr_assert_eq(cycles.groups[0].garbage, 1);
	cr_assert_eq(cycles.groups[0].cut_breaks[0], 1);
	expect_link(graph, &cycles.groups[0].cut[0], child, EDGE_ATTRIBUTE, "parent", parent);
	cycles_deinit(&cycles);
	graph_destroy(graph);
}

/* contrib/demo/mq.py: Connection <-> Channel, and Channel <-> Message, by way of containers. */
static struct heap_graph *mq_graph(uint32_t cnt)
{
	struct graph_maker *m = maker_create();
	uint32_t dict = maker_type(m, "dict", ROLE_DICT, false);
	uint32_t list = maker_type(m, "list", ROLE_LIST, false);
	uint32_t method = maker_type(m, "method", ROLE_METHOD, false);
	uint32_t connection = maker_type(m, "mq.Connection", ROLE_INSTANCE, true);
	uint32_t channel = maker_type(m, "mq.Channel", ROLE_INSTANCE, true);
	uint32_t message = maker_type(m, "mq.Message", ROLE_INSTANCE, true);

	for (uint32_t i = 0; i < cnt; i++) {
		uint32_t c = maker_node(m, connection, 48), attributes = maker_node(m, dict, 100);
		uint32_t channels = maker_node(m, dict, 100), ch = maker_node(m, channel, 48);
		uint32_t callbacks = maker_node(m, dict, 100), incoming = maker_node(m, list, 100);
		uint32_t bound = maker_node(m, method, 64);

		maker_edge(m, c, attributes, EDGE_DICT, maker_name(m, "__dict__"));
		maker_edge(m, attributes, channels, EDGE_ATTRIBUTE, maker_name(m, "channels"));
		maker_edge(m, channels, ch, EDGE_VALUE, 0);
		maker_edge(m, ch, c, EDGE_ATTRIBUTE, maker_name(m, "connection"));
		maker_edge(m, ch, callbacks, EDGE_ATTRIBUTE, maker_name(m, "callbacks"));
		maker_edge(m, callbacks, bound, EDGE_VALUE, maker_name(m, "close"));
		maker_edge(m, bound, c, EDGE_FIELD, maker_name(m, "__self__"));
		maker_edge(m, ch, incoming, EDGE_ATTRIBUTE, maker_name(m, "incoming"));
		for (uint32_t k = 0; k < 3; k++) {
			uint32_t one = maker_node(m, message, 48);

			maker_edge(m, incoming, one, EDGE_INDEX, k);
			maker_edge(m, one, ch, EDGE_ATTRIBUTE, maker_name(m, "channel"));
		}
	}
	return maker_finish(m);
}

static bool is_cut(const struct heap_graph *graph, const struct cycle_group *group, size_t i,
		   const char *name)
{
	return group->cut[i].kind == EDGE_ATTRIBUTE &&
	       !strcmp(graph_name(graph, group->cut[i].name), name);
}

Test(cycles, two_links_are_cut_where_one_is_not_enough)
{
	struct heap_graph *graph = mq_graph(162);
	struct cycles cycles = cycles_of(graph);
	const struct cycle_group *group = &cycles.groups[0];
	bool first;

	cr_assert_eq(cycles.cnt, 1);
	cr_assert_eq(group->cycles, 162);
	cr_assert_eq(group->examined, 162);
	cr_assert_eq(group->cut_cnt, 2);
	cr_assert_eq(group->cut_breaks[0], 0);
	cr_assert_eq(group->cut_breaks[1], 162);
	first = is_cut(graph, group, 0, "channels");
	cr_assert(is_cut(graph, group, first ? 0 : 1, "channels"));
	cr_assert(is_cut(graph, group, first ? 1 : 0, "channel") ||
		  is_cut(graph, group, first ? 1 : 0, "incoming"));
	cycles_deinit(&cycles);
	graph_destroy(graph);
}

/* Five objects that all know each other, each by a name of its own. */
Test(cycles, no_cut_is_told_where_three_links_are_not_enough)
{
	struct graph_maker *m = maker_create();
	uint32_t type = maker_type(m, "app.Node", ROLE_INSTANCE, true), nodes[5];
	struct heap_graph *graph;
	struct cycles cycles;
	char name[8];

	for (uint32_t i = 0; i < 5; i++)
		nodes[i] = maker_node(m, type, 48);
	for (uint32_t i = 0; i < 25; i++) {
		snprintf(name, sizeof(name), "n%u", i);
		if (i / 5 != i % 5)
			maker_edge(m, nodes[i / 5], nodes[i % 5], EDGE_ATTRIBUTE,
				   maker_name(m, name));
	}
	graph = maker_finish(m);
	cycles = cycles_of(graph);
	cr_assert_eq(cycles.groups[0].examined, 1);
	cr_assert_eq(cycles.groups[0].cut_cnt, 0);
	cycles_deinit(&cycles);
	graph_destroy(graph);
}

Test(cycles, classes_are_told_apart_and_come_last)
{
	struct graph_maker *m = maker_create();
	uint32_t type = maker_type(m, "type", ROLE_TYPE, false);
	uint32_t tuple = maker_type(m, "tuple", ROLE_TUPLE, false);
	uint32_t getset = maker_type(m, "getset_descriptor", ROLE_OTHER, false);
	uint32_t list = maker_type(m, "list", ROLE_LIST, false);
	uint32_t class = maker_node(m, type, 1), mro = maker_node(m, tuple, 1);
	uint32_t descriptor = maker_node(m, getset, 1), self = maker_node(m, list, 1);
	struct heap_graph *graph;
	struct cycles cycles;

	maker_edge(m, class, mro, EDGE_FIELD, maker_name(m, "__mro__"));
	maker_edge(m, mro, class, EDGE_INDEX, 0);
	maker_edge(m, class, descriptor, EDGE_FIELD, maker_name(m, "__dict__"));
	maker_edge(m, descriptor, class, EDGE_FIELD, maker_name(m, "__objclass__"));
	maker_edge(m, self, self, EDGE_INDEX, 0);
	graph = maker_finish(m);
	cycles = cycles_of(graph);
	cr_assert_eq(cycles.cnt, 2);
	cr_assert_eq(cycles.component_cnt, 2);
	cr_assert_eq(cycles.groups[0].example, self);
	cr_assert_eq(cycles.groups[0].ring_cnt, 1);
	cr_assert(cycles.groups[1].classes);
	cr_assert_eq(cycles.groups[1].objects, 3);
	cr_assert_eq(cycles.objects, 1);
	cycles_deinit(&cycles);
	graph_destroy(graph);
}

Test(cycles, globals_types_modules_and_borrowed_references_close_none)
{
	struct graph_maker *m = maker_create();
	uint32_t module = maker_node(m, maker_type(m, "module", ROLE_MODULE, false), 1);
	uint32_t dict = maker_node(m, maker_type(m, "dict", ROLE_DICT, false), 1);
	uint32_t function = maker_node(m, maker_type(m, "function", ROLE_FUNCTION, false), 1);
	uint32_t class = maker_node(m, maker_type(m, "type", ROLE_TYPE, false), 1);
	uint32_t thing = maker_node(m, maker_type(m, "app.Thing", ROLE_INSTANCE, true), 1);
	struct heap_graph *graph;
	struct cycles cycles;

	maker_edge(m, module, dict, EDGE_DICT, 0);
	maker_edge(m, dict, function, EDGE_ATTRIBUTE, maker_name(m, "f"));
	maker_edge(m, function, dict, EDGE_FIELD, maker_name(m, "__globals__"));
	maker_edge(m, function, dict, EDGE_FIELD, maker_name(m, "__builtins__"));
	maker_edge(m, dict, module, EDGE_VALUE, 0);
	maker_edge(m, class, thing, EDGE_ATTRIBUTE, maker_name(m, "instance"));
	maker_edge(m, thing, class, EDGE_TYPE, 0);
	maker_edge(m, class, dict, EDGE_BORROWED, 0);
	maker_edge(m, dict, class, EDGE_VALUE, 0);
	maker_edge(m, thing, thing, EDGE_WEAK, 0);
	graph = maker_finish(m);
	cycles = cycles_of(graph);
	cr_assert_eq(cycles.cnt, 0);
	cr_assert_eq(cycles.component_cnt, 0);
	cycles_deinit(&cycles);
	graph_destroy(graph);
}

/* `cnt` rings of Nodes, the i-th with first + i * step of them. */
static struct heap_graph *rings_graph(uint32_t cnt, uint32_t first, uint32_t step)
{
	struct graph_maker *m = maker_create();
	uint32_t type = maker_type(m, "app.Node", ROLE_INSTANCE, true);

	for (uint32_t i = 0; i < cnt; i++) {
		uint32_t begin = maker_node(m, type, 10), node = begin;

		for (uint32_t k = 1; k < first + i * step; k++) {
			uint32_t next = maker_node(m, type, 10);

			maker_edge(m, node, next, EDGE_ATTRIBUTE, maker_name(m, "next"));
			node = next;
		}
		maker_edge(m, node, begin, EDGE_ATTRIBUTE, maker_name(m, "next"));
	}
	return maker_finish(m);
}

Test(cycles, different_sizes_are_one_group)
{
	struct heap_graph *graph = rings_graph(500, 2, 1);
	struct cycles cycles = cycles_of(graph);

	cr_assert_eq(cycles.cnt, 1);
	cr_assert_eq(cycles.groups[0].cycles, 500);
	cr_assert(cycles.groups[0].merged);
	cr_assert_eq(cycles.groups[0].members[0].cnt, graph->node_cnt - 1);
	cr_assert_eq(cycles.groups[0].example, 1);
	cr_assert_eq(cycles.groups[0].ring_cnt, 2);
	cr_assert_eq(cycles.groups[0].cut_breaks[0], cycles.groups[0].examined);
	cycles_deinit(&cycles);
	graph_destroy(graph);
}

Test(cycles, same_sizes_are_counted_by_the_cycle)
{
	struct heap_graph *graph = rings_graph(500, 7, 0);
	struct cycles cycles = cycles_of(graph);

	cr_assert_eq(cycles.cnt, 1);
	cr_assert_not(cycles.groups[0].merged);
	cr_assert_eq(cycles.groups[0].members[0].cnt, 7);
	cr_assert_eq(cycles.groups[0].ring_cnt, 7);
	cycles_deinit(&cycles);
	graph_destroy(graph);
}

Test(cycles, a_long_ring_is_cut_short)
{
	struct heap_graph *graph = rings_graph(1, 1000, 0);
	struct cycles cycles = cycles_of(graph);

	cr_assert_eq(cycles.groups[0].ring_cnt, CYCLE_RING_MAX);
	cr_assert_eq(cycles.groups[0].ring_total, 1000);
	cr_assert_eq(cycles.groups[0].cut_breaks[0], 1);
	cycles_deinit(&cycles);
	graph_destroy(graph);
}

/* What follows from what by the edges that count, transitively. */
static void close_slowly(const struct heap_graph *graph, bool follows[64][64])
{
	memset(follows, 0, 64 * sizeof(follows[0]));
	for (uint32_t n = 0; n < graph->node_cnt; n++) {
		for (uint32_t e = graph->first[n]; e < graph->first[n + 1]; e++)
			follows[n][graph->edges[e].to] |= cycles_follow(graph, n, &graph->edges[e]);
	}
	for (uint32_t via = 0; via < graph->node_cnt; via++) {
		for (uint32_t a = 0; a < graph->node_cnt; a++) {
			for (uint32_t b = 0; follows[a][via] && b < graph->node_cnt; b++)
				follows[a][b] |= follows[via][b];
		}
	}
}

static void expect_group(const struct heap_graph *graph, const struct cycle_group *group)
{
	uint64_t members = 0;

	for (size_t i = 0; i < group->member_cnt; i++)
		members += group->members[i].cnt * (group->merged ? 1 : group->cycles);
	cr_assert_eq(members, group->objects);
	cr_assert_geq(group->ring_cnt, 1);
	cr_assert_leq(group->cut_cnt, CYCLE_CUT_MAX);
	for (size_t i = 0; i < group->cut_cnt; i++) {
		cr_assert_leq(group->cut_breaks[i], group->examined);
		cr_assert(i == 0 || group->cut_breaks[i] >= group->cut_breaks[i - 1]);
	}
	cr_assert_leq(group->garbage, group->cycles);
	for (size_t i = 0; i < group->ring_cnt; i++) {
		cr_assert_lt(group->ring[i].from, graph->type_cnt);
		cr_assert_eq(graph->types[group->ring[i].to].name,
			     graph->types[group->ring[(i + 1) % group->ring_cnt].from].name);
	}
}

Test(cycles, random_graphs_agree_with_the_transitive_closure)
{
	static bool follows[64][64];

	for (uint32_t seed = 0; seed < 500; seed++) {
		struct heap_graph *graph = random_graph(seed);
		struct cycles cycles = cycles_of(graph);
		uint64_t objects = 0;

		close_slowly(graph, follows);
		for (uint32_t a = 0; a < graph->node_cnt; a++) {
			cr_assert_eq(cycles.component[a] != 0, follows[a][a], "seed %u node %u",
				     seed, a);
			objects += follows[a][a];
			for (uint32_t b = 0; follows[a][a] && b < graph->node_cnt; b++)
				cr_assert_eq(cycles.component[a] == cycles.component[b],
					     follows[a][b] && follows[b][a], "seed %u", seed);
		}
		for (size_t g = 0; g < cycles.cnt; g++) {
			expect_group(graph, &cycles.groups[g]);
			objects -= cycles.groups[g].objects;
		}
		cr_assert_eq(objects, 0);
		cycles_deinit(&cycles);
		graph_destroy(graph);
	}
}

Test(cycles, a_million_in_a_row, .timeout = 30)
{
	struct heap_graph *graph = chain_graph(1000000, true, true);
	struct cycles cycles = cycles_of(graph);

	cr_assert_eq(cycles.cnt, 1);
	cr_assert_eq(cycles.objects, 1000000);
	cr_assert_eq(cycles.groups[0].ring_cnt, 2);
	cycles_deinit(&cycles);
	graph_destroy(graph);
}
