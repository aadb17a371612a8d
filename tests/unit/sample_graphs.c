/* SPDX-License-Identifier: BSD-2-Clause */
#include "sample_graphs.h"

#include <string.h>

static void add_connection(struct graph_maker *m, struct model *model, uint32_t index)
{
	uint32_t connection = maker_node(m, model->connection, 100);
	uint32_t attributes = maker_node(m, model->dict, 200);
	uint32_t channels = maker_node(m, model->dict, 300);
	uint32_t channel = maker_node(m, model->channel, 100);
	uint32_t more = maker_node(m, model->dict, 200);
	uint32_t callbacks = maker_node(m, model->list, 60);
	uint32_t incoming = maker_node(m, model->list, 60);
	uint32_t method = maker_node(m, model->method, 70);

	if (!index)
		model->first_connection = connection;
	maker_edge(m, model->connections, connection, EDGE_INDEX, index);
	maker_edge(m, connection, attributes, EDGE_DICT, 0);
	maker_edge(m, attributes, channels, EDGE_ATTRIBUTE, maker_name(m, "channels"));
	maker_edge(m, channels, channel, EDGE_VALUE, 0);
	maker_edge(m, channel, more, EDGE_DICT, 0);
	maker_edge(m, more, callbacks, EDGE_ATTRIBUTE, maker_name(m, "callbacks"));
	maker_edge(m, more, incoming, EDGE_ATTRIBUTE, maker_name(m, "incoming"));
	maker_edge(m, callbacks, method, EDGE_INDEX, 0);
	maker_edge(m, method, connection, EDGE_FIELD, maker_name(m, "__self__"));
	for (uint32_t i = 0; i < MODEL_MESSAGES; i++) {
		uint32_t message = maker_node(m, model->message, 50);

		if (!index && !i)
			model->first_message = message;
		maker_edge(m, incoming, message, EDGE_INDEX, i);
	}
}

struct model model_leak(void)
{
	struct graph_maker *m = maker_create();
	struct model model = {
		.connection = maker_type(m, "mq.Connection", ROLE_INSTANCE, true),
		.channel = maker_type(m, "mq.Channel", ROLE_INSTANCE, true),
		.message = maker_type(m, "mq.Message", ROLE_INSTANCE, true),
		.dict = maker_type(m, "dict", ROLE_DICT, false),
		.list = maker_type(m, "list", ROLE_LIST, false),
		.method = maker_type(m, "method", ROLE_METHOD, false),
		.module = maker_type(m, "module", ROLE_MODULE, false),
	};
	uint32_t globals;

	model.module_node = maker_node(m, model.module, 80);
	globals = maker_node(m, model.dict, 1000);
	model.connections = maker_node(m, model.list, 500);
	maker_root(m, model.module_node, ROOT_MODULE, "mq");
	maker_excess(m, model.module_node, 1);
	maker_edge(m, model.module_node, globals, EDGE_DICT, 0);
	maker_edge(m, globals, model.connections, EDGE_ATTRIBUTE, maker_name(m, "connections"));
	for (uint32_t i = 0; i < MODEL_CONNECTIONS; i++)
		add_connection(m, &model, i);
	model.graph = maker_finish(m);
	return model;
}

static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

static const struct {
	const char *name;
	enum type_role role;
	uint32_t flags;
} random_types[] = {
	{ "app.A", ROLE_INSTANCE, NODE_TRACKED },    { "app.B", ROLE_INSTANCE, NODE_TRACKED },
	{ "dict", ROLE_DICT, NODE_TRACKED },	     { "list", ROLE_LIST, NODE_TRACKED },
	{ "function", ROLE_FUNCTION, NODE_TRACKED }, { "type", ROLE_TYPE, NODE_TRACKED },
	{ "module", ROLE_MODULE, NODE_TRACKED },     { "tuple", ROLE_TUPLE, 0 },
	{ "<native>", ROLE_PSEUDO, NODE_PSEUDO },    { "app.A", ROLE_INSTANCE, NODE_TRACKED },
};
#define RANDOM_TYPES (sizeof(random_types) / sizeof(random_types[0]))

