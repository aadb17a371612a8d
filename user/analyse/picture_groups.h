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

/* Where an object was met: what makes two lists different. */
struct place {
	uint32_t root;	 /* of the object itself, or NODE_NONE */
	uint32_t held;	 /* the group that it holds something of */
	uint64_t holder; /* who holds it, and by what: equal for equal ones */
};

/* The group of `node`; made when it is new. 0 or -ENOMEM. */
int groups_find(struct groups *groups, const struct heap_graph *graph, uint32_t node,
		const struct place *place, uint32_t *out);
/* The group of one object. */
int groups_find_single(struct groups *groups, const struct heap_graph *graph, uint32_t node,
		       uint32_t root, uint32_t *out);
/* One reference more. 0 or -ENOMEM. */
int groups_link(struct groups *groups, uint32_t from, uint32_t to, uint32_t kind, uint32_t name,
		bool cyclic);

/* Are objects of the type, of which there are all kinds, told apart by their place? */
static inline bool group_by_place(const struct heap_graph *graph, uint32_t type)
{
	return graph->types[type].role != ROLE_INSTANCE && !graph->types[type].own;
}

/* Does the way up end at objects of this role? */
static inline bool group_ends_at(uint8_t role)
{
	return role == ROLE_MODULE || role == ROLE_TYPE || role == ROLE_PSEUDO;
}

/* Keeps the strongest and sums the rest (picture_select.c). 0 or -ENOMEM. */
int picture_select(const struct groups *groups, const struct heap_graph *graph, unsigned int limit,
		   struct picture *out);
/* Its edges (picture_edges.c). `place`: of a group, the index of its node. */
int picture_select_edges(const struct groups *groups, const uint32_t *place, struct picture *out);

#endif
