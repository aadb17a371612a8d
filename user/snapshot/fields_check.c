/* SPDX-License-Identifier: BSD-2-Clause */
/* The words of built-in types are from a table (fields.c). A field that is elsewhere in the running
 * build would be read as NULL, or as another one, and nobody would know. So the table is compared
 * with what the type tells of itself, tp_members and the words of its own use; and, object by
 * object, with where references are: a word of the type that is no field leads to no object. */
#include <stdlib.h>
#include <string.h>

#include <linux/types.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "pyleak_wire.h"
#include "pyleak_object.h"
#include "snapshot/fields.h"
#include "snapshot/heap.h"

#define TP_WEAKLISTOFFSET 0xd0
#define TP_MEMBERS 0xf0
#define MEMBER_BYTES 0x28
#define T_OBJECT 6
#define T_OBJECT_EX 16
#define MAX_MEMBERS 64
#define OBJECT_HEAD 0x10

#define TRIED_MOST 4096
/* While it is copied without a pause, some objects are torn. */
#define MISFITS_PER 64
#define MAX_WORDS (4 * 64)

static bool is_of(const struct heap *heap, const struct field *field)
{
	return heap->minor >= field->from && heap->minor <= field->to;
}

static const struct field *field_named(const struct heap *heap, const struct type_fields *fields,
				       const char *name)
{
	for (size_t i = 0; i < fields->cnt; i++) {
		if (is_of(heap, &fields->fields[i]) && !strcmp(fields->fields[i].name, name))
			return &fields->fields[i];
	}
	return NULL;
}

/* Members that are objects have the offset that the field of the same name has. */
static bool members_agree(struct heap *heap, raddr_t members, const struct type_fields *fields)
{
	char name[64];

	for (size_t i = 0; members && i < MAX_MEMBERS; i++) {
		const uint64_t *member = heap_table(heap, members + i * MEMBER_BYTES, 4);
		const struct field *field;

		if (!member || !member[0] ||
		    remote_string(heap->image->remote, member[0], name, sizeof(name)) < 0)
			break;
		if ((uint32_t)member[1] != T_OBJECT && (uint32_t)member[1] != T_OBJECT_EX)
			continue;
		field = field_named(heap, fields, name);
		if (field && field->offset != member[2])
			return false;
	}
	return true;
}

static bool are_distinct(const struct heap *heap, const struct heap_type *type,
			 const uint64_t *words, const struct type_fields *fields)
{
	uint64_t taken[MAX_WORDS / 64] = {}, weak = heap_type_word(words, TP_WEAKLISTOFFSET);

	for (size_t i = 0; i < fields->cnt; i++) {
		uint32_t at = fields->fields[i].offset, bit = at / 8;

		if (!is_of(heap, &fields->fields[i]))
			continue;
		if (at < OBJECT_HEAD || at % 8 || at + 8 > type->basic_bytes || at == weak ||
		    at == type->dict_offset || bit >= MAX_WORDS || taken[bit / 64] >> bit % 64 & 1)
			return false;
		taken[bit / 64] |= 1ULL << bit % 64;
	}
	return true;
}

/* Words that lead to objects without holding them: neighbours in a list, the number 1, and what
 * was in the memory before, where only free-threaded builds keep something (weakrefobject.h,
 * _functoolsmodule.c, enumobject.c; _co_unique_id of 3.14 and later in codeobject.c). */
static bool is_no_reference(const char *tp_name, uint32_t at)
{
	static const struct {
		const char *name;
		uint32_t from, to;
	} links[] = {
		{ "weak", 0x28, 0x30 },		   /* all six types */
		{ "functools._lru_", 0x10, 0x18 }, /* both types */
		{ "enumerate", 0x30, 0x30 },
		{ "code", 0xb8, 0xb8 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(links); i++) {
		if (!strncmp(tp_name, links[i].name, strlen(links[i].name)) &&
		    at >= links[i].from && at <= links[i].to)
			return true;
	}
	return false;
}

/* Words in which no field lies, nor what a base or every object keeps. */
static void find_unlisted(const struct heap_type *type, const uint64_t *words,
			  const struct type_fields *fields, struct fields_trial *trial)
{
	uint64_t weak = heap_type_word(words, TP_WEAKLISTOFFSET);

	if (!fields->complete || (type->layout != HEAP_WORDS && type->layout != HEAP_LRU_CACHE))
		return;
	for (uint32_t at = OBJECT_HEAD; at + 8 <= type->basic_bytes && at / 8 < MAX_WORDS;
	     at += 8) {
		bool listed =
			at == weak || at == type->dict_offset || is_no_reference(fields->type, at);

		for (size_t i = 0; i < type->word_cnt; i++)
			listed |= type->words[i].offset == at;
		if (!listed)
			trial->unlisted[at / 512] |= 1ULL << at / 8 % 64;
	}
}

void fields_check_type(struct heap *heap, struct heap_type *type, const uint64_t *words,
		       const struct type_fields *fields)
{
	struct fields_trial *trial = calloc(1, sizeof(*trial));

	type->trial = trial;
	if (!trial)
		return;
	trial->tp_name = fields->type;
	trial->is_wrong = !are_distinct(heap, type, words, fields) ||
			  !members_agree(heap, heap_type_word(words, TP_MEMBERS), fields);
	find_unlisted(type, words, fields, trial);
}

static bool leads_to_object(struct heap *heap, uint64_t word)
{
	const uint64_t *object = word ? heap_words(heap, word, 2) : NULL;

	return object && object[0] && heap_type_is_known(heap, object[1]);
}

void fields_check_object(struct heap *heap, const struct heap_type *type, const uint64_t *object)
{
	struct fields_trial *trial = type->trial;
	bool fits = true;

	if (trial->tried == TRIED_MOST || !heap_pay(heap, type->basic_bytes / 8))
		return;
	trial->tried++;
	for (size_t i = 0; i < ARRAY_SIZE(trial->unlisted); i++) {
		for (uint64_t left = trial->unlisted[i]; left; left &= left - 1) {
			size_t at = i * 64 + (size_t)__builtin_ctzll(left);

			fits &= !leads_to_object(heap, object[at]);
		}
	}
	trial->misfits += !fits;
}

void fields_check_report(const struct heap *heap)
{
	for (const struct heap_type *type = heap->known; type; type = type->hh.next) {
		const struct fields_trial *trial = type->trial;

		if (!trial || !type->is_type ||
		    (!trial->is_wrong &&
		     (!trial->misfits || trial->misfits * MISFITS_PER < trial->tried)))
			continue;
		pr_warn("snapshot: objects of type %s are not laid out as in CPython 3.%d: what "
			"they hold may be missing, or have another's name; report this build",
			trial->tp_name, heap->minor);
	}
}
