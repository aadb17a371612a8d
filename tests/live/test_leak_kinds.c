/* SPDX-License-Identifier: BSD-2-Clause */
/* Each kind of leak, and that its owner is named: what a container of a module holds, a cycle, and
 * a reference that was lost. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analyse/audit.h"
#include "analyse/cycles.h"
#include "analyse/paths.h"
#include "analyse/totals.h"
#include "base/cleanup.h"
#include "live/heap_truth.h"

#define CNT 500

static struct criterion_test_params all_pythons(void)
{
	size_t cnt;
	struct python_param *all = live_pythons(&cnt);

	return cr_make_param_array(struct python_param, all, cnt);
}

static uint64_t ask_number(struct program *program, const char *command)
{
	_cleanup_free_ char *line = program_ask(program, command);

	return strtoull(line, NULL, 10);
}

static void start(struct program *program, const char *python)
{
	live_needs_root();
	program_start_ready(program, python, "references.py", NULL);
}

static uint32_t type_called(const struct heap_graph *graph, const char *name)
{
	uint32_t type;

	cr_assert_eq(graph_find_types(graph, name, &type, 1), 1, "%s", name);
	return type;
}

/* All of the objects have one way: held by `holder` (NULL: there is none in between), which the
 * global `variable` of the main program is. */
static void check_way(const struct heap_graph *graph, const uint32_t *nodes, size_t cnt,
		      const char *holder, enum edge_kind kind, const char *variable,
		      const char *python)
{
	const struct path_shape *shape;
	const struct path_step *last;
	struct path_tree tree;
	struct paths paths;

	cr_assert_eq(path_tree_build(graph, &tree), 0);
	cr_assert_eq(paths_aggregate(graph, &tree, NULL, nodes, cnt, 10, &paths), 0);
	cr_assert(paths.cnt == 1 && !paths.unreachable && paths.instances == cnt,
		  "%s: %s: %zu ways of %" PRIu64 " objects, %" PRIu64 " have none", python,
		  variable, paths.cnt, paths.instances, paths.unreachable);
	shape = &paths.shapes[0];
	cr_assert_eq(shape->step_cnt, holder ? 2 : 1, "%s: %s: %zu steps", python, variable,
		     shape->step_cnt);
	if (holder) {
		cr_expect_str_eq(graph_name(graph, graph->types[shape->steps[0].type].name),
				 holder);
		cr_expect_eq(shape->steps[0].kind, kind);
	}
	last = &shape->steps[shape->step_cnt - 1];
	cr_expect_eq(graph->types[last->type].role, ROLE_MODULE);
	cr_expect_eq(last->kind, EDGE_ATTRIBUTE);
	cr_expect_str_eq(graph_name(graph, last->name), variable, "%s", python);
	cr_expect_eq(graph->roots[shape->root].kind, ROOT_MODULE);
	cr_expect_str_eq(graph_name(graph, graph->roots[shape->root].name), "__main__");
	paths_deinit(&paths);
	path_tree_deinit(&tree);
}

ParameterizedTestParameters(leak_kinds, container_of_instances)
{
	return all_pythons();
}

ParameterizedTest(struct python_param *param, leak_kinds, container_of_instances, .timeout = 60)
{
	_cleanup_free_ uint32_t *nodes = NULL;
	struct heap_graph *graph;
	struct program program;
	uint64_t list;
	size_t cnt;

	start(&program, param->path);
	list = ask_number(&program, "leak instances 500");
	graph = graph_of(program.pid);
	cr_assert_eq(totals_instances(graph, type_called(graph, "__main__.Leaked"), &nodes, &cnt),
		     0);
	cr_expect_eq(cnt, CNT);
	check_way(graph, nodes, cnt, "list", EDGE_INDEX, "leaked_list", param->path);
	nodes[0] = node_at(graph, list);
	cr_assert(nodes[0] != NODE_NONE && graph->nodes[nodes[0]].flags & NODE_TRACKED);
	check_way(graph, nodes, 1, NULL, EDGE_INDEX, "leaked_list", param->path);
	graph_destroy(graph);
	program_stop(&program);
}

ParameterizedTestParameters(leak_kinds, container_that_is_not_tracked)
{
	return all_pythons();
}

ParameterizedTest(struct python_param *param, leak_kinds, container_that_is_not_tracked,
		  .timeout = 60)
{
	uint32_t dict, strings[CNT], cnt = 0;
	struct heap_graph *graph;
	struct program program;
	uint64_t address;

	start(&program, param->path);
	address = ask_number(&program, "leak strings 500");
	graph = graph_of(program.pid);
	dict = node_at(graph, address);
	cr_assert_neq(dict, NODE_NONE, "%s: the dict is not in the graph", param->path);
	/* 3.14 tracks every dict. */
	cr_expect_eq((graph->nodes[dict].flags & NODE_TRACKED) != 0, graph->info.minor >= 14, "%s",
		     param->path);
	check_way(graph, &dict, 1, NULL, EDGE_VALUE, "leaked_dict", param->path);
	for (uint32_t e = graph->first[dict]; e < graph->first[dict + 1]; e++) {
		if (graph->edges[e].kind == EDGE_VALUE && cnt < CNT)
			strings[cnt++] = graph->edges[e].to;
	}
	cr_expect_eq(cnt, CNT);
	check_way(graph, strings, cnt, "dict", EDGE_VALUE, "leaked_dict", param->path);
	graph_destroy(graph);
	program_stop(&program);
}

