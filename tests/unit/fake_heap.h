/* SPDX-License-Identifier: BSD-2-Clause */
/* A CPython made of bytes: a runtime, interpreters with GC lists, types, str and dict, laid out
 * as the real builds do (docs: pycore_gc.h, unicodeobject.h, pycore_dict.h of each version).
 * Written down independently of the code under test, from DWARF of the builds named here. */
#ifndef PYLEAK_TEST_FAKE_HEAP_H
#define PYLEAK_TEST_FAKE_HEAP_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

#include "attach/python.h"
#include "attach/remote.h"
#include "collect/py_object.h"
#include "pyleak_wire.h"

#define FAKE_BASE 0x7f1200000000ULL
#define FAKE_BYTES (512U << 10)

/* Offsets in the interpreter, or in _PyRuntime where the lists are global (up to 3.8). */
struct fake_build {
	const char *version;
	int minor, micro;
	uint32_t head_bytes;
	uint32_t generations, permanent, stats, collecting, enabled;
};

extern const struct fake_build fake_builds[];
extern const size_t fake_build_cnt;

struct fake_heap {
	const struct fake_build *build;
	uint8_t *bytes;
	size_t used;
	struct python python; /* without a file: elf is NULL */
	struct py_reader reader;
	raddr_t newest; /* interpreter */
	raddr_t type_type;
};

/* Aborts the test when the version is not among the builds. */
void fake_heap_init(struct fake_heap *heap, const char *version);
void fake_heap_deinit(struct fake_heap *heap);

/* Zeroed and aligned to 16. */
raddr_t fake_alloc(struct fake_heap *heap, size_t size);
void fake_put(struct fake_heap *heap, raddr_t at, uint64_t word);
void fake_put32(struct fake_heap *heap, raddr_t at, uint32_t word);
uint64_t fake_get(const struct fake_heap *heap, raddr_t at);
raddr_t fake_text(struct fake_heap *heap, const char *text); /* a C string */

/* A new interpreter, the newest of the chain, with empty lists. */
raddr_t fake_interpreter(struct fake_heap *heap);
/* Where the lists of an interpreter are kept: itself, or the runtime. */
raddr_t fake_lists(const struct fake_heap *heap, raddr_t interpreter);
/* The head of a list, numbered as a census walks them: 0 permanent, 1 oldest, 3 young. */
raddr_t fake_head(const struct fake_heap *heap, raddr_t interpreter, int list);
/* Appends an object of `size` bytes to a list; its address. */
raddr_t fake_object(struct fake_heap *heap, raddr_t interpreter, int list, raddr_t type,
		    size_t size);

raddr_t fake_str(struct fake_heap *heap, const char *ascii);
/* A compact str of kind 1, 2 or 4 that is not ASCII. */
raddr_t fake_wide_str(struct fake_heap *heap, uint32_t kind, const uint32_t *chars, size_t cnt);

struct fake_pair {
	raddr_t key, value;
};

/* A dict with its table; `unicode`: keys without hashes, 3.11 and later. */
raddr_t fake_dict(struct fake_heap *heap, const struct fake_pair *pairs, size_t cnt, bool unicode);

raddr_t fake_static_type(struct fake_heap *heap, const char *tp_name, uint32_t basic_bytes,
			 uint32_t item_bytes, uint32_t flags);
/* As class statements make them; `module` may be NULL. */
raddr_t fake_heap_type(struct fake_heap *heap, const char *name, const char *module);

#endif
