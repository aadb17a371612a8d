/* SPDX-License-Identifier: BSD-2-Clause */
#include "analyse/cycle_sample.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define COMPONENTS_MAX 200
#define NODES_MAX 10000
/* Nodes and edges: of the first component, and of all together when there are several. */
#define FIRST_MAX (1U << 18)
#define ALL_MAX (1U << 15)

static bool reserve(void *items_at, size_t size, uint32_t cnt, uint32_t *room)
{
	void **items = items_at, *larger;
	uint32_t wanted = *room ? 2 * *room : 256;

	if (cnt < *room)
		return true;
	larger = realloc(*items, wanted * size);
	if (!larger)
		return false;
	*items = larger;
	*room = wanted;
	return true;
}

static int add_link(struct cycle_sample *sample, const struct cycle_link *link, uint32_t *out)
{
	uint64_t key = key_mix(0, (uint64_t)link->from << 32 | link->to);

	key = key_mix(key, (uint64_t)link->kind << 32 | link->name);
	if (!reserve(&sample->links, sizeof(*sample->links), sample->link_cnt,
		     &sample->link_room) ||
	    keymap_add(&sample->map, key, sample->link_cnt, out))
		return -ENOMEM;
	if (*out == sample->link_cnt)
		sample->links[sample->link_cnt++] = (struct sample_link){ .link = *link };
	sample->links[*out].edges++;
	return 0;
}

/* The component that the view has been turned to. */
static int add_component(struct cycle_sample *sample, const struct cycle_view *view)
{
	for (uint32_t n = 0; n < view->cnt; n++) {
		for (uint32_t e = view->first[n]; e < view->first[n + 1]; e++) {
			struct cycle_link link = cycle_view_link(view, n, e);
			struct sample_edge edge = {
				.from = sample->node_cnt + n,
				.to = sample->node_cnt + view->edges[e].to,
			};

			if (add_link(sample, &link, &edge.link) ||
			    !reserve(&sample->edges, sizeof(*sample->edges), sample->edge_cnt,
				     &sample->edge_room))
				return -ENOMEM;
			sample->edges[sample->edge_cnt++] = edge;
		}
	}
	sample->node_cnt += view->cnt;
	sample->end[sample->cnt++] = sample->node_cnt;
	return 0;
}

static int copy(struct cycle_finder *finder, const uint32_t *numbers, size_t cnt,
		struct cycle_sample *sample)
{
	struct cycle_view *view = &finder->view;

	for (size_t i = 0; i < cnt && sample->cnt < COMPONENTS_MAX; i++) {
		const struct component *component = &finder->components[numbers[i]];
		uint32_t size = sample->node_cnt + sample->edge_cnt;

		if (size >= ALL_MAX || sample->work > FIRST_MAX)
			break;
		if (component->cnt > NODES_MAX)
			continue;
		if (cycle_view_enter(view, finder->nodes + component->first, component->cnt))
			return -ENOMEM;
		sample->work += (uint64_t)view->cnt + view->edge_cnt;
		if (size + (uint64_t)view->cnt + view->edge_cnt >
		    (sample->cnt ? ALL_MAX : FIRST_MAX))
			continue;
		if (add_component(sample, view))
			return -ENOMEM;
	}
	return 0;
}

static int turn_edges(struct cycle_sample *sample)
{
	size_t nodes = sample->node_cnt + 2ULL;

	sample->first = calloc(nodes, sizeof(*sample->first));
	sample->first_in = calloc(nodes, sizeof(*sample->first_in));
	sample->in = malloc((sample->edge_cnt + 1ULL) * sizeof(*sample->in));
	sample->degree = malloc(nodes * sizeof(*sample->degree));
	sample->degree_in = malloc(nodes * sizeof(*sample->degree_in));
	sample->queue = malloc(nodes * sizeof(*sample->queue));
	if (!sample->first || !sample->first_in || !sample->in || !sample->degree ||
	    !sample->degree_in || !sample->queue)
		return -ENOMEM;
	for (uint32_t e = 0; e < sample->edge_cnt; e++) {
		sample->first[sample->edges[e].from + 1]++;
		sample->first_in[sample->edges[e].to + 2]++;
	}
	for (uint32_t n = 1; n <= sample->node_cnt; n++) {
		sample->first[n] += sample->first[n - 1];
		sample->first_in[n + 1] += sample->first_in[n];
	}
	for (uint32_t e = 0; e < sample->edge_cnt; e++)
		sample->in[sample->first_in[sample->edges[e].to + 1]++] = e;
	return 0;
}

int cycle_sample_take(struct cycle_finder *finder, const uint32_t *numbers, size_t cnt,
		      struct cycle_sample *out)
{
	int err;

	memset(out, 0, sizeof(*out));
	out->end = malloc(COMPONENTS_MAX * sizeof(*out->end));
	if (!out->end || keymap_init(&out->map))
		return -ENOMEM;
	err = copy(finder, numbers, cnt, out);
	return err ? err : turn_edges(out);
}

void cycle_sample_deinit(struct cycle_sample *sample)
{
	free(sample->links);
	free(sample->edges);
	free(sample->end);
	free(sample->first);
	free(sample->first_in);
	free(sample->in);
	free(sample->degree);
	free(sample->degree_in);
	free(sample->queue);
	keymap_deinit(&sample->map);
}

static bool is_there(const struct cycle_sample *sample, uint32_t edge)
{
	return !sample->links[sample->edges[edge].link].without;
}

/* A node is in the queue once: when the first of its degrees becomes 0, both do. */
static uint32_t drop(struct cycle_sample *sample, uint32_t node, uint32_t tail)
{
	sample->degree[node] = 0;
	sample->degree_in[node] = 0;
	sample->queue[tail] = node;
	return tail + 1;
}

static void count_degrees(struct cycle_sample *sample)
{
	memset(sample->degree, 0, sample->node_cnt * sizeof(*sample->degree));
	memset(sample->degree_in, 0, sample->node_cnt * sizeof(*sample->degree_in));
	for (uint32_t e = 0; e < sample->edge_cnt; e++) {
		bool there = is_there(sample, e);

		sample->degree[sample->edges[e].from] += there;
		sample->degree_in[sample->edges[e].to] += there;
	}
}

struct sample_left cycle_sample_left(struct cycle_sample *sample)
{
	struct sample_left left = { 0 };
	uint32_t head = 0, tail = 0, node = 0;

	sample->work += sample->node_cnt + sample->edge_cnt;
	count_degrees(sample);
	for (uint32_t n = 0; n < sample->node_cnt; n++) {
		if (!sample->degree[n] || !sample->degree_in[n])
			tail = drop(sample, n, tail);
	}
	while (head < tail) {
		uint32_t gone = sample->queue[head++];

		for (uint32_t e = sample->first[gone]; e < sample->first[gone + 1]; e++) {
			uint32_t to = sample->edges[e].to;

			if (sample->degree_in[to] && is_there(sample, e) &&
			    !--sample->degree_in[to])
				tail = drop(sample, to, tail);
		}
		for (uint32_t i = sample->first_in[gone]; i < sample->first_in[gone + 1]; i++) {
			uint32_t from = sample->edges[sample->in[i]].from;

			if (sample->degree[from] && is_there(sample, sample->in[i]) &&
			    !--sample->degree[from])
				tail = drop(sample, from, tail);
		}
	}
	for (uint32_t c = 0; c < sample->cnt; c++) {
		uint32_t before = left.nodes;

		for (; node < sample->end[c]; node++)
			left.nodes += sample->degree[node] != 0;
		left.cycles += left.nodes != before;
	}
	return left;
}
