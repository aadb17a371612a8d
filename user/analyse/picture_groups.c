/* SPDX-License-Identifier: BSD-2-Clause */
#include "analyse/picture_groups.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A nest of containers is looked through this far for a repetition. */
#define MAX_NEST 6

struct index_slot {
	uint64_t high, low;
	uint32_t value;
	bool used;
};

static size_t slot_of(const struct index_map *map, uint64_t high, uint64_t low)
{
	uint64_t hash = (low ^ (high * 0x9e3779b97f4a7c15ULL)) * 0xff51afd7ed558ccdULL;
	size_t at = (size_t)(hash ^ hash >> 32) & (map->room - 1);

	while (map->slots[at].used && (map->slots[at].high != high || map->slots[at].low != low))
		at = (at + 1) & (map->room - 1);
	return at;
}

static int map_widen(struct index_map *map)
{
	struct index_map wide = { .room = map->room ? 2 * map->room : 256, .cnt = map->cnt };

	wide.slots = calloc(wide.room, sizeof(*wide.slots));
	if (!wide.slots)
		return -ENOMEM;
	for (size_t i = 0; i < map->room; i++) {
		if (map->slots[i].used)
			wide.slots[slot_of(&wide, map->slots[i].high, map->slots[i].low)] =
				map->slots[i];
	}
	free(map->slots);
	*map = wide;
	return 0;
}

/* The value of the key; `fresh` becomes the value of one that was not there. */
static int map_find(struct index_map *map, uint64_t high, uint64_t low, uint32_t fresh,
		    uint32_t *out)
{
	size_t at;

	if (4 * (map->cnt + 1) > 3 * map->room && map_widen(map))
		return -ENOMEM;
	at = slot_of(map, high, low);
	if (!map->slots[at].used) {
		map->slots[at] = (struct index_slot){ high, low, fresh, true };
		map->cnt++;
	}
	*out = map->slots[at].value;
	return 0;
}

/* Room for one more. */
static int room_for_group(struct groups *groups)
{
	uint32_t room = groups->room ? 2 * groups->room : 64;
	struct group *wide;

	if (groups->cnt < groups->room)
		return 0;
	wide = realloc(groups->groups, room * sizeof(*wide));
	if (!wide)
		return -ENOMEM;
	groups->groups = wide;
	groups->room = room;
	return 0;
}

static void group_add(struct groups *groups, uint32_t type, uint32_t root, uint32_t held)
{
	groups->groups[groups->cnt++] = (struct group){
		.node = {
			.type = type,
			.root = root,
			.class = NODE_NONE,
			.example = NODE_NONE,
			.groups = 1,
		},
		.held = held,
	};
}

int groups_init(struct groups *groups)
{
	memset(groups, 0, sizeof(*groups));
	if (room_for_group(groups))
		return -ENOMEM;
	group_add(groups, NODE_NONE, NODE_NONE, GROUP_NONE);
	group_add(groups, NODE_NONE, NODE_NONE, GROUP_NONE);
	groups->groups[GROUP_START].node.start = true;
	return 0;
}

void groups_deinit(struct groups *groups)
{
	free(groups->groups);
	free(groups->links);
	free(groups->by_key.slots);
	free(groups->link_by_key.slots);
	memset(groups, 0, sizeof(*groups));
}

static int find_key(struct groups *groups, uint64_t high, uint64_t low, uint32_t type,
		    uint32_t root, uint32_t held, uint32_t *out)
{
	if (groups->cnt >= GROUPS_MAX) {
		/* Those that exist are still found: the value for new ones is the rest. */
		return map_find(&groups->by_key, high, low, GROUP_REST, out);
	}
	if (room_for_group(groups) || map_find(&groups->by_key, high, low, groups->cnt, out))
		return -ENOMEM;
	if (*out == groups->cnt)
		group_add(groups, type, root, held);
	return 0;
}

/* A list in a list in a list, and a tuple in a list in a tuple in a list, are drawn as a ring: the
 * group further down that already is a `type` which holds what `held` is. GROUP_NONE: none. */
static uint32_t find_repetition(const struct groups *groups, uint32_t type, uint32_t held)
{
	uint32_t held_type = groups->groups[held].node.type, down = held;

	for (int i = 0; i < MAX_NEST && groups->groups[down].held != GROUP_NONE; i++) {
		uint32_t below = groups->groups[down].held;

		if (groups->groups[down].node.type == type &&
		    groups->groups[below].node.type == held_type)
			return down;
		down = below;
	}
	return GROUP_NONE;
}

#define KEY_ROOT 1ULL
#define KEY_OBJECT 2ULL
#define KEY_CLASS 3ULL
#define KEY_PLACE (1ULL << 63)

int groups_find(struct groups *groups, const struct heap_graph *graph, uint32_t node,
		const struct place *place, uint32_t *out)
{
	uint32_t type = graph->nodes[node].type, root = place->root;

	/* Threads that run the same function are one. */
	if (root != NODE_NONE)
		return find_key(groups, KEY_ROOT,
				(uint64_t)graph->roots[root].kind << 32 | graph->roots[root].name,
				type, root, GROUP_NONE, out);
	if (group_ends_at(graph->types[type].role))
		return find_key(groups, KEY_OBJECT, node, type, root, GROUP_NONE, out);
	if (!group_by_place(graph, type))
		return find_key(groups, KEY_CLASS, type, type, root, GROUP_NONE, out);
	*out = find_repetition(groups, type, place->held);
	if (*out != GROUP_NONE)
		return 0;
	return find_key(groups, KEY_PLACE | (uint64_t)place->held << 32 | type, place->holder, type,
			root, place->held, out);
}

int groups_find_single(struct groups *groups, const struct heap_graph *graph, uint32_t node,
		       uint32_t root, uint32_t *out)
{
	return find_key(groups, KEY_OBJECT, node, graph->nodes[node].type, root, GROUP_NONE, out);
}

static int room_for_link(struct groups *groups)
{
	uint32_t room = groups->link_room ? 2 * groups->link_room : 256;
	struct group_link *wide;

	if (groups->link_cnt < groups->link_room)
		return 0;
	wide = realloc(groups->links, room * sizeof(*wide));
	if (!wide)
		return -ENOMEM;
	groups->links = wide;
	groups->link_room = room;
	return 0;
}

int groups_link(struct groups *groups, uint32_t from, uint32_t to, uint32_t kind, uint32_t name,
		bool cyclic)
{
	struct group_link *link;
	uint32_t at;

	if (room_for_link(groups) || map_find(&groups->link_by_key, (uint64_t)kind << 32 | name,
					      (uint64_t)from << 32 | to, groups->link_cnt, &at))
		return -ENOMEM;
	link = &groups->links[at];
	if (at == groups->link_cnt) {
		groups->link_cnt++;
		*link = (struct group_link){ .from = from, .to = to, .kind = kind, .name = name };
	}
	link->cnt++;
	link->cyclic += cyclic;
	return 0;
}
