/* SPDX-License-Identifier: BSD-2-Clause */
/* The snapshot that the golden files show: a module's list holds connections, each a dict of
 * channels, and a callback of the channel holds the connection again. What the analyses would
 * find is written by hand, with the numbers of a larger program. Every name can be replaced by
 * one: what a hostile program would choose.
 */
#ifndef PYLEAK_HEAP_FIXTURE_H
#define PYLEAK_HEAP_FIXTURE_H

#include "base/cleanup.h"
#include "make_graph.h"
#include "report/report.h"

enum heap_fixture_type {
	HEAP_ROOT, /* made by maker_create() */
	HEAP_MODULE,
	HEAP_DICT,
	HEAP_LIST,
	HEAP_METHOD,
	HEAP_CONNECTION,
	HEAP_CHANNEL,
	HEAP_MESSAGE,
	HEAP_FRAME,
	HEAP_LONG,
	HEAP_NATIVE,
	HEAP_SET,
	HEAP_TYPE_CNT
};

#define HEAP_CONNECTIONS 3
#define HEAP_MESSAGES 12

struct heap_fixture {
	struct heap_graph *graph;
	uint32_t component[128];
	uint32_t messages[HEAP_MESSAGES];
	uint32_t list; /* of connections */
	struct path_step through_cycle[6], through_frame[2], native[1], chain[40];
	struct path_shape shapes[4];
	struct paths paths;
	struct type_paths type_paths, container_paths;
	struct cycle_member members[5], long_members[HEAP_TYPE_CNT - 1];
	struct cycle_link ring[5];
	struct cycle_group groups[4];
	struct cycles cycles;
	struct audit_row audit_rows[3];
	struct audit audit;
	struct dominators dominators;
	uint64_t dominated_bytes[128];
	uint32_t dominated_objects[128];
	struct diff_row diff_rows[5];
	struct diff diff;
	struct type_total totals[4];
	struct heap_totals total;
	uint32_t connections, incoming, batch, key;
};

/* One connection with its channel, as the golden picture shows them. */
static void heap_fixture_connection(struct heap_fixture *f, struct graph_maker *m, uint32_t list,
				    uint32_t i, uint32_t channels, uint32_t callbacks,
				    uint32_t self)
{
	uint32_t c = maker_node(m, HEAP_CONNECTION, 48), attributes = maker_node(m, HEAP_DICT, 104);
	uint32_t by_number = maker_node(m, HEAP_DICT, 232), ch = maker_node(m, HEAP_CHANNEL, 48);
	uint32_t calls = maker_node(m, HEAP_LIST, 88), method = maker_node(m, HEAP_METHOD, 64);
	uint32_t incoming = maker_node(m, HEAP_LIST, 120);

	maker_edge(m, list, c, EDGE_INDEX, i);
	maker_edge(m, c, attributes, EDGE_DICT, 0);
	maker_edge(m, attributes, by_number, EDGE_ATTRIBUTE, channels);
	maker_edge(m, by_number, ch, EDGE_VALUE, 0);
	maker_edge(m, ch, calls, EDGE_ATTRIBUTE, callbacks);
	maker_edge(m, calls, method, EDGE_INDEX, 0);
	maker_edge(m, method, c, EDGE_FIELD, self);
	maker_edge(m, ch, incoming, EDGE_ATTRIBUTE, f->incoming);
	for (uint32_t node = c; node < incoming; node++)
		f->component[node] = i + 1;
	for (uint32_t k = 0; k < HEAP_MESSAGES / HEAP_CONNECTIONS; k++) {
		uint32_t message = maker_node(m, HEAP_MESSAGE, 56);

		f->messages[i * (HEAP_MESSAGES / HEAP_CONNECTIONS) + k] = message;
		maker_edge(m, incoming, message, EDGE_INDEX, k);
	}
}

