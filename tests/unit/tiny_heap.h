/* SPDX-License-Identifier: BSD-2-Clause */
/* A heap small enough to be mutated: one object or two of each kind, in one buffer, and what
 * graph_build() needs to find them. For the test of the builder and for its fuzzer. */
#ifndef PYLEAK_TESTS_TINY_HEAP_H
#define PYLEAK_TESTS_TINY_HEAP_H

#include "snapshot/build.h"

#define TINY_BASE 0x7f0000000000ULL
#define TINY_BYTES 65536U
#define TINY_OBJECTS_MAX 128

struct tiny_heap {
	int minor;
	uint64_t words[TINY_BYTES / 8];
	size_t used;
	raddr_t objects[TINY_OBJECTS_MAX];
	size_t object_cnt;
	struct py_layout layout;
	struct gc_lists lists;
	struct build_source source;
	raddr_t head; /* of the GC list */
	raddr_t type, object, str, dict, list, tuple, set, deque, function, cell, code, generator;
	raddr_t frame, module, thing; /* `thing`: a class with a slot and a dict */
	raddr_t app, items, pair, thing_object, closure, generator_object, mapping, texts[2];
	raddr_t set_object, deque_object;
};

/* Module app: items = ["one", "two"]; pair = ("one", "two"); mapping = {"key": "two"}; a set, a
 * deque, a Thing with slot = "one" and name = "two", a function with "two" in a cell, and a
 * generator that runs with x = "one". */
void tiny_heap_make(struct tiny_heap *heap, int minor);

#endif
