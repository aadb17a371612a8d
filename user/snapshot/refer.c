/* SPDX-License-Identifier: BSD-2-Clause */
/* The references of an object: its type, its attributes, the words that its type has, and what
 * containers keep elsewhere (refer_containers.c, frames.c). */
#include <linux/types.h>

#include "pyleak_wire.h"
#include "pyleak_object.h"
#include "snapshot/heap.h"

#define MAX_VALUES 65536

/* Where attributes are, per version: pycore_object.h, pycore_dict.h. */
#define MANAGED_DICT 0x18 /* before the object; in 3.12, odd: one before the values */
#define VALUES_311 0x20	  /* before the object */
#define VALUES_IN_313 8	  /* where the values begin in PyDictValues */
#define VALID_313 3	  /* byte of PyDictValues */

/* Where a dict pointer outside the managed ones lies; 0 = none. */
static raddr_t dict_slot(struct heap *heap, const struct heap_type *type, raddr_t object)
{
	int64_t offset = type->dict_offset;
	uint64_t items;

	if (offset >= 0)
		return offset ? object + (uint64_t)offset : 0;
	/* Counted from the end of an object of variable size. */
	items = heap_word(heap, object + 0x10);
	if ((int64_t)items < 0)
		items = -items;
	if (items > PYLEAK_MAX_ITEMS)
		return 0;
	return object + ((type->basic_bytes + items * type->item_bytes + 7) & ~7ULL) +
	       (uint64_t)offset;
}

static raddr_t dict_word(struct heap *heap, const struct heap_type *type, raddr_t object)
{
	if (heap->minor >= 11 && type->flags & FLAG_MANAGED_DICT)
		return object - MANAGED_DICT;
	return dict_slot(heap, type, object);
}

raddr_t attribute_dict(struct heap *heap, const struct heap_type *type, raddr_t object)
{
	raddr_t at = dict_word(heap, type, object);
	uint64_t dict = at ? heap_word(heap, at) : 0;

	if (heap->minor == 12 && type->flags & FLAG_MANAGED_DICT && dict & 1)
		return 0;
	return dict;
}

void refer_values(struct heap *heap, raddr_t values, raddr_t keys)
{
	size_t cnt;
	const uint32_t *names = heap_names_of_keys(heap, keys, &cnt);
	const uint64_t *words = names ? heap_table(heap, values, cnt) : NULL;

	for (size_t i = 0; words && i < cnt && i < MAX_VALUES; i++)
		heap_refer(heap, &words[i], EDGE_ATTRIBUTE, names[i]);
}

/* Values that lie in the instance, or beside it, and belong to no dict. */
static raddr_t own_values(struct heap *heap, const struct heap_type *type, raddr_t object)
{
	uint64_t word;
	const uint8_t *inlined;

	if (!(type->flags & FLAG_MANAGED_DICT))
		return 0;
	if (heap->minor == 11)
		return heap_word(heap, object - VALUES_311);
	word = heap_word(heap, object - MANAGED_DICT);
	if (heap->minor == 12)
		return word & 1 ? word + 1 : 0;
	if (word || !(type->flags & PYLEAK_FLAG_INLINE_VALUES))
		return 0;
	inlined = image_at(heap->image, object + type->basic_bytes, 8);
	return inlined && inlined[VALID_313] ? object + type->basic_bytes + VALUES_IN_313 : 0;
}

void refer_attributes(struct heap *heap, const struct heap_type *type, raddr_t object)
{
	raddr_t dict = attribute_dict(heap, type, object), values = 0;
	const uint64_t *word;

	if (heap->minor >= 11)
		values = own_values(heap, type, object);
	if (values)
		refer_values(heap, values, type->cached_keys);
	if (!dict)
		return;
	word = heap_words(heap, dict_word(heap, type, object), 1);
	if (word)
		heap_refer(heap, word, EDGE_DICT, heap_name(heap, "__dict__"));
}

static void refer_words(struct heap *heap, const struct heap_type *type, raddr_t object)
{
	const uint64_t *words = heap_table(heap, object, type->basic_bytes / 8);

	if (words && type->trial)
		fields_check_object(heap, type, words);
	for (size_t i = 0; words && i < type->word_cnt; i++) {
		const struct heap_word *word = &type->words[i];
		const uint64_t *at = &words[word->offset / 8];

		if (word->guessed)
			heap_guess(heap, at, word->edge.kind, word->edge.value);
		else if (word->edge.hidden)
			heap_refer_hidden(heap, at, word->edge.kind, word->edge.value);
		else
			heap_refer(heap, at, word->edge.kind, word->edge.value);
	}
}

/* Items of a type that is not known to have others than references. */
static void guess_items(struct heap *heap, const struct heap_type *type, raddr_t object)
{
	uint64_t cnt = heap_word(heap, object + 0x10);

	if ((int64_t)cnt < 0)
		cnt = -cnt;
	if (type->item_bytes != 8 || !cnt || cnt > PYLEAK_MAX_ITEMS)
		return;
	heap->exact = false;
	heap_guess_words(heap, object + type->basic_bytes, 8 * cnt, type->basic_bytes);
}

static void refer_to_type(struct heap *heap, const struct heap_type *type, raddr_t object)
{
	const uint64_t *word = heap_words(heap, object + 8, 1);

	/* Up to 3.7 only instances of classes count their type. */
	if (!word || !(type->flags & PYLEAK_FLAG_HEAPTYPE) || (heap->minor < 8 && !type->is_class))
		return;
	/* Built-in types on the heap visit it from 3.9 on. */
	if (type->is_class || heap->minor >= 9)
		heap_refer(heap, word, EDGE_TYPE, 0);
	else
		heap_refer_hidden(heap, word, EDGE_TYPE, 0);
}

void refer_object(struct heap *heap, const struct heap_type *type, raddr_t object)
{
	heap->exact = type->complete;
	refer_to_type(heap, type, object);
	if (type->dict_offset || type->flags & FLAG_MANAGED_DICT)
		refer_attributes(heap, type, object);
	if (type->word_cnt)
		refer_words(heap, type, object);
	switch (type->layout) {
	case HEAP_ATOM:
		break;
	case HEAP_WORDS:
		guess_items(heap, type, object);
		break;
	case HEAP_LIST:
		refer_list(heap, object);
		break;
	case HEAP_TUPLE:
		refer_tuple(heap, type, object);
		break;
	case HEAP_ODICT:
		refer_odict(heap, object);
		refer_dict(heap, object);
		break;
	case HEAP_DICT:
		refer_dict(heap, object);
		break;
	case HEAP_SET:
		refer_set(heap, object);
		break;
	case HEAP_DEQUE:
		refer_deque(heap, object);
		break;
	case HEAP_TYPE:
		refer_type(heap, object);
		break;
	case HEAP_MODULE:
		refer_module(heap, object);
		break;
	case HEAP_GENERATOR:
		refer_generator(heap, object);
		break;
	case HEAP_FRAME:
		refer_frame_object(heap, object);
		break;
	case HEAP_LRU_CACHE:
		refer_lru_cache(heap, object);
		break;
	case HEAP_TEE_DATA:
		refer_tee_data(heap, object);
		break;
	}
}
