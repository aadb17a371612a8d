/* SPDX-License-Identifier: BSD-2-Clause */
/* The tool with one offset changed, for tests/trust/trust.py: linked instead of the four files
 * that have tables of offsets, which are compiled here with tables that can be written to.
 * $PYLEAK_CHANGE is "TABLE INDEX DELTA", DELTA a number or "zero". Tables are walked as arrays, so
 * that none of their fields is forgotten. Status 99: the index is behind the end, which is printed;
 * 98: no change, the field is of other versions of CPython. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attach/gc_surroundings.h"
#include "attach/py_layout.h"
#include "base/cleanup.h"
#include "collect/py_frame.h"
#include "snapshot/fields.h"
#include "snapshot/graph.h"

#define NO_CHANGE 98
#define BEHIND_THE_END 99

int real_py_layout_load(int minor, int micro, struct remote *remote, raddr_t runtime,
			struct py_layout *out);
struct py_code_layout *real_py_code_layout(int minor);
struct py_frame_layout *real_py_frame_layout(int minor);
struct py_old_frame_layout *real_py_old_frame_layout(int minor);
uint32_t real_py_cframe_frame(int minor);
struct type_fields *real_fields_of(char *tp_name);
struct gc_surroundings real_gc_surroundings(int minor, raddr_t generations, uint32_t head_bytes);

#define gc_surroundings(minor, generations, bytes) real_gc_surroundings(minor, generations, bytes)
#define const
#define py_layout_load real_py_layout_load
#define py_code_layout(minor) real_py_code_layout(minor)
#define py_frame_layout(minor) real_py_frame_layout(minor)
#define py_old_frame_layout(minor) real_py_old_frame_layout(minor)
#define py_cframe_frame real_py_cframe_frame
#define fields_of real_fields_of
#include "../../user/attach/gc_surroundings.c"
#include "../../user/attach/py_layout.c"
#include "../../user/collect/py_frame.c"
#include "../../user/snapshot/fields.c"
#undef py_layout_load
#undef py_code_layout
#undef py_frame_layout
#undef py_old_frame_layout
#undef py_cframe_frame
#undef fields_of
#undef gc_surroundings
#undef const

struct change {
	size_t index;
	long delta;
	bool zero;
};

/* False: none is wanted, or one of another table. */
static bool is_wanted(const char *table, struct change *out)
{
	const char *text = getenv("PYLEAK_CHANGE");
	char name[20], delta[20];

	if (!text || sscanf(text, "%19s %zu %19s", name, &out->index, delta) != 3 ||
	    strcmp(name, table))
		return false;
	out->zero = !strcmp(delta, "zero");
	out->delta = strtol(delta, NULL, 0);
	return true;
}

static uint32_t changed(const struct change *change, uint32_t value)
{
	uint32_t now = change->zero ? 0 : value + (uint32_t)change->delta;

	if (now == value)
		exit(NO_CHANGE);
	return now;
}

static _Noreturn void end_at(size_t cnt)
{
	printf("%zu fields\n", cnt);
	exit(BEHIND_THE_END);
}

static void change_words(const char *table, void *words, size_t bytes)
{
	uint32_t *word = words;
	struct change change;

	if (!is_wanted(table, &change))
		return;
	if (change.index >= bytes / sizeof(*word))
		end_at(bytes / sizeof(*word));
	word[change.index] = changed(&change, word[change.index]);
}

static void change_halves(const char *table, uint16_t *halves, size_t bytes)
{
	struct change change;

	if (!is_wanted(table, &change))
		return;
	if (change.index >= bytes / sizeof(*halves))
		end_at(bytes / sizeof(*halves));
	halves[change.index] = (uint16_t)changed(&change, halves[change.index]);
}

/* Counted are the fields that this version has. */
static void change_field(int minor)
{
	struct change change;
	size_t index = 0;

	if (!is_wanted("fields", &change))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		for (size_t j = 0; j < known[i].cnt; j++) {
			struct field *field = (struct field *)&known[i].fields[j];

			if (minor < field->from || minor > field->to || index++ != change.index)
				continue;
			field->offset = (uint16_t)changed(&change, field->offset);
			return;
		}
	}
	end_at(index);
}

static void change_tables(int minor)
{
	if (minor >= 13) {
		change_words("slots", &slots[minor], sizeof(slots[minor]));
		change_halves("frame_slots", frame_slots[minor], sizeof(frame_slots[minor]));
	}
	change_words("code", real_py_code_layout(minor), sizeof(struct py_code_layout));
	if (minor >= 11)
		change_words("frame", real_py_frame_layout(minor), sizeof(struct py_frame_layout));
	else
		change_words("old_frame", real_py_old_frame_layout(minor),
			     sizeof(struct py_old_frame_layout));
	change_field(minor);
}

struct gc_surroundings gc_surroundings(int minor, raddr_t generations, uint32_t head_bytes)
{
	struct gc_surroundings around = real_gc_surroundings(minor, generations, head_bytes);

	change_words("lists", &around, sizeof(around));
	return around;
}

int py_layout_load(int minor, int micro, struct remote *remote, raddr_t runtime,
		   struct py_layout *out)
{
	static bool done;
	int err;

	if (!done && minor >= PYTHON_OLDEST_MINOR && minor <= PYTHON_NEWEST_MINOR)
		change_tables(minor);
	done = true;
	err = real_py_layout_load(minor, micro, remote, runtime, out);
	if (!err)
		change_words("layout", out, sizeof(*out));
	return err;
}

const struct py_code_layout *py_code_layout(int minor)
{
	return real_py_code_layout(minor);
}

const struct py_frame_layout *py_frame_layout(int minor)
{
	return real_py_frame_layout(minor);
}

const struct py_old_frame_layout *py_old_frame_layout(int minor)
{
	return real_py_old_frame_layout(minor);
}

uint32_t py_cframe_frame(int minor)
{
	uint32_t frame = real_py_cframe_frame(minor);

	if (minor == 11 || minor == 12)
		change_words("cframe", &frame, sizeof(frame));
	return frame;
}

const struct type_fields *fields_of(const char *tp_name)
{
	return real_fields_of((char *)tp_name);
}
