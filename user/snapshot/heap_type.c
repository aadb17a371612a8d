/* SPDX-License-Identifier: BSD-2-Clause */
/* What a type is, and which reader its objects have. A type is proven to be one by its own type. */
#include <stdlib.h>
#include <string.h>

#include <linux/types.h>

#include "base/cleanup.h"
#include "pyleak_wire.h"
#include "pyleak_object.h"
#include "snapshot/heap.h"

#define TP_DICTOFFSET 0x120
#define TYPE_BYTES 0x190 /* the least of all versions */

#define FLAG_TYPE_SUBCLASS (1U << 31)

#define MAX_BASIC_BYTES (1 << 20)
#define MAX_ITEM_BYTES (1 << 16)
#define MAX_DEPTH 100 /* of bases, and of metaclasses */
#define MAX_KNOWN (1U << 20)
#define HT_CACHED_KEYS_FROM_NAME 0x18

static const struct {
	const char *name;
	enum heap_layout layout;
	enum type_role role;
} layouts[] = {
	{ "object", HEAP_ATOM, ROLE_OTHER },
	{ "int", HEAP_ATOM, ROLE_NUMBER },
	{ "bool", HEAP_ATOM, ROLE_NUMBER },
	{ "float", HEAP_ATOM, ROLE_NUMBER },
	{ "complex", HEAP_ATOM, ROLE_NUMBER },
	{ "str", HEAP_ATOM, ROLE_STR },
	{ "bytes", HEAP_ATOM, ROLE_BYTES },
	{ "bytearray", HEAP_ATOM, ROLE_BYTES },
	{ "NoneType", HEAP_ATOM, ROLE_OTHER },
	{ "ellipsis", HEAP_ATOM, ROLE_OTHER },
	{ "NotImplementedType", HEAP_ATOM, ROLE_OTHER },
	{ "list", HEAP_LIST, ROLE_LIST },
	{ "tuple", HEAP_TUPLE, ROLE_TUPLE },
	{ "dict", HEAP_DICT, ROLE_DICT },
	{ "frozendict", HEAP_DICT, ROLE_DICT },
	{ "collections.OrderedDict", HEAP_ODICT, ROLE_DICT },
	{ "set", HEAP_SET, ROLE_SET },
	{ "frozenset", HEAP_SET, ROLE_SET },
	{ "collections.deque", HEAP_DEQUE, ROLE_DEQUE },
	{ "type", HEAP_TYPE, ROLE_TYPE },
	{ "module", HEAP_MODULE, ROLE_MODULE },
	{ "function", HEAP_WORDS, ROLE_FUNCTION },
	{ "builtin_function_or_method", HEAP_WORDS, ROLE_FUNCTION },
	{ "method", HEAP_WORDS, ROLE_METHOD },
	{ "cell", HEAP_WORDS, ROLE_CELL },
	{ "code", HEAP_WORDS, ROLE_CODE },
	{ "frame", HEAP_FRAME, ROLE_FRAME },
	{ "generator", HEAP_GENERATOR, ROLE_GENERATOR },
	{ "coroutine", HEAP_GENERATOR, ROLE_GENERATOR },
	{ "async_generator", HEAP_GENERATOR, ROLE_GENERATOR },
	{ "weakref", HEAP_WORDS, ROLE_WEAKREF },
	{ "weakref.ReferenceType", HEAP_WORDS, ROLE_WEAKREF },
	{ "functools._lru_cache_wrapper", HEAP_LRU_CACHE, ROLE_OTHER },
	{ "itertools._tee_dataobject", HEAP_TEE_DATA, ROLE_OTHER },
};

/* The rows of layouts[] are types of CPython itself; a class of the same name has a class
 * statement's tp_traverse or none. */
static bool find_layout(const struct heap_type *type, const char *tp_name, enum heap_layout *layout,
			enum type_role *role)
{
	for (size_t i = 0; !type->is_class && i < ARRAY_SIZE(layouts); i++) {
		if (strcmp(layouts[i].name, tp_name))
			continue;
		*layout = layouts[i].layout;
		*role = layouts[i].role;
		return true;
	}
	return false;
}

static enum type_role role_of(const struct heap *heap, const struct heap_type *type,
			      const struct heap_type *base)
{
	if (base && heap->graph->types[base->index].role != ROLE_INSTANCE &&
	    heap->graph->types[base->index].role != ROLE_OTHER)
		return heap->graph->types[base->index].role;
	return type->is_class ? ROLE_INSTANCE : ROLE_OTHER;
}

static bool is_readable_name(struct heap *heap, raddr_t address, char *name, size_t size)
{
	ssize_t len = remote_string(heap->image->remote, address, name, size);

	for (ssize_t i = 0; i < len; i++) {
		if ((unsigned char)name[i] < ' ')
			return false;
	}
	return len > 0;
}

static void add_graph_type(struct heap *heap, struct heap_type *type, enum type_role role)
{
	const struct py_type *named = py_types_get(heap->types, type->address);

	type->index = heap_add_type(heap, type,
				    &(struct graph_type){
					    .name = heap_name(heap, named ? named->name : "?"),
					    .node = NODE_NONE,
					    .role = (uint8_t)role,
					    .own = named && named->own,
				    });
	type->size_kind = named ? named->kind : PYLEAK_KIND_PLAIN;
}

