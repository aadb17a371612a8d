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

/* The cookie and the version, without which newer versions are refused at once. */
static size_t make_memory(const struct python *python, const uint8_t *data, size_t size,
			  uint8_t *out)
{
	size_t made = expand(data, size, BASE, out);
	uint64_t hex = 0x03000000ULL | (uint64_t)python->minor << 16;

	if (python->minor >= 13 && made >= 24) {
		memcpy(out, "xdebugpy", 8);
		memcpy(out + 8, &hex, sizeof(hex));
	}
	return made;
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
		size = make_memory(&python, data + 2, size - 2, memory);
		data = memory;
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
