/* SPDX-License-Identifier: BSD-2-Clause */
#include "analyse/cycle_group.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyse/cycle_cut.h"

uint32_t cycle_tally(struct cycle_finder *finder, const struct component *component, uint32_t cnt)
{
	for (uint32_t i = 0; i < component->cnt; i++) {
		uint32_t node = finder->nodes[component->first + i];
		uint32_t type = finder->graph->nodes[node].type;

		if (!finder->tally[type]++)
			finder->touched[cnt++] = type;
	}
	return cnt;
}

static int most_objects_first(const void *a, const void *b)
{
	const struct cycle_member *x = a, *y = b;

	if (x->cnt != y->cnt)
		return x->cnt > y->cnt ? -1 : 1;
	return (x->type > y->type) - (x->type < y->type);
}

static int fill_members(struct cycle_finder *finder, const uint32_t *numbers, size_t cnt,
			struct cycle_group *out)
{
	uint32_t types = 0;

	for (size_t i = 0; i < cnt; i++)
		types = cycle_tally(finder, &finder->components[numbers[i]], types);
	out->members = calloc(types + 1, sizeof(*out->members));
	out->classes = true;
	for (uint32_t t = 0; t < types; t++) {
		uint32_t type = finder->touched[t];

		if (out->members) {
			out->members[t].type = type;
			out->members[t].cnt = finder->tally[type] / (out->merged ? 1 : cnt);
		}
		out->classes &= finder->class_part[type];
		finder->tally[type] = 0;
	}
	if (!out->members)
		return -ENOMEM;
	out->member_cnt = types;
	qsort(out->members, types, sizeof(*out->members), most_objects_first);
	return 0;
}

/* Functions that refer to each other are no class. */
static bool has_type(const struct heap_graph *graph, const struct cycle_group *group)
{
	for (size_t i = 0; i < group->member_cnt; i++) {
		if (graph->types[group->members[i].type].role == ROLE_TYPE)
			return true;
	}
	return false;
}

/* How little an object tells the reader as the start of a ring. */
static uint32_t dullness(const struct graph_type *type)
{
	switch (type->role) {
	case ROLE_INSTANCE:
		return type->own ? 0 : 2;
	case ROLE_TYPE:
	case ROLE_GENERATOR:
		return type->own ? 1 : 3;
	case ROLE_DICT:
	case ROLE_LIST:
	case ROLE_TUPLE:
	case ROLE_CELL:
		return 5;
	default:
		return 4;
	}
}

/* The place of the node where a ring begins. */
static uint32_t start_of(const struct cycle_finder *finder, const struct component *component)
{
	uint32_t best = 0, best_dull = UINT32_MAX;

	for (uint32_t i = 0; i < component->cnt; i++) {
		uint32_t node = finder->nodes[component->first + i];
		uint32_t dull = dullness(graph_node_type(finder->graph, node));

		if (dull < best_dull) {
			best = i;
			best_dull = dull;
		}
	}
	return best;
}

static int fill_ring(struct cycle_finder *finder, const struct component *component,
		     struct cycle_group *out)
{
	struct cycle_link ring[CYCLE_RING_MAX];
	uint32_t start = start_of(finder, component);

	if (cycle_view_enter(&finder->view, finder->nodes + component->first, component->cnt))
		return -ENOMEM;
	out->example = finder->nodes[component->first + start];
	out->ring_total = cycle_view_ring(&finder->view, start, ring, CYCLE_RING_MAX);
	out->ring_cnt = out->ring_total < CYCLE_RING_MAX ? out->ring_total : CYCLE_RING_MAX;
	out->ring = malloc(out->ring_cnt * sizeof(*ring) + 1);
	if (!out->ring)
		return -ENOMEM;
	memcpy(out->ring, ring, out->ring_cnt * sizeof(*ring));
	return 0;
}

int cycle_group_fill(struct cycle_finder *finder, const uint32_t *numbers, size_t cnt,
		     struct cycle_group *out)
{
	const struct component *smallest = &finder->components[numbers[0]];
	int err;

	for (size_t i = 0; i < cnt; i++) {
		const struct component *component = &finder->components[numbers[i]];
		const uint32_t *nodes = finder->nodes + component->first;

		out->cycles++;
		out->objects += component->cnt;
		out->garbage += !finder->reached[nodes[0]];
		for (uint32_t n = 0; n < component->cnt; n++)
			out->bytes += finder->graph->nodes[nodes[n]].bytes;
		if (component->cnt < smallest->cnt)
			smallest = component;
	}
	err = fill_members(finder, numbers, cnt, out);
	if (!err)
		err = fill_ring(finder, smallest, out);
	if (err)
		return err;
	out->classes &= has_type(finder->graph, out);
	/* Classes are made that way: nobody cuts them. */
	return out->classes ? 0 : cycle_cut_find(finder, numbers, cnt, out);
}
