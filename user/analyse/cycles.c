/* SPDX-License-Identifier: BSD-2-Clause */
#include "analyse/cycles.h"

#include <errno.h>
#include <string.h>

#include "analyse/cycle_group.h"
#include "analyse/keymap.h"
#include "analyse/reach.h"
#include "analyse/scc.h"
#include "base/cleanup.h"

/* Beyond this many objects two components that are alike are so by chance. */
#define ALIKE_OBJECTS_MAX 64
/* The same types in more different numbers than this: it is the numbers that tell nothing. */
#define VARIANTS_MAX 4
#define CUT_BUDGET_ALL (1U << 28) /* below a second */

/* A multiset of types, and under how many a set of types occurs. */
struct tallies {
	struct keymap map;
	uint32_t *cnt;
};

static bool is_class_part(const struct heap_graph *graph, const struct graph_type *type)
{
	static const char *const names[] = {
		"getset_descriptor",
		"member_descriptor",
		"method_descriptor",
		"wrapper_descriptor",
		"classmethod_descriptor",
		"method-wrapper",
		"property",
		"classmethod",
		"staticmethod",
		"builtin_function_or_method",
	};

	switch (type->role) {
	case ROLE_TYPE:
	case ROLE_TUPLE:
	case ROLE_DICT:
	case ROLE_FUNCTION:
	case ROLE_CELL:
	case ROLE_CODE:
	case ROLE_WEAKREF:
		return true;
	default:
		break;
	}
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (!strcmp(graph_name(graph, type->name), names[i]))
			return true;
	}
	return false;
}

static void finder_deinit(struct cycle_finder *finder)
{
	free(finder->components);
	free(finder->nodes);
	free(finder->place);
	free(finder->tally);
	free(finder->touched);
	free(finder->reached);
	free(finder->class_part);
	cycle_view_deinit(&finder->view);
}

static int finder_init(struct cycle_finder *finder, const struct heap_graph *graph,
		       const struct cycles *cycles)
{
	size_t nodes = (size_t)graph->node_cnt + 1, types = (size_t)graph->type_cnt + 1;

	*finder = (struct cycle_finder){
		.graph = graph,
		.components = calloc((size_t)cycles->component_cnt + 2, sizeof(struct component)),
		.nodes = malloc(nodes * sizeof(uint32_t)),
		.place = malloc(nodes * sizeof(uint32_t)),
		.tally = calloc(types, sizeof(uint32_t)),
		.touched = malloc(types * sizeof(uint32_t)),
		.reached = calloc(nodes, 1),
		.class_part = calloc(types, sizeof(bool)),
		.cut_budget = CUT_BUDGET_ALL,
	};
	finder->view.graph = graph;
	finder->view.component = cycles->component;
	finder->view.place = finder->place;
	if (!finder->components || !finder->nodes || !finder->place || !finder->tally ||
	    !finder->touched || !finder->reached || !finder->class_part)
		return -ENOMEM;
	for (uint32_t t = 0; t < graph->type_cnt; t++)
		finder->class_part[t] = is_class_part(graph, &graph->types[t]);
	return reach_from_roots(graph, REACH_ALL_ROOTS, 1, finder->reached);
}

/* The nodes of each component, in order; and where in it each is. */
static void list_members(struct cycle_finder *finder, const struct cycles *cycles)
{
	uint32_t at = 0;

	for (uint32_t n = 0; n < finder->graph->node_cnt; n++) {
		if (cycles->component[n])
			finder->place[n] = finder->components[cycles->component[n]].cnt++;
	}
	for (uint32_t c = 1; c <= cycles->component_cnt; c++) {
		finder->components[c].first = at;
		at += finder->components[c].cnt;
	}
	for (uint32_t n = 0; n < finder->graph->node_cnt; n++) {
		if (cycles->component[n])
			finder->nodes[finder->components[cycles->component[n]].first +
				      finder->place[n]] = n;
	}
}

/* Sums: the order in which types are met is no matter. */
static void hash_types(struct cycle_finder *finder, struct component *component)
{
	uint32_t cnt = cycle_tally(finder, component, 0);

	for (uint32_t t = 0; t < cnt; t++) {
		uint32_t type = finder->touched[t];

		component->set += key_mix(key_mix(0, type), 0);
		component->multi += key_mix(key_mix(0, type), finder->tally[type]);
		finder->tally[type] = 0;
	}
}

static int tallies_init(struct tallies *tallies, uint32_t max)
{
	tallies->cnt = calloc((size_t)max + 1, sizeof(*tallies->cnt));
	if (!keymap_init(&tallies->map) && tallies->cnt)
		return 0;
	return -ENOMEM;
}

static void tallies_deinit(struct tallies *tallies)
{
	free(tallies->cnt);
	keymap_deinit(&tallies->map);
}

/* One more of `key`: how many there are now, or -ENOMEM. */
static int64_t tallies_count(struct tallies *tallies, uint64_t key)
{
	uint32_t at;

	if (keymap_add(&tallies->map, key, (uint32_t)tallies->map.cnt, &at))
		return -ENOMEM;
	return ++tallies->cnt[at];
}