static void random_edge(struct graph_maker *m, uint32_t cnt, uint32_t *state)
{
	static const char *const names[] = { "x", "y", "__globals__", "__dict__" };
	enum edge_kind kind = EDGE_FIELD + next_random(state) % (EDGE_KIND_CNT - EDGE_FIELD);
	const char *name = names[next_random(state) % 4];
	uint32_t from = 1 + next_random(state) % cnt, to = 1 + next_random(state) % cnt;
	bool named = kind == EDGE_FIELD || kind == EDGE_ATTRIBUTE || kind == EDGE_LOCAL ||
		     kind == EDGE_VALUE;

	maker_edge(m, from, to, kind, named ? maker_name(m, name) : 0);
}

struct heap_graph *random_graph(uint32_t seed)
{
	struct graph_maker *m = maker_create();
	uint32_t state = seed * 2654435761U + 1, kinds[60];
	uint32_t cnt = 1 + next_random(&state) % 59;
	uint32_t edges = next_random(&state) % (1 + cnt * (1 + seed % 3));
	uint32_t roots = next_random(&state) % 4;
	struct heap_graph *graph;

	for (size_t t = 0; t < RANDOM_TYPES; t++)
		maker_type(m, random_types[t].name, random_types[t].role, t < 2);
	for (uint32_t n = 1; n <= cnt; n++) {
		kinds[n - 1] = next_random(&state) % RANDOM_TYPES;
		maker_node(m, 1 + kinds[n - 1], 16 + next_random(&state) % 100);
		if (next_random(&state) % 8 == 0)
			maker_excess(m, n, 1 + next_random(&state) % 3);
	}
	for (uint32_t e = 0; e < edges; e++)
		random_edge(m, cnt, &state);
	for (uint32_t r = 0; r < roots; r++)
		maker_root(m, 1 + next_random(&state) % cnt, next_random(&state) % ROOT_KIND_CNT,
			   "r");
	graph = maker_finish(m);
	for (uint32_t n = 1; n <= cnt; n++)
		graph->nodes[n].flags = random_types[kinds[n - 1]].flags;
	return graph;
}

struct heap_graph *chain_graph(uint32_t cnt, bool doubly, bool listed)
{
	struct graph_maker *m = maker_create();
	uint32_t module = maker_type(m, "module", ROLE_MODULE, false);
	uint32_t list = maker_type(m, "list", ROLE_LIST, false);
	uint32_t node = maker_type(m, "app.Node", ROLE_INSTANCE, true);
	uint32_t next = maker_name(m, "next"), back = maker_name(m, "back");

	maker_node(m, module, 50);
	maker_node(m, list, 60);
	maker_root(m, 1, ROOT_MODULE, "app");
	maker_edge(m, 1, 2, EDGE_ATTRIBUTE, maker_name(m, "all"));
	for (uint32_t i = 0; i < cnt; i++)
		maker_node(m, node, 48);
	maker_edge(m, 1, 3, EDGE_ATTRIBUTE, maker_name(m, "head"));
	for (uint32_t i = 0; i < cnt; i++) {
		if (listed)
			maker_edge(m, 2, 3 + i, EDGE_INDEX, i);
		if (i + 1 < cnt)
			maker_edge(m, 3 + i, 4 + i, EDGE_ATTRIBUTE, next);
		if (doubly && i)
			maker_edge(m, 3 + i, 2 + i, EDGE_ATTRIBUTE, back);
	}
	return maker_finish(m);
}

uint32_t nodes_of(const struct heap_graph *graph, uint32_t type, uint32_t *out)
{
	uint32_t cnt = 0;

	for (uint32_t n = 0; n < graph->node_cnt; n++) {
		if (graph->nodes[n].type == type)
			out[cnt++] = n;
	}
	return cnt;
}

void reach_slowly(const struct heap_graph *graph, const bool *without, bool *reached)
{
	bool more = true;

	memset(reached, 0, graph->node_cnt);
	reached[GRAPH_ROOT] = true;
	while (more) {
		more = false;
		for (uint32_t n = 0; n < graph->node_cnt; n++) {
			for (uint32_t e = graph->first[n]; reached[n] && e < graph->first[n + 1];
			     e++) {
				const struct graph_edge *edge = &graph->edges[e];

				if (edge->kind == EDGE_WEAK || edge->kind == EDGE_BORROWED ||
				    reached[edge->to] || (without && without[edge->to]))
					continue;
				reached[edge->to] = true;
				more = true;
			}
		}
	}
}
