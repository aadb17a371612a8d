/* SPDX-License-Identifier: BSD-2-Clause */
/* The arrows of a picture: one from a node to another, whatever the number of references. */
#include "analyse/picture_groups.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"

#define EDGES_PER_NODE 2

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

/* How much of the start goes this way. */
static double strength(const struct picture *picture, const struct picture_edge *edge)
{
	const struct picture_node *to = &picture->nodes[edge->to];

	return to->objects ? (double)edge->references / (double)to->objects * to->share : 0;
}

struct strong_edge {
	uint32_t index;
	double strength;
};

static int by_strength(const void *a, const void *b)
{
	const struct strong_edge *x = a, *y = b;

	if (x->strength != y->strength)
		return x->strength > y->strength ? -1 : 1;
	return (x->index > y->index) - (x->index < y->index);
}

/* Of a thicket, the strongest: for each node one edge in and one out, then as many as are
 * readable. */
static int drop_weak_edges(struct picture *out)
{
	size_t cnt = out->edge_cnt, room = EDGES_PER_NODE * out->node_cnt, kept = 0;
	_cleanup_free_ struct strong_edge *order = malloc((cnt + 1) * sizeof(*order));
	_cleanup_free_ bool *keep = calloc(cnt + 1, sizeof(*keep));
	_cleanup_free_ bool *in = calloc(out->node_cnt, sizeof(*in));
	_cleanup_free_ bool *from = calloc(out->node_cnt, sizeof(*from));

	if (!order || !keep || !in || !from)
		return -ENOMEM;
	for (size_t i = 0; i < cnt; i++)
		order[i] = (struct strong_edge){ (uint32_t)i, strength(out, &out->edges[i]) };
	qsort(order, cnt, sizeof(*order), by_strength);
	for (size_t i = 0; i < cnt; i++) {
		const struct picture_edge *edge = &out->edges[order[i].index];

		if (edge->from == edge->to || (in[edge->to] && from[edge->from]))
			continue;
		in[edge->to] = from[edge->from] = true;
		keep[order[i].index] = true;
		kept++;
	}
	for (size_t i = 0; i < cnt && kept < room; i++) {
		kept += !keep[order[i].index];
		keep[order[i].index] = true;
	}
	out->hidden_edges = cnt - kept;
	out->edge_cnt = 0;
	for (size_t i = 0; i < cnt; i++) {
		if (keep[i])
			out->edges[out->edge_cnt++] = out->edges[i];
	}
	return 0;
}

int picture_select_edges(const struct groups *groups, const uint32_t *place, struct picture *out)
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
	return drop_weak_edges(out);
}
