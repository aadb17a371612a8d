/* SPDX-License-Identifier: BSD-2-Clause */
/* Names of types, as objgraph's users know them: type.__module__ and __name__. */
#ifndef PYLEAK_PY_TYPE_H
#define PYLEAK_PY_TYPE_H

#include <stdbool.h>

#include "attach/gc_lists.h"
#include "collect/py_object.h"

struct py_type {
	raddr_t address;
	raddr_t tp_name, tp_dict; /* as they were: another type at this address has others */
	char *name;		  /* "module.Class"; builtins without module */
	bool own;		  /* defined in Python code of the program itself */
	uint32_t kind;		  /* enum pyleak_type_kind */
};

/* Does `wanted`, with or without its module, mean the type of this name? */
bool py_type_is_called(const char *name, const char *wanted);

struct py_types;

/* `reader` and `lists` stay the caller's and must outlive the table; lists may change. */
int py_types_create(const struct py_reader *reader, const struct gc_lists *lists,
		    struct py_types **out);
void py_types_destroy(struct py_types *types);

/* The type at `address`, read when it is not known or is no longer the one that was. NULL: no
 * memory. A type whose name is unreadable is called "<type at 0x...>". */
const struct py_type *py_types_get(struct py_types *types, raddr_t address);
void py_types_forget(struct py_types *types, raddr_t address);

#endif
