/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames: the fields of a row of the tables have to lie as the struct has them in order, and the
 * outermost frame of a thread, which stays while the program runs, has to be one: that it is the
 * last of a chain, of a code object, at an instruction of it, and with that function's globals. */
#include "collect/py_check_frame.h"

#include <linux/types.h>

#include "collect/py_check_code.h"
#include "collect/py_frame.h"
#include "pyleak_wire.h"
#include "pyleak_object.h"

#define OB_SIZE 0x10
#define BYTES_BEFORE_NAMES 0x18 /* co_code, co_consts, co_names, co_varnames: code.h up to 3.10 */
#define FUNCTION_GLOBALS 0x10	/* funcobject.h, 3.10 and later */
#define FUNCTION_BUILTINS 0x18
#define OLD_LAST_TO_LOCALS 0x100 /* f_lasti and the stack of blocks: frameobject.h, 3.6 to 3.10 */

#define MAX_THREADS 64
#define MAX_LINKS 10000		/* of all chains together: 20 ms; torn ones may not end */
#define TSTATE_BYTES_MOST 0x400 /* pystate.h: under it up to 3.12 */

static uint64_t word(const struct py_reader *reader, raddr_t at)
{
	return remote_word(reader->remote, at);
}

/* f_func, f_globals, f_builtins, f_locals, frame_obj, prev_instr, stacktop, owner, localsplus;
 * f_code and previous stand before, in 3.11 among them. */
static bool is_ordered(int minor, const struct py_frame_layout *at)
{
	bool is_311 = minor == 11;

	return at->namespace_ == at->function + 0x18 &&
	       at->code + (is_311 ? 0 : 0x10) == at->function + (is_311 ? 0x20 : 0) &&
	       at->object == at->function + (is_311 ? 0x28 : 0x20) &&
	       at->previous == (is_311 ? at->object : at->code) + 8 &&
	       at->instruction == (is_311 ? at->previous : at->object) + 8 &&
	       at->top == at->instruction + 8 && at->locals == at->top + (minor >= 14 ? 0x10 : 8) &&
	       at->owner > at->top && at->locals == (at->owner & ~7U) + 8;
}

/* f_valuestack, f_stacktop, f_trace; f_lasti, the stack of blocks, f_localsplus. 3.10 has the top
 * as a number, behind f_trace. */
static bool is_old_ordered(int minor, const struct py_old_frame_layout *at)
{
	uint32_t near = at->value_stack + 8, far = at->value_stack + 0x10;

	return at->top == (minor == 10 ? far : near) && at->trace == (minor == 10 ? near : far) &&
	       at->last + OLD_LAST_TO_LOCALS == at->locals;
}

bool py_check_frame_table(int minor)
{
	return minor >= 11 ? is_ordered(minor, py_frame_layout(minor))
			   : is_old_ordered(minor, py_old_frame_layout(minor));
}

static bool is_frame(const struct py_reader *reader, raddr_t frame)
{
	const struct py_frame_layout *at = py_frame_layout(reader->minor);
	raddr_t code = word(reader, frame + at->code) & ~3ULL;
	raddr_t function = word(reader, frame + at->function) & ~3ULL;
	raddr_t begin = code + py_code_layout(reader->minor)->bytecode;
	raddr_t instruction = word(reader, frame + at->instruction);

	return py_check_is_called(reader, code, "code") &&
	       py_check_is_called(reader, function, "function") &&
	       word(reader, function + FUNCTION_GLOBALS) ==
		       word(reader, frame + at->function + 8) &&
	       word(reader, function + FUNCTION_BUILTINS) ==
		       word(reader, frame + at->function + 0x10) &&
	       /* Before the first there is one. */
	       instruction + 2 >= begin && (instruction - begin) % 2 == 0 &&
	       instruction <= begin + 2 * (word(reader, code + OB_SIZE) & INT32_MAX);
}

static bool is_old_frame(const struct py_reader *reader, raddr_t frame)
{
	const struct py_old_frame_layout *at = py_old_frame_layout(reader->minor);
	const struct py_code_layout *codes = py_code_layout(reader->minor);
	raddr_t code = word(reader, frame + PY_OLD_FRAME_CODE);
	raddr_t bytecode = word(reader, code + codes->names - BYTES_BEFORE_NAMES);
	int32_t last = (int32_t)remote_word32(reader->remote, frame + at->last);
	uint64_t locals = remote_word32(reader->remote, code + codes->locals) +
			  word(reader, word(reader, code + codes->cells) + OB_SIZE) +
			  word(reader, word(reader, code + codes->free) + OB_SIZE);

	return py_check_is_called(reader, frame, "frame") &&
	       py_check_is_called(reader, code, "code") &&
	       word(reader, frame + at->value_stack) == frame + at->locals + 8 * locals &&
	       py_check_is_called(reader, bytecode, "bytes") && last >= -1 &&
	       (last < 0 || (uint64_t)last < word(reader, bytecode + OB_SIZE));
}

static raddr_t newest_frame(const struct py_reader *reader, raddr_t tstate)
{
	raddr_t cframe;

	if (reader->minor <= 10)
		return word(reader, tstate + TSTATE_OLD_FRAME);
	if (reader->minor >= 13)
		return word(reader, tstate + TSTATE_FRAME_313);
	cframe = word(reader, tstate + TSTATE_CFRAME);
	return cframe ? word(reader, cframe + py_cframe_frame(reader->minor)) : 0;
}

/* _PyCFrame of 3.11 and 3.12 has the outer one behind the frame; the outermost is a part of the
 * thread. A thread may well have no frame, but not without these. */
static bool is_idle(const struct py_reader *reader, raddr_t tstate, int *links)
{
	raddr_t at, last = 0;

	if (reader->minor != 11 && reader->minor != 12)
		return true;
	at = word(reader, tstate + TSTATE_CFRAME);
	for (; at && *links; --*links) {
		last = at;
		at = word(reader, at + py_cframe_frame(reader->minor) + 8);
	}
	return last >= tstate && last < tstate + TSTATE_BYTES_MOST;
}

/* The last frame of a chain that is of a Python function; 0: there is none. */
static raddr_t outermost_frame(const struct py_reader *reader, raddr_t frame, int *links)
{
	const struct py_frame_layout *at = py_frame_layout(reader->minor);
	raddr_t last = 0;

	for (; frame && *links; --*links) {
		bool is_old = reader->minor <= 10;
		uint32_t owner =
			is_old ? 0 : remote_word32(reader->remote, frame + at->owner) & 0xff;

		if (owner < FRAME_SHIM)
			last = frame;
		frame = word(reader, frame + (is_old ? PY_OLD_FRAME_BACK : at->previous));
	}
	return last;
}

bool py_check_frames(const struct py_reader *reader, raddr_t tstate)
{
	int links = MAX_LINKS;
	bool any = false;

	for (int i = 0; tstate && i < MAX_THREADS; i++) {
		raddr_t newest = newest_frame(reader, tstate);
		raddr_t frame = newest ? outermost_frame(reader, newest, &links) : 0;

		if (frame &&
		    (reader->minor >= 11 ? is_frame(reader, frame) : is_old_frame(reader, frame)))
			return true;
		any |= frame || (!newest && !is_idle(reader, tstate, &links));
		tstate = word(reader, tstate + TSTATE_NEXT);
	}
	return !any;
}
