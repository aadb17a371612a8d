/* SPDX-License-Identifier: BSD-2-Clause */
/* Is this memory a container that the GC does not track? A dict whose keys and values are all
 * atomic (CPython up to 3.13), or a bytearray; exact types only. Everything is hostile: it may
 * be a freed block, somebody's data, or an object that is being changed. */
#ifndef PYLEAK_COLLECT_HEAP_OBJECT_H
#define PYLEAK_COLLECT_HEAP_OBJECT_H

#include <stdbool.h>

#include "attach/remote.h"
#include "collect/counts.h"

#define HEAP_DICT_MIN 200	/* entries: shorter ones are not looked for */
#define HEAP_BYTEARRAY_MIN 4096 /* bytes */

struct heap_layout {
	raddr_t dict_type, bytearray_type;
	uint32_t dict_bytes, bytearray_bytes; /* tp_basicsize */
	uint32_t head_bytes;		      /* sizeof(PyGC_Head): 16, 24 or 32 */
	int minor;
};

/* A cheap look at a copy of memory: may the word `at`, which equals one of the types, be that of
 * a container of the least length or more? What lies outside the copy speaks for it. */
bool heap_may_be_large(const struct heap_layout *layout, const uint64_t *words, size_t cnt,
		       size_t at);

/* Reads the container at `object`. -EBADMSG: there is none, or the GC tracks it; -EAGAIN: its
 * inside makes no sense: freed, or in the middle of a change. */
int heap_read_object(const struct heap_layout *layout, struct remote *remote, raddr_t object,
		     struct counted_container *out);

#endif
