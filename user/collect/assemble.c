/* SPDX-License-Identifier: BSD-2-Clause */
/* Counts by address become counts by name: two interpreters have a type object each for the
 * same class, and a program that makes classes in a loop makes many of one name. */
#include "collect/assemble.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/types.h>

#include "pyleak_wire.h"

#define TABLE_BYTES 512 /* pymalloc serves up to here; larger tables come from malloc */

void sample_store_deinit(struct sample_store *store)
{
	free(store->types);
	free(store->containers);
	free(store->strings);
	memset(store, 0, sizeof(*store));
}

struct assembly {
	struct sample_store *store;
	struct py_types *types;
	struct holds *holds;
	size_t type_cnt;
	int err;
};

/* Strings are kept by offset until all are there: the buffer moves when it grows. */
static size_t keep_string(struct assembly *assembly, const char *text)
{
	struct sample_store *store = assembly->store;
	size_t size = strlen(text) + 1, at = store->strings_used;

	if (at + size > store->strings_room) {
		size_t room = (at + size) * 2 + 4096;
		char *strings = realloc(store->strings, room);

		if (!strings) {
			assembly->err = -ENOMEM;
			return 0;
		}
		store->strings = strings;
		store->strings_room = room;
	}
	memcpy(store->strings + at, text, size);
	store->strings_used += size;
	return at;
}

static bool has_room(void **items, size_t *room, size_t cnt, size_t size)
{
	size_t more = *room ? *room * 2 : 1024;
	void *grown;

	if (cnt < *room)
		return true;
	grown = realloc(*items, more * size);
	if (!grown)
		return false;
	*items = grown;
	*room = more;
	return true;
}

static void take_type(const struct counted_type *counted, void *context)
{
	struct assembly *assembly = context;
	struct sample_store *store = assembly->store;
	const struct py_type *type;
	struct type_count *out;

	if (assembly->err || (!counted->live && !counted->young))
		return;
	type = py_types_get(assembly->types, counted->address);
	if (!type || !has_room((void **)&store->types, &store->type_room, assembly->type_cnt,
			       sizeof(*store->types))) {
		assembly->err = -ENOMEM;
		return;
	}
	out = &store->types[assembly->type_cnt++];
	out->name = (const char *)keep_string(assembly, type->name);
	out->own = type->own;
	out->live = counted->live;
	out->bytes = counted->bytes;
	out->young = counted->young;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct type_count *)a)->name, ((const struct type_count *)b)->name);
}

static void merge_names(struct sample_store *store, size_t cnt)
{
	struct sample *sample = &store->sample;
	size_t kept = 0;

	for (size_t i = 0; i < cnt; i++)
		store->types[i].name = store->strings + (size_t)store->types[i].name;
	if (cnt)
		qsort(store->types, cnt, sizeof(*store->types), by_name);
	sample->objects = 0;
	sample->bytes = 0;
	for (size_t i = 0; i < cnt; i++) {
		struct type_count *type = &store->types[i];
		struct type_count *last = kept ? &store->types[kept - 1] : NULL;

		sample->objects += type->live;
		sample->bytes += type->bytes;
		if (last && !strcmp(last->name, type->name)) {
			last->live += type->live;
			last->bytes += type->bytes;
			last->young += type->young;
			last->own |= type->own;
		} else {
			store->types[kept++] = *type;
		}
	}
	sample->types = store->types;
	sample->type_cnt = kept;
}

