/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the two halves of the search in x86-64 code. */
#ifndef PYLEAK_ALLOC_X86_H
#define PYLEAK_ALLOC_X86_H

#include "attach/alloc_scan.h"
#include "attach/code_x86.h"

/* Does a memory operand mean the count (`delta` 0) or the threshold (-4)? */
bool alloc_is_count(const struct alloc_count *count, const struct code_step *step,
		    const cs_x86_op *op, int delta);

/* Sets the object's register as it is when steps[probe] is reached; false: not decoded. */
bool alloc_decode_new(const struct alloc_count *count, const struct code_window *window,
		      size_t probe, struct alloc_site *out);
bool alloc_decode_freed(const struct alloc_count *count, const struct code_window *window,
			size_t probe, struct alloc_site *out);

#endif