static uint32_t tallies_get(struct tallies *tallies, uint64_t key)
{
	uint32_t at;

	/* It is there: nothing is added. */
	return keymap_add(&tallies->map, key, 0, &at) ? 0 : tallies->cnt[at];
}

static int count_variants(struct cycle_finder *finder, uint32_t cnt, struct tallies *multis,
			  struct tallies *sets)
{
	for (uint32_t c = 1; c <= cnt; c++) {
		const struct component *component = &finder->components[c];
		int64_t same = tallies_count(multis, component->multi);

		if (same < 0 || (same == 1 && tallies_count(sets, component->set) < 0))
			return -ENOMEM;
	}
	return 0;
}

/* Gives every component its group. */
static int assign(struct cycle_finder *finder, uint32_t cnt, struct tallies *multis,
		  struct tallies *sets, struct cycles *out)
{
	struct keymap groups;
	int err = keymap_init(&groups);

	out->groups = calloc((size_t)cnt + 1, sizeof(*out->groups));
	if (!out->groups)
		err = -ENOMEM;
	for (uint32_t c = 1; !err && c <= cnt; c++) {
		struct component *component = &finder->components[c];
		bool merged = component->cnt > ALIKE_OBJECTS_MAX ||
			      tallies_get(multis, component->multi) == 1 ||
			      tallies_get(sets, component->set) > VARIANTS_MAX;
		uint64_t key = merged ? key_mix(1, component->set) : key_mix(2, component->multi);

		err = keymap_add(&groups, key, (uint32_t)out->cnt, &component->group);
		if (!err && component->group == out->cnt)
			out->groups[out->cnt++].merged = merged;
	}
	keymap_deinit(&groups);
	return err;
}

static int group_components(struct cycle_finder *finder, struct cycles *out)
{
	uint32_t cnt = out->component_cnt;
	struct tallies multis = { 0 }, sets = { 0 };
	int err = tallies_init(&multis, cnt);

	if (!err)
		err = tallies_init(&sets, cnt);
	if (!err)
		err = count_variants(finder, cnt, &multis, &sets);
	if (!err)
		err = assign(finder, cnt, &multis, &sets, out);
	tallies_deinit(&multis);
	tallies_deinit(&sets);
	return err;
}

static int fill_groups(struct cycle_finder *finder, struct cycles *out)
{
	_cleanup_free_ uint32_t *first = calloc(out->cnt + 2, sizeof(*first));
	_cleanup_free_ uint32_t *numbers =
		malloc(((size_t)out->component_cnt + 1) * sizeof(*numbers));

	if (!first || !numbers)
		return -ENOMEM;
	for (uint32_t c = 1; c <= out->component_cnt; c++)
		first[finder->components[c].group + 2]++;
	for (size_t g = 1; g < out->cnt; g++)
		first[g + 1] += first[g];
	for (uint32_t c = 1; c <= out->component_cnt; c++)
		numbers[first[finder->components[c].group + 1]++] = c;
	for (size_t g = 0; g < out->cnt; g++) {
		struct cycle_group *group = &out->groups[g];

		group->merged &= first[g + 1] - first[g] > 1;
		if (cycle_group_fill(finder, numbers + first[g], first[g + 1] - first[g], group))
			return -ENOMEM;
		if (group->classes)
			continue;
		out->cycles += group->cycles;
		out->objects += group->objects;
		out->bytes += group->bytes;
	}
	return 0;
}

static int most_objects_first(const void *a, const void *b)
{
	const struct cycle_group *x = a, *y = b;

	if (x->classes != y->classes)
		return x->classes ? 1 : -1;
	if (x->objects != y->objects)
		return x->objects > y->objects ? -1 : 1;
	return (x->example > y->example) - (x->example < y->example);
}

int cycles_find(const struct heap_graph *graph, struct cycles *out)
{
	struct cycles cycles = { 0 };
	struct cycle_finder finder = { 0 };
	int err = -ENOMEM;

	cycles.component = malloc(((size_t)graph->node_cnt + 1) * sizeof(*cycles.component));
	if (cycles.component)
		err = scc_find(graph, cycles.component, &cycles.component_cnt);
	if (!err)
		err = finder_init(&finder, graph, &cycles);
	if (!err) {
		list_members(&finder, &cycles);
		for (uint32_t c = 1; c <= cycles.component_cnt; c++)
			hash_types(&finder, &finder.components[c]);
		err = group_components(&finder, &cycles);
	}
	if (!err)
		err = fill_groups(&finder, &cycles);
	finder_deinit(&finder);
	if (err) {
		cycles_deinit(&cycles);
		return err;
	}
	qsort(cycles.groups, cycles.cnt, sizeof(*cycles.groups), most_objects_first);
	*out = cycles;
	return 0;
}

void cycles_deinit(struct cycles *cycles)
{
	for (size_t g = 0; g < cycles->cnt; g++) {
		free(cycles->groups[g].members);
		free(cycles->groups[g].ring);
	}
	free(cycles->groups);
	free(cycles->component);
	memset(cycles, 0, sizeof(*cycles));
}
