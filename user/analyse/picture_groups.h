/* SPDX-License-Identifier: BSD-2-Clause */
/* Nodes and edges of a picture while they are gathered; for picture*.c only. */
#ifndef PYLEAK_ANALYSE_PICTURE_GROUPS_H
#define PYLEAK_ANALYSE_PICTURE_GROUPS_H

#include "analyse/picture.h"

#define GROUP_NONE UINT32_MAX
/* Groups beyond these are not told apart: GROUP_REST. */
#define GROUPS_MAX (1U << 16)
#define GROUP_START 0U
#define GROUP_REST 1U

struct group {
	struct picture_node node;
	uint32_t held; /* the group it was found by, for containers; else GROUP_NONE */
	uint64_t cyclic;
};

/* All references with one label from one group to another. */
struct group_link {
	uint32_t from, to;
	uint32_t kind, name;
	uint64_t cnt, cyclic;
};

/* 128-bit keys to indexes. */
struct index_map {
	struct index_slot *slots;
	size_t cnt, room;
};

struct groups {
	struct group *groups;
	struct group_link *links;
	uint32_t cnt, link_cnt;
	uint32_t room, link_room;
	struct index_map by_key, link_by_key;
};

/* The start and the rest are there from the beginning. 0 or -ENOMEM. */
int groups_init(struct groups *groups);
void groups_deinit(struct groups *groups);

/* The group of `node`, which holds an object of group `held`; made when it is new. 0 or -ENOMEM.
 * `root`: of the node, or NODE_NONE. */
int groups_find(struct groups *groups, const struct heap_graph *graph, uint32_t node, uint32_t root,
		uint32_t held, uint32_t *out);
/* The group of one object. */
int groups_find_single(struct groups *groups, const struct heap_graph *graph, uint32_t node,
		       uint32_t root, uint32_t *out);
/* One reference more. 0 or -ENOMEM. */
int groups_link(struct groups *groups, uint32_t from, uint32_t to, uint32_t kind, uint32_t name,
		bool cyclic);

/* Does the way up end at objects of this role? */
static inline bool group_ends_at(uint8_t role)
{
	return role == ROLE_MODULE || role == ROLE_TYPE || role == ROLE_PSEUDO;
}

/* Keeps the strongest and sums the rest (picture_select.c). 0 or -ENOMEM. */
int picture_select(const struct groups *groups, const struct heap_graph *graph, unsigned int limit,
		   struct picture *out);

#endif