static void heap_fixture_graph(struct heap_fixture *f, const char *n)
{
	struct graph_maker *m = maker_create();
	uint32_t module, globals, frame, batch;
	uint32_t channels, callbacks, self;

	maker_type(m, "module", ROLE_MODULE, false);
	maker_type(m, "dict", ROLE_DICT, false);
	maker_type(m, "list", ROLE_LIST, false);
	maker_type(m, "method", ROLE_METHOD, false);
	maker_type(m, n ? n : "mq.Connection", ROLE_INSTANCE, true);
	maker_type(m, n ? n : "mq.Channel", ROLE_INSTANCE, true);
	maker_type(m, n ? n : "mq.Message", ROLE_INSTANCE, true);
	maker_type(m, "<frame>", ROLE_PSEUDO, false);
	maker_type(m, n ? n : "a.package.with.a.very.long.name.of.modules.inside.it.AndAClassName",
		   ROLE_INSTANCE, true);
	maker_type(m, "<native>", ROLE_PSEUDO, false);
	maker_type(m, "set", ROLE_SET, false);
	f->connections = maker_name(m, n ? n : "connections");
	f->incoming = maker_name(m, n ? n : "incoming");
	f->batch = maker_name(m, n ? n : "batch");
	f->key = maker_name(m, n ? n : "host");
	channels = maker_name(m, n ? n : "channels");
	callbacks = maker_name(m, n ? n : "callbacks");
	self = maker_name(m, n ? n : "__self__");
	module = maker_node(m, HEAP_MODULE, 72);
	globals = maker_node(m, HEAP_DICT, 1184);
	f->list = maker_node(m, HEAP_LIST, 2680);
	frame = maker_node(m, HEAP_FRAME, 0);
	batch = maker_node(m, HEAP_LIST, 88);
	maker_root(m, module, ROOT_MODULE, n ? n : "mq");
	maker_root(m, frame, ROOT_FRAME, n ? n : "work (app.py:12)");
	maker_root(m, maker_node(m, HEAP_NATIVE, 0), ROOT_UNKNOWN, n ? n : "");
	maker_edge(m, module, globals, EDGE_DICT, 0);
	maker_edge(m, globals, f->list, EDGE_ATTRIBUTE, f->connections);
	maker_edge(m, frame, batch, EDGE_LOCAL, f->batch);
	for (uint32_t i = 0; i < HEAP_CONNECTIONS; i++)
		heap_fixture_connection(f, m, f->list, i, channels, callbacks, self);
	maker_edge(m, batch, f->messages[0], EDGE_INDEX, 0);
	f->ring[0] = (struct cycle_link){ HEAP_CHANNEL, HEAP_LIST, EDGE_ATTRIBUTE, callbacks };
	f->ring[1] = (struct cycle_link){ HEAP_LIST, HEAP_METHOD, EDGE_INDEX, 0 };
	f->ring[2] = (struct cycle_link){ HEAP_METHOD, HEAP_CONNECTION, EDGE_FIELD, self };
	f->ring[3] = (struct cycle_link){ HEAP_CONNECTION, HEAP_DICT, EDGE_ATTRIBUTE, channels };
	f->ring[4] = (struct cycle_link){ HEAP_DICT, HEAP_CHANNEL, EDGE_VALUE, 0 };
	f->graph = maker_finish(m);
	f->graph->info = (struct graph_info){
		.pid = 4242,
		.minor = 11,
		.micro = 2,
		.time = 1700000000,
		.pause_s = 0.031,
		.build_s = 1.24,
		.copied = 274096128,
		.paused = true,
		.loss = { .torn = 2, .unreadable = 1204 },
	};
	snprintf(f->graph->info.program, sizeof(f->graph->info.program), "%s",
		 n ? n : "python3 app.py --port 80");
}

