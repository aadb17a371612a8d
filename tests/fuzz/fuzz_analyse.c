/* SPDX-License-Identifier: BSD-2-Clause */
/* Any graph through all analyses: the input is its types, nodes, edges and roots. */
#include <stdint.h>
#include <stdlib.h>

#include "../unit/make_graph.h"
#include "analyse_all.h"
#include "snapshot/graph_file.h"

#define NODES_MAX 256
#define TYPES_MAX 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint32_t take(const uint8_t **data, size_t *size)
{
	if (!*size)
		return 0;
	--*size;
	return *(*data)++;
}

static uint32_t value_of(struct graph_maker *m, enum edge_kind kind, uint32_t what)
{
	static const char *const names[] = { "", "x", "y", "__globals__", "f_builtins", "z" };

	switch (kind) {
	case EDGE_FIELD:
	case EDGE_ATTRIBUTE:
	case EDGE_LOCAL:
	case EDGE_VALUE:
		return maker_name(m, names[what % 6]);
	default:
		return what;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = { "app.A", "app.B", "dict", "list", "<frame>" };
	uint32_t types = 1 + take(&data, &size) % TYPES_MAX;
	uint32_t nodes = 1 + take(&data, &size) % (NODES_MAX - 1), roots = take(&data, &size) % 8;
	struct graph_maker *m = maker_create();
	struct heap_graph *graph;

	for (uint32_t t = 0; t < types; t++) {
		uint32_t what = take(&data, &size);

		maker_type(m, names[what % 5], what / 5 % ROLE_CNT, what & 1);
	}
	for (uint32_t n = 1; n <= nodes; n++) {
		uint32_t what = take(&data, &size);

		maker_node(m, 1 + what % types, what);
		maker_excess(m, n, what >> 6);
	}
	for (uint32_t r = 0; r < roots; r++) {
		uint32_t what = take(&data, &size);

		maker_root(m, 1 + what % nodes, what >> 4 & 7, "work 0x12 (a.py:7)");
	}
	while (size >= 3) {
		uint32_t from = 1 + take(&data, &size) % nodes, to = 1 + take(&data, &size) % nodes;
		uint32_t what = take(&data, &size);
		enum edge_kind kind = EDGE_FIELD + what % (EDGE_KIND_CNT - EDGE_FIELD);

		maker_edge(m, from, to, kind, value_of(m, kind, what >> 4));
	}
	graph = maker_finish(m);
	expect(graph_is_sound(graph));
	analyse_all(graph);
	graph_destroy(graph);
	return 0;
}
