/* SPDX-License-Identifier: BSD-2-Clause */
#include "report/stack_words.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Of a shorter rest of a name nothing can be read. */
#define LEAST_COLUMNS 8

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

struct type_stacks stack_type_at(const struct alloc_stacks *stacks, size_t from)
{
	struct type_stacks type = { .items = &stacks->items[from] };

	for (size_t i = from; i < stacks->cnt; i++) {
		const struct alloc_stack *stack = &stacks->items[i];

		if (!same_text(stack->type, type.items[0].type))
			break;
		type.cnt++;
		type.allocs += stack->allocs;
		type.bytes += stack->bytes;
		type.alive += stack->alive;
		type.alive_bytes += stack->alive_bytes;
	}
	return type;
}

static bool same_frame(const struct stack_frame *a, const struct stack_frame *b)
{
	return a->line == b->line && a->first_line == b->first_line &&
	       same_text(a->function, b->function) && same_text(a->file, b->file);
}

bool stack_run_next(const struct alloc_stack *stack, size_t *at, struct frame_run *out)
{
	if (*at >= stack->frame_cnt)
		return false;
	*out = (struct frame_run){ .frame = &stack->frames[*at] };
	do {
		out->times++;
		++*at;
	} while (*at < stack->frame_cnt && same_frame(&stack->frames[*at], out->frame));
	return true;
}

static int at_least(int columns)
{
	return columns < LEAST_COLUMNS ? LEAST_COLUMNS : columns;
}

char *stack_run_words(char *buf, size_t size, const struct frame_run *run, int columns)
{
	char file[TEXT_NAME_BYTES], function[TEXT_NAME_BYTES], line[24] = "", times[60] = "";
	const struct stack_frame *frame = run->frame;
	const char *path = frame->file && *frame->file ? frame->file : NULL;
	int left, function_columns;

	if (frame->line)
		snprintf(line, sizeof(line), ":%" PRIu32, frame->line);
	if (run->times > 1)
		snprintf(times, sizeof(times), ", %s times in a row", text_count(run->times).s);
	left = columns - (int)strlen(line) - (int)strlen(" in ") - (int)strlen(times);
	text_path(file, sizeof(file), path, TEXT_NAME_COLUMNS);
	/* The function has what the file leaves, and at least the half. */
	function_columns = left - text_width(file);
	if (function_columns < left / 2)
		function_columns = left / 2;
	text_name(function, sizeof(function), frame->function, at_least(function_columns));
	text_path(file, sizeof(file), path, at_least(left - text_width(function)));
	snprintf(buf, size, "%s%s in %s%s", file, line, function, times);
	return text_cut(buf, columns);
}

char *stack_windows_words(char *buf, size_t size, const struct alloc_stacks *stacks)
{
	if (stacks->windows == 1 && stacks->open_s >= 0.99 * stacks->elapsed_s)
		snprintf(buf, size, "in %s without a break", text_seconds(stacks->open_s).s);
	else
		snprintf(buf, size, "in %s window%s, open for %s of %s",
			 text_count(stacks->windows).s, stacks->windows == 1 ? "" : "s",
			 text_seconds(stacks->open_s).s, text_seconds(stacks->elapsed_s).s);
	return buf;
}

char *stack_safe_name(char *buf, size_t size, const char *raw)
{
	char start[STACK_NAME_MAX + 1];
	size_t len = raw ? strlen(raw) : 0, cut = STACK_NAME_MAX;

	if (len <= STACK_NAME_MAX)
		return text_escape(buf, size, len ? raw : "?");
	while (cut > 0 && ((unsigned char)raw[cut] & 0xc0) == 0x80)
		cut--;
	memcpy(start, raw, cut);
	start[cut] = '\0';
	return strcat(text_escape(buf, size - 3, start), "...");
}
