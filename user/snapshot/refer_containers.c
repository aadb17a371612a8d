/* SPDX-License-Identifier: BSD-2-Clause */
/* What containers keep in memory of their own: listobject.c, tupleobject.c, dictobject.c,
 * odictobject.c, setobject.c, _collectionsmodule.c. */
#include <string.h>

#include <linux/types.h>

#include "pyleak_wire.h"
#include "pyleak_object.h"
#include "snapshot/heap.h"

#define MAX_NAMED_ENTRIES 32 /* of a dict that is no namespace */
#define MAX_NAMED_CHARS 48
#define PIECE 65536ULL /* items in one read of a search, which reads through a buffer */
#define MAX_NAMESPACE_CHARS 256

static void torn(struct heap *heap)
{
	heap->graph->info.loss.torn++;
	heap->graph->nodes[heap->source].flags |= NODE_TORN;
	heap->exact = false;
}

static uint64_t piece_of(const struct heap *heap, uint64_t left)
{
	return heap->search && left > PIECE ? PIECE : left;
}

void refer_list(struct heap *heap, raddr_t object)
{
	const uint64_t *list = heap_words(heap, object, 5), *items;
	uint64_t cnt = list ? list[2] : 0, allocated = list ? list[4] : 0, part;
	raddr_t table = list ? list[3] : 0;

	for (uint64_t from = 0; from < cnt; from += part) {
		part = piece_of(heap, cnt - from);
		items = cnt <= allocated ? heap_table(heap, table + 8 * from, part) : NULL;
		if (!items) {
			torn(heap);
			return;
		}
		for (uint64_t i = from; i < from + part; i++)
			heap_refer(heap, &items[i - from], EDGE_INDEX,
				   i > EDGE_VALUE_MAX ? EDGE_VALUE_MAX : (uint32_t)i);
	}
}

void refer_tuple(struct heap *heap, const struct heap_type *type, raddr_t object)
{
	/* ob_item begins where tp_basicsize of tuple ends: 0x18, from 3.14 on 0x20. */
	uint64_t first = heap->minor >= 14 ? 0x20 : 0x18;
	uint64_t cnt = heap_word(heap, object + 0x10);
	const uint64_t *items;

	if (cnt < type->more_items)
		cnt = type->more_items;
	items = cnt ? heap_table(heap, object + first, cnt) : NULL;
	if (cnt && !items)
		torn(heap);
	for (uint64_t i = 0; items && i < cnt; i++)
		heap_refer(heap, &items[i], EDGE_INDEX,
			   i > EDGE_VALUE_MAX ? EDGE_VALUE_MAX : (uint32_t)i);
}

struct dict_read {
	bool is_namespace;
	bool named;
	bool text_keys; /* all keys are str: the collector does not visit them */
	bool shared;	/* the keys are counted by the table, not by this dict */
};

static void refer_entry(struct heap *heap, const struct dict_read *dict, const uint64_t *entry)
{
	uint32_t name = 0;

	if (!entry[0] || !entry[1] || (!heap_wants(heap, entry[0]) && !heap_wants(heap, entry[1])))
		return;
	if (dict->is_namespace)
		name = heap_name_of_str(heap, entry[0], MAX_NAMESPACE_CHARS);
	else if (dict->named)
		name = heap_name_of_str(heap, entry[0], MAX_NAMED_CHARS);
	if (dict->text_keys)
		heap_refer_hidden(heap, &entry[0], EDGE_KEY, 0);
	else
		heap_refer(heap, &entry[0], EDGE_KEY, 0);
	heap_refer(heap, &entry[1], dict->is_namespace ? EDGE_ATTRIBUTE : EDGE_VALUE, name);
}

/* Up to 3.10 the look-up function tells a table of str keys; it may be any of three, but that of
 * tables with other keys is one: the entries say it themselves. */
static bool are_keys_text(struct heap *heap, const struct py_table *table)
{
	size_t step = table->entry_bytes / 8;
	const uint64_t *words;

	if (heap->minor >= 11)
		return table->kind != 0;
	if (heap->search) /* only the collector's view of the edge depends on it */
		return false;
	words = heap_table(heap, table->entries, table->cnt * step);
	for (uint64_t i = 0; words && i < table->cnt; i++) {
		raddr_t key = words[i * step + 1];

		if (key && heap_word(heap, key + 8) != heap->reader.str_type)
			return false;
	}
	return true;
}