static void take_containers(struct assembly *assembly, struct counts *counts)
{
	struct sample_store *store = assembly->store;
	size_t cnt, kept = 0;
	const struct counted_container *counted = counts_containers(counts, &cnt);

	store->sample.memory.large_tables = 0;
	for (size_t i = 0; i < cnt && !assembly->err; i++) {
		const struct py_type *type = py_types_get(assembly->types, counted[i].type);
		struct container *out;
		const char *holds;

		if (!type || !has_room((void **)&store->containers, &store->container_room, kept,
				       sizeof(*store->containers))) {
			assembly->err = -ENOMEM;
			return;
		}
		out = &store->containers[kept++];
		memset(out, 0, sizeof(*out));
		out->address = counted[i].address;
		out->gc_tracked = true;
		out->len = counted[i].len;
		out->bytes = counted[i].bytes;
		out->type_name = (const char *)keep_string(assembly, type->name);
		holds = holds_get(assembly->holds, &counted[i], type->kind);
		/* Offset 0 is the empty string: no answer. */
		out->holds = holds ? (const char *)keep_string(assembly, holds) : NULL;
		if (out->bytes > TABLE_BYTES)
			store->sample.memory.large_tables += out->bytes;
	}
	store->sample.container_cnt = kept;
	store->tracked_cnt = kept;
	store->tracked_tables = store->sample.memory.large_tables;
}

static void place_container_strings(struct sample_store *store)
{
	for (size_t i = 0; i < store->sample.container_cnt; i++) {
		struct container *container = &store->containers[i];

		container->type_name = store->strings + (size_t)container->type_name;
		if (container->holds)
			container->holds = store->strings + (size_t)container->holds;
	}
	store->sample.containers = store->containers;
}

int assemble_sample(struct counts *counts, struct py_types *types, struct holds *holds,
		    struct sample_store *store)
{
	struct assembly assembly = { .store = store, .types = types, .holds = holds };

	store->strings_used = 0;
	store->sample.container_cnt = 0;
	keep_string(&assembly, "");
	counts_each_type(counts, take_type, &assembly);
	take_containers(&assembly, counts);
	if (assembly.err)
		return assembly.err;
	merge_names(store, assembly.type_cnt);
	place_container_strings(store);
	holds_sweep(holds);
	return 0;
}

static int by_address(const void *a, const void *b)
{
	uint64_t left = ((const struct container *)a)->address;
	uint64_t right = ((const struct container *)b)->address;

	return left < right ? -1 : left > right;
}

/* The GC may have let go of a container after the census counted it: it is listed once. */
static size_t drop_twice(struct container *tracked, size_t tracked_cnt, struct container *items,
			 size_t cnt)
{
	size_t kept = 0;

	for (size_t i = 0; cnt && i < tracked_cnt; i++) {
		struct container *same =
			bsearch(&tracked[i], items, cnt, sizeof(*items), by_address);

		if (same)
			same->type_name = NULL;
	}
	for (size_t i = 0; i < cnt; i++) {
		if (items[i].type_name)
			items[kept++] = items[i];
	}
	return kept;
}

static int append_untracked(const struct counted_container *found, size_t cnt,
			    struct py_types *types, struct holds *holds, struct sample_store *store)
{
	for (size_t i = 0; i < cnt; i++) {
		const struct py_type *type = py_types_get(types, found[i].type);
		size_t at = store->tracked_cnt + i;

		if (!type || !has_room((void **)&store->containers, &store->container_room, at,
				       sizeof(*store->containers)))
			return -ENOMEM;
		store->containers[at] = (struct container){
			.address = found[i].address,
			/* No other types are looked for; a name of ours outlives the target's. */
			.type_name = type->kind == PYLEAK_KIND_DICT ? "dict" : "bytearray",
			.holds = holds_get(holds, &found[i], type->kind),
			.len = found[i].len,
			.bytes = found[i].bytes,
		};
	}
	return 0;
}

int assemble_untracked(const struct counted_container *found, size_t cnt, struct py_types *types,
		       struct holds *holds, struct sample_store *store)
{
	int err = append_untracked(found, cnt, types, holds, store);
	size_t kept = 0;

	if (!err)
		kept = drop_twice(store->containers, store->tracked_cnt,
				  store->containers + store->tracked_cnt, cnt);
	store->sample.containers = store->containers;
	store->sample.container_cnt = store->tracked_cnt + kept;
	store->sample.memory.large_tables = store->tracked_tables;
	for (size_t i = store->tracked_cnt; i < store->sample.container_cnt; i++) {
		if (store->containers[i].bytes > TABLE_BYTES)
			store->sample.memory.large_tables += store->containers[i].bytes;
	}
	return err;
}
