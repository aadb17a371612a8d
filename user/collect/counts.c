/* SPDX-License-Identifier: BSD-2-Clause */
/* Plain bookkeeping; what the numbers mean is decided by who fills them in. */
#include "collect/counts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

struct type_entry {
	struct counted_type type;
	UT_hash_handle hh;
};

struct counts {
	struct type_entry *types;
	struct counted_container *containers;
	size_t container_cnt, container_room;
};

int counts_create(struct counts **out)
{
	*out = calloc(1, sizeof(**out));
	return *out ? 0 : -ENOMEM;
}

void counts_reset(struct counts *counts)
{
	struct type_entry *entry, *next;

	HASH_ITER (hh, counts->types, entry, next) {
		HASH_DEL(counts->types, entry);
		free(entry);
	}
	counts->container_cnt = 0;
}

void counts_destroy(struct counts *counts)
{
	if (!counts)
		return;
	counts_reset(counts);
	free(counts->containers);
	free(counts);
}

struct counted_type *counts_type(struct counts *counts, raddr_t address)
{
	struct type_entry *entry;

	HASH_FIND(hh, counts->types, &address, sizeof(address), entry);
	if (entry)
		return &entry->type;
	entry = calloc(1, sizeof(*entry));
	if (!entry)
		return NULL;
	entry->type.address = address;
	HASH_ADD(hh, counts->types, type.address, sizeof(entry->type.address), entry);
	return &entry->type;
}

const struct counted_type *counts_find(const struct counts *counts, raddr_t address)
{
	struct type_entry *entry;

	HASH_FIND(hh, counts->types, &address, sizeof(address), entry);
	return entry ? &entry->type : NULL;
}

int counts_add_container(struct counts *counts, const struct counted_container *container)
{
	if (counts->container_cnt == counts->container_room) {
		size_t room = counts->container_room ? counts->container_room * 2 : 256;
		void *grown = realloc(counts->containers, room * sizeof(*counts->containers));

		if (!grown)
			return -ENOMEM;
		counts->containers = grown;
		counts->container_room = room;
	}
	counts->containers[counts->container_cnt++] = *container;
	return 0;
}

size_t counts_each_type(struct counts *counts,
			void (*visit)(const struct counted_type *type, void *context),
			void *context)
{
	struct type_entry *entry, *next;
	size_t cnt = 0;

	HASH_ITER (hh, counts->types, entry, next) {
		visit(&entry->type, context);
		cnt++;
	}
	return cnt;
}

const struct counted_container *counts_containers(const struct counts *counts, size_t *cnt)
{
	*cnt = counts->container_cnt;
	return counts->containers;
}