/* A struct sequence has more items than its length says: "n_fields" in its type's dict. */
static uint64_t sequence_items(struct heap *heap, const uint64_t *words)
{
	raddr_t dict = heap_type_word(words, PYLEAK_TP_DICT), fields;
	uint32_t cnt;

	fields = dict ? py_dict_get(&heap->reader, dict, "n_fields") : 0;
	cnt = fields ? remote_word32(heap->image->remote, fields + 0x18) : 0;
	return cnt < 256 ? cnt : 0;
}

/* `depth`: of bases and metaclasses that led here, which a hostile heap may have in any number. */
static const struct heap_type *get(struct heap *heap, raddr_t address, int depth);

/* Is it a type, and what are its objects? The metaclass was proven to be one. */
static bool load(struct heap *heap, struct heap_type *type, const uint64_t *words, int depth)
{
	uint64_t base_address = heap_type_word(words, PYLEAK_TP_BASE);
	uint64_t basic = heap_type_word(words, PYLEAK_TP_BASICSIZE);
	uint64_t item = heap_type_word(words, PYLEAK_TP_ITEMSIZE);
	const struct heap_type *base = NULL;
	enum type_role role;
	char tp_name[128];

	type->flags = (uint32_t)heap_type_word(words, PYLEAK_TP_FLAGS);
	/* Some static types of CPython are never made ready (range_iterator up to 3.9). */
	if (basic < 16 || basic > MAX_BASIC_BYTES || item > MAX_ITEM_BYTES ||
	    !is_readable_name(heap, heap_type_word(words, PYLEAK_TP_NAME), tp_name,
			      sizeof(tp_name)))
		return false;
	type->basic_bytes = (uint32_t)basic;
	type->item_bytes = (uint32_t)item;
	type->dict_offset = (int64_t)heap_type_word(words, TP_DICTOFFSET);
	/* A class without the collector's support has no words of its own: it is read as any type.
	 */
	type->is_class = type->flags & PYLEAK_FLAG_HEAPTYPE && heap->class_traverse &&
			 heap_type_word(words, TP_TRAVERSE) == heap->class_traverse;
	if (base_address && base_address != type->address) {
		base = get(heap, base_address, depth + 1);
		if (!base)
			return false;
	}
	type->complete = base ? base->complete : true;
	type->layout = base && base->layout != HEAP_ATOM ? base->layout : HEAP_WORDS;
	if (!find_layout(type, tp_name, &type->layout, &role))
		role = role_of(heap, type, base);
	if (type->layout == HEAP_TUPLE && !type->is_class && strchr(tp_name, '.'))
		type->more_items = sequence_items(heap, words);
	if (base && base->word_cnt) {
		if (!heap_pay(heap, base->word_cnt))
			return false;
		type->words = malloc(base->word_cnt * sizeof(*type->words));
		if (!type->words)
			return false;
		memcpy(type->words, base->words, base->word_cnt * sizeof(*type->words));
		type->word_cnt = base->word_cnt;
	}
	if (type->layout != HEAP_ATOM)
		heap_type_add_words(heap, type, words, base, tp_name);
	if (type->flags & PYLEAK_FLAG_HEAPTYPE)
		type->cached_keys = heap_word(heap, type->address + heap->reader.layout->ht_name +
							    HT_CACHED_KEYS_FROM_NAME);
	add_graph_type(heap, type, role);
	return !heap->out_of_room;
}

static const struct heap_type *get(struct heap *heap, raddr_t address, int depth)
{
	const uint64_t *words;
	struct heap_type *type;

	HASH_FIND(hh, heap->known, &address, sizeof(address), type);
	if (type)
		return type->is_type ? type : NULL;
	if (depth > MAX_DEPTH || HASH_COUNT(heap->known) >= MAX_KNOWN)
		return NULL;
	words = heap_words(heap, address, TYPE_BYTES / 8);
	if (!words)
		return NULL;
	type = calloc(1, sizeof(*type));
	if (!type)
		return NULL;
	type->address = address;
	HASH_ADD(hh, heap->known, address, sizeof(type->address), type);
	/* Nearly all are instances of `type`; any other, of a class of classes. */
	if (words[1] != heap->type_type) {
		const struct heap_type *meta = get(heap, words[1], depth + 1);

		if (!meta || !(meta->flags & FLAG_TYPE_SUBCLASS))
			return NULL;
	}
	type->is_type = load(heap, type, words, depth);
	return type->is_type ? type : NULL;
}

const struct heap_type *heap_type_get(struct heap *heap, raddr_t address)
{
	/* Types are large: their addresses differ above these bits. */
	const struct heap_type **recent = &heap->recent_types[address / 64 % RECENT_TYPES];
	const struct heap_type *type = *recent;

	if (!type || type->address != address) {
		type = get(heap, address, 0);
		if (type)
			*recent = type;
	}
	return type;
}

bool heap_type_is_known(const struct heap *heap, raddr_t address)
{
	const struct heap_type *type;

	HASH_FIND(hh, heap->known, &address, sizeof(address), type);
	return type && type->is_type;
}

void heap_types_destroy(struct heap *heap)
{
	struct heap_type *type, *next;

	HASH_ITER (hh, heap->known, type, next) {
		HASH_DEL(heap->known, type);
		free(type->words);
		free(type->trial);
		free(type);
	}
	free(heap->by_index);
}
