/* SPDX-License-Identifier: BSD-2-Clause */
/* _PyRuntime and the interpreters, with every byte the target's choice. The first byte chooses
 * the version, the second how the rest becomes memory, with the runtime at its start. 3.6 is
 * left out: its lists are found through the symbols of a file. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "attach/gc_lists.h"
#include "attach/py_layout.h"
#include "expand.h"

#define BASE 0x100000ULL

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void find_lists(struct python *python, struct remote *remote)
{
	static struct gc_lists lists;
	struct gc_totals totals;

	if (gc_lists_find(python, remote, &lists))
		return;
	if (!lists.cnt || lists.cnt > PYLEAK_MAX_INTERPRETERS || lists.total < lists.cnt)
		abort();
	if (lists.head_bytes != 16 && lists.head_bytes != 24 && lists.head_bytes != 32)
		abort();
	for (uint32_t i = 0; i < lists.cnt; i++) {
		if (!lists.interpreters[i].heads[PYLEAK_YOUNG_LIST])
			abort();
	}
	gc_lists_totals(&lists, python->minor, remote, &totals);
}

static void put(uint8_t *memory, uint64_t at, uint64_t word)
{
	memcpy(memory + at % (EXPAND_BYTES - 8), &word, sizeof(word));
}

/* _Py_DebugOffsets, without which newer versions are refused at once. */
static void plant_offsets(uint8_t *memory, int minor)
{
	static const uint16_t pairs[][2] = { { 0x28, 0x278 }, { 0x40, 0x1c60 }, { 0x50, 0x700 },
					     { 0x58, 0x700 }, { 0x60, 0x100 },	{ 0x70, 0x10 },
					     { 0x78, 0x10 },  { 0xc0, 0x98 },	{ 0xd8, 0x98 },
					     { 0xf0, 0x98 },  { 0x238, 0x108 }, { 0x288, 0x108 },
					     { 0x2f0, 0x108 } };

	memset(memory, 0, 0x400);
	memcpy(memory, "xdebugpy", 8);
	put(memory, 8, 0x03000000ULL | (uint64_t)minor << 16);
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		put(memory, pairs[i][0], pairs[i][1]);
}

#define INTERPRETER 0x1000

/* An interpreter with empty lists, a few words behind where they are looked for. */
static void plant_lists(uint8_t *memory, const struct py_layout *layout, uint8_t where)
{
	uint64_t owner = layout->gc_is_global ? 0 : INTERPRETER;
	uint64_t at = owner + layout->gc + 4 * (where % 32);
	uint32_t head_bytes = where >> 5 & 1 ? 32 : 16;

	put(memory, layout->interpreters_head, BASE + INTERPRETER);
	put(memory, INTERPRETER + layout->interpreter_next, 0);
	for (int i = 0; i < 3; i++, at += head_bytes == 32 ? 48 : 24) {
		put(memory, at, BASE + at);
		put(memory, at + 8, BASE + at);
		put(memory, at + head_bytes, 700);
	}
}

/* A good runtime in memory of the input's choice, and then damages: where, and a word. */
static void make_memory(struct python *python, const uint8_t *data, size_t size, uint8_t *memory)
{
	size_t damages = size / 4 < 32 ? size / 4 : 32;
	struct remote *remote;

	memset(memory, 0, EXPAND_BYTES);
	expand(data, size, BASE, memory);
	if (python->minor >= 13)
		plant_offsets(memory, python->minor);
	if (remote_open_buffer(BASE, memory, EXPAND_BYTES, &remote))
		return;
	if (!py_layout_load(python->minor, python->micro, remote, BASE, &python->layout))
		plant_lists(memory, &python->layout, data[0]);
	remote_close(remote);
	for (size_t i = 1; i < damages; i++) {
		uint64_t at = (data[4 * i] | data[4 * i + 1] << 8) * 8ULL % (2 * INTERPRETER);

		put(memory, at,
		    expand_word((uint16_t)(data[4 * i + 2] | data[4 * i + 3] << 8), BASE + at));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct python python;
	static uint8_t memory[EXPAND_BYTES];
	struct remote *remote;

	if (size < 3)
		return 0;
	python.minor = 7 + data[0] % 10; /* 3.16 is not known */
	python.micro = data[0] / 10;
	python.runtime = BASE;
	if (data[1] % 4) {
		make_memory(&python, data + 2, size - 2, memory);
		data = memory;
		size = sizeof(memory);
	} else {
		size -= 2;
		data += 2;
	}
	if (remote_open_buffer(BASE, data, size, &remote))
		return 0;
	if (!py_layout_load(python.minor, python.micro, remote, BASE, &python.layout))
		find_lists(&python, remote);
	remote_close(remote);
	return 0;
}
