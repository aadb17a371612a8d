/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel side copied what a function is called when it met it first, in the target's own
 * characters, and as much of its table of lines as it has room for. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/cleanup.h"
#include "collect/alloc_frames.h"
#include "collect/alloc_stacks_build.h"
#include "collect/py_lines.h"
#include "pyleak_stack.h"

#define MAX_LINES (1U << 20) /* bytes of a table of lines that is read in the target */
#define TEXT_ROOM 640	     /* PYLEAK_CODE_FILE characters as UTF-8, and what marks a cut */

struct known_text {
	UT_hash_handle hh;
	char text[];
};

struct function {
	struct pyleak_code_key key;
	const char *name, *file;
	uint8_t *lines; /* NULL: not known */
	size_t lines_bytes;
	uint32_t first_line;
	bool lost;
	UT_hash_handle hh;
};

struct alloc_functions {
	const struct alloc_stacks_source *source;
	struct known_text *texts;
	struct function *known;
	struct pyleak_code code; /* the one that is decoded */
	uint64_t lost;
};

int alloc_functions_create(const struct alloc_stacks_source *source, struct alloc_functions **out)
{
	struct alloc_functions *functions = calloc(1, sizeof(*functions));

	if (!functions)
		return -ENOMEM;
	functions->source = source;
	*out = functions;
	return 0;
}

void alloc_functions_destroy(struct alloc_functions *functions)
{
	struct function *function, *next;
	struct known_text *text, *next_text;

	if (!functions)
		return;
	HASH_ITER (hh, functions->known, function, next) {
		HASH_DEL(functions->known, function);
		free(function->lines);
		free(function);
	}
	HASH_ITER (hh, functions->texts, text, next_text) {
		HASH_DEL(functions->texts, text);
		free(text);
	}
	free(functions);
}

const char *alloc_functions_text(struct alloc_functions *functions, const char *text)
{
	size_t len = strlen(text);
	struct known_text *known;

	HASH_FIND(hh, functions->texts, text, len, known);
	if (known)
		return known->text;
	known = malloc(sizeof(*known) + len + 1);
	if (!known)
		return NULL;
	memcpy(known->text, text, len + 1);
	HASH_ADD_KEYPTR(hh, functions->texts, known->text, len, known);
	return known->text;
}

/* How many characters of a str of `len` are in a copy of `room` bytes; 0: they are not known. */
static size_t copied_chars(uint32_t state, uint32_t len, size_t room)
{
	uint32_t kind = PYLEAK_STR_KIND(state);

	if (!(state & PYLEAK_STR_COMPACT) || (kind != 1 && kind != 2 && kind != 4))
		return 0;
	return len < room / kind ? len : room / kind;
}

static const char *name_of(struct alloc_functions *functions)
{
	const struct pyleak_code *code = &functions->code;
	size_t cnt = copied_chars(code->name_state, code->name_len, sizeof(code->name));
	char text[TEXT_ROOM] = "?";

	if (cnt)
		py_chars_utf8(PYLEAK_STR_KIND(code->name_state), code->name, cnt, text,
			      sizeof(text) - 3);
	if (cnt < code->name_len && cnt)
		strcat(text, "...");
	return alloc_functions_text(functions, text);
}

static const char *file_of(struct alloc_functions *functions)
{
	const struct pyleak_code *code = &functions->code;
	size_t cnt = copied_chars(code->file_state, code->file_len, sizeof(code->file));
	size_t mark = cnt && cnt < code->file_len ? 3 : 0;
	char text[TEXT_ROOM] = "...";

	text[mark] = '\0';
	if (cnt)
		py_chars_utf8(PYLEAK_STR_KIND(code->file_state), code->file, cnt, text + mark,
			      sizeof(text) - mark);
	return alloc_functions_text(functions, text);
}

static bool is_same_code(const struct alloc_stacks_source *source,
			 const struct pyleak_code_key *key)
{
	return alloc_frames_code_check(source->remote, source->frames, key->code) == key->check;
}

/* A table that was cut is whole in the target, if the code object is still there. */
static uint8_t *read_lines(const struct alloc_stacks_source *source,
			   const struct pyleak_code_key *key, uint32_t size)
{
	_cleanup_free_ uint8_t *lines = malloc(size);
	raddr_t table;

	if (!lines || !is_same_code(source, key))
		return NULL;
	table = remote_word(source->remote, key->code + source->frames->code_lines);
	if (!table || remote_word(source->remote, table + PYLEAK_BYTES_SIZE) != size ||
	    remote_read(source->remote, table + PYLEAK_BYTES_DATA, lines, size) ||
	    !is_same_code(source, key))
		return NULL;
	return take_ptr(lines);
}

/* Without memory for it, lines are not known. */
static void take_lines(struct alloc_functions *functions, struct function *function)
{
	const struct pyleak_code *code = &functions->code;
	uint32_t size = code->lines_bytes;

	if (size > MAX_LINES)
		return;
	function->lines_bytes = size;
	if (size > sizeof(code->lines)) {
		function->lines = read_lines(functions->source, &function->key, size);
		return;
	}
	function->lines = malloc(size ? size : 1);
	if (function->lines)
		memcpy(function->lines, code->lines, size);
}

static int load(struct alloc_functions *functions, struct function *function)
{
	const struct alloc_stacks_source *source = functions->source;
	const struct pyleak_frame frame = {
		.code = function->key.code,
		.check = (__u32)function->key.check,
	};

	function->lost = source->code(source->probes, &frame, &functions->code) != 0;
	if (function->lost)
		memset(&functions->code, 0, sizeof(functions->code));
	/* It was gone before it could be copied. */
	function->lost |= !functions->code.name_state;
	function->name = name_of(functions);
	function->file = file_of(functions);
	function->first_line = functions->code.first_line;
	if (!function->name || !function->file)
		return -ENOMEM;
	if (!function->lost)
		take_lines(functions, function);
	return 0;
}

/* NULL: no memory. */
static const struct function *function_of(struct alloc_functions *functions,
					  const struct pyleak_frame *frame)
{
	struct pyleak_code_key key = { .code = frame->code, .check = frame->check };
	struct function *function;

	HASH_FIND(hh, functions->known, &key, sizeof(key), function);
	if (function)
		return function;
	function = calloc(1, sizeof(*function));
	if (!function)
		return NULL;
	function->key = key;
	if (load(functions, function)) {
		free(function->lines);
		free(function);
		return NULL;
	}
	HASH_ADD(hh, functions->known, key, sizeof(function->key), function);
	return function;
}

int alloc_functions_frame(struct alloc_functions *functions, const struct pyleak_frame *frame,
			  struct stack_frame *out)
{
	const struct function *function = function_of(functions, frame);

	if (!function)
		return -ENOMEM;
	functions->lost += function->lost;
	*out = (struct stack_frame){
		.function = function->name,
		.file = function->file,
		.first_line = function->first_line,
	};
	if (frame->at == PYLEAK_NOT_BEGUN)
		out->line = function->first_line;
	else if (function->lines)
		out->line = py_line((int)functions->source->frames->minor, function->lines,
				    function->lines_bytes, function->first_line, frame->at);
	return 0;
}

uint64_t alloc_functions_lost(const struct alloc_functions *functions)
{
	return functions->lost;
}
