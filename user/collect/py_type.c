/* SPDX-License-Identifier: BSD-2-Clause */
/* A static type has its module in tp_name, before the last dot. A heap type has __name__ in
 * ht_name and its module in tp_dict['__module__']. tp_name of a class made in Python is its
 * __name__ alone, which may itself hold dots.
 *
 * Types come and go, and their memory is used again: each look-up compares two words of the
 * type with those that it had. */
#include "collect/py_type.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/cleanup.h"
#include "pyleak_object.h"

#define MAX_NAME 10240
#define MAX_BASES 64
#define MAX_INTERPRETERS 64

struct known_type {
	struct py_type type;
	UT_hash_handle hh;
};

/* Is the code of a module the program's own? Asked once per module name. */
struct known_module {
	char *name;
	bool own;
	UT_hash_handle hh;
};

struct py_types {
	const struct py_reader *reader;
	const struct gc_lists *lists;
	struct known_type *known;
	struct known_module *modules;
};

bool py_type_is_called(const char *name, const char *wanted)
{
	const char *tail = strrchr(name, '.');

	return !strcmp(name, wanted) || (!strchr(wanted, '.') && tail && !strcmp(tail + 1, wanted));
}

int py_types_create(const struct py_reader *reader, const struct gc_lists *lists,
		    struct py_types **out)
{
	struct py_types *types = calloc(1, sizeof(*types));

	if (!types)
		return -ENOMEM;
	types->reader = reader;
	types->lists = lists;
	*out = types;
	return 0;
}

static void drop(struct py_types *types, struct known_type *known)
{
	HASH_DEL(types->known, known);
	free(known->type.name);
	free(known);
}

void py_types_destroy(struct py_types *types)
{
	struct known_type *known, *next;
	struct known_module *module, *next_module;

	if (!types)
		return;
	HASH_ITER (hh, types->known, known, next)
		drop(types, known);
	HASH_ITER (hh, types->modules, module, next_module) {
		HASH_DEL(types->modules, module);
		free(module->name);
		free(module);
	}
	free(types);
}

/* A module of the program itself has a __file__ outside the interpreter's library folders. */
static bool is_own_file(const char *file)
{
	return !strstr(file, "/site-packages/") && !strstr(file, "/dist-packages/") &&
	       !strstr(file, "/lib/python3") && !strstr(file, "/lib64/python3") &&
	       !strstr(file, "<frozen");
}

#define MODULE_DICT 0x10

static bool find_own(struct py_types *types, const char *name)
{
	const struct py_reader *reader = types->reader;
	raddr_t interpreter = types->lists->newest_interpreter;
	char file[1024];

	if (!strcmp(name, "__main__"))
		return true;
	for (int i = 0; interpreter && i < MAX_INTERPRETERS; i++) {
		raddr_t modules = remote_word(reader->remote,
					      interpreter + reader->layout->interpreter_modules);
		raddr_t module = modules ? py_dict_get(reader, modules, name) : 0;
		raddr_t dict = module ? remote_word(reader->remote, module + MODULE_DICT) : 0;
		raddr_t path = dict ? py_dict_get(reader, dict, "__file__") : 0;

		if (path && !py_str_read(reader, path, file, sizeof(file)))
			return is_own_file(file);
		interpreter =
			remote_word(reader->remote, interpreter + reader->layout->interpreter_next);
	}
	return false;
}

static bool is_own_module(struct py_types *types, const char *name)
{
	struct known_module *module;

	HASH_FIND_STR(types->modules, name, module);
	if (module)
		return module->own;
	module = calloc(1, sizeof(*module));
	if (!module)
		return false;
	module->name = strdup(name);
	if (!module->name) {
		free(module);
		return false;
	}
	module->own = find_own(types, name);
	HASH_ADD_KEYPTR(hh, types->modules, module->name, strlen(module->name), module);
	return module->own;
}

static char *join_name(const char *module, const char *name)
{
	char *joined;

	if (!module[0] || !strcmp(module, "builtins"))
		return strdup(name);
	return asprintf(&joined, "%s.%s", module, name) < 0 ? NULL : joined;
}

static char *static_name(const char *tp_name)
{
	return strncmp(tp_name, "builtins.", 9) ? strdup(tp_name) : strdup(tp_name + 9);
}

