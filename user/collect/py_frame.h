/* SPDX-License-Identifier: BSD-2-Clause */
/* Where frames and code objects keep what, per version of CPython. */
#ifndef PYLEAK_PY_FRAME_H
#define PYLEAK_PY_FRAME_H

#include <stdint.h>

struct py_code_layout {
	uint32_t locals;     /* up to 3.10: co_nlocals; later co_nlocalsplus */
	uint32_t stack;	     /* co_stacksize */
	uint32_t first_line; /* co_firstlineno */
	uint32_t file, name; /* co_filename, co_name */
	uint32_t lines;	     /* co_lnotab, co_linetable */
	uint32_t names;	     /* co_varnames; later co_localsplusnames */
	uint32_t cells;	     /* up to 3.10: co_cellvars */
	uint32_t free;	     /* up to 3.10: co_freevars */
	uint32_t bytecode;   /* from 3.11 on: co_code_adaptive */
	uint32_t qualname;   /* from 3.11 on */
};

/* _PyInterpreterFrame, 3.11 and later. */
struct py_frame_layout {
	uint32_t code, function, namespace_, object, previous, instruction, top, owner, locals;
};

/* PyFrameObject, up to 3.10. */
struct py_old_frame_layout {
	uint32_t trace, value_stack, top, last, locals;
};

#define PY_OLD_FRAME_BACK 0x18
#define PY_OLD_FRAME_CODE 0x20

/* Those from FRAME_SHIM on are not of Python functions. */
enum frame_owner { FRAME_THREAD = 0, FRAME_GENERATOR = 1, FRAME_OBJECT = 2, FRAME_SHIM = 3 };

/* pystate.h: where the running frame of a thread is. From 3.11 to 3.12 by way of a frame in C,
 * which has it at py_cframe_frame(). */
#define TSTATE_NEXT 0x8
#define TSTATE_OLD_FRAME 0x18
#define TSTATE_CFRAME 0x38
#define TSTATE_FRAME_313 0x48

const struct py_code_layout *py_code_layout(int minor);
const struct py_frame_layout *py_frame_layout(int minor);
const struct py_old_frame_layout *py_old_frame_layout(int minor);
uint32_t py_cframe_frame(int minor);

#endif