void refer_dict(struct heap *heap, raddr_t object)
{
	const uint64_t *words = heap_words(heap, object, 6), *entries;
	uint64_t part;
	struct dict_read dict = {};
	struct py_table table;
	size_t step;

	if (!words || !words[4]) {
		if (words && words[2])
			torn(heap);
		return;
	}
	if (words[5]) { /* a split table: the keys belong to the class */
		raddr_t values = words[5] + (heap->minor >= 13 ? 8 : 0);

		refer_values(heap, values, words[4]);
		return;
	}
	if (!words[2])
		return;
	if (py_keys_table(&heap->reader, words[4], &table) || words[2] > table.cnt) {
		torn(heap);
		return;
	}
	step = table.entry_bytes / 8;
	dict.is_namespace = heap->graph->nodes[heap->source].flags & NODE_NAMESPACE;
	dict.named = words[2] <= MAX_NAMED_ENTRIES;
	dict.text_keys = are_keys_text(heap, &table);
	for (uint64_t from = 0; from < table.cnt; from += part) {
		part = piece_of(heap, table.cnt - from);
		entries = heap_table(heap, table.entries + from * table.entry_bytes, part * step);
		if (!entries) {
			torn(heap);
			return;
		}
		for (uint64_t i = 0; i < part; i++)
			refer_entry(heap, &dict, entries + i * step + (step - 2));
	}
}

#define ODICT_FIRST 0x30
#define MAX_LINKS (1U << 28)

/* The order of the keys is a list of nodes, each of which counts its key once more. */
void refer_odict(struct heap *heap, raddr_t object)
{
	raddr_t node = heap_word(heap, object + ODICT_FIRST);
	uint64_t left = heap_word(heap, object + 0x10); /* entries of the dict */

	if (left > MAX_LINKS)
		left = MAX_LINKS;
	for (; node && left; left--) {
		const uint64_t *words = heap_table(heap, node, 3); /* key, hash, next */
		if (!words) {
			torn(heap);
			return;
		}
		heap_refer(heap, &words[0], EDGE_KEY, 0);
		node = words[2];
	}
}

void refer_set(struct heap *heap, raddr_t object)
{
	const uint64_t *set = heap_words(heap, object, 6), *entries;
	uint64_t slots = set ? set[4] + 1 : 0, used = set ? set[3] : 0, part;
	raddr_t table;

	if (!used)
		return;
	table = set[5];
	for (uint64_t from = 0; from < slots; from += part) {
		part = piece_of(heap, slots - from);
		entries = used <= slots && slots <= PYLEAK_MAX_ITEMS
				  ? heap_table(heap, table + 16 * from, 2 * part)
				  : NULL;
		if (!entries) {
			torn(heap);
			return;
		}
		for (uint64_t i = 0; i < part; i++) {
			/* A deleted entry is a placeholder with the hash -1, which no object has.
			 */
			if (entries[2 * i] && entries[2 * i + 1] != UINT64_MAX)
				heap_refer(heap, &entries[2 * i], EDGE_ELEMENT, 0);
		}
	}
}

#define BLOCK_ITEMS 64
#define BLOCK_WORDS (BLOCK_ITEMS + 2) /* left link, items, right link */

void refer_deque(struct heap *heap, raddr_t object)
{
	const uint64_t *deque = heap_words(heap, object, 7);
	uint64_t left = deque ? deque[2] : 0, index = deque ? deque[5] : 0;
	raddr_t block = deque ? deque[3] : 0;

	while (left) {
		const uint64_t *words = heap_table(heap, block, BLOCK_WORDS);

		if (!words || index >= BLOCK_ITEMS) {
			torn(heap);
			return;
		}
		for (; left && index < BLOCK_ITEMS; index++, left--)
			heap_refer(heap, &words[1 + index], EDGE_ELEMENT, 0);
		index = 0;
		block = words[BLOCK_WORDS - 1];
	}
}