static char *heap_name(struct py_types *types, struct py_type *type, const char *tp_name)
{
	const struct py_reader *reader = types->reader;
	_cleanup_free_ char *name = malloc(MAX_NAME);
	raddr_t ht_name = remote_word(reader->remote, type->address + reader->layout->ht_name);
	raddr_t module = type->tp_dict ? py_dict_get(reader, type->tp_dict, "__module__") : 0;
	char module_name[512] = "";
	const char *tail;

	if (!name)
		return NULL;
	/* The offset of ht_name is from a table: believed only if tp_name ends with the text. */
	if (py_str_read(reader, ht_name, name, MAX_NAME) || strlen(name) > strlen(tp_name) ||
	    strcmp(tp_name + strlen(tp_name) - strlen(name), name)) {
		tail = strrchr(tp_name, '.');
		snprintf(name, MAX_NAME, "%s", tail ? tail + 1 : tp_name);
	}
	if (!module || py_str_read(reader, module, module_name, sizeof(module_name))) {
		tail = strrchr(tp_name, '.');
		if (tail)
			snprintf(module_name, sizeof(module_name), "%.*s", (int)(tail - tp_name),
				 tp_name);
	}
	type->own = is_own_module(types, module_name);
	return join_name(module_name, name);
}

/* set and deque have no flag of their own: a subclass is told by its bases. */
static uint32_t find_kind(const struct py_reader *reader, raddr_t address, uint32_t flags)
{
	uint32_t item_bytes = remote_word32(reader->remote, address + PYLEAK_TP_ITEMSIZE);
	uint32_t kind = pyleak_kind_of(flags, item_bytes);
	char name[32];

	for (int i = 0; kind == PYLEAK_KIND_PLAIN && address && i < MAX_BASES; i++) {
		raddr_t tp_name = remote_word(reader->remote, address + PYLEAK_TP_NAME);

		if (remote_string(reader->remote, tp_name, name, sizeof(name)) < 0)
			break;
		if (!strcmp(name, "set") || !strcmp(name, "frozenset"))
			return PYLEAK_KIND_SET;
		if (!strcmp(name, "collections.deque"))
			return PYLEAK_KIND_DEQUE;
		address = remote_word(reader->remote, address + PYLEAK_TP_BASE);
	}
	return kind;
}

static int load(struct py_types *types, struct py_type *type)
{
	struct remote *remote = types->reader->remote;
	_cleanup_free_ char *tp_name = malloc(MAX_NAME);
	uint32_t flags = remote_word32(remote, type->address + PYLEAK_TP_FLAGS);

	if (!tp_name)
		return -ENOMEM;
	if (!type->tp_name || remote_string(remote, type->tp_name, tp_name, MAX_NAME) <= 0) {
		if (asprintf(&type->name, "<type at %#" PRIx64 ">", type->address) < 0)
			type->name = NULL;
	} else if (flags & PYLEAK_FLAG_HEAPTYPE) {
		type->name = heap_name(types, type, tp_name);
	} else {
		type->name = static_name(tp_name);
	}
	type->kind = find_kind(types->reader, type->address, flags);
	return type->name ? 0 : -ENOMEM;
}

const struct py_type *py_types_get(struct py_types *types, raddr_t address)
{
	/* tp_name to tp_dict: one read for both. */
	uint64_t words[(PYLEAK_TP_DICT - PYLEAK_TP_NAME) / 8 + 1] = {};
	struct known_type *known;
	raddr_t tp_name, tp_dict;

	remote_read(types->reader->remote, address + PYLEAK_TP_NAME, words, sizeof(words));
	tp_name = words[0];
	tp_dict = words[ARRAY_SIZE(words) - 1];
	HASH_FIND(hh, types->known, &address, sizeof(address), known);
	if (known && known->type.tp_name == tp_name && known->type.tp_dict == tp_dict)
		return &known->type;
	if (known)
		drop(types, known);
	known = calloc(1, sizeof(*known));
	if (!known)
		return NULL;
	known->type.address = address;
	known->type.tp_name = tp_name;
	known->type.tp_dict = tp_dict;
	if (load(types, &known->type)) {
		free(known->type.name);
		free(known);
		return NULL;
	}
	HASH_ADD(hh, types->known, type.address, sizeof(known->type.address), known);
	return &known->type;
}

void py_types_forget(struct py_types *types, raddr_t address)
{
	struct known_type *known;

	HASH_FIND(hh, types->known, &address, sizeof(address), known);
	if (known)
		drop(types, known);
}
