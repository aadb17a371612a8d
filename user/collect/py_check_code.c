/* SPDX-License-Identifier: BSD-2-Clause */
/* ModuleSpec.__init__(self, name, loader, *, origin=None, loader_state=None, is_package=None): six
 * locals, two places on the stack, and a line in the hundreds, in every CPython from 3.6 to 3.15.
 */
#include "collect/py_check_code.h"

#include <string.h>

#include <linux/types.h>

#include "collect/py_frame.h"
#include "pyleak_wire.h"
#include "pyleak_object.h"

#define OB_TYPE 0x8
#define OB_SIZE 0x10
#define TUPLE_ITEMS(minor) ((minor) >= 14 ? 0x20 : 0x18) /* behind a hash, tupleobject.h */
#define FUNCTION_CODE_39 0x10				 /* funcobject.h */
#define FUNCTION_CODE_310 0x30

#define LOCALS 6
#define STACK_MOST 5
#define LINE_LEAST 100
#define LINE_MOST 10000

static uint64_t word(const struct py_reader *reader, raddr_t at)
{
	return remote_word(reader->remote, at);
}

static bool reads(const struct py_reader *reader, raddr_t at, const char *expected)
{
	char text[64];

	return !py_str_read(reader, word(reader, at), text, sizeof(text)) &&
	       !strcmp(text, expected);
}

static bool is_tuple(const struct py_reader *reader, raddr_t at, uint64_t cnt)
{
	raddr_t tuple = word(reader, at);

	return py_check_is_called(reader, tuple, "tuple") && word(reader, tuple + OB_SIZE) == cnt;
}

static bool check_numbers(const struct py_reader *reader, const struct py_code_layout *at,
			  raddr_t code)
{
	uint32_t stack = remote_word32(reader->remote, code + at->stack);
	uint32_t line = remote_word32(reader->remote, code + at->first_line);

	/* Other numbers beside them are small, too; and so is the count of its references. */
	if (reader->minor <= 10 ? at->stack != at->locals + 4 || at->first_line != at->locals + 0xc
				: at->first_line != at->stack + 4 || at->locals != at->stack + 8)
		return false;
	if (at->locals <= OB_TYPE || at->stack <= OB_TYPE || at->first_line <= OB_TYPE)
		return false;
	return remote_word32(reader->remote, code + at->locals) == LOCALS && stack &&
	       stack <= STACK_MOST && line >= LINE_LEAST && line <= LINE_MOST;
}

static bool check_objects(const struct py_reader *reader, const struct py_code_layout *at,
			  raddr_t code)
{
	raddr_t names = word(reader, code + at->names);

	return reads(reader, code + at->file, "<frozen importlib._bootstrap>") &&
	       reads(reader, code + at->name, "__init__") &&
	       py_check_is_called(reader, word(reader, code + at->lines), "bytes") &&
	       is_tuple(reader, code + at->names, LOCALS) &&
	       reads(reader, names + TUPLE_ITEMS(reader->minor), "self");
}

/* A code object of 3.11 and later ends with its instructions; before, they are an object. */
static bool check_rest(const struct py_reader *reader, const struct py_code_layout *at,
		       raddr_t code)
{
	raddr_t type = word(reader, code + OB_TYPE);

	if (reader->minor <= 10)
		return is_tuple(reader, code + at->cells, 0) &&
		       is_tuple(reader, code + at->free, 0);
	return reads(reader, code + at->qualname, "ModuleSpec.__init__") &&
	       at->bytecode == word(reader, type + PYLEAK_TP_BASICSIZE);
}

static bool agrees(const struct py_code_layout *at, const struct py_frame_offsets *said)
{
	return said->file == at->file && said->qualname == at->qualname &&
	       said->lines == at->lines && said->first_line == at->first_line &&
	       said->bytecode == at->bytecode;
}

/* Two sources that know nothing of each other. */
static bool check_frames(int minor, const struct py_frame_offsets *said)
{
	const struct py_frame_layout *at = py_frame_layout(minor);

	return minor < 13 || (said->tstate_frame == TSTATE_FRAME_313 &&
			      said->previous == at->previous && said->code == at->code &&
			      said->instruction == at->instruction && said->owner == at->owner);
}

bool py_check_code(const struct py_reader *reader, const struct py_frame_offsets *said,
		   raddr_t function)
{
	const struct py_code_layout *at = py_code_layout(reader->minor);
	raddr_t code = word(reader,
			    function + (reader->minor <= 9 ? FUNCTION_CODE_39 : FUNCTION_CODE_310));

	return py_check_is_called(reader, code, "code") && check_numbers(reader, at, code) &&
	       check_objects(reader, at, code) && check_rest(reader, at, code) &&
	       (reader->minor < 13 || agrees(at, said)) && check_frames(reader->minor, said);
}