static void heap_fixture_paths(struct heap_fixture *f)
{
	const struct path_step cycle[] = {
		{ HEAP_LIST, EDGE_INDEX, 0, false, false },
		{ HEAP_CHANNEL, EDGE_ATTRIBUTE, f->incoming, false, false },
		{ HEAP_DICT, EDGE_VALUE, 0, true, false },
		{ HEAP_CONNECTION, EDGE_ATTRIBUTE, f->ring[3].name, true, false },
		{ HEAP_LIST, EDGE_INDEX, 0, false, false },
		{ HEAP_MODULE, EDGE_ATTRIBUTE, f->connections, false, false },
	};

	memcpy(f->through_cycle, cycle, sizeof(cycle));
	f->through_frame[0] = (struct path_step){ HEAP_LIST, EDGE_INDEX, 0, false, false };
	f->through_frame[1] = (struct path_step){ HEAP_FRAME, EDGE_LOCAL, f->batch, false, false };
	f->native[0] = (struct path_step){ HEAP_NATIVE, EDGE_SCAN, 0, false, false };
	for (size_t i = 0; i < ARRAY_SIZE(f->chain); i++)
		f->chain[i] = (struct path_step){
			i % 3 ? HEAP_LONG : HEAP_DICT,
			i % 3	? EDGE_ATTRIBUTE
			: i % 2 ? EDGE_KEY
				: EDGE_VALUE,
			i % 3 || i % 2 == 0 ? f->key : 0,
			i % 9 == 4,
			i % 7 == 1,
		};
	f->shapes[0] = (struct path_shape){ f->through_cycle,  6, 0, 46781, 2619736, f->messages[0],
					    0x3f2a9c1d55e0b7a4 };
	f->shapes[1] = (struct path_shape){ f->through_frame,  2, 1, 1024, 57344, f->messages[0],
					    0x00f1e2d3c4b5a697 };
	f->shapes[2] = (struct path_shape){ f->native, 1, 2, 200, 11200, f->messages[1], 1 };
	f->shapes[3] = (struct path_shape){ f->chain, 40, 1, 12, 672, f->messages[2], UINT64_MAX };
	f->paths = (struct paths){ f->shapes, 4, 48129, 2695224, 12, 100 };
	f->type_paths = (struct type_paths){ HEAP_MESSAGE, 0, &f->paths, { 210133, 32925286 } };
	f->container_paths = (struct type_paths){ HEAP_LIST, 0x7f12ab34cd00, &f->paths, { 0, 0 } };
}

static void heap_fixture_cycles(struct heap_fixture *f)
{
	for (uint32_t i = 0; i < ARRAY_SIZE(f->members); i++)
		f->members[i] = (struct cycle_member){ f->ring[i].from, 1 };
	for (uint32_t i = 0; i < ARRAY_SIZE(f->long_members); i++)
		f->long_members[i] = (struct cycle_member){ i + 1, 100 - i };
	f->groups[0] = (struct cycle_group){
		.members = f->members,
		.member_cnt = 5,
		.ring = f->ring,
		.ring_cnt = 5,
		.ring_total = 5,
		.cycles = 4812,
		.objects = 24060,
		.bytes = 3250586,
		.cut = { f->ring[0] },
		.cut_cnt = 1,
		.cut_breaks = { 4812 },
		.examined = 4812,
		.example = f->list,
	};
	f->groups[1] = (struct cycle_group){
		.members = f->long_members,
		.member_cnt = ARRAY_SIZE(f->long_members),
		.ring = f->ring,
		.ring_cnt = 2,
		.ring_total = 2,
		.cycles = 3000,
		.objects = 9000,
		.bytes = 720000,
		.garbage = 12,
		.cut = { f->ring[3], f->ring[0], f->ring[1] },
		.cut_cnt = 3,
		.cut_breaks = { 0, 611, 980 },
		.examined = 1000,
		.example = f->list,
	};
	f->groups[2] = (struct cycle_group){
		.members = f->members,
		.member_cnt = 2,
		.ring = f->ring,
		.ring_cnt = 1,
		.ring_total = 1,
		.cycles = 1,
		.objects = 2,
		.bytes = 128,
		.garbage = 1,
		.examined = 1,
		.example = f->list,
	};
	f->groups[3] = (struct cycle_group){ .members = f->members,
					     .member_cnt = 1,
					     .cycles = 31,
					     .objects = 900,
					     .bytes = 100000,
					     .example = f->list,
					     .classes = true };
	f->cycles = (struct cycles){ f->component, 3, f->groups, 4, 7844, 33962, 4070714 };
}

