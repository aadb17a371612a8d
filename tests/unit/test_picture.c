/* SPDX-License-Identifier: BSD-2-Clause */
/* Pictures of graphs made by hand: what is one node, what is counted, what is left out. */
#include <criterion/criterion.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../golden/heap_fixture.h"
#include "analyse/picture.h"

static struct heap_fixture fixture;

static struct picture draw(const struct heap_graph *graph, const struct cycles *cycles,
			   const uint32_t *start, size_t cnt, unsigned int limit,
			   unsigned int depth)
{
	const struct picture_options options = { .limit = limit, .depth = depth };
	struct referrers referrers;
	struct picture picture;

	cr_assert_eq(graph_referrers(graph, &referrers), 0);
	cr_assert_eq(picture_of_objects(graph, &referrers, cycles, start, cnt, &options, &picture),
		     0);
	referrers_deinit(&referrers);
	return picture;
}

/* "list" held by `holder` by `name`: the only node of which this is true. NODE_NONE: none. */
static uint32_t find_held(const struct heap_graph *graph, const struct picture *picture,
			  const char *holder, const char *name)
{
	uint32_t found = NODE_NONE;

	for (size_t i = 0; i < picture->edge_cnt; i++) {
		const struct picture_edge *e = &picture->edges[i];
		uint32_t type = picture->nodes[e->from].type;

		if (type == NODE_NONE ||
		    strcmp(graph_name(graph, graph->types[type].name), holder) ||
		    strcmp(graph_name(graph, e->labels[0].name), name))
			continue;
		cr_assert_eq(found, NODE_NONE, "two are held by %s.%s", holder, name);
		found = e->to;
	}
	return found;
}

static const struct picture_edge *find_edge(const struct picture *picture, uint32_t from,
					    uint32_t to)
{
	for (size_t i = 0; i < picture->edge_cnt; i++) {
		if (picture->edges[i].from == from && picture->edges[i].to == to)
			return &picture->edges[i];
	}
	return NULL;
}

static struct picture draw_fixture(unsigned int limit, unsigned int depth)
{
	heap_fixture_make(&fixture, NULL);
	return draw(fixture.graph, &fixture.cycles, fixture.messages, HEAP_MESSAGES, limit, depth);
}

Test(picture, groups_of_the_fixture)
{
	struct picture p = draw_fixture(0, 0);
	uint32_t incoming = find_held(fixture.graph, &p, "mq.Channel", "incoming");
	uint32_t callbacks = find_held(fixture.graph, &p, "mq.Channel", "callbacks");
	uint32_t list = find_held(fixture.graph, &p, "module", "connections");
	uint32_t batch = find_held(fixture.graph, &p, "<frame>", "batch");
	uint32_t channels = find_held(fixture.graph, &p, "mq.Connection", "channels");

	cr_assert_eq(p.node_cnt, 11);
	cr_assert_eq(p.edge_cnt, 11);
	cr_assert(p.nodes[0].start);
	cr_assert_eq(p.nodes[0].objects, HEAP_MESSAGES);
	cr_assert_eq(p.nodes[0].bytes, HEAP_MESSAGES * 56);
	cr_assert_eq(p.nodes[incoming].objects, HEAP_CONNECTIONS);
	cr_assert_eq(p.nodes[callbacks].objects, HEAP_CONNECTIONS);
	cr_assert_eq(p.nodes[channels].objects, HEAP_CONNECTIONS);
	cr_assert_eq(p.nodes[list].objects, 1);
	cr_assert_eq(p.nodes[batch].objects, 1);
	cr_assert_eq(find_edge(&p, incoming, 0)->references, HEAP_MESSAGES);
	cr_assert_eq(find_edge(&p, batch, 0)->references, 1);
	cr_assert_float_eq(p.nodes[incoming].share, 11.5 / 12, 1e-6);
	picture_deinit(&p);
	graph_destroy(fixture.graph);
}

Test(picture, cycles_and_roots_are_marked)
{
	struct picture p = draw_fixture(0, 0);
	uint32_t incoming = find_held(fixture.graph, &p, "mq.Channel", "incoming");
	uint32_t callbacks = find_held(fixture.graph, &p, "mq.Channel", "callbacks");
	size_t cyclic_nodes = 0, cyclic_edges = 0, ends = 0;

	for (size_t i = 0; i < p.node_cnt; i++) {
		cyclic_nodes += p.nodes[i].cycle;
		ends += p.nodes[i].end;
		cr_assert_eq(p.nodes[i].end, p.nodes[i].root != NODE_NONE);
		cr_assert_not(p.nodes[i].open);
	}
	for (size_t i = 0; i < p.edge_cnt; i++)
		cyclic_edges += p.edges[i].cycle;
	cr_assert_eq(cyclic_nodes, 5);
	cr_assert_eq(cyclic_edges, 5);
	cr_assert_eq(ends, 2);
	cr_assert(p.nodes[callbacks].cycle);
	cr_assert_not(p.nodes[incoming].cycle);
	picture_deinit(&p);
	graph_destroy(fixture.graph);
}

