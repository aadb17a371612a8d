/* SPDX-License-Identifier: BSD-2-Clause */
/* Stacks of allocations as words and shares: safe, whatever the target calls its functions and
 * files. */
#ifndef PYLEAK_STACK_WORDS_H
#define PYLEAK_STACK_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collect/alloc_stacks.h"
#include "report/text_util.h"

/* Stands for the frames of a stack that has none, and for those that were not read. */
#define FRAME_NONE "(no Python frame)"
#define FRAME_MORE "(callers not read)"

/* The stacks of one type: they follow each other. */
struct type_stacks {
	const struct alloc_stack *items;
	size_t cnt;
	uint64_t allocs, bytes, alive, alive_bytes;
};

/* Of the type whose first stack is items[from]. */
struct type_stacks stack_type_at(const struct alloc_stacks *stacks, size_t from);

/* A frame, and how often it is there in a row: recursion. */
struct frame_run {
	const struct stack_frame *frame;
	size_t times;
};

/* Innermost first, from *at = 0 on; false: no more. */
bool stack_run_next(const struct alloc_stack *stack, size_t *at, struct frame_run *out);
/* "mq.py:120 in Channel.receive, 3 times in a row"; what is too wide loses the beginning of the
 * file and the middle of the function. `size`: TEXT_FRAME_BYTES. */
#define TEXT_FRAME_BYTES (3 * TEXT_NAME_BYTES)
char *stack_run_words(char *buf, size_t size, const struct frame_run *run, int columns);

/* "in 41 windows, open for 300 ms of 10 s" */
#define STACK_WINDOWS_BYTES 160
char *stack_windows_words(char *buf, size_t size, const struct alloc_stacks *stacks);

/* A name for another program's file: safe, and whole unless it is of more than STACK_NAME_MAX
 * bytes. NULL and "" become "?". `size`: STACK_NAME_BYTES. */
#define STACK_NAME_MAX 1000
#define STACK_NAME_BYTES (4 * STACK_NAME_MAX + 4)
char *stack_safe_name(char *buf, size_t size, const char *raw);

#endif
