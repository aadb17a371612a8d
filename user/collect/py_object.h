/* SPDX-License-Identifier: BSD-2-Clause */
/* Typed reads of Python objects from outside. Everything is bounded: the object may be garbage. */
#ifndef PYLEAK_PY_OBJECT_H
#define PYLEAK_PY_OBJECT_H

#include "attach/python.h"
#include "attach/remote.h"

/* Memory and layout: what every read needs. */
struct py_reader {
	struct remote *remote;
	const struct py_layout *layout;
	int minor;
	raddr_t str_type; /* PyUnicode_Type, 0 = not known */
};

void py_reader_init(const struct python *python, struct remote *remote, struct py_reader *out);

/* UTF-8 text of a str, cut to size - 1 bytes at a character. -EBADMSG: not a str. */
int py_str_read(const struct py_reader *reader, raddr_t str, char *out, size_t size);

/* The same of characters of `kind` bytes each, 1, 2 or 4, which were read before. */
void py_chars_utf8(uint32_t kind, const uint8_t *data, size_t cnt, char *out, size_t size);

/* A dict's table of keys. An entry is (hash, key, value), or (key, value) where all keys are
 * str. */
struct py_table {
	raddr_t entries;
	uint64_t cnt;
	uint32_t entry_bytes;
	uint32_t kind; /* dk_kind, 3.11 and later: 0 general, 1 str keys, 2 split */
	bool shared;   /* by several dicts */
};

/* -EFAULT, -EBADMSG: it makes no sense. */
int py_keys_table(const struct py_reader *reader, raddr_t keys, struct py_table *out);

/* Calls `visit` for the entries of a dict (not a split one) until it returns non-zero, which is
 * returned. At most `limit` entries. -EBADMSG: not a dict that makes sense. */
int py_dict_each(const struct py_reader *reader, raddr_t dict, size_t limit,
		 int (*visit)(raddr_t key, raddr_t value, void *context), void *context);
/* The value of a str key; 0 = none. */
raddr_t py_dict_get(const struct py_reader *reader, raddr_t dict, const char *key);

#endif
