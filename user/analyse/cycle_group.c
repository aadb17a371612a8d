/* SPDX-License-Identifier: BSD-2-Clause */
#include "analyse/cycle_group.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A cut is looked for in a sample of a group: every candidate costs a walk of the component. */
#define CUT_COMPONENTS_MAX 200
#define CUT_NODES_MAX 10000
#define CUT_LINKS_MAX 64
#define CUT_BUDGET (1U << 20)

struct cut {
	struct cycle_link link;
	uint64_t breaks;
};

struct cut_search {
	struct cut cuts[CUT_LINKS_MAX];
	size_t cnt;
	uint64_t examined;
};

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

static bool same_link(const struct cycle_link *a, const struct cycle_link *b)
{
	return a->from == b->from && a->to == b->to && a->kind == b->kind && a->name == b->name;
}

static struct cut *cut_of(struct cut_search *search, const struct cycle_link *link)
{
	for (size_t i = 0; i < search->cnt; i++) {
		if (same_link(&search->cuts[i].link, link))
			return &search->cuts[i];
	}
	if (search->cnt == CUT_LINKS_MAX)
		return NULL;
	search->cuts[search->cnt] = (struct cut){ .link = *link };
	return &search->cuts[search->cnt++];
}

/* Only a link of the ring can break every ring. What it costs is taken off the budget. */
static int try_component(struct cycle_finder *finder, const struct component *component,
			 struct cut_search *search, uint64_t *budget)
{
	struct cycle_link ring[CYCLE_RING_MAX];
	struct cycle_view *view = &finder->view;
	size_t cnt;

	if (cycle_view_enter(view, finder->nodes + component->first, component->cnt))
		return -ENOMEM;
	cnt = cycle_view_ring(view, start_of(finder, component), ring, CYCLE_RING_MAX);
	cnt = cnt < CYCLE_RING_MAX ? cnt : CYCLE_RING_MAX;
	search->examined++;
	for (size_t i = 0; i < cnt; i++) {
		uint64_t cost = (uint64_t)view->cnt + view->edge_cnt;
		struct cut *cut = cut_of(search, &ring[i]);
		bool again = false;

		for (size_t j = 0; j < i && !again; j++)
			again = same_link(&ring[i], &ring[j]);
		if (again || !cut || ring[i].kind == EDGE_DICT)
			continue;
		cut->breaks += cycle_view_breaks(view, &ring[i]);
		*budget -= cost < *budget ? cost : *budget;
	}
	return 0;
}

/* What a programmer would change: an attribute, of a class of his own. */
static uint32_t cut_rank(const struct heap_graph *graph, const struct cycle_link *link)
{
	return (graph->types[link->from].own || graph->types[link->to].own ? 2U : 0U) +
	       (link->kind == EDGE_ATTRIBUTE ? 1U : 0U);
}

static void choose_cut(const struct heap_graph *graph, const struct cut_search *search,
		       struct cycle_group *out)
{
	for (size_t i = 0; i < search->cnt; i++) {
		const struct cut *cut = &search->cuts[i];

		if (cut->breaks < out->cut_breaks || !cut->breaks)
			continue;
		if (cut->breaks == out->cut_breaks &&
		    cut_rank(graph, &cut->link) <= cut_rank(graph, &out->cut))
			continue;
		out->cut = cut->link;
		out->cut_breaks = cut->breaks;
	}
	out->examined = search->examined;
}

static int fill_cut(struct cycle_finder *finder, const uint32_t *numbers, size_t cnt,
		    struct cycle_group *out)
{
	uint64_t budget = finder->cut_budget < CUT_BUDGET ? finder->cut_budget : CUT_BUDGET;
	uint64_t given = budget;
	struct cut_search search = { .cnt = 0 };

	for (size_t i = 0; i < cnt && budget && search.examined < CUT_COMPONENTS_MAX; i++) {
		const struct component *component = &finder->components[numbers[i]];

		if (component->cnt <= CUT_NODES_MAX &&
		    try_component(finder, component, &search, &budget))
			return -ENOMEM;
	}
	finder->cut_budget -= given - budget;
	choose_cut(finder->graph, &search, out);
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
	if (!err)
		err = fill_cut(finder, numbers, cnt, out);
	if (!err)
		out->classes &= has_type(finder->graph, out);
	return err;
}
