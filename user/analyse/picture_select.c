/* SPDX-License-Identifier: BSD-2-Clause */
/* What of all groups is drawn: those that hold most of the start. The others become one node, so
 * that what is drawn stays connected. */
#include "analyse/picture_groups.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"

/* Less than this of the start is not drawn by itself, when there are others to be summed up. */
#define MIN_SHARE 0.001

/* Of the places, at most one in so many is kept for roots that would not be drawn otherwise: they
 * are what a reader looks for. */
#define ROOT_PLACES 4

struct ranked {
	uint32_t group;
	bool end;
	unsigned int level;
	double share;
};

static int by_share(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	if (x->share != y->share)
		return x->share > y->share ? -1 : 1;
	if (x->level != y->level)
		return x->level < y->level ? -1 : 1;
	return (x->group > y->group) - (x->group < y->group);
}

/* Objects of a linked list hand the same share on to each other. */
static double whole_share(double share)
{
	return share < 1 ? share : 1;
}

static struct ranked *rank_groups(const struct groups *groups, size_t *out_cnt)
{
	struct ranked *ranks = malloc(groups->cnt * sizeof(*ranks));
	size_t cnt = 0;

	for (uint32_t g = GROUP_REST + 1; ranks && g < groups->cnt; g++) {
		/* Sums of floats: noise must not decide. */
		double share = whole_share(groups->groups[g].node.share);

		ranks[cnt++] = (struct ranked){
			.group = g,
			.end = groups->groups[g].node.end,
			.level = groups->groups[g].node.level,
			.share = (double)(int64_t)(share * 1e5 + 0.5),
		};
	}
	if (ranks)
		qsort(ranks, cnt, sizeof(*ranks), by_share);
	*out_cnt = cnt;
	return ranks;
}

/* How many of the ranked are drawn. One place is the start's, one the rest's. */
static size_t drawn_count(const struct ranked *ranks, size_t cnt, bool rest, unsigned int limit)
{
	size_t drawn = 0;

	while (drawn < cnt && ranks[drawn].share >= MIN_SHARE * 1e5)
		drawn++;
	/* A single small one is told by itself rather than as a rest of one. */
	if (drawn + 1 == cnt && !rest)
		drawn = cnt;
	if (drawn < cnt)
		rest = true;
	if (drawn + 1 + rest > limit)
		drawn = limit > 2 ? limit - 2 : 1;
	return drawn < cnt ? drawn : cnt;
}

/* Lets the strongest roots among the others take the places of the weakest that are drawn. */
static void prefer_roots(struct ranked *ranks, size_t cnt, size_t drawn)
{
	size_t places = drawn / ROOT_PLACES, weakest = drawn;

	for (size_t i = 0; i < drawn && places > 0; i++)
		places -= ranks[i].end;
	for (size_t i = drawn; i < cnt && places > 0; i++) {
		struct ranked root = ranks[i];

		if (!root.end || root.share < MIN_SHARE * 1e5)
			continue;
		while (weakest > 0 && ranks[weakest - 1].end)
			weakest--;
		if (weakest == 0)
			break;
		ranks[i] = ranks[--weakest];
		ranks[weakest] = root;
		places--;
	}
	qsort(ranks, drawn, sizeof(*ranks), by_share);
}

static void add_rest(struct picture_node *rest, const struct picture_node *node)
{
	rest->objects += node->objects;
	rest->bytes += node->bytes;
	rest->share += node->share;
	rest->groups += node->groups;
}

static void add_node(struct picture *out, const struct heap_graph *graph, const struct group *group)
{
	struct picture_node *node = &out->nodes[out->node_cnt++];

	*node = group->node;
	node->share = whole_share(node->share);
	node->cycle = 2 * group->cyclic > group->node.objects;
	if (graph->types[node->type].role != ROLE_TYPE || node->objects != 1)
		return;
	for (uint32_t t = 0; t < graph->type_cnt; t++) {
		if (graph->types[t].node == node->example)
			node->class = t;
	}
}

/* `place`: of a group, the index of its picture node. */
static int select_nodes(const struct groups *groups, const struct heap_graph *graph,
			unsigned int limit, uint32_t *place, struct picture *out)
{
	struct picture_node rest = groups->groups[GROUP_REST].node;
	_cleanup_free_ struct ranked *ranks = NULL;
	size_t cnt, drawn;

	ranks = rank_groups(groups, &cnt);
	if (!ranks)
		return -ENOMEM;
	drawn = drawn_count(ranks, cnt, rest.objects > 0, limit);
	prefer_roots(ranks, cnt, drawn);
	out->nodes = malloc((drawn + 2) * sizeof(*out->nodes));
	if (!out->nodes)
		return -ENOMEM;
	place[GROUP_START] = 0;
	add_node(out, graph, &groups->groups[GROUP_START]);
	for (size_t i = 0; i < drawn; i++) {
		place[ranks[i].group] = (uint32_t)out->node_cnt;
		add_node(out, graph, &groups->groups[ranks[i].group]);
	}
	/* Around one object the rest are objects, not groups. */
	rest.groups = rest.objects;
	place[GROUP_REST] = (uint32_t)out->node_cnt;
	for (size_t i = drawn; i < cnt; i++) {
		place[ranks[i].group] = (uint32_t)out->node_cnt;
		add_rest(&rest, &groups->groups[ranks[i].group].node);
	}
	rest.share = whole_share(rest.share);
	if (rest.objects > 0)
		out->nodes[out->node_cnt++] = rest;
	return 0;
}

int picture_select(const struct groups *groups, const struct heap_graph *graph, unsigned int limit,
		   struct picture *out)
{
	_cleanup_free_ uint32_t *place = malloc(groups->cnt * sizeof(*place));
	struct picture picture = { 0 };
	int err = -ENOMEM;

	if (place)
		err = select_nodes(groups, graph, limit, place, &picture);
	if (!err)
		err = picture_select_edges(groups, place, &picture);
	if (err)
		picture_deinit(&picture);
	else
		*out = picture;
	return err;
}
