/* SPDX-License-Identifier: BSD-2-Clause */
/* The builder on a heap that the target made to harm: the first byte chooses the version, the rest
 * is writes into a small valid heap. Whatever comes of it is sound, small, and is analysed. */
#include <stdlib.h>
#include <string.h>

#include "../unit/tiny_heap.h"
#include "analyse_all.h"
#include "expand.h"
#include "snapshot/graph_file.h"

#define EDIT_BYTES 5 /* where (2), how (1), what (2) */
#define MAX_EDITS 400
#define EDGES_MOST (1U << 23)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t word_of(const struct tiny_heap *tiny, uint8_t how, uint16_t what, raddr_t at,
			uint64_t old)
{
	switch (how % 7) {
	case 0:
		return expand_word(what, at);
	case 1: /* an object, of which the first are types */
		return tiny->objects[what % tiny->object_cnt];
	case 2:
		return tiny->objects[what % tiny->object_cnt] + (what >> 8) % 32 * 8;
	case 3:
		return old + (uint64_t)(int64_t)(int16_t)what;
	case 4:
		return TINY_BASE + what;
	case 5:
		return old ^ 1ULL << what % 64;
	default:
		return UINT64_MAX >> what % 64;
	}
}

static void edit(struct tiny_heap *tiny, const uint8_t *data, size_t size)
{
	for (size_t i = 0; i < MAX_EDITS && size >= EDIT_BYTES; i++) {
		size_t at = (size_t)(data[0] | data[1] << 8) % (TINY_BYTES / 8);
		uint16_t what = (uint16_t)(data[3] | data[4] << 8);

		if (data[2] & 0x80) /* a word of an object */
			at = (tiny->objects[(data[0] | data[1] << 8) % tiny->object_cnt] -
			      TINY_BASE) /
				     8 +
			     (data[2] >> 3 & 15);
		if (at < TINY_BYTES / 8)
			tiny->words[at] =
				word_of(tiny, data[2], what, TINY_BASE + 8 * at, tiny->words[at]);
		data += EDIT_BYTES;
		size -= EDIT_BYTES;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct tiny_heap heaps[16], tiny;
	struct heap_graph *graph = NULL;
	struct image *image;
	int minor, err;

	if (size < 2)
		return 0;
	minor = 6 + (data[0] & 15) % 10;
	if (!heaps[minor].minor)
		tiny_heap_make(&heaps[minor], minor);
	memcpy(&tiny, &heaps[minor], sizeof(tiny));
	tiny.source.layout = &tiny.layout;
	if (data[0] & 0x80)
		tiny.source.str_type = 0;
	edit(&tiny, data + 1, size - 1);
	if (image_of_buffer(TINY_BASE, tiny.words, data[0] & 0x40 ? TINY_BYTES : tiny.used, &image))
		return 0;
	err = graph_build(image, &tiny.source, &tiny.lists, tiny.objects, data[0] & 0x20 ? 20 : 0,
			  &graph);
	image_destroy(image);
	if (err)
		return 0;
	if (!graph_is_sound(graph) || graph->edge_cnt > EDGES_MOST)
		abort();
	if (graph->edge_cnt < 100000)
		analyse_all(graph);
	graph_destroy(graph);
	return 0;
}
