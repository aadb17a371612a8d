/* SPDX-License-Identifier: BSD-2-Clause */
/* Two snapshots of one process: what grew, and which objects are new. */
#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

#include "analyse/diff.h"
#include "sample_graphs.h"

/* Objects of app.Leak and dict at the addresses given; `shift` puts other types before them, as in
 * another snapshot. */
static struct heap_graph *snapshot(const uint64_t *leaks, uint32_t leak_cnt, const uint64_t *dicts,
				   uint32_t dict_cnt, uint32_t shift)
{
	struct graph_maker *m = maker_create();
	uint32_t leak, dict;
	struct heap_graph *graph;

	for (uint32_t i = 0; i < shift; i++)
		maker_type(m, "other", ROLE_OTHER, false);
	dict = maker_type(m, "dict", ROLE_DICT, false);
	leak = maker_type(m, "app.Leak", ROLE_INSTANCE, true);
	for (uint32_t i = 0; i < leak_cnt; i++)
		maker_excess(m, maker_node(m, leak, 40), 1);
	for (uint32_t i = 0; i < dict_cnt; i++)
		maker_node(m, dict, 100);
	graph = maker_finish(m);
	for (uint32_t i = 0; i < leak_cnt; i++)
		graph->nodes[1 + i].address = leaks[i];
	for (uint32_t i = 0; i < dict_cnt; i++)
		graph->nodes[1 + leak_cnt + i].address = dicts[i];
	graph->info.pid = 42;
	strcpy(graph->info.program, "python3");
	return graph;
}

static const uint64_t leaks_before[] = { 0x7f0000001000, 0x100 };
static const uint64_t dicts_before[] = { 0x200, 0x7f0000002000, 0x300, 0x400 };
/* A dict's place at 0x300 is taken by a leak. */
static const uint64_t leaks_after[] = { 0x900000, 0x100, 0x300, 0x7f0000001000, 0x10 };
static const uint64_t dicts_after[] = { 0x7f0000002000, 0x400, 0x7f0000002040 };

Test(diff, rows_tell_what_grew)
{
	struct heap_graph *before = snapshot(leaks_before, 2, dicts_before, 4, 0);
	struct heap_graph *after = snapshot(leaks_after, 5, dicts_after, 3, 3);
	struct diff diff;

	cr_assert_eq(diff_graphs(before, after, &diff), 0);
	cr_assert(diff.same_process);
	cr_assert_eq(diff.cnt, 2);
	cr_assert_str_eq(diff.rows[0].name, "app.Leak");
	cr_assert_eq(diff.rows[0].before, 2);
	cr_assert_eq(diff.rows[0].after, 5);
	cr_assert_eq(diff.rows[0].bytes_before, 80);
	cr_assert_eq(diff.rows[0].bytes_after, 200);
	cr_assert_eq(diff.rows[0].fresh, 3);
	cr_assert_eq(diff.rows[0].excess_before, 2);
	cr_assert_eq(diff.rows[0].excess_after, 5);
	cr_assert_str_eq(diff.rows[1].name, "dict");
	cr_assert_eq(diff.rows[1].before, 4);
	cr_assert_eq(diff.rows[1].after, 3);
	cr_assert_eq(diff.rows[1].fresh, 1);
	cr_assert_eq(diff.rows[1].excess_after, 0);
	diff_deinit(&diff);
	graph_destroy(before);
	graph_destroy(after);
}

Test(diff, another_process_has_other_addresses)
{
	struct heap_graph *before = snapshot(leaks_before, 2, dicts_before, 4, 0);
	struct heap_graph *after = snapshot(leaks_after, 5, dicts_after, 3, 3);
	uint32_t fresh[8];
	struct diff diff;

	after->info.pid++;
	cr_assert_eq(diff_graphs(before, after, &diff), 0);
	cr_assert_not(diff.same_process);
	cr_assert_eq(diff.rows[0].after, 5);
	cr_assert_eq(diff.rows[0].fresh, 0);
	cr_assert_eq(diff_fresh(before, after, 5, fresh), 0);
	diff_deinit(&diff);
	graph_destroy(before);
	graph_destroy(after);
}

Test(diff, fresh_objects_are_named)
{
	struct heap_graph *before = snapshot(leaks_before, 2, dicts_before, 4, 0);
	struct heap_graph *after = snapshot(leaks_after, 5, dicts_after, 3, 3);
	uint32_t fresh[8], type;

	cr_assert_eq(graph_find_types(after, "app.Leak", &type, 1), 1);
	cr_assert_eq(diff_fresh(before, after, type, fresh), 3);
	/* By address. */
	cr_assert_eq(fresh[0], 5);
	cr_assert_eq(fresh[1], 3);
	cr_assert_eq(fresh[2], 1);
	graph_destroy(before);
	graph_destroy(after);
}

Test(diff, random_graphs_have_nothing_new_against_themselves)
{
	for (uint32_t seed = 0; seed < 200; seed++) {
		struct heap_graph *graph = random_graph(seed);
		struct heap_graph *other = random_graph(seed + 1);
		struct diff diff;
		uint64_t objects = 0, fresh = 0;

		cr_assert_eq(diff_graphs(graph, graph, &diff), 0);
		for (size_t i = 0; i < diff.cnt; i++) {
			cr_assert_eq(diff.rows[i].before, diff.rows[i].after);
			cr_assert_eq(diff.rows[i].fresh, 0);
		}
		diff_deinit(&diff);
		/* Backwards, for the sort. */
		for (uint32_t n = 0; n < other->node_cnt; n++)
			other->nodes[n].address = 0x10000 + 64 * (uint64_t)(other->node_cnt - n);
		for (uint32_t n = 0; n < other->node_cnt; n++) {
			uint32_t twin = NODE_NONE;

			for (uint32_t o = 0; o < graph->node_cnt; o++) {
				if (graph->nodes[o].address == other->nodes[n].address &&
				    !strcmp(graph_type_name(graph, o), graph_type_name(other, n)))
					twin = o;
			}
			fresh += twin == NODE_NONE && !(other->nodes[n].flags & NODE_PSEUDO);
		}
		cr_assert_eq(diff_graphs(graph, other, &diff), 0);
		for (size_t i = 0; i < diff.cnt; i++)
			objects += diff.rows[i].fresh;
		cr_assert_eq(objects, fresh, "seed %u", seed);
		diff_deinit(&diff);
		graph_destroy(graph);
		graph_destroy(other);
	}
}

Test(diff, a_million_out_of_order, .timeout = 30)
{
	struct heap_graph *before = chain_graph(1000000, false, false);
	struct heap_graph *after = chain_graph(1000000, false, false);
	uint32_t *fresh = malloc(after->node_cnt * sizeof(*fresh));
	int64_t expected = 0;

	/* The first three places had objects of other types. */
	for (uint32_t n = 0; n < after->node_cnt; n++) {
		uint64_t place = n * UINT64_C(7919) % after->node_cnt;

		after->nodes[n].address = 0x10000 + 64 * place + (n % 10 ? 0 : 16);
		expected += n >= 3 && (n % 10 == 0 || place < 3);
	}
	cr_assert_eq(diff_fresh(before, after, 3, fresh), expected);
	free(fresh);
	graph_destroy(before);
	graph_destroy(after);
}
