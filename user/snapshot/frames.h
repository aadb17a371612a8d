/* SPDX-License-Identifier: BSD-2-Clause */
/* Where frames and code objects keep what, per version of CPython. */
#ifndef PYLEAK_SNAPSHOT_FRAMES_H
#define PYLEAK_SNAPSHOT_FRAMES_H

#include "snapshot/heap.h"

struct code_layout {
	uint32_t locals;     /* up to 3.10: co_nlocals; later co_nlocalsplus */
	uint32_t stack;	     /* co_stacksize */
	uint32_t first_line; /* co_firstlineno */
	uint32_t file, name; /* co_filename, co_name */
	uint32_t lines;	     /* co_lnotab, co_linetable */
	uint32_t names;	     /* co_varnames; later co_localsplusnames */
	uint32_t cells;	     /* up to 3.10: co_cellvars */
	uint32_t free;	     /* up to 3.10: co_freevars */
	uint32_t bytecode;   /* from 3.11 on: co_code_adaptive */
};

/* _PyInterpreterFrame, 3.11 and later. */
struct frame_layout {
	uint32_t code, function, namespace_, object, previous, instruction, top, owner, locals;
	bool tagged; /* references carry flags in their low bits (_PyStackRef, 3.14) */
};

/* PyFrameObject, up to 3.10. */
struct old_frame_layout {
	uint32_t trace, value_stack, top, executing, last, locals;
};

enum frame_owner { FRAME_THREAD = 0, FRAME_GENERATOR = 1, FRAME_OBJECT = 2, FRAME_SHIM = 3 };

const struct code_layout *code_layout(int minor);
const struct frame_layout *frame_layout(int minor);
const struct old_frame_layout *old_frame_layout(int minor);

/* frame_lines.c: the line of an instruction: its index in bytes from the start of the code. 0 =
 * not known. */
uint32_t frame_line(struct heap *heap, raddr_t code, uint64_t at);

#endif
