/* SPDX-License-Identifier: BSD-2-Clause */
/* What the words of a type's objects are. A type has those of its base, and its own: of a class
 * made by a class statement these are the slots, which tp_members lists; of a built-in type those
 * that fields.c knows; of any other type the members that tp_members names, and every further word
 * may be a reference. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "snapshot/fields.h"
#include "snapshot/heap.h"

#define TP_WEAKLISTOFFSET 0xd0
#define TP_MEMBERS 0xf0
#define MEMBER_BYTES 0x28
#define T_OBJECT 6
#define T_OBJECT_EX 16
#define MAX_MEMBERS 1024
#define MAX_WORDS 2048 /* of a type: what is behind is not guessed at */

static bool add_word(struct heap *heap, struct heap_type *type, uint32_t offset,
		     enum edge_kind kind, uint32_t value, bool hidden, bool guessed)
{
	struct heap_word *words = NULL;

	if (type->word_cnt < MAX_WORDS && heap_pay(heap, sizeof(*words) / 8))
		words = realloc(type->words, (type->word_cnt + 1) * sizeof(*words));
	if (!words) {
		type->complete = false;
		return false;
	}
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
		if (at == heap_type_word(words, TP_WEAKLISTOFFSET) || at == type->dict_offset ||
		    has_word(type, at))
			continue;
		type->complete = false;
		if (!add_word(heap, type, at, EDGE_SCAN, at, false, true))
			return;
	}
}

void heap_type_add_words(struct heap *heap, struct heap_type *type, const uint64_t *words,
			 const struct heap_type *base, const char *tp_name)
{
	uint32_t from = base && base->basic_bytes > 0x10 ? base->basic_bytes : 0x10;
	raddr_t members = heap_type_word(words, TP_MEMBERS);
	const struct type_fields *fields = type->is_class ? NULL : fields_of(tp_name);

	if (type->is_class) {
		add_members(heap, type, members, from, EDGE_ATTRIBUTE);
		return;
	}
	add_fields(heap, type, fields);
	if (fields)
		fields_check_type(heap, type, words, fields);
	if (fields && fields->complete)
		return;
	/* What has a reader of its own has no words of its own. */
	if (type->layout != HEAP_WORDS && (!base || base->layout != type->layout))
		return;
	add_members(heap, type, members, from, EDGE_FIELD);
	add_guesses(heap, type, words, from);
}
