/* SPDX-License-Identifier: BSD-2-Clause */
/* What the words of a type's objects are. A type has those of its base, and its own: of a class
 * made by a class statement these are the slots, which tp_members lists; of a built-in type those
 * that fields.c knows; of any other type the members that tp_members names, and every further word
 * may be a reference. */
#include <stdlib.h>
#include <string.h>

#include <linux/types.h>

#include "base/cleanup.h"
#include "pyleak_wire.h"
#include "pyleak_object.h"
#include "snapshot/fields.h"
#include "snapshot/heap.h"

#define TP_TRAVERSE 0xb8
#define TP_WEAKLISTOFFSET 0xd0
#define TP_MEMBERS 0xf0
#define TP_DICTOFFSET 0x120
#define TYPE_BYTES 0x190 /* the least of all versions */

#define FLAG_HAVE_GC (1U << 14)
#define FLAG_TYPE_SUBCLASS (1U << 31)

#define MEMBER_BYTES 0x28
#define T_OBJECT 6
#define T_OBJECT_EX 16
#define MAX_MEMBERS 1024

#define MAX_BASIC_BYTES (1 << 20)
#define MAX_ITEM_BYTES (1 << 16)
#define MAX_WORDS 2048 /* of a type: what is behind is not guessed at */
#define MAX_DEPTH 100  /* of bases, and of metaclasses */
#define MAX_KNOWN (1U << 20)
#define HT_CACHED_KEYS_FROM_NAME 0x18

static uint64_t word_at(const uint64_t *type, uint32_t offset)
{
	return type[offset / 8];
}

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
	{ "function", HEAP_FUNCTION, ROLE_FUNCTION },
	{ "builtin_function_or_method", HEAP_WORDS, ROLE_FUNCTION },
	{ "method", HEAP_WORDS, ROLE_METHOD },
	{ "cell", HEAP_WORDS, ROLE_CELL },
	{ "code", HEAP_CODE, ROLE_CODE },
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

static bool add_word(struct heap *heap, struct heap_type *type, uint32_t offset,
		     enum edge_kind kind, uint32_t value, bool hidden, bool guessed)
{
	struct heap_word *words = NULL;

	if (type->word_cnt < MAX_WORDS && heap_pay(heap, sizeof(*words) / 8))
		words = realloc(type->words, (type->word_cnt + 1) * sizeof(*words));
	if (!words)
		return false;
	type->words = words;
	words[type->word_cnt++] = (struct heap_word){
		.offset = offset,
		.guessed = guessed,
		.edge = { .kind = kind, .hidden = hidden, .value = value },
	};
	return true;
}

static bool has_word(const struct heap_type *type, uint32_t offset)
{
	for (size_t i = 0; i < type->word_cnt; i++) {
		if (type->words[i].offset == offset)
			return true;
	}
	return false;
}

/* Members that are objects, of the type itself. */
static void add_members(struct heap *heap, struct heap_type *type, raddr_t members, uint32_t from,
			enum edge_kind kind)
{
	char name[128];

	for (size_t i = 0; members && i < MAX_MEMBERS; i++) {
		const uint64_t *member = heap_table(heap, members + i * MEMBER_BYTES, 4);
		uint32_t kind_of_member = member ? (uint32_t)member[1] : 0;
		uint64_t offset = member ? member[2] : 0;

		if (!member || !member[0])
			return;
		if ((kind_of_member != T_OBJECT && kind_of_member != T_OBJECT_EX) ||
		    offset < from || offset + 8 > type->basic_bytes || offset % 8 ||
		    (int64_t)offset == type->dict_offset || has_word(type, (uint32_t)offset))
			continue;
		if (remote_string(heap->image->remote, member[0], name, sizeof(name)) < 0)
			return;
		add_word(heap, type, (uint32_t)offset, kind, heap_name(heap, name), false, false);
	}
}

static void add_fields(struct heap *heap, struct heap_type *type, const struct type_fields *fields)
{
	for (size_t i = 0; fields && i < fields->cnt; i++) {
		const struct field *field = &fields->fields[i];

		if (heap->minor < field->from || heap->minor > field->to ||
		    field->offset + 8U > type->basic_bytes)
			continue;
		add_word(heap, type, field->offset, field->kind, heap_name(heap, field->name),
			 field->hidden, false);
	}
}

