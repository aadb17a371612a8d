/* SPDX-License-Identifier: BSD-2-Clause */
/* Who makes what leaks, in a few lines of its paragraph. */
#include "report/report_text.h"

#include <string.h>

#include "report/stack_words.h"

#define MAX_MAKERS 3
#define CALLERS 2
/* Who makes less of it has no line. */
#define LEAST_SHARE 0.1

/* What leaks is alive at the end of its window, and that counts: of a type of which many are made
 * for a moment, and few to stay, the few are looked for. */
static bool is_before(const struct alloc_stack *a, const struct alloc_stack *b)
{
	return a->alive > b->alive || (a->alive == b->alive && a < b);
}

/* The one that comes next in that order; `last` NULL: the first. */
static const struct alloc_stack *next_maker(const struct type_stacks *type,
					    const struct alloc_stack *last)
{
	const struct alloc_stack *best = NULL;

	for (size_t i = 0; i < type->cnt; i++) {
		const struct alloc_stack *stack = &type->items[i];

		if ((!last || is_before(last, stack)) && (!best || is_before(stack, best)))
			best = stack;
	}
	return best;
}

/* "1,168 of these 1,171 alive" */
static char *alive_words(char *buf, size_t size, const struct alloc_stack *stack)
{
	if (stack->alive == 0 || stack->alive == stack->allocs)
		snprintf(buf, size, "%s alive", stack->alive ? "all" : "none");
	else
		snprintf(buf, size, "%s of these %s alive", text_count(stack->alive).s,
			 text_count(stack->allocs).s);
	return buf;
}

static void put_maker(struct report_text *rt, const struct type_stacks *type,
		      const struct alloc_stack *stack, const char *whose, bool first)
{
	const char *lead = first ? "      made by  " : "      also by  ";
	double share = (double)stack->allocs / (double)type->allocs;
	int indent = (int)strlen(lead);
	char words[TEXT_FRAME_BYTES] = FRAME_NONE, alive[120];
	struct frame_run run;
	size_t at = 0, callers = first ? CALLERS : 0;

	if (indent > rt->o.columns / 2)
		indent = rt->o.columns / 2;
	if (stack_run_next(stack, &at, &run))
		stack_run_words(words, sizeof(words), &run, rt->o.columns - indent);
	text_line(&rt->o, indent, "%s%s (%s%s of %s seen; %s)", lead, words, whose,
		  stack->allocs == type->allocs ? "all" : text_sure(share).s,
		  text_count(type->allocs).s, alive_words(alive, sizeof(alive), stack));
	while (callers-- > 0 && stack_run_next(stack, &at, &run))
		text_row(&rt->o, TEXT_PLAIN, "", "%*s%s", indent + 2, "",
			 stack_run_words(words, sizeof(words), &run, rt->o.columns - indent - 2));
}

static void put_type(struct report_text *rt, const struct type_stacks *type, const char *whose)
{
	const struct alloc_stack *stack = NULL;
	double least = LEAST_SHARE * (double)type->alive;

	for (size_t i = 0; i < MAX_MAKERS; i++) {
		stack = next_maker(type, stack);
		if (!stack || (i > 0 && (type->alive == 0 || (double)stack->alive < least)))
			return;
		put_maker(rt, type, stack, whose, i == 0);
	}
}

/* Of a container its elements are made. */
static const char *made_type(const struct verdict *v)
{
	return v->subject == SUBJECT_TYPE	 ? v->name
	       : v->subject == SUBJECT_CONTAINER ? v->holds
						 : NULL;
}

static bool find_type(const struct alloc_stacks *stacks, const struct verdict *v,
		      struct type_stacks *out)
{
	const char *name = made_type(v);

	for (size_t i = 0; name && i < stacks->cnt; i += out->cnt) {
		*out = stack_type_at(stacks, i);
		if (out->items[0].type && strcmp(out->items[0].type, name) == 0)
			return true;
	}
	return false;
}

void text_put_makers(struct report_text *rt, const struct alloc_stacks *stacks,
		     const struct status *status, const struct verdict *head)
{
	const struct verdict *v = head;
	char windows[STACK_WINDOWS_BYTES];
	char whose[TEXT_NAME_BYTES + 4] = "";
	struct type_stacks type;

	if (!stacks || !made_type(head))
		return;
	if (stacks->cnt == 0 && stacks->windows > 0) {
		text_line(
			&rt->o, 15,
			"      made by  ? (none was seen to be made %s: a longer watch or a larger "
			"--budget may show it)",
			stack_windows_words(windows, sizeof(windows), stacks));
		return;
	}
	/* Another of the group may have been its head when it was asked who makes them. */
	for (size_t i = 0; !find_type(stacks, v, &type); i++) {
		while (i < status->verdict_cnt && status->verdicts[i].group != head->group)
			i++;
		if (!head->group || i >= status->verdict_cnt)
			return;
		v = &status->verdicts[i];
	}
	if (v != head || v->subject == SUBJECT_CONTAINER)
		strcat(text_name(whose, sizeof(whose) - 2, made_type(v), TEXT_NAME_COLUMNS), ": ");
	put_type(rt, &type, whose);
}
