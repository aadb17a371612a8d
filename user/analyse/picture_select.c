/* SPDX-License-Identifier: BSD-2-Clause */
/* What of all groups is drawn: those that hold most of the start. The others become one node, so
 * that what is drawn stays connected. */
#include "analyse/picture_groups.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"

/* Less than this of the start is not drawn by itself, when there are others to be summed up. */
#define MIN_SHARE 0.001

struct ranked {
	uint32_t group;
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

		ranks[cnt++] = (struct ranked){ g, groups->groups[g].node.level,
						(double)(int64_t)(share * 1e5 + 0.5) };
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

static int by_ends(const void *a, const void *b)
{
	const struct group_link *x = a, *y = b;

	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	if (x->to != y->to)
		return x->to < y->to ? -1 : 1;
	if (x->cnt != y->cnt)
		return x->cnt > y->cnt ? -1 : 1;
	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	return (x->name > y->name) - (x->name < y->name);
}

/* `links` sorted: those between the same two nodes become one edge. */
static void merge_links(const struct group_link *links, size_t cnt, struct picture *out)
{
	uint64_t cyclic = 0;

	for (size_t i = 0; i < cnt; i++) {
		const struct group_link *link = &links[i];
		struct picture_edge *edge = &out->edges[out->edge_cnt];

		if (i == 0 || link->from != links[i - 1].from || link->to != links[i - 1].to) {
			*edge = (struct picture_edge){ .from = link->from, .to = link->to };
			out->edge_cnt++;
			cyclic = 0;
		} else {
			edge--;
		}
		if (edge->label_cnt < PICTURE_LABELS)
			edge->labels[edge->label_cnt] =
				(struct picture_label){ link->kind, link->name, link->cnt };
		edge->label_cnt++;
		edge->references += link->cnt;
		cyclic += link->cyclic;
		edge->cycle = 2 * cyclic > edge->references;
	}
}

/* What the nodes drawn hold by way of the rest is too much to be drawn: only what would hang in
 * the air without it. */
static void drop_rest_edges(struct picture *out, uint32_t rest)
{
	_cleanup_free_ bool *holds = calloc(out->node_cnt + 1, sizeof(*holds));
	size_t kept = 0;

	for (size_t i = 0; holds && i < out->edge_cnt; i++) {
		if (out->edges[i].to != rest && out->edges[i].to != out->edges[i].from)
			holds[out->edges[i].from] = true;
	}
	for (size_t i = 0; i < out->edge_cnt; i++) {
		const struct picture_edge *edge = &out->edges[i];

		if (edge->to == rest && (edge->from == rest || (holds && holds[edge->from])))
			continue;
		out->edges[kept++] = *edge;
	}
	out->edge_cnt = kept;
}

static int select_edges(const struct groups *groups, const uint32_t *place, struct picture *out)
{
	_cleanup_free_ struct group_link *links = NULL;
	size_t cnt = groups->link_cnt;

	links = malloc((cnt + 1) * sizeof(*links));
	out->edges = malloc((cnt + 1) * sizeof(*out->edges));
	if (!links || !out->edges)
		return -ENOMEM;
	for (size_t i = 0; i < cnt; i++) {
		links[i] = groups->links[i];
		links[i].from = place[links[i].from];
		links[i].to = place[links[i].to];
	}
	qsort(links, cnt, sizeof(*links), by_ends);
	merge_links(links, cnt, out);
	drop_rest_edges(out, place[GROUP_REST]);
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
		err = select_edges(groups, place, &picture);
	if (err)
		picture_deinit(&picture);
	else
		*out = picture;
	return err;
}
