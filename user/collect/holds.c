/* SPDX-License-Identifier: BSD-2-Clause */
/* One element stands for all: the newest, because that is what the growth is made of. Only
 * containers that grow are read, a few words each. */
#include "collect/holds.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/cleanup.h"
#include "pyleak_wire.h"

#define MAX_SET_PROBES 64

struct held {
	raddr_t address, type;
	uint64_t len; /* at the last look */
	char *words;
	bool asked;
	UT_hash_handle hh;
};

struct holds {
	const struct py_reader *reader;
	struct py_types *types;
	struct held *known;
};

int holds_create(const struct py_reader *reader, struct py_types *types, struct holds **out)
{
	struct holds *holds = calloc(1, sizeof(*holds));

	if (!holds)
		return -ENOMEM;
	holds->reader = reader;
	holds->types = types;
	*out = holds;
	return 0;
}

static void drop(struct holds *holds, struct held *held)
{
	HASH_DEL(holds->known, held);
	free(held->words);
	free(held);
}

void holds_destroy(struct holds *holds)
{
	struct held *held, *next;

	if (!holds)
		return;
	HASH_ITER (hh, holds->known, held, next)
		drop(holds, held);
	free(holds);
}

static const char *type_name_of(struct holds *holds, raddr_t object)
{
	raddr_t address = object ? remote_word(holds->reader->remote, object + 8) : 0;
	const struct py_type *type = address ? py_types_get(holds->types, address) : NULL;

	return type ? type->name : NULL;
}

static raddr_t newest_of_list(struct remote *remote, raddr_t list, uint64_t len)
{
	raddr_t items = remote_word(remote, list + 0x18);

	return items ? remote_word(remote, items + 8 * (len - 1)) : 0;
}

/* dequeobject.c: block data begins after a link; the right index is that of the last item. */
static raddr_t newest_of_deque(struct remote *remote, raddr_t deque)
{
	raddr_t block = remote_word(remote, deque + 0x20);
	uint64_t index = remote_word(remote, deque + 0x30);

	return block && index < 64 ? remote_word(remote, block + 8 + 8 * index) : 0;
}

static raddr_t any_of_set(struct remote *remote, raddr_t set)
{
	raddr_t table = remote_word(remote, set + 0x28);
	uint64_t mask = remote_word(remote, set + 0x20);
	uint64_t entries[MAX_SET_PROBES * 2];
	size_t cnt = mask + 1 < MAX_SET_PROBES ? mask + 1 : MAX_SET_PROBES;

	if (!table || remote_read(remote, table, entries, cnt * 16))
		return 0;
	for (size_t i = 0; i < cnt; i++) {
		/* A deleted entry has the hash -1. */
		if (entries[2 * i] && entries[2 * i + 1] != UINT64_MAX)
			return entries[2 * i];
	}
	return 0;
}

struct pair {
	raddr_t key, value;
};

static int keep_last(raddr_t key, raddr_t value, void *context)
{
	struct pair *last = context;

	last->key = key;
	last->value = value;
	return 0;
}

#define DICT_LOOK 4096

static char *describe_dict(struct holds *holds, raddr_t dict)
{
	struct pair last = {};
	_cleanup_free_ char *key = NULL;
	const char *name, *value;
	char *words;

	py_dict_each(holds->reader, dict, DICT_LOOK, keep_last, &last);
	name = type_name_of(holds, last.key);
	/* A type that changes meanwhile is read anew, and its former name is gone. */
	key = name ? strdup(name) : NULL;
	value = type_name_of(holds, last.value);
	if (!key || !value || asprintf(&words, "%s -> %s", key, value) < 0)
		return NULL;
	return words;
}

static char *describe(struct holds *holds, const struct counted_container *container, uint32_t kind)
{
	struct remote *remote = holds->reader->remote;
	const char *name = NULL;

	switch (kind) {
	case PYLEAK_KIND_LIST:
		name = type_name_of(holds,
				    newest_of_list(remote, container->address, container->len));
		break;
	case PYLEAK_KIND_DEQUE:
		name = type_name_of(holds, newest_of_deque(remote, container->address));
		break;
	case PYLEAK_KIND_SET:
		name = type_name_of(holds, any_of_set(remote, container->address));
		break;
	case PYLEAK_KIND_DICT:
		return describe_dict(holds, container->address);
	}
	return name ? strdup(name) : NULL;
}

const char *holds_get(struct holds *holds, const struct counted_container *container, uint32_t kind)
{
	struct held *held;

	HASH_FIND(hh, holds->known, &container->address, sizeof(container->address), held);
	if (held && held->type != container->type) {
		drop(holds, held);
		held = NULL;
	}
	if (!held) {
		held = calloc(1, sizeof(*held));
		if (!held)
			return NULL;
		held->address = container->address;
		held->type = container->type;
		held->len = container->len;
		HASH_ADD(hh, holds->known, address, sizeof(held->address), held);
	}
	held->asked = true;
	if (!held->words && container->len > held->len)
		held->words = describe(holds, container, kind);
	held->len = container->len;
	return held->words;
}

void holds_sweep(struct holds *holds)
{
	struct held *held, *next;

	HASH_ITER (hh, holds->known, held, next) {
		if (!held->asked)
			drop(holds, held);
		else
			held->asked = false;
	}
}
