/* SPDX-License-Identifier: BSD-2-Clause */
/* Saved graphs are foreign files. The first byte chooses: the rest is the file itself; or edits to
 * the values of a good file, with the right checksums; or writes into the memory of a sound graph.
 * A graph that is found sound is walked, saved, and must come back the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/graph_bytes.h"
#include "snapshot/graph_file.h"

#define MAX_BYTES (64ULL << 20)
#define EDIT_BYTES 6 /* where (2 bytes), how (1), and what (3) */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile size_t eaten;

static void eat(const char *name)
{
	eaten += strlen(name);
}

/* Tables as those that print a graph have them: a kind out of range shows. */
static void walk_edge(const struct heap_graph *graph, uint32_t node, uint32_t e)
{
	static uint64_t kinds[EDGE_KIND_CNT];
	const struct graph_edge *edge = &graph->edges[e];

	kinds[edge->kind]++;
	eaten += graph_edge_holds(edge) + graph_edge_counts(edge);
	eaten += graph->nodes[edge->to].bytes;
	if (edge->kind == EDGE_ROOT) {
		eaten += graph->nodes[graph->roots[edge->value].node].bytes;
		if (node != GRAPH_ROOT)
			abort();
	}
	if (edge->kind == EDGE_FIELD || edge->kind == EDGE_ATTRIBUTE || edge->kind == EDGE_VALUE ||
	    edge->kind == EDGE_LOCAL)
		eat(graph->text + graph->names[edge->value]);
}

static void walk_referrers(const struct heap_graph *graph)
{
	struct referrers referrers;
	uint32_t cnt = 0;

	if (graph_referrers(graph, &referrers))
		return;
	for (uint32_t n = 0; n < graph->node_cnt; n++) {
		for (uint32_t i = referrers.first[n]; i < referrers.first[n + 1]; i++, cnt++) {
			if (graph->edges[referrers.edge[i]].to != n ||
			    referrers.from[i] >= graph->node_cnt)
				abort();
		}
	}
	if (cnt != graph->edge_cnt)
		abort();
	referrers_deinit(&referrers);
}

static void walk(const struct heap_graph *graph)
{
	static uint64_t roles[ROLE_CNT], kinds[ROOT_KIND_CNT];
	uint32_t types[4];

	for (uint32_t n = 0; n < graph->node_cnt; n++) {
		roles[graph_node_type(graph, n)->role]++;
		eat(graph_type_name(graph, n));
		for (uint32_t e = graph->first[n]; e < graph->first[n + 1]; e++)
			walk_edge(graph, n, e);
	}
	for (uint32_t i = 0; i < graph->type_cnt; i++) {
		if (graph->types[i].node != NODE_NONE)
			eaten += graph->nodes[graph->types[i].node].bytes + graph->types[i].own;
		eaten += graph_find_types(graph, graph_name(graph, graph->types[i].name), types, 4);
	}
	for (uint32_t i = 0; i < graph->root_cnt; i++) {
		kinds[graph->roots[i].kind]++;
		eat(graph->text + graph->names[graph->roots[i].name]);
		eaten += graph->nodes[graph->roots[i].node].bytes;
	}
	for (uint32_t i = 0; i < graph->name_cnt; i++)
		eat(graph->text + graph->names[i]);
	eat(graph->info.program);
	walk_referrers(graph);
}

static void use(const struct heap_graph *graph)
{
	struct heap_graph *again;
	uint8_t *bytes;
	size_t size;

	if (!graph_is_sound(graph))
		abort();
	walk(graph);
	bytes = graph_bytes(graph, &size);
	if (graph_parse(bytes, size, 0, &again) || !graphs_equal(graph, again))
		abort();
	graph_destroy(again);
	free(bytes);
}

static void parse(const uint8_t *bytes, size_t size)
{
	struct heap_graph *graph;

	if (graph_parse(bytes, size, MAX_BYTES, &graph))
		return;
	use(graph);
	graph_destroy(graph);
}

static uint32_t word_of(const uint8_t *data, size_t width)
{
	uint32_t word = 0;

	memcpy(&word, data, width);
	return word;
}

