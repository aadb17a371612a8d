/* SPDX-License-Identifier: BSD-2-Clause */
/* Every analysis of a sound graph, and what is always true of its result. */
#ifndef PYLEAK_FUZZ_ANALYSE_ALL_H
#define PYLEAK_FUZZ_ANALYSE_ALL_H

#include <stdlib.h>

#include "analyse/audit.h"
#include "analyse/cycles.h"
#include "analyse/diff.h"
#include "analyse/paths.h"
#include "analyse/picture.h"
#include "analyse/retained.h"
#include "analyse/totals.h"

static inline void expect(bool truth)
{
	if (!truth)
		abort();
}

static inline void analyse_ways(const struct heap_graph *graph, const struct path_tree *tree,
				const struct cycles *cycles, const uint32_t *nodes, uint32_t cnt)
{
	struct path_shape way;
	struct retained retained;
	struct paths paths;
	uint64_t instances;

	if (!paths_aggregate(graph, tree, cycles, nodes, cnt, 5, &paths)) {
		instances = paths.others + paths.unreachable;
		for (size_t i = 0; i < paths.cnt; i++)
			instances += paths.shapes[i].instances;
		expect(instances == cnt && paths.instances == cnt);
		paths_deinit(&paths);
	}
	if (cnt && !path_of_node(graph, tree, cycles, nodes[cnt / 2], &way)) {
		expect(way.root < graph->root_cnt && way.step_cnt <= PATH_STEPS_MAX);
		free(way.steps);
	}
	expect(!retained_by(graph, nodes, cnt, &retained));
}

static inline void analyse_picture(const struct heap_graph *graph, const struct cycles *cycles,
				   const uint32_t *nodes, uint32_t cnt)
{
	struct referrers referrers;
	struct picture picture;

	if (graph_referrers(graph, &referrers))
		return;
	if (!picture_of_objects(graph, &referrers, cycles, nodes, cnt, NULL, &picture))
		picture_deinit(&picture);
	if (cnt && !picture_of_object(graph, &referrers, cycles, nodes[0], NULL, &picture))
		picture_deinit(&picture);
	referrers_deinit(&referrers);
}

static inline void analyse_dominators(const struct heap_graph *graph)
{
	struct dominators dominators;
	uint32_t top[20];

	if (dominators_build(graph, &dominators))
		return;
	expect(dominators_top(graph, &dominators, top, 20) <= 20);
	expect(dominators.objects[GRAPH_ROOT] < graph->node_cnt);
	dominators_deinit(&dominators);
}

static inline void analyse_counts(const struct heap_graph *graph)
{
	uint8_t *garbage = malloc(graph->node_cnt);
	struct audit audit;
	struct diff diff;

	expect(garbage && garbage_find(graph, garbage) < graph->node_cnt);
	free(garbage);
	expect(!audit_refcounts(graph, &audit));
	expect(audit.objects <= graph->node_cnt && audit.cnt <= graph->type_cnt);
	audit_deinit(&audit);
	expect(!diff_graphs(graph, graph, &diff));
	diff_deinit(&diff);
}

static inline void analyse_all(const struct heap_graph *graph)
{
	struct path_tree tree;
	struct cycles cycles;

	expect(!path_tree_build(graph, &tree));
	expect(!cycles_find(graph, &cycles));
	for (size_t g = 0; g < cycles.cnt; g++) {
		const struct cycle_group *group = &cycles.groups[g];

		expect(group->cut_cnt <= CYCLE_CUT_MAX);
		expect(!group->cut_cnt || group->cut_breaks[group->cut_cnt - 1]);
		expect(!group->cut_cnt || group->cut_breaks[group->cut_cnt - 1] <= group->examined);
	}
	for (uint32_t t = 0; t < graph->type_cnt && t < 40; t++) {
		uint32_t *nodes;
		size_t cnt;

		expect(!totals_instances(graph, t, &nodes, &cnt));
		analyse_ways(graph, &tree, &cycles, nodes, (uint32_t)cnt);
		analyse_picture(graph, &cycles, nodes, (uint32_t)cnt);
		free(nodes);
	}
	analyse_dominators(graph);
	analyse_counts(graph);
	cycles_deinit(&cycles);
	path_tree_deinit(&tree);
}

#endif
