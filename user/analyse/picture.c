/* SPDX-License-Identifier: BSD-2-Clause */
/* The way up, level by level: every object is visited once, and every reference to it is looked
 * at once. An object's share of the start goes up to its holders in equal parts, but not back to
 * those that were visited before: so the shares say which groups hold much of the start.
 */
#include "analyse/picture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyse/picture_groups.h"
#include "analyse/picture_holders.h"

#define DEFAULT_LIMIT 30
#define DEFAULT_DEPTH 10
#define MAX_DEPTH 250
/* objgraph's too_many: of one object, that many holders are drawn. */
#define SINGLE_HOLDERS 10
#define NOT_MET UINT8_MAX

struct climb {
	const struct heap_graph *graph;
	const struct cycles *cycles;
	struct holders holders;
	struct groups groups;
	uint32_t *group_of; /* valid when the node was met */
	uint8_t *level;	    /* NOT_MET, or where it was met */
	float *share;
	uint32_t *now, *next; /* nodes of the level, and of the one above it */
	size_t now_cnt, next_cnt;
	unsigned int limit, depth;
	bool single;
};

static bool on_one_cycle(const struct climb *climb, uint32_t a, uint32_t b)
{
	const uint32_t *component = climb->cycles ? climb->cycles->component : NULL;

	return component && component[a] && component[a] == component[b];
}

/* Puts a node that was not met before into the group and the level. */
static void meet(struct climb *climb, uint32_t node, uint32_t group, unsigned int level)
{
	const struct graph_node *n = &climb->graph->nodes[node];
	struct group *g = &climb->groups.groups[group];

	climb->group_of[node] = group;
	climb->level[node] = (uint8_t)level;
	if (g->node.objects++ == 0) {
		g->node.level = level;
		g->node.example = node;
	}
	g->node.bytes += n->bytes;
	g->cyclic += climb->cycles && climb->cycles->component[node];
	g->node.end =
		group != GROUP_START && (climb->holders.root[node] != NODE_NONE ||
					 group_ends_at(graph_node_type(climb->graph, node)->role));
	if (group != GROUP_REST && !g->node.end)
		climb->next[climb->next_cnt++] = node;
}

static int group_for(struct climb *climb, uint32_t node, uint32_t held, unsigned int shown,
		     uint32_t *out)
{
	struct place place = { .root = climb->holders.root[node], .held = held };

	if (!climb->single) {
		if (place.root == NODE_NONE &&
		    group_by_place(climb->graph, climb->graph->nodes[node].type))
			place.holder = holders_place(&climb->holders, node);
		return groups_find(&climb->groups, climb->graph, node, &place, out);
	}
	*out = GROUP_REST;
	/* The rest is there from the beginning. */
	if (shown >= SINGLE_HOLDERS || climb->groups.cnt > climb->limit)
		return 0;
	return groups_find_single(&climb->groups, climb->graph, node, climb->holders.root[node],
				  out);
}

/* The share of `node` goes to these: not met yet, or met from this level. */
static uint32_t count_upwards(const struct climb *climb, uint32_t node, unsigned int level)
{
	struct holder holder;
	uint32_t cnt = 0;

	for (uint32_t at = climb->holders.referrers->first[node];
	     at < climb->holders.referrers->first[node + 1]; at++) {
		if (holders_at(&climb->holders, at, &holder))
			cnt += climb->level[holder.node] > level;
	}
	return cnt;
}

static int climb_from(struct climb *climb, uint32_t node, unsigned int level)
{
	uint32_t upwards = count_upwards(climb, node, level), group = climb->group_of[node];
	float part = upwards ? climb->share[node] / (float)upwards : 0;
	unsigned int shown = 0;

	for (uint32_t at = climb->holders.referrers->first[node];
	     at < climb->holders.referrers->first[node + 1]; at++) {
		struct holder holder;
		uint32_t from;

		if (!holders_at(&climb->holders, at, &holder))
			continue;
		if (climb->level[holder.node] == NOT_MET) {
			if (group_for(climb, holder.node, group, shown, &from))
				return -ENOMEM;
			meet(climb, holder.node, from, level + 1);
		}
		from = climb->group_of[holder.node];
		shown += from != GROUP_REST;
		if (climb->level[holder.node] > level) {
			climb->share[holder.node] += part;
			climb->groups.groups[from].node.share += (double)part;
		}
		if (groups_link(&climb->groups, from, group, holder.kind, holder.name,
				on_one_cycle(climb, holder.node, node)))
			return -ENOMEM;
	}
	return 0;
}

