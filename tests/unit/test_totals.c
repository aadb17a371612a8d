/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include "../golden/heap_fixture.h"
#include "analyse/totals.h"

static struct heap_fixture fixture;

Test(totals, objects_of_each_type)
{
	_cleanup_free_ struct type_total *rows = NULL;
	struct heap_totals totals;
	uint64_t objects = 0;
	size_t cnt;

	heap_fixture_make(&fixture, NULL);
	cr_assert_eq(totals_by_type(fixture.graph, &totals, &rows, &cnt), 0);
	/* The maker marks no node but GRAPH_ROOT as pseudo. */
	cr_assert_eq(totals.objects, fixture.graph->node_cnt - 1);
	cr_assert_eq(totals.types, cnt);
	cr_assert_eq(totals.references, fixture.graph->edge_cnt - fixture.graph->root_cnt);
	cr_assert_eq(rows[0].type, HEAP_MESSAGE);
	cr_assert_eq(rows[0].objects, HEAP_MESSAGES);
	cr_assert_eq(rows[0].bytes, HEAP_MESSAGES * 56);
	for (size_t i = 0; i < cnt; i++) {
		objects += rows[i].objects;
		cr_assert(i == 0 || rows[i].objects <= rows[i - 1].objects);
	}
	cr_assert_eq(objects, totals.objects);
	graph_destroy(fixture.graph);
}

Test(totals, instances_of_a_type)
{
	_cleanup_free_ uint32_t *nodes = NULL, *none = NULL;
	size_t cnt;

	heap_fixture_make(&fixture, NULL);
	cr_assert_eq(totals_instances(fixture.graph, HEAP_MESSAGE, &nodes, &cnt), 0);
	cr_assert_eq(cnt, HEAP_MESSAGES);
	for (size_t i = 0; i < cnt; i++)
		cr_assert_eq(nodes[i], fixture.messages[i]);
	cr_assert_eq(totals_instances(fixture.graph, HEAP_LONG, &none, &cnt), 0);
	cr_assert_eq(cnt, 0);
	graph_destroy(fixture.graph);
}
