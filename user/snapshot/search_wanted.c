/* SPDX-License-Identifier: BSD-2-Clause */
/* What a search looks for, and how many holders of each it has found: a hash table that is never
 * more than a quarter full. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "snapshot/search_graph.h"

#define TABLE_SLOTS (4 * SEARCH_LEVEL_MOST)
#define HOLDERS_MOST 8 /* of one object */

struct search_wanted {
	raddr_t address;
	uint32_t holders;
};

int search_make_wanted(struct heap_search *search)
{
	search->wanted = calloc(TABLE_SLOTS, sizeof(*search->wanted));
	search->mask = TABLE_SLOTS - 1;
	return search->wanted ? 0 : -ENOMEM;
}

void search_forget_wanted(struct heap_search *search)
{
	memset(search->wanted, 0, TABLE_SLOTS * sizeof(*search->wanted));
}

static struct search_wanted *wanted_slot(const struct heap_search *search, raddr_t address)
{
	size_t slot = (address >> 4) * 0x9e3779b97f4a7c15ULL >> 32 & search->mask;

	while (search->wanted[slot].address && search->wanted[slot].address != address)
		slot = (slot + 1) & search->mask;
	return &search->wanted[slot];
}

void search_want(struct heap_search *search, raddr_t address)
{
	wanted_slot(search, address)->address = address;
}

bool search_wants(const struct heap_search *search, raddr_t address)
{
	return address && wanted_slot(search, address)->address;
}

static bool make_source_room(struct heap *heap)
{
	struct heap_search *search = heap->search;
	uint32_t room = search->source_room ? 2 * search->source_room : 4096, *larger;

	if (heap->graph->edge_cnt < search->source_room)
		return true;
	larger = realloc(search->sources, room * sizeof(*larger));
	if (!larger) {
		heap->out_of_room = true;
		return false;
	}
	search->sources = larger;
	search->source_room = room;
	return true;
}

uint32_t search_source(struct heap *heap, uint32_t to)
{
	struct search_wanted *wanted = wanted_slot(heap->search, heap->graph->nodes[to].address);

	if (!make_source_room(heap) || (wanted->address && wanted->holders >= HOLDERS_MOST))
		return NODE_NONE;
	if (wanted->address)
		wanted->holders++;
	return heap->search->object ? heap_node(heap, heap->search->object) : heap->source;
}
