/* SPDX-License-Identifier: BSD-2-Clause */
/* str and dict, as CPython 3.6 to 3.15 lay them out (unicodeobject.h, pycore_dict.h).
 * A dict's entries follow its hash index; up to 3.10 they all have a hash word, later only
 * those of dicts whose keys are not all str. */
#include "collect/py_object.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/types.h>

#include "base/cleanup.h"
#include "pyleak_wire.h"
#include "pyleak_object.h"

#define STR_LENGTH 0x10
#define STR_STATE 0x20
#define STATE_KIND(state) ((state) >> 2 & 7)
#define STATE_COMPACT (1U << 5)
#define STATE_ASCII (1U << 6)
#define MAX_STR 65536

void py_reader_init(const struct python *python, struct remote *remote, struct py_reader *out)
{
	out->remote = remote;
	out->layout = &python->layout;
	out->minor = python->minor;
	out->str_type = python_symbol(python, "PyUnicode_Type");
}

static size_t put_utf8(char *out, size_t room, uint32_t c)
{
	size_t len = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

	if (c > 0x10ffff || (c >= 0xd800 && c < 0xe000)) {
		c = 0xfffd;
		len = 3;
	}
	if (len > room)
		return 0;
	if (len == 1) {
		out[0] = (char)c;
		return 1;
	}
	for (size_t i = len - 1; i; i--) {
		out[i] = (char)(0x80 | (c & 0x3f));
		c >>= 6;
	}
	out[0] = (char)((len == 2 ? 0xc0 : len == 3 ? 0xe0 : 0xf0) | c);
	return len;
}

static uint32_t char_at(const uint8_t *data, uint32_t kind, size_t index)
{
	uint16_t two;
	uint32_t four;

	switch (kind) {
	case 1:
		return data[index];
	case 2:
		memcpy(&two, data + 2 * index, 2);
		return two;
	default:
		memcpy(&four, data + 4 * index, 4);
		return four;
	}
}

void py_chars_utf8(uint32_t kind, const uint8_t *data, size_t cnt, char *out, size_t size)
{
	size_t used = 0;

	for (size_t i = 0; i < cnt; i++) {
		size_t len = put_utf8(out + used, size - 1 - used, char_at(data, kind, i));

		if (!len)
			break;
		used += len;
	}
	out[used] = '\0';
}

int py_str_read(const struct py_reader *reader, raddr_t str, char *out, size_t size)
{
	_cleanup_free_ uint8_t *data = NULL;
	raddr_t from = str + reader->layout->string_data;
	uint64_t header[5];
	uint32_t kind, state;
	size_t length;

	if (!size || remote_read(reader->remote, str, header, sizeof(header)))
		return -EFAULT;
	state = (uint32_t)header[STR_STATE / 8];
	kind = STATE_KIND(state);
	length = header[STR_LENGTH / 8];
	if ((reader->str_type && header[1] != reader->str_type) || !(state & STATE_COMPACT) ||
	    (kind != 1 && kind != 2 && kind != 4))
		return -EBADMSG;
	if (!(state & STATE_ASCII))
		from += reader->minor >= 12 ? 0x10 : 0x18; /* utf8_length, utf8, and wstr_length */
	if (length > MAX_STR)
		length = MAX_STR;
	if (length > size)
		length = size; /* a character makes at least one byte */
	data = malloc(length * kind + 1);
	if (!data)
		return -ENOMEM;
	if (remote_read(reader->remote, from, data, length * kind))
		return -EFAULT;
	py_chars_utf8(kind, data, length, out, size);
	return 0;
}

#define DICT_KEYS 0x20
#define DICT_VALUES 0x28
#define DICT_CHUNK 128 /* entries in one read */

int py_keys_table(const struct py_reader *reader, raddr_t keys, struct py_table *out)
{
	uint64_t header[5], slots;

	if (remote_read(reader->remote, keys, header, sizeof(header)))
		return -EFAULT;
	out->entry_bytes = 24;
	out->kind = 0;
	out->shared = header[0] != 1;
	if (reader->minor >= 11) {
		if ((header[1] & 0xff) > 40 || (header[1] >> 8 & 0xff) > 43)
			return -EBADMSG;
		slots = 1ULL << (header[1] & 0xff);
		out->entries = keys + 0x20 + (1ULL << (header[1] >> 8 & 0xff));
		out->cnt = header[3];
		out->kind = header[1] >> 16 & 0xff;
		if (out->kind)
			out->entry_bytes = 16;
	} else {
		slots = header[1];
		if (slots > 1ULL << 40)
			return -EBADMSG;
		out->entries = keys + 0x28 + slots * (slots <= 0xff ? 1 : slots <= 0xffff ? 2 : 4);
		out->cnt = header[4];
	}
	return out->cnt <= slots ? 0 : -EBADMSG;
}

static int find_table(const struct py_reader *reader, raddr_t dict, struct py_table *out)
{
	raddr_t keys = remote_word(reader->remote, dict + DICT_KEYS);

	if (!keys || remote_word(reader->remote, dict + DICT_VALUES))
		return -EBADMSG;
	return py_keys_table(reader, keys, out);
}

int py_dict_each(const struct py_reader *reader, raddr_t dict, size_t limit,
		 int (*visit)(raddr_t key, raddr_t value, void *context), void *context)
{
	uint64_t words[DICT_CHUNK * 3];
	struct py_table table;
	int err = find_table(reader, dict, &table);

	if (err)
		return err;
	if (table.cnt > limit)
		table.cnt = limit;
	for (uint64_t at = 0; at < table.cnt; at += DICT_CHUNK) {
		size_t part = table.cnt - at < DICT_CHUNK ? table.cnt - at : DICT_CHUNK;
		size_t step = table.entry_bytes / 8;

		if (remote_read(reader->remote, table.entries + at * table.entry_bytes, words,
				part * table.entry_bytes))
			return -EFAULT;
		for (size_t i = 0; i < part; i++) {
			const uint64_t *entry = words + i * step + (step - 2);

			/* A deleted entry has no value. */
			err = entry[0] && entry[1] ? visit(entry[0], entry[1], context) : 0;
			if (err)
				return err;
		}
	}
	return 0;
}

struct wanted_key {
	const struct py_reader *reader;
	const char *key;
	raddr_t value;
};

static int match_key(raddr_t key, raddr_t value, void *context)
{
	struct wanted_key *wanted = context;
	char text[128];

	if (py_str_read(wanted->reader, key, text, sizeof(text)) || strcmp(text, wanted->key))
		return 0;
	wanted->value = value;
	return 1;
}

#define MAX_LOOKUP 65536

raddr_t py_dict_get(const struct py_reader *reader, raddr_t dict, const char *key)
{
	struct wanted_key wanted = { .reader = reader, .key = key };

	return py_dict_each(reader, dict, MAX_LOOKUP, match_key, &wanted) == 1 ? wanted.value : 0;
}