/* What was met on the last level is not followed: are there holders that were not met? */
static void mark_open(struct climb *climb, uint32_t node)
{
	struct holder holder;

	for (uint32_t at = climb->holders.referrers->first[node];
	     at < climb->holders.referrers->first[node + 1]; at++) {
		if (!holders_at(&climb->holders, at, &holder) ||
		    climb->level[holder.node] != NOT_MET)
			continue;
		climb->groups.groups[climb->group_of[node]].node.open = true;
		return;
	}
}

static int climb_all(struct climb *climb, const uint32_t *start, size_t cnt)
{
	const struct heap_graph *graph = climb->graph;

	climb->groups.groups[GROUP_START].node.type = graph->nodes[start[0]].type;
	climb->groups.groups[GROUP_START].node.share = 1;
	for (size_t i = 0; i < cnt; i++) {
		if (start[i] >= graph->node_cnt || climb->level[start[i]] != NOT_MET)
			continue;
		meet(climb, start[i], GROUP_START, 0);
		climb->share[start[i]] = 1.0F / (float)cnt;
	}
	for (unsigned int level = 0; climb->next_cnt > 0; level++) {
		uint32_t *spare = climb->now;

		climb->now = climb->next;
		climb->now_cnt = climb->next_cnt;
		climb->next = spare;
		climb->next_cnt = 0;
		for (size_t i = 0; i < climb->now_cnt; i++) {
			if (level == climb->depth)
				mark_open(climb, climb->now[i]);
			else if (climb_from(climb, climb->now[i], level))
				return -ENOMEM;
		}
	}
	return 0;
}

static void climb_deinit(struct climb *climb)
{
	groups_deinit(&climb->groups);
	holders_deinit(&climb->holders);
	free(climb->group_of);
	free(climb->level);
	free(climb->share);
	free(climb->now);
	free(climb->next);
}

static int climb_init(struct climb *climb, const struct picture_options *options)
{
	const struct heap_graph *graph = climb->graph;
	size_t cnt = graph->node_cnt;

	climb->limit = options && options->limit ? options->limit : DEFAULT_LIMIT;
	climb->depth = options && options->depth ? options->depth : DEFAULT_DEPTH;
	if (climb->depth > MAX_DEPTH)
		climb->depth = MAX_DEPTH;
	climb->group_of = malloc(cnt * sizeof(*climb->group_of));
	climb->level = malloc(cnt);
	climb->share = calloc(cnt, sizeof(*climb->share));
	climb->now = malloc(cnt * sizeof(*climb->now));
	climb->next = malloc(cnt * sizeof(*climb->next));
	if (!climb->group_of || !climb->level || !climb->share || !climb->now || !climb->next ||
	    groups_init(&climb->groups) || holders_init(&climb->holders, graph, climb->single))
		return -ENOMEM;
	memset(climb->level, NOT_MET, cnt);
	return 0;
}

static int draw(struct climb *climb, const uint32_t *start, size_t cnt,
		const struct picture_options *options, struct picture *out)
{
	int err = climb_init(climb, options);

	if (!err)
		err = climb_all(climb, start, cnt);
	if (!err)
		err = picture_select(&climb->groups, climb->graph, climb->limit, out);
	if (!err)
		out->single = climb->single;
	climb_deinit(climb);
	return err;
}

int picture_of_objects(const struct heap_graph *graph, const struct referrers *referrers,
		       const struct cycles *cycles, const uint32_t *start, size_t cnt,
		       const struct picture_options *options, struct picture *out)
{
	struct climb climb = { .graph = graph, .cycles = cycles, .holders.referrers = referrers };

	if (cnt == 0 || start[0] >= graph->node_cnt)
		return -EINVAL;
	return draw(&climb, start, cnt, options, out);
}

int picture_of_object(const struct heap_graph *graph, const struct referrers *referrers,
		      const struct cycles *cycles, uint32_t node,
		      const struct picture_options *options, struct picture *out)
{
	struct climb climb = {
		.graph = graph, .cycles = cycles, .holders.referrers = referrers, .single = true
	};

	if (node >= graph->node_cnt)
		return -EINVAL;
	return draw(&climb, &node, 1, options, out);
}

void picture_deinit(struct picture *picture)
{
	free(picture->nodes);
	free(picture->edges);
	memset(picture, 0, sizeof(*picture));
}