/* The group of the cycles: each has one of each class, and their dicts where they have some. */
static void check_cycles(pid_t pid, uint64_t garbage, const char *python)
{
	struct heap_graph *graph = graph_of(pid);
	uint32_t left = type_called(graph, "__main__.LeakedLeft");
	const struct cycle_group *group = NULL;
	uint64_t own = 0, dicts = 0;
	struct cycles cycles;

	cr_assert_eq(cycles_find(graph, &cycles), 0);
	for (size_t g = 0; g < cycles.cnt; g++) {
		for (size_t m = 0; m < cycles.groups[g].member_cnt; m++) {
			if (cycles.groups[g].members[m].type == left)
				group = &cycles.groups[g];
		}
	}
	cr_assert(group, "%s: no cycle has the class", python);
	for (size_t m = 0; m < group->member_cnt; m++) {
		bool is_own = !strncmp(graph_name(graph, graph->types[group->members[m].type].name),
				       "__main__.Leaked", 15);

		own += is_own ? group->members[m].cnt : 0;
		dicts += is_own ? 0 : group->members[m].cnt;
	}
	cr_expect(own == 2 && dicts == (graph->info.minor < 11 ? 2 : 0),
		  "%s: %" PRIu64 " instances and %" PRIu64 " others", python, own, dicts);
	cr_expect_eq(group->cycles, CNT, "%s: %" PRIu64 " cycles", python, group->cycles);
	cr_expect_eq(group->garbage, garbage, "%s: %" PRIu64 " are garbage", python,
		     group->garbage);
	cr_expect_eq(group->ring_total, 2);
	cr_expect(group->cut_cnt && group->cut_breaks[0] == group->examined &&
		  !strcmp(graph_name(graph, group->cut[0].name), "peer"));
	cr_expect(!group->classes && !group->merged);
	cycles_deinit(&cycles);
	graph_destroy(graph);
}

ParameterizedTestParameters(leak_kinds, cycles)
{
	return all_pythons();
}

ParameterizedTest(struct python_param *param, leak_kinds, cycles, .timeout = 60)
{
	struct program program;

	start(&program, param->path);
	ask_number(&program, "leak cycles 500");
	check_cycles(program.pid, 0, param->path);
	free(program_ask(&program, "unhold"));
	check_cycles(program.pid, CNT, param->path);
	program_stop(&program);
}

/* What the audit says of the one object of class Lost. */
static void check_lost(pid_t pid, uint64_t address, uint64_t lost, bool only, const char *python)
{
	struct heap_graph *graph = graph_of(pid);
	uint32_t type = type_called(graph, "__main__.Lost"), node = node_at(graph, address);
	const struct audit_row *row = NULL;
	struct referrers referrers;
	struct audit audit;
	uint32_t holders = 0;

	cr_assert_eq(audit_refcounts(graph, &audit), 0);
	for (size_t i = 0; i < audit.cnt; i++) {
		if (audit.rows[i].type == type)
			row = &audit.rows[i];
	}
	cr_assert(row, "%s: no excess", python);
	cr_expect(row->objects == 1 && row->example == node);
	cr_expect_eq(row->excess, lost, "%s: %" PRIu64 " are lost, not %" PRIu64, python,
		     row->excess, lost);
	cr_expect_eq(row->only, only, "%s: %" PRIu64 " kept by that only", python, row->only);
	cr_assert_eq(graph_referrers(graph, &referrers), 0);
	for (uint32_t r = referrers.first[node]; r < referrers.first[node + 1]; r++)
		holders += !(graph->nodes[referrers.from[r]].flags & NODE_PSEUDO);
	cr_expect_eq(holders, only ? 0 : 1, "%s: %u holders", python, holders);
	cr_expect_eq(graph->nodes[node].refcount, lost + !only);
	referrers_deinit(&referrers);
	audit_deinit(&audit);
	graph_destroy(graph);
}

ParameterizedTestParameters(leak_kinds, lost_references)
{
	return all_pythons();
}

ParameterizedTest(struct python_param *param, leak_kinds, lost_references, .timeout = 60)
{
	struct program program;
	uint64_t address;

	start(&program, param->path);
	address = ask_number(&program, "lose 7");
	check_lost(program.pid, address, 7, false, param->path);
	free(program_ask(&program, "forget"));
	check_lost(program.pid, address, 7, true, param->path);
	program_stop(&program);
}
