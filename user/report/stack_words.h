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
struct type_stacks type_stacks_at(const struct alloc_stacks *stacks, size_t from);

/* A frame, and how often it is there in a row: recursion. */
struct frame_run {
	const struct stack_frame *frame;
	size_t times;
};

/* Innermost first, from *at = 0 on; false: no more. */
bool frame_run_next(const struct alloc_stack *stack, size_t *at, struct frame_run *out);
/* "mq.py:120 in Channel.receive, 3 times in a row"; what is too wide loses the beginning of the
 * file and the middle of the function. `size`: TEXT_FRAME_BYTES. */
#define TEXT_FRAME_BYTES (3 * TEXT_NAME_BYTES)
char *frame_run_words(char *buf, size_t size, const struct frame_run *run, int columns);

#endif
