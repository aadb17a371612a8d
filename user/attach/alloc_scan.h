/* SPDX-License-Identifier: BSD-2-Clause */
/* Finds the instructions that count allocations and frees of GC objects in machine code. */
#ifndef PYLEAK_ALLOC_SCAN_H
#define PYLEAK_ALLOC_SCAN_H

#include "attach/alloc_sites.h"
#include "attach/code_x86.h"

/* generations[0].count, as code addresses it; the threshold lies 4 bytes before it. */
struct alloc_count {
	bool relative; /* displacement(%register) */
	int32_t displacement;
	uint64_t address;	   /* link-time: RIP-relative or absolute; 0 = not so */
	uint32_t head_bytes;	   /* sizeof(PyGC_Head) */
	uint64_t freeing_function; /* link-time, PyObject_GC_Del; its argument is the object; 0 */
};

/* Appends the places of `text`; `offset` of each is its link-time address. */
int alloc_scan(const struct code_text *text, const struct alloc_count *count,
	       struct alloc_sites *out);

/* Does a memory operand mean the count (`delta` 0) or the threshold (-4)? */
bool alloc_is_count(const struct alloc_count *count, const struct code_step *step,
		    const cs_x86_op *op, int delta);

/* Sets the object's register as it is when steps[probe] is reached; false: not decoded. */
bool alloc_decode_new(const struct alloc_count *count, const struct code_window *window,
		      size_t probe, struct alloc_site *out);
bool alloc_decode_freed(const struct alloc_count *count, const struct code_window *window,
			size_t probe, struct alloc_site *out);

#endif
