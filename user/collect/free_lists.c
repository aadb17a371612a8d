/* SPDX-License-Identifier: BSD-2-Clause */
/* From CPython: *_MAXFREELIST and *_FREELIST_MAXLEN in Objects/{tuple,list,dict,frame,class,method,
 * gen}object.c, Python/context.c and Modules/_asynciomodule.c (up to 3.9), pycore_interp.h (3.10),
 * pycore_{tuple,list,dict,dict_state,context,genobject}.h (3.11, 3.12), pycore_freelist.h (3.13),
 * pycore_freelist_state.h (3.14 and later). Only types that the collector counts; subclasses have
 * none. */
#include "collect/free_lists.h"

#include <stddef.h>
#include <string.h>

#include "base/cleanup.h"

/* From here on each interpreter has its own (bpo-40521). */
#define FIRST_OWN_MINOR 10
#define NEWEST 99

struct free_list {
	const char *type;
	int first_minor, last_minor;
	uint32_t most;
};

static const struct free_list free_lists[] = {
	/* 2000 of each length from 1 on (PyTuple_MAXSAVESIZE is 20, from 3.11 on included). */
	{ "tuple", 6, 10, 19 * 2000 },
	{ "tuple", 11, NEWEST, 20 * 2000 },
	{ "list", 6, NEWEST, 80 },
	{ "dict", 6, NEWEST, 80 },
	{ "frame", 6, 10, 200 },
	{ "method", 6, 8, 256 },
	{ "method", 14, NEWEST, 20 },
	{ "builtin_function_or_method", 6, 8, 256 },
	{ "builtin_function_or_method", 14, NEWEST, 16 },
	{ "builtin_method", 14, NEWEST, 16 },
	{ "list_iterator", 14, NEWEST, 10 },
	{ "tuple_iterator", 14, NEWEST, 10 },
	{ "slice", 6, NEWEST, 1 },
	{ "Context", 7, 9, 255 },
	{ "_contextvars.Context", 10, NEWEST, 255 },
	{ "async_generator_wrapped_value", 6, NEWEST, 80 },
	{ "async_generator_asend", 6, NEWEST, 80 },
	{ "_asyncio.FutureIter", 7, NEWEST, 255 },
};

uint64_t free_list_most(int minor, const char *type, uint32_t interpreters)
{
	for (size_t i = 0; i < ARRAY_SIZE(free_lists); i++) {
		const struct free_list *list = &free_lists[i];

		if (minor >= list->first_minor && minor <= list->last_minor &&
		    !strcmp(type, list->type))
			return (uint64_t)list->most *
			       (minor >= FIRST_OWN_MINOR && interpreters ? interpreters : 1);
	}
	return 0;
}
