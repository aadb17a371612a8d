/* SPDX-License-Identifier: BSD-2-Clause */
/* What the analyses say of cycles, garbage and retained objects, against what the process finds
 * out by itself. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyse/audit.h"
#include "analyse/cycles.h"
#include "analyse/retained.h"
#include "base/cleanup.h"
#include "live/heap_truth.h"

#define COMPONENTS "/tmp/pyleak-cycles.truth"

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

/* ---- components */

static bool is_own(const struct heap_graph *graph, uint32_t node)
{
	return !strncmp(graph_type_name(graph, node), "__main__.", 9);
}

/* The component with the objects whose addresses are given; `own` loses it. */
static void check_component(const struct heap_graph *graph, const struct cycles *cycles,
			    const uint64_t *addresses, uint64_t cnt, const uint32_t *sizes,
			    uint8_t *own, const char *name)
{
	uint32_t component = 0;

	for (uint64_t i = 0; i < cnt; i++) {
		uint32_t node = node_at(graph, addresses[i]);
		uint32_t this = node == NODE_NONE ? 0 : cycles->component[node];

		if (!i)
			component = this;
		cr_expect(this && this == component,
			  "%s: %s at %#" PRIx64 " of a cycle of %" PRIu64 " is in component %u, "
			  "not %u",
			  name, node == NODE_NONE ? "no node" : graph_type_name(graph, node),
			  addresses[i], cnt, this, component);
	}
	cr_expect_eq(sizes[component], cnt, "%s: %u objects in the cycle of %" PRIu64, name,
		     sizes[component], cnt);
	own[component] = 0;
}

static void check_components(const struct heap_graph *graph, const uint64_t *words, size_t cnt,
			     const char *name)
{
	_cleanup_free_ uint32_t *sizes = NULL;
	_cleanup_free_ uint8_t *own = NULL;
	struct cycles cycles;
	size_t at = 0, found = 0;

	cr_assert_eq(cycles_find(graph, &cycles), 0);
	sizes = calloc(cycles.component_cnt + 1, sizeof(*sizes));
	own = calloc(cycles.component_cnt + 1, 1);
	cr_assert(sizes && own);
	for (uint32_t n = 1; n < graph->node_cnt; n++) {
		sizes[cycles.component[n]]++;
		own[cycles.component[n]] |= is_own(graph, n);
	}
	own[0] = 0;
	while (at < cnt) {
		check_component(graph, &cycles, words + at + 1, words[at], sizes, own, name);
		at += words[at] + 1;
		found++;
	}
	cr_expect_gt(found, 20);
	for (uint32_t c = 1; c <= cycles.component_cnt; c++)
		cr_expect(!own[c], "%s: component %u of %u objects is none", name, c, sizes[c]);
	cycles_deinit(&cycles);
}

ParameterizedTestParameters(cycles_truth, components)
{
	return all_pythons();
}

ParameterizedTest(struct python_param *param, cycles_truth, components, .timeout = 120)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_free_ uint64_t *words = calloc(1 << 20, 8);
	struct program program;
	struct heap_graph *graph;
	size_t cnt;
	FILE *file;

	live_needs_root();
	program_start_ready(&program, param->path, "cycles.py", NULL);
	ask_number(&program, "components " COMPONENTS);
	path = path_in(program.pid, COMPONENTS);
	file = fopen(path, "re");
	cr_assert(file && words);
	cnt = fread(words, 8, 1 << 20, file);
	fclose(file);
	unlink(path);
	graph = graph_of(program.pid);
	check_components(graph, words, cnt, param->path);
	graph_destroy(graph);
	program_stop(&program);
}

/* ---- garbage */

ParameterizedTestParameters(cycles_truth, garbage)
{
	return all_pythons();
}

ParameterizedTest(struct python_param *param, cycles_truth, garbage, .timeout = 120)
{
	static const char *const shapes[] = { "self", "list", "del", "weak", "mixed" };
	struct program program;

	live_needs_root();
	program_start_ready(&program, param->path, "references.py", NULL);
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		struct heap_graph *graph;
		uint8_t *garbage;
		char command[64];
		int64_t found;
		uint64_t freed;

		snprintf(command, sizeof(command), "garbage 1000 %s", shapes[i]);
		cr_assert_eq(ask_number(&program, command), 1000);
		graph = graph_of(program.pid);
		garbage = malloc(graph->node_cnt);
		cr_assert(garbage);
		found = garbage_find(graph, garbage);
		freed = ask_number(&program, "collect");
		cr_expect_geq(freed, 1000);
		cr_expect_eq((uint64_t)found, freed,
			     "%s: %s: %" PRId64 " found, %" PRIu64 " collected", param->path,
			     shapes[i], found, freed);
		free(garbage);
		graph_destroy(graph);
	}
	program_stop(&program);
}

/* ---- retained */

/* Tracked nodes that it dominates, itself included. Every way up ends in few steps. */
static uint64_t tracked_below(const struct heap_graph *graph, const struct dominators *dominators,
			      uint32_t node)
{
	uint64_t cnt = 0;

	for (uint32_t n = 1; n < graph->node_cnt; n++) {
		uint32_t at = n;

		if (!(graph->nodes[n].flags & NODE_TRACKED))
			continue;
		while (at != node && at != NODE_NONE && at != GRAPH_ROOT)
			at = dominators->parent[at];
		cnt += at == node;
	}
	return cnt;
}

/* Has part `number` of the graph of cycles.py go; the objects that went, 0 if there were none. */
static uint64_t check_drop(struct program *program, int number)
{
	struct dominators dominators;
	struct heap_graph *graph;
	struct retained retained;
	char command[64];
	uint64_t address, expected, dropped;
	uint32_t node;

	snprintf(command, sizeof(command), "address %d", number);
	address = ask_number(program, command);
	if (!address)
		return 0;
	graph = graph_of(program->pid);
	node = node_at(graph, address);
	cr_assert_neq(node, NODE_NONE);
	cr_assert_eq(dominators_build(graph, &dominators), 0);
	cr_assert_eq(retained_by(graph, &node, 1, &retained), 0);
	cr_expect_eq(retained.objects, dominators.objects[node]);
	cr_expect_eq(retained.bytes, dominators.bytes[node]);
	expected = tracked_below(graph, &dominators, node);
	snprintf(command, sizeof(command), "drop %d", number);
	dropped = ask_number(program, command);
	cr_expect_eq(dropped, expected,
		     "%s: %" PRIu64 " objects went with part %d, %" PRIu64 " expected",
		     program->name, dropped, number, expected);
	dominators_deinit(&dominators);
	graph_destroy(graph);
	return dropped;
}

ParameterizedTestParameters(cycles_truth, retained)
{
	return all_pythons();
}

ParameterizedTest(struct python_param *param, cycles_truth, retained, .timeout = 240)
{
	static const int numbers[] = { 499, 250, 300, 100, 50, 70, 20, 11, 5, 2, 1 };
	uint64_t most = 0, dropped;
	struct program program;

	live_needs_root();
	program_start_ready(&program, param->path, "cycles.py", NULL);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		dropped = check_drop(&program, numbers[i]);
		most = dropped > most ? dropped : most;
	}
	cr_expect_gt(most, 50, "%s: the most was %" PRIu64, param->path, most);
	program_stop(&program);
}
