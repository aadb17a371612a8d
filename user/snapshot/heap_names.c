/* SPDX-License-Identifier: BSD-2-Clause */
/* The names of a graph: each text once. Most are asked for again and again by the address of the
 * same str, or for all keys of the same table of attributes. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "snapshot/heap.h"

#define MAX_NAMES (1U << 22)
#define MAX_TEXT (1U << 30)
#define MAX_NAME_BYTES 512
#define MAX_KEYS 4096 /* of a shared table of attributes */

struct text_name {
	uint32_t index;
	UT_hash_handle hh;
	char text[];
};

/* Attributes and keys are few strings, which many objects share. */
#define RECENT_STRS (1U << 14)

struct str_name {
	raddr_t str;
	uint32_t index;
};

struct keys_names {
	raddr_t keys;
	uint32_t *names;
	size_t cnt;
	UT_hash_handle hh;
};

struct heap_names {
	struct text_name *texts;
	struct str_name strs[RECENT_STRS]; /* by their address */
	struct keys_names *keys;
	uint32_t name_room;
	uint32_t text_room;
};

static struct heap_names *names_of(struct heap *heap)
{
	if (!heap->names)
		heap->names = calloc(1, sizeof(*heap->names));
	return heap->names;
}

static bool make_room(struct heap_graph *graph, struct heap_names *names, size_t len)
{
	if (graph->name_cnt >= MAX_NAMES || graph->text_bytes + len > MAX_TEXT)
		return false;
	if (graph->name_cnt >= names->name_room) {
		uint32_t room = names->name_room ? 2 * names->name_room : 1024;
		uint32_t *larger = realloc(graph->names, room * sizeof(*larger));

		if (!larger)
			return false;
		graph->names = larger;
		names->name_room = room;
	}
	if (graph->text_bytes + len > names->text_room) {
		uint32_t room = 2 * (names->text_room + (uint32_t)len + 4096);
		char *larger = realloc(graph->text, room);

		if (!larger)
			return false;
		graph->text = larger;
		names->text_room = room;
	}
	return true;
}

uint32_t heap_name(struct heap *heap, const char *text)
{
	struct heap_names *names = names_of(heap);
	struct heap_graph *graph = heap->graph;
	size_t len = strlen(text);
	struct text_name *known;

	if (!names)
		return 0;
	if (len > MAX_NAME_BYTES)
		len = MAX_NAME_BYTES;
	HASH_FIND(hh, names->texts, text, len, known);
	if (known)
		return known->index;
	known = malloc(sizeof(*known) + len + 1);
	if (!known || !make_room(graph, names, len + 1)) {
		free(known);
		graph->info.loss.limit++;
		return 0;
	}
	memcpy(known->text, text, len);
	known->text[len] = '\0';
	memcpy(graph->text + graph->text_bytes, known->text, len + 1);
	known->index = graph->name_cnt;
	graph->names[graph->name_cnt++] = graph->text_bytes;
	graph->text_bytes += (uint32_t)len + 1;
	HASH_ADD(hh, names->texts, text, len, known);
	return known->index;
}

uint32_t heap_name_of_str(struct heap *heap, raddr_t str, size_t max_chars)
{
	struct heap_names *names = names_of(heap);
	char text[MAX_NAME_BYTES + 1];
	struct str_name *known;

	if (!names || !str)
		return 0;
	known = &names->strs[(str >> 4 ^ str >> 18) % RECENT_STRS];
	if (known->str == str)
		return known->index;
	if (heap_word(heap, str + 0x10) > max_chars ||
	    py_str_read(&heap->reader, str, text, sizeof(text)))
		return 0;
	*known = (struct str_name){ .str = str, .index = heap_name(heap, text) };
	return known->index;
}

static void read_keys(struct heap *heap, struct keys_names *known)
{
	struct py_table table;

	if (py_keys_table(&heap->reader, known->keys, &table) || !table.cnt || table.cnt > MAX_KEYS ||
	    !heap_pay(heap, table.cnt))
		return;
	known->names = calloc(table.cnt, sizeof(*known->names));
	if (!known->names)
		return;
	known->cnt = table.cnt;
	for (size_t i = 0; i < table.cnt; i++) {
		raddr_t key = heap_word(heap, table.entries + i * table.entry_bytes +
						      (table.entry_bytes - 16));

		known->names[i] = heap_name_of_str(heap, key, MAX_NAME_BYTES);
	}
}

const uint32_t *heap_names_of_keys(struct heap *heap, raddr_t keys, size_t *cnt)
{
	struct heap_names *names = names_of(heap);
	struct keys_names *known;

	*cnt = 0;
	if (!names || !keys)
		return NULL;
	HASH_FIND(hh, names->keys, &keys, sizeof(keys), known);
	if (!known) {
		known = calloc(1, sizeof(*known));
		if (!known)
			return NULL;
		known->keys = keys;
		read_keys(heap, known);
		HASH_ADD(hh, names->keys, keys, sizeof(known->keys), known);
	}
	*cnt = known->cnt;
	return known->names;
}

void heap_names_destroy(struct heap *heap)
{
	struct heap_names *names = heap->names;
	struct text_name *text, *next_text;
	struct keys_names *keys, *next_keys;

	if (!names)
		return;
	HASH_ITER (hh, names->texts, text, next_text) {
		HASH_DEL(names->texts, text);
		free(text);
	}
	HASH_ITER (hh, names->keys, keys, next_keys) {
		HASH_DEL(names->keys, keys);
		free(keys->names);
		free(keys);
	}
	free(names);
	heap->names = NULL;
}