static void heap_fixture_tables(struct heap_fixture *f, const char *n)
{
	const char *name = n ? n : "mq.Message";

	f->audit_rows[0] = (struct audit_row){ HEAP_MESSAGE, 512, 512, 512, f->messages[0] };
	f->audit_rows[1] = (struct audit_row){ HEAP_LONG, 30, 61, 4, f->messages[1] };
	f->audit_rows[2] = (struct audit_row){ HEAP_LIST, 1, 1, 0, f->list };
	f->audit = (struct audit){ f->audit_rows, 3, 1204331, 2, 4180 };
	f->dominated_bytes[f->list] = 32925286;
	f->dominated_objects[f->list] = 210133;
	f->dominated_bytes[f->messages[0]] = 56;
	f->dominated_objects[f->messages[0]] = 1;
	f->dominators = (struct dominators){ NULL, f->dominated_bytes, f->dominated_objects };
	f->diff_rows[0] = (struct diff_row){ name, 46536, 48129, 2606016, 2695224, 1893, 0, 0 };
	f->diff_rows[1] = (struct diff_row){
		n ? n : "mq.Channel", 30820, 31876, 1725920, 1785056, 1056, 3, 515
	};
	f->diff_rows[2] = (struct diff_row){ "list", 1000, 1000, 88000, 88000, 40, 0, 0 };
	f->diff_rows[3] = (struct diff_row){ "function", 8123, 8123, 1169712, 1169712, 0, 0, 0 };
	f->diff_rows[4] = (struct diff_row){ "dict", 61304, 61204, 14200480, 14100480, 0, 1, 1 };
	f->diff = (struct diff){ f->diff_rows, 5, true };
	f->totals[0] = (struct type_total){ HEAP_DICT, 61204, 14100480 };
	f->totals[1] = (struct type_total){ HEAP_MESSAGE, 48129, 2695224 };
	f->totals[2] = (struct type_total){ HEAP_LONG, 7, 392 };
	f->totals[3] = (struct type_total){ HEAP_LIST, 1, 88 };
	f->total = (struct heap_totals){ 1204331, 181931004, 3403223, 148 };
}

/* `name`: NULL for the plain one. Ends with graph_destroy(f->graph). */
static inline void heap_fixture_make(struct heap_fixture *f, const char *name)
{
	*f = (struct heap_fixture){ 0 };
	heap_fixture_graph(f, name);
	heap_fixture_paths(f);
	heap_fixture_cycles(f);
	heap_fixture_tables(f, name);
}

/* Every op for snapshots, with results and with none. */
static inline void heap_fixture_draw(struct report *report, const struct heap_fixture *f)
{
	const struct report_ops *ops = report->ops;
	const uint32_t top[] = { f->list, f->messages[0], f->messages[1] };
	const struct path_shape ways[] = { f->shapes[1], f->shapes[0], { .root = NODE_NONE } };
	const struct graph_info running = { .pid = 4242, .minor = 14, .copied = 1 };
	const struct paths no_paths = { .instances = 1, .bytes = 56, .unreachable = 1 };
	const struct type_paths none = { .type = HEAP_MESSAGE, .paths = &no_paths };
	struct diff other = f->diff;

	ops->snapshot(report, &f->graph->info, &f->total);
	ops->all_types(report, f->graph, f->totals, ARRAY_SIZE(f->totals), 3);
	ops->paths(report, f->graph, &f->type_paths, 0);
	ops->paths(report, f->graph, &f->container_paths, 2);
	ops->cycles(report, f->graph, &f->cycles, 0);
	ops->holders(report, f->graph, &f->dominators, top, ways, 3);
	ops->audit(report, f->graph, &f->audit, 2);
	ops->diff(report, &f->diff, 2);
	other.same_process = false;
	ops->diff(report, &other, 0);
	ops->snapshot(report, &running, &(struct heap_totals){ 0 });
	ops->all_types(report, f->graph, NULL, 0, 0);
	ops->paths(report, f->graph, &none, 0);
	ops->cycles(report, f->graph, &(struct cycles){ 0 }, 0);
	ops->holders(report, f->graph, &f->dominators, NULL, NULL, 0);
	ops->audit(report, f->graph, &(struct audit){ .objects = 12 }, 0);
	ops->diff(report, &(struct diff){ .same_process = true }, 0);
}

#endif
