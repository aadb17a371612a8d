/* SPDX-License-Identifier: BSD-2-Clause */
/* Finds the instructions that count allocations and frees of GC objects in machine code. */
#ifndef PYLEAK_ALLOC_SCAN_H
#define PYLEAK_ALLOC_SCAN_H

#include "attach/alloc_sites.h"
#include "attach/code.h"

/* generations[0].count, as code addresses it; the threshold lies 4 bytes before it. */
struct alloc_count {
	bool relative; /* so far from the interpreter or _PyRuntime, in whatever register */
	int32_t displacement;
	uint64_t address;	   /* link-time: where it is a static; 0 = not so */
	uint32_t head_bytes;	   /* sizeof(PyGC_Head) */
	uint64_t freeing_function; /* link-time, PyObject_GC_Del; its argument is the object; 0 */
	bool begins_with_head;	   /* an object's memory, always: up to 3.10 */
};

/* Append the places of `text`; `offset` of each is its link-time address. */
int alloc_scan_x86(const struct code_text *text, const struct alloc_count *count,
		   struct alloc_sites *out);
int alloc_scan_arm64(const struct code_text *text, const struct alloc_count *count,
		     struct alloc_sites *out);

/* A place without registers. NULL: it is there already, as one branch serves two loads, or there
 * is no room, which is said in `out`. */
struct alloc_site *alloc_scan_add(uint64_t address, enum alloc_kind kind, bool cheap,
				  struct alloc_sites *out);
void alloc_scan_reject(uint64_t address, enum alloc_rejection why, struct alloc_sites *out);

#endif