Test(picture, depth_ends_the_way)
{
	struct picture p = draw_fixture(0, 2);

	/* Message, two lists, Channel, the frame. */
	cr_assert_eq(p.node_cnt, 5);
	for (size_t i = 0; i < p.node_cnt; i++)
		cr_assert_eq(p.nodes[i].open, p.nodes[i].type == HEAP_CHANNEL);
	picture_deinit(&p);
	graph_destroy(fixture.graph);
}

Test(picture, one_object_without_grouping)
{
	struct picture p;
	struct referrers referrers;

	heap_fixture_make(&fixture, NULL);
	graph_referrers(fixture.graph, &referrers);
	cr_assert_eq(
		picture_of_object(fixture.graph, &referrers, NULL, fixture.messages[0], NULL, &p),
		0);
	cr_assert(p.single);
	cr_assert_eq(p.node_cnt, 11);
	for (size_t i = 0; i < p.node_cnt; i++) {
		cr_assert_eq(p.nodes[i].objects, 1);
		cr_assert_not(p.nodes[i].cycle, "no cycles were given");
	}
	cr_assert_eq(p.nodes[0].example, fixture.messages[0]);
	picture_deinit(&p);
	cr_assert_eq(picture_of_object(fixture.graph, &referrers, NULL, NODE_NONE, NULL, &p),
		     -EINVAL);
	cr_assert_eq(picture_of_objects(fixture.graph, &referrers, NULL, NULL, 0, NULL, &p),
		     -EINVAL);
	referrers_deinit(&referrers);
	graph_destroy(fixture.graph);
}

/* 820 leaked objects; class i of 40 holds 40 - i of them; one module holds all holders. */
static struct heap_graph *make_many(uint32_t *start, size_t *cnt)
{
	struct graph_maker *m = maker_create();
	uint32_t leaked = maker_type(m, "Leaked", ROLE_INSTANCE, true);
	uint32_t module = maker_node(m, maker_type(m, "module", ROLE_MODULE, false), 72);
	uint32_t attribute = maker_name(m, "item");

	*cnt = 0;
	maker_root(m, module, ROOT_MODULE, "many");
	for (uint32_t i = 0; i < 40; i++) {
		uint32_t holder;
		char name[32];

		snprintf(name, sizeof(name), "Holder%02u", i);
		holder = maker_node(m, maker_type(m, name, ROLE_INSTANCE, true), 48);
		snprintf(name, sizeof(name), "global%02u", i);
		maker_edge(m, module, holder, EDGE_ATTRIBUTE, maker_name(m, name));
		for (uint32_t k = i; k < 40; k++) {
			start[*cnt] = maker_node(m, leaked, 16);
			maker_edge(m, holder, start[(*cnt)++], EDGE_ATTRIBUTE, attribute);
		}
	}
	return maker_finish(m);
}

Test(picture, the_strongest_stay_and_the_others_are_summed)
{
	static uint32_t start[1000];
	size_t cnt;
	struct heap_graph *graph = make_many(start, &cnt);
	struct picture p = draw(graph, NULL, start, cnt, 12, 0);
	const struct picture_node *rest = &p.nodes[11];
	const struct picture_edge *e;

	cr_assert_eq(p.node_cnt, 12);
	cr_assert_eq(p.nodes[0].objects, 820);
	/* The module holds all: first after the start. */
	cr_assert_eq(p.nodes[1].root, 0);
	cr_assert_float_eq(p.nodes[1].share, 1, 1e-5);
	cr_assert_str_eq(graph_name(graph, graph->types[p.nodes[2].type].name), "Holder00");
	cr_assert_eq(rest->type, NODE_NONE);
	cr_assert_eq(rest->groups, 31);
	cr_assert_eq(rest->objects, 31);
	e = find_edge(&p, 11, 0);
	cr_assert_not_null(e);
	cr_assert_eq(e->references, 31 * 32 / 2);
	cr_assert_null(find_edge(&p, 1, 11), "the module holds others that are drawn");
	picture_deinit(&p);
	graph_destroy(graph);
}

Test(picture, one_object_with_many_holders_shows_ten)
{
	struct graph_maker *m = maker_create();
	uint32_t list = maker_type(m, "list", ROLE_LIST, false);
	uint32_t object = maker_node(m, maker_type(m, "Leaked", ROLE_INSTANCE, true), 16);
	struct referrers referrers;
	struct heap_graph *graph;
	struct picture p;

	for (uint32_t i = 0; i < 50; i++)
		maker_edge(m, maker_node(m, list, 64), object, EDGE_INDEX, i);
	graph = maker_finish(m);
	graph_referrers(graph, &referrers);
	cr_assert_eq(picture_of_object(graph, &referrers, NULL, object, NULL, &p), 0);
	cr_assert_eq(p.node_cnt, 12);
	cr_assert_eq(p.nodes[11].type, NODE_NONE);
	cr_assert_eq(p.nodes[11].groups, 40);
	cr_assert_eq(p.edges[3].labels[0].kind, EDGE_INDEX);
	cr_assert_eq(p.edges[3].labels[0].name, 3, "around one object, the index is a name");
	picture_deinit(&p);
	referrers_deinit(&referrers);
	graph_destroy(graph);
}

