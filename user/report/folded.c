/* SPDX-License-Identifier: BSD-2-Clause */
/* Folded stacks. Readers split a line at ';' and at its last blank, and know no quotes: what the
 * target calls its functions must not hold a ';' or a newline.
 */
#include "report/folded.h"

#include <errno.h>
#include <inttypes.h>

#include "report/stack_words.h"

static void put_name(FILE *out, const char *raw)
{
	char safe[STACK_NAME_BYTES];

	for (const char *p = stack_safe_name(safe, sizeof(safe), raw); *p; p++)
		fputc(*p == ';' ? ',' : *p, out);
}

static void put_frame(FILE *out, const struct stack_frame *frame)
{
	put_name(out, frame->function);
	fputs(" (", out);
	put_name(out, frame->file);
	if (frame->line)
		fprintf(out, ":%" PRIu32, frame->line);
	fputc(')', out);
}

static void put_stack(FILE *out, const struct alloc_stack *stack, bool with_type)
{
	if (stack->is_cut)
		fputs(FRAME_MORE ";", out);
	for (size_t i = stack->frame_cnt; i > 0; i--) {
		put_frame(out, &stack->frames[i - 1]);
		if (i > 1)
			fputc(';', out);
	}
	if (stack->frame_cnt == 0)
		fputs(FRAME_NONE, out);
	if (with_type) {
		fputc(';', out);
		put_name(out, stack->type);
	}
	fprintf(out, " %" PRIu64 "\n", stack->allocs);
}

int folded_write(FILE *out, const struct alloc_stacks *stacks)
{
	bool several = stacks->cnt > 0 && stack_type_at(stacks, 0).cnt < stacks->cnt;

	for (size_t i = 0; i < stacks->cnt; i++)
		if (stacks->items[i].allocs > 0)
			put_stack(out, &stacks->items[i], several);
	return fflush(out) || ferror(out) ? -EIO : 0;
}
