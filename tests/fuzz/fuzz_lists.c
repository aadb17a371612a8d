/* SPDX-License-Identifier: BSD-2-Clause */
/* A census from outside over a heap in which every byte is the target's choice: the lists, the
 * names of the types, the elements of the containers. The first bytes choose the version and
 * the heads; the rest is the memory. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "attach/py_layout.h"
#include "collect/holds.h"
#include "collect/outside.h"
#include "expand.h"

#define BASE 0x100000ULL
#define MAX_OBJECTS 10000

struct choice {
	uint8_t minor, head_bytes, interpreters, container_min, raw, padding[3];
	uint16_t heads[PYLEAK_LISTS];
	uint16_t newest, collecting, str_type, set_type;
};

struct heap {
	struct py_layout layout;
	struct py_reader reader;
	struct gc_lists lists;
	struct py_types *types;
	struct holds *holds;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The layouts from 3.13 on are published by the target: the fuzzer for the runtime has them. */
static void choose(const struct choice *choice, struct heap *heap)
{
	static const uint32_t sizes[] = { 16, 24, 32 };
	struct gc_lists *lists = &heap->lists;

	heap->reader.minor = 7 + choice->minor % 9;
	py_layout_load(heap->reader.minor > 12 ? 12 : heap->reader.minor, 0, NULL, 0,
		       &heap->layout);
	heap->reader.layout = &heap->layout;
	heap->reader.str_type = choice->str_type ? BASE + choice->str_type : 0;
	lists->head_bytes = sizes[choice->head_bytes % 3];
	lists->cnt = choice->interpreters % 4;
	lists->newest_interpreter = BASE + choice->newest;
	for (uint32_t i = 0; i < lists->cnt; i++) {
		for (int list = 0; list < PYLEAK_LISTS; list++)
			lists->interpreters[i].heads[list] =
				BASE + choice->heads[list] % 0x4000 * 8 + 0x1000 * i;
		if (choice->collecting)
			lists->interpreters[i].collecting = BASE + choice->collecting;
	}
}

static void visit_type(const struct counted_type *type, void *context)
{
	struct heap *heap = context;
	const struct py_type *named = py_types_get(heap->types, type->address);

	if (!named || !named->name)
		abort();
}

static void use(struct heap *heap, const struct choice *choice)
{
	struct outside_walk walk = { .reader = &heap->reader,
				     .lists = &heap->lists,
				     .set_types = { choice->set_type ? BASE + choice->set_type
								     : 0 },
				     .max_objects = MAX_OBJECTS,
				     .container_min = choice->container_min };
	const struct counted_container *containers;
	struct counts *counts;
	uint64_t objects;
	size_t cnt;

	if (counts_create(&counts))
		return;
	outside_count(&walk, counts, &objects);
	if (objects > MAX_OBJECTS)
		abort();
	outside_fingerprint(&walk);
	counts_each_type(counts, visit_type, heap);
	containers = counts_containers(counts, &cnt);
	for (size_t i = 0; i < cnt; i++) {
		struct counted_container grown = containers[i];

		/* What it holds is looked up once it has grown. */
		for (uint32_t kind = 0; kind <= PYLEAK_KIND_DEQUE; kind++, grown.len++)
			holds_get(heap->holds, &grown, kind);
	}
	holds_sweep(heap->holds);
	counts_destroy(counts);
}

static void put(uint8_t *memory, uint64_t at, uint64_t word)
{
	memcpy(memory + at % (EXPAND_BYTES - 8), &word, sizeof(word));
}

#define NODES 0x4000
#define NODE_BYTES 0x80
#define TYPES 0x6000
#define TYPE_BYTES 0x400
#define DICT 0x8000
#define STR 0x9000

/* A list of eight objects of four classes, each with a name, a dict, and the input's choice of
 * everything else. */
static void plant(uint8_t *memory, const struct heap *heap, uint16_t flags)
{
	uint64_t head = heap->lists.interpreters[0].heads[1] - BASE, last = head;
	uint32_t head_bytes = heap->lists.head_bytes;

	for (uint64_t i = 0; i < 8; i++) {
		uint64_t node = NODES + i * NODE_BYTES;

		put(memory, last, BASE + node);
		put(memory, node + 8, BASE + last);
		put(memory, node + head_bytes + 8, BASE + TYPES + i % 4 * TYPE_BYTES);
		last = node;
	}
	put(memory, last, BASE + head);
	put(memory, head + 8, BASE + last);
	for (uint64_t i = 0; i < 4; i++) {
		uint64_t type = TYPES + i * TYPE_BYTES;

		put(memory, type + 0x18, BASE + STR + heap->layout.string_data);
		put(memory, type + 0xa8, 1U << 9 | (flags >> 4 * i & 7ULL) << 24);
		put(memory, type + 0x108, BASE + DICT);
		put(memory, type + heap->layout.ht_name, BASE + STR);
	}
	put(memory, DICT + 0x20, BASE + DICT + 0x100);
	put(memory, DICT + 0x28, 0);
	put(memory, STR + 0x10, 5);
	put(memory, STR + 0x20, 1U << 2 | 3U << 5);
	memcpy(memory + STR + heap->layout.string_data, "Class", 6);
}

static void damage(uint8_t *memory, const uint8_t *data, size_t size)
{
	for (size_t i = 0; i < 32 && size >= 4; i++, data += 4, size -= 4) {
		uint64_t at = NODES + (data[0] | data[1] << 8) * 8ULL % 0x6000;

		put(memory, at, expand_word((uint16_t)(data[2] | data[3] << 8), BASE + at));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct heap heap;
	static uint8_t memory[EXPAND_BYTES];
	struct choice choice;

	if (size < sizeof(choice))
		return 0;
	memset(&heap, 0, sizeof(heap));
	memcpy(&choice, data, sizeof(choice));
	data += sizeof(choice);
	size -= sizeof(choice);
	choose(&choice, &heap);
	if (choice.raw % 4) {
		memset(memory, 0, sizeof(memory));
		expand(data, size, BASE, memory);
		plant(memory, &heap, choice.set_type);
		damage(memory, data, size);
		data = memory;
		size = sizeof(memory);
	}
	if (remote_open_buffer(BASE, data, size, &heap.reader.remote))
		return 0;
	if (!py_types_create(&heap.reader, &heap.lists, &heap.types) &&
	    !holds_create(&heap.reader, heap.types, &heap.holds))
		use(&heap, &choice);
	holds_destroy(heap.holds);
	py_types_destroy(heap.types);
	remote_close(heap.reader.remote);
	return 0;
}
