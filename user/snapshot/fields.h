/* SPDX-License-Identifier: BSD-2-Clause */
/* The words of built-in types that are references, by the names that Python gives them. */
#ifndef PYLEAK_SNAPSHOT_FIELDS_H
#define PYLEAK_SNAPSHOT_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct field {
	uint8_t from, to; /* minor versions of CPython 3 */
	uint16_t offset;
	uint8_t kind; /* enum edge_kind */
	bool hidden;  /* counted, but tp_traverse does not visit it */
	const char *name;
};

struct type_fields {
	const char *type; /* tp_name */
	const struct field *fields;
	size_t cnt;
	bool complete; /* the other words are no references */
};

/* NULL: nothing is known of the type. */
const struct type_fields *fields_of(const char *tp_name);

#endif