/* Overwrites, puts in, takes out or cuts off values of a column. */
static void edit_column(struct raw_column *column, uint32_t where, uint8_t how, const uint8_t *what)
{
	size_t at = column->size ? where % column->size : 0, cnt = 1 + how / 4 % 3;

	switch (how % 4) {
	case 0:
		if (at + cnt <= column->size)
			memcpy(column->bytes + at, what, cnt);
		break;
	case 1:
		column->bytes = realloc(column->bytes, column->size + cnt);
		memmove(column->bytes + at + cnt, column->bytes + at, column->size - at);
		memcpy(column->bytes + at, what, cnt);
		column->size += cnt;
		break;
	case 2:
		if (at + cnt > column->size)
			break;
		memmove(column->bytes + at, column->bytes + at + cnt, column->size - at - cnt);
		column->size -= cnt;
		break;
	default:
		column->size = at;
	}
}

static void parse_edited(const struct heap_graph *good, const uint8_t *data, size_t size)
{
	struct raw_graph raw;
	uint8_t *bytes;
	size_t len;

	raw_graph_open(good, &raw);
	for (; size >= EDIT_BYTES; size -= EDIT_BYTES, data += EDIT_BYTES) {
		uint32_t where = word_of(data, 2);
		uint8_t how = data[2];

		if (how < 192)
			edit_column(&raw.columns[how % GRAPH_COLUMN_CNT], where,
				    how / GRAPH_COLUMN_CNT, data + 3);
		else if (how < 224) /* a count, a few more or fewer */
			raw.header.words[WORD_COUNTS + how % CNT_CNT] += where % 32U - 16U;
		else
			((uint8_t *)&raw.header)[where % sizeof(raw.header)] = data[3];
	}
	bytes = raw_graph_pack(&raw, &len);
	parse(bytes, len);
	free(bytes);
	raw_graph_close(&raw);
}

/* Writes anywhere into the graph's arrays; counts can only shrink, its maker knows how much memory
 * it has. */
static void use_overwritten(const struct heap_graph *good, const uint8_t *data, size_t size)
{
	uint8_t *bytes;
	struct heap_graph *graph;
	size_t len;

	bytes = graph_bytes(good, &len);
	if (graph_parse(bytes, len, 0, &graph))
		abort();
	free(bytes);
	struct {
		void *at;
		size_t size;
	} parts[] = {
		{ graph->nodes, graph->node_cnt * sizeof(*graph->nodes) },
		{ graph->first, (graph->node_cnt + 1) * sizeof(*graph->first) },
		{ graph->edges, graph->edge_cnt * sizeof(*graph->edges) },
		{ graph->types, graph->type_cnt * sizeof(*graph->types) },
		{ graph->roots, graph->root_cnt * sizeof(*graph->roots) },
		{ graph->text, graph->text_bytes },
		{ graph->names, graph->name_cnt * sizeof(*graph->names) },
		{ &graph->info, sizeof(graph->info) },
	};
	uint32_t *counts[] = { &graph->node_cnt, &graph->edge_cnt, &graph->type_cnt,
			       &graph->root_cnt, &graph->name_cnt, &graph->text_bytes };

	for (; size >= EDIT_BYTES; size -= EDIT_BYTES, data += EDIT_BYTES) {
		uint32_t where = word_of(data, 2), width = 1 + data[2] / 16 % 3;
		uint32_t part = data[2] % 16;

		if (part < 8)
			memcpy((uint8_t *)parts[part].at + where % (parts[part].size - width),
			       data + 3, width);
		else if (part < 14 && *counts[part - 8])
			*counts[part - 8] -= where % 8 % *counts[part - 8];
	}
	if (graph_is_sound(graph))
		use(graph);
	graph_destroy(graph);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct heap_graph *good;

	if (!good)
		good = graph_small();
	if (!size)
		return 0;
	if (data[0] == 'e')
		parse_edited(good, data + 1, size - 1);
	else if (data[0] == 'o')
		use_overwritten(good, data + 1, size - 1);
	else
		parse(data, size);
	return 0;
}
