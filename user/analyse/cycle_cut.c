/* SPDX-License-Identifier: BSD-2-Clause */
/* The smallest set of links is too expensive to find: they are chosen one by one, and one that the
 * later ones make needless is dropped. A link is worth the components it breaks, then the nodes
 * that are on no cycle without it: those that are gone when what nothing refers to, and what
 * refers to nothing, is taken away again and again. */
#include "analyse/cycle_cut.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyse/cycle_sample.h"
#include "base/cleanup.h"

/* Every candidate costs a walk of the sample, for every link chosen, in every tier. */
#define LINKS_MAX 64U
#define LINKS_MIN 8U
#define BUDGET (1U << 24)

/* What a programmer would change: an attribute, of a class of his own. */
enum tier { TIER_OWN_ATTRIBUTE, TIER_ATTRIBUTE, TIER_ANY, TIER_CNT };

struct candidate {
	const struct sample_link *link;
	uint32_t number; /* of the link */
	enum tier tier;
};

struct choice {
	uint32_t links[CYCLE_CUT_MAX];
	uint64_t breaks[CYCLE_CUT_MAX];
	size_t cnt;
};

static enum tier tier_of(const struct heap_graph *graph, const struct cycle_link *link)
{
	if (link->kind == EDGE_ATTRIBUTE && graph->types[link->from].own)
		return TIER_OWN_ATTRIBUTE;
	if (link->kind == EDGE_ATTRIBUTE)
		return TIER_ATTRIBUTE;
	return TIER_ANY;
}

static int best_tier_first(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	if (x->tier != y->tier)
		return x->tier < y->tier ? -1 : 1;
	if (x->link->edges != y->link->edges)
		return x->link->edges > y->link->edges ? -1 : 1;
	return (x->number > y->number) - (x->number < y->number);
}

/* The links that are tried; those that a reader cannot take away are not. */
static size_t list_candidates(const struct heap_graph *graph, const struct cycle_sample *sample,
			      struct candidate *out)
{
	uint64_t walk = (uint64_t)sample->node_cnt + sample->edge_cnt + 1;
	uint64_t most = BUDGET / (CYCLE_CUT_MAX * TIER_CNT * walk);
	size_t cnt = 0;

	for (uint32_t i = 0; i < sample->link_cnt; i++) {
		const struct sample_link *link = &sample->links[i];

		if (link->link.kind == EDGE_DICT)
			continue;
		out[cnt++] = (struct candidate){ link, i, tier_of(graph, &link->link) };
	}
	qsort(out, cnt, sizeof(*out), best_tier_first);
	if (most < LINKS_MIN)
		most = LINKS_MIN;
	if (most > LINKS_MAX)
		most = LINKS_MAX;
	return cnt < most ? cnt : most;
}

/* One link more: false when none helps. */
static bool choose_next(struct cycle_sample *sample, const struct candidate *candidates, size_t cnt,
			struct sample_left *left, struct choice *choice)
{
	struct sample_left best = *left;
	uint32_t number = NODE_NONE;

	for (size_t i = 0; i < cnt; i++) {
		struct sample_left without;

		if (sample->links[candidates[i].number].without)
			continue;
		sample->links[candidates[i].number].without = true;
		without = cycle_sample_left(sample);
		sample->links[candidates[i].number].without = false;
		if (without.cycles > best.cycles ||
		    (without.cycles == best.cycles && without.nodes >= best.nodes))
			continue;
		best = without;
		number = candidates[i].number;
	}
	if (number == NODE_NONE)
		return false;
	*left = best;
	choice->links[choice->cnt++] = number;
	sample->links[number].without = true;
	return true;
}

/* Without those that the others make needless. */
static void reduce(struct cycle_sample *sample, uint32_t cycles, struct choice *choice)
{
	for (size_t i = 0; i < choice->cnt && choice->cnt > 1;) {
		sample->links[choice->links[i]].without = false;
		if (cycle_sample_left(sample).cycles > cycles) {
			sample->links[choice->links[i++]].without = true;
			continue;
		}
		choice->cnt--;
		memmove(&choice->links[i], &choice->links[i + 1],
			(choice->cnt - i) * sizeof(choice->links[0]));
	}
}

static void count_breaks(struct cycle_sample *sample, struct choice *choice)
{
	for (size_t i = 0; i < choice->cnt; i++)
		sample->links[choice->links[i]].without = false;
	for (size_t i = 0; i < choice->cnt; i++) {
		sample->links[choice->links[i]].without = true;
		choice->breaks[i] = sample->cnt - cycle_sample_left(sample).cycles;
	}
	for (size_t i = 0; i < choice->cnt; i++)
		sample->links[choice->links[i]].without = false;
	if (choice->cnt && !choice->breaks[choice->cnt - 1])
		choice->cnt = 0;
}

static struct choice choose(struct cycle_sample *sample, const struct candidate *candidates,
			    size_t cnt)
{
	struct choice choice = { .cnt = 0 };
	struct sample_left left = { .cycles = sample->cnt, .nodes = sample->node_cnt };

	while (choice.cnt < CYCLE_CUT_MAX && left.cycles &&
	       choose_next(sample, candidates, cnt, &left, &choice))
		;
	reduce(sample, left.cycles, &choice);
	count_breaks(sample, &choice);
	return choice;
}

static uint64_t all_breaks(const struct choice *choice)
{
	return choice->cnt ? choice->breaks[choice->cnt - 1] : 0;
}

static int find(struct cycle_finder *finder, struct cycle_sample *sample, struct cycle_group *out)
{
	_cleanup_free_ struct candidate *candidates =
		malloc((sample->link_cnt + 1ULL) * sizeof(*candidates));
	struct choice best = { .cnt = 0 };
	size_t cnt, some = 0;

	if (!candidates)
		return -ENOMEM;
	cnt = list_candidates(finder->graph, sample, candidates);
	/* Those of a worse tier only if they do better, or with fewer links. */
	for (enum tier tier = 0; tier < TIER_CNT; tier++) {
		size_t before = some;
		struct choice choice;

		while (some < cnt && candidates[some].tier <= tier)
			some++;
		if (some == before || (best.cnt == 1 && all_breaks(&best) == sample->cnt))
			continue;
		choice = choose(sample, candidates, some);
		if (all_breaks(&choice) > all_breaks(&best) ||
		    (all_breaks(&choice) == all_breaks(&best) && choice.cnt < best.cnt))
			best = choice;
	}
	for (size_t i = 0; i < best.cnt; i++) {
		out->cut[i] = sample->links[best.links[i]].link;
		out->cut_breaks[i] = best.breaks[i];
	}
	out->cut_cnt = best.cnt;
	out->examined = sample->cnt;
	return 0;
}

int cycle_cut_find(struct cycle_finder *finder, const uint32_t *numbers, size_t cnt,
		   struct cycle_group *out)
{
	struct cycle_sample sample;
	int err;

	if (!finder->cut_budget)
		return 0;
	err = cycle_sample_take(finder, numbers, cnt, &sample);
	if (!err)
		err = find(finder, &sample, out);
	finder->cut_budget -= sample.work < finder->cut_budget ? sample.work : finder->cut_budget;
	cycle_sample_deinit(&sample);
	return err;
}