static void add_guesses(struct heap *heap, struct heap_type *type, const uint64_t *words,
			uint32_t from)
{
	for (uint32_t at = from; at + 8 <= type->basic_bytes; at += 8) {
		if (at == word_at(words, TP_WEAKLISTOFFSET) || at == type->dict_offset ||
		    has_word(type, at))
			continue;
		type->complete = false;
		if (!add_word(heap, type, at, EDGE_SCAN, at, false, true))
			return;
	}
}

static void add_own_words(struct heap *heap, struct heap_type *type, const uint64_t *words,
			  const struct heap_type *base, const char *tp_name)
{
	uint32_t from = base && base->basic_bytes > 0x10 ? base->basic_bytes : 0x10;
	raddr_t members = word_at(words, TP_MEMBERS);
	const struct type_fields *fields = type->is_class ? NULL : fields_of(tp_name);

	if (type->is_class) {
		add_members(heap, type, members, from, EDGE_ATTRIBUTE);
		return;
	}
	add_fields(heap, type, fields);
	if (fields && fields->complete)
		return;
	/* What has a reader of its own has no words of its own. */
	if (type->layout != HEAP_WORDS && (!base || base->layout != type->layout))
		return;
	add_members(heap, type, members, from, EDGE_FIELD);
	add_guesses(heap, type, words, from);
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
	raddr_t dict = word_at(words, PYLEAK_TP_DICT), fields;
	uint32_t cnt;

	fields = dict ? py_dict_get(&heap->reader, dict, "n_fields") : 0;
	cnt = fields ? remote_word32(heap->image->remote, fields + 0x18) : 0;
	return cnt < 256 ? cnt : 0;
}

/* Is it a type, and what are its objects? The metaclass was proven to be one. */
static bool load(struct heap *heap, struct heap_type *type, const uint64_t *words)
{
	uint64_t base_address = word_at(words, PYLEAK_TP_BASE);
	uint64_t basic = word_at(words, PYLEAK_TP_BASICSIZE);
	uint64_t item = word_at(words, PYLEAK_TP_ITEMSIZE);
	const struct heap_type *base = NULL;
	enum type_role role;
	char tp_name[128];

	type->flags = (uint32_t)word_at(words, PYLEAK_TP_FLAGS);
	/* Some static types of CPython are never made ready (range_iterator up to 3.9). */
	if (basic < 16 || basic > MAX_BASIC_BYTES || item > MAX_ITEM_BYTES ||
	    !is_readable_name(heap, word_at(words, PYLEAK_TP_NAME), tp_name, sizeof(tp_name)))
		return false;
	type->basic_bytes = (uint32_t)basic;
	type->item_bytes = (uint32_t)item;
	type->dict_offset = (int64_t)word_at(words, TP_DICTOFFSET);
	/* A class without the collector's support has no words of its own: it is read as any type.
	 */
	type->is_class = type->flags & PYLEAK_FLAG_HEAPTYPE && heap->class_traverse &&
			 word_at(words, TP_TRAVERSE) == heap->class_traverse;
	if (base_address && base_address != type->address) {
		base = heap_type_get(heap, base_address);
		if (!base)
			return false;
	}
	type->complete = base ? base->complete : true;
	type->layout = base && base->layout != HEAP_ATOM ? base->layout : HEAP_WORDS;
	if (!find_layout(type, tp_name, &type->layout, &role))
		role = role_of(heap, type, base);
	if (type->layout == HEAP_TUPLE && !type->is_class && strchr(tp_name, '.'))
		type->more_items = sequence_items(heap, words);
	if (base && base->word_cnt && heap_pay(heap, base->word_cnt)) {
		type->words = malloc(base->word_cnt * sizeof(*type->words));
		if (!type->words)
			return false;
		memcpy(type->words, base->words, base->word_cnt * sizeof(*type->words));
		type->word_cnt = base->word_cnt;
	}
	if (type->layout != HEAP_ATOM)
		add_own_words(heap, type, words, base, tp_name);
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
	type->is_type = load(heap, type, words);
	return type->is_type ? type : NULL;
}

const struct heap_type *heap_type_get(struct heap *heap, raddr_t address)
{
	/* Types are large: their addresses differ above these bits. */
	const struct heap_type **recent = &heap->recent_types[address / 64 % RECENT_TYPES];
	const struct heap_type *type;

	if (!*recent || (*recent)->address != address) {
		type = get(heap, address, 0);
		if (!type)
			return NULL;
		*recent = type;
	}
	return *recent;
}

void heap_types_destroy(struct heap *heap)
{
	struct heap_type *type, *next;

	HASH_ITER (hh, heap->known, type, next) {
		HASH_DEL(heap->known, type);
		free(type->words);
		free(type);
	}
	free(heap->by_index);
}