/* tuple -> list -> tuple -> list -> ... -> the object */
Test(picture, a_nest_of_containers_is_a_ring)
{
	struct graph_maker *m = maker_create();
	uint32_t list = maker_type(m, "list", ROLE_LIST, false);
	uint32_t tuple = maker_type(m, "tuple", ROLE_TUPLE, false);
	uint32_t object = maker_node(m, maker_type(m, "Leaked", ROLE_INSTANCE, true), 16);
	uint32_t held = object;
	struct heap_graph *graph;
	struct picture p;
	bool open = false;

	for (uint32_t i = 0; i < 300; i++) {
		uint32_t holder = maker_node(m, i % 2 ? tuple : list, 64);

		maker_edge(m, holder, held, EDGE_INDEX, 0);
		held = holder;
	}
	graph = maker_finish(m);
	p = draw(graph, NULL, &object, 1, 0, 250);
	cr_assert_leq(p.node_cnt, 5);
	cr_assert_eq(p.nodes[0].objects, 1);
	for (size_t i = 0; i < p.node_cnt; i++) {
		open |= p.nodes[i].open;
		cr_assert_leq(p.nodes[i].share, 1);
	}
	cr_assert(open, "depth 250 of 300");
	picture_deinit(&p);
	graph_destroy(graph);
}

/* Itself in its own attribute dict, weak references, and references from what no root holds. */
Test(picture, odd_references)
{
	struct graph_maker *m = maker_create();
	uint32_t leaked = maker_type(m, "Leaked", ROLE_INSTANCE, true);
	uint32_t dict = maker_type(m, "dict", ROLE_DICT, false);
	uint32_t object = maker_node(m, leaked, 16), attributes = maker_node(m, dict, 104);
	uint32_t weak = maker_node(m, maker_type(m, "weakref", ROLE_WEAKREF, false), 72);
	uint32_t type = maker_node(m, maker_type(m, "type", ROLE_TYPE, false), 1064);
	struct heap_graph *graph;
	struct picture p;

	maker_edge(m, object, attributes, EDGE_DICT, 0);
	maker_edge(m, attributes, object, EDGE_ATTRIBUTE, maker_name(m, "me"));
	maker_edge(m, weak, object, EDGE_WEAK, 0);
	maker_edge(m, type, object, EDGE_ATTRIBUTE, maker_name(m, "instance"));
	graph = maker_finish(m);
	graph->types[leaked].node = type;
	p = draw(graph, NULL, &object, 1, 0, 0);
	cr_assert_eq(p.node_cnt, 2);
	cr_assert_eq(p.nodes[1].class, leaked);
	cr_assert(p.nodes[1].end);
	cr_assert_eq(p.edge_cnt, 2);
	cr_assert_not_null(find_edge(&p, 0, 0));
	cr_assert_not_null(find_edge(&p, 1, 0));
	picture_deinit(&p);
	graph_destroy(graph);
}

/* 30 classes that all hold each other, and modules that hold one object each of the weakest. */
Test(picture, of_a_thicket_the_strongest_arrows_and_roots_are_drawn)
{
	struct graph_maker *m = maker_create();
	uint32_t leaked = maker_node(m, maker_type(m, "Leaked", ROLE_INSTANCE, true), 16);
	uint32_t name = maker_name(m, "other"), holders[30], roots = 0;
	uint32_t module = maker_type(m, "module", ROLE_MODULE, false);
	struct heap_graph *graph;
	struct picture p;
	char text[32];

	for (uint32_t i = 0; i < 30; i++) {
		snprintf(text, sizeof(text), "Holder%u", i);
		holders[i] = maker_node(m, maker_type(m, text, ROLE_INSTANCE, true), 48);
		for (uint32_t k = 0; k < 30 - i; k++)
			maker_edge(m, holders[i], leaked, EDGE_ATTRIBUTE, name);
		for (uint32_t k = 0; k < i; k++) {
			maker_edge(m, holders[i], holders[k], EDGE_ATTRIBUTE, name);
			maker_edge(m, holders[k], holders[i], EDGE_ATTRIBUTE, name);
		}
	}
	for (uint32_t i = 20; i < 30; i++) {
		uint32_t root = maker_node(m, module, 72);

		snprintf(text, sizeof(text), "m%u", i);
		maker_root(m, root, ROOT_MODULE, text);
		maker_edge(m, root, holders[i], EDGE_ATTRIBUTE, name);
	}
	graph = maker_finish(m);
	p = draw(graph, NULL, &leaked, 1, 20, 0);
	cr_assert_eq(p.node_cnt, 20);
	cr_assert_leq(p.edge_cnt, 40);
	cr_assert_gt(p.hidden_edges, 100);
	for (size_t i = 0; i < p.node_cnt; i++)
		roots += p.nodes[i].end;
	cr_assert_geq(roots, 4);
	picture_deinit(&p);
	graph_destroy(graph);
}
