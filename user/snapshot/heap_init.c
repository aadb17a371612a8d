/* SPDX-License-Identifier: BSD-2-Clause */
/* The beginning of a graph, and the walk over the lists of the GC. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <linux/types.h>

#include "pyleak_wire.h"
#include "pyleak_object.h"
#include "snapshot/native_data.h"
#include "snapshot/roots.h"

#define TRAVERSES 64 /* different tp_traverse of heap types that are counted */
/* So many types with one are enough. CPython has some 30 struct sequences that share another. */
#define TRAVERSE_MOST 60

static bool is_head(const struct pyleak_interpreter *interpreter, raddr_t node)
{
	for (int list = 0; list < PYLEAK_LISTS; list++) {
		if (interpreter->heads[list] == node)
			return true;
	}
	return false;
}

int heap_each_tracked(struct heap *heap,
		      bool (*visit)(struct heap *heap, raddr_t object, void *context),
		      void *context)
{
	uint64_t left = heap->words_most / 4; /* a link and an object each */
	int err = 0;

	for (uint32_t i = 0; i < heap->lists->cnt; i++) {
		const struct pyleak_interpreter *interpreter = &heap->lists->interpreters[i];

		for (int list = 0; list < PYLEAK_LISTS; list++) {
			raddr_t head = interpreter->heads[list], node;
			const void *link = head ? image_at(heap->image, head, 8) : NULL;

			if (!link)
				continue;
			memcpy(&node, link, 8);
			node = PYLEAK_LINK(node);
			while (node != head && left) {
				const uint64_t *links = heap_words(heap, node, 2);

				if (!links || is_head(interpreter, node)) {
					err = -EBADMSG;
					break;
				}
				if (!visit(heap, node + heap->lists->head_bytes, context))
					return 0;
				node = PYLEAK_LINK(links[0]);
				left--;
			}
		}
	}
	/* More than there is room for: the links of a torn list lead in a circle. */
	return left ? err : -EBADMSG;
}

struct traverse_count {
	raddr_t traverse[TRAVERSES];
	uint32_t cnt[TRAVERSES];
};

/* Classes made by a class statement share one tp_traverse: no other is that common. */
static bool count_traverse(struct heap *heap, raddr_t object, void *context)
{
	struct traverse_count *count = context;
	const uint64_t *words = heap_words(heap, object, 2);
	raddr_t traverse;

	if (!words || words[1] != heap->type_type)
		return true;
	if (!(heap_word(heap, object + PYLEAK_TP_FLAGS) & PYLEAK_FLAG_HEAPTYPE))
		return true;
	traverse = heap_word(heap, object + TP_TRAVERSE);
	for (int i = 0; traverse && i < TRAVERSES; i++) {
		if (count->traverse[i] && count->traverse[i] != traverse)
			continue;
		count->traverse[i] = traverse;
		return ++count->cnt[i] < TRAVERSE_MOST;
	}
	return true;
}

static raddr_t find_class_traverse(struct heap *heap)
{
	struct traverse_count count = {};
	int most = 0;

	heap_each_tracked(heap, count_traverse, &count);
	for (int i = 1; i < TRAVERSES; i++) {
		if (count.cnt[i] > count.cnt[most])
			most = i;
	}
	return count.traverse[most];
}

int heap_init(struct heap *heap, struct image *image, const struct build_source *source,
	      const struct gc_lists *lists)
{
	size_t cnt = image->region_cnt;
	int err;

	*heap = (struct heap){
		.image = image,
		.python = source->python,
		.lists = lists,
		.minor = source->minor,
		.type_type = source->type_type,
		.reader = { image->remote, source->layout, source->minor, source->str_type },
	};
	heap->graph = calloc(1, sizeof(*heap->graph));
	heap->seen = calloc(cnt + 1, sizeof(*heap->seen));
	heap->data_end = calloc(cnt + 1, sizeof(*heap->data_end));
	if (!heap->graph || !heap->seen || !heap->data_end)
		return -ENOMEM;
	for (size_t i = 0; i < cnt; i++) {
		const struct image_region *region = &heap->image->regions[i];
		void *bits =
			mmap(NULL, (region->end - region->start) / 64 + 8, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

		if (bits != MAP_FAILED)
			heap->seen[i] = bits;
		heap->data_end[i] =
			native_data_end(heap->image->remote, &heap->image->maps, region->mapping);
	}
	heap_limit_words(heap);
	heap_name(heap, "");
	heap_pseudo(heap, "<root>", 0);
	err = py_types_create(&heap->reader, heap->lists, &heap->types);
	if (!err)
		heap->class_traverse = find_class_traverse(heap);
	return err;
}
