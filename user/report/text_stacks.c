/* SPDX-License-Identifier: BSD-2-Clause */
/* Who allocates: per type, the stacks with the most allocations, each with its callers below it.
 * Windows see a sample, so shares are told first and absolute numbers beside them.
 */
#include "report/report_text.h"

#include <string.h>

#include "report/stack_words.h"

#define SHARE_COLUMNS 7
#define SEEN_COLUMNS 9
#define ALIVE_COLUMNS 7
/* Narrower than this, the frames start further left. */
#define ROOMY_COLUMNS 60
/* Of a deeper stack the frames in the middle are not told. */
#define MAX_LINES 14
#define LAST_LINES 3

/* "97.3 %" */
static struct text share_words(uint64_t part, uint64_t all)
{
	double percent = all ? 100 * (double)part / (double)all : 0;
	struct text t;

	if (percent > 0 && percent < 0.05)
		return (struct text){ .s = "<0.1 %" };
	snprintf(t.s, sizeof(t.s), "%.1f %%", percent);
	return t;
}

/* "1,170 of them (97.2 %)" */
static struct text alive_words(const struct type_stacks *type)
{
	struct text t;

	if (type->alive == 0)
		return (struct text){ .s = "none" };
	if (type->alive == type->allocs)
		return (struct text){ .s = "all" };
	snprintf(t.s, sizeof(t.s), "%.20s of them (%.8s)", text_count(type->alive).s,
		 share_words(type->alive, type->allocs).s);
	return t;
}

static void put_head(struct report_text *rt, const struct alloc_stacks *stacks,
		     const struct type_stacks *type)
{
	char name[TEXT_NAME_BYTES], windows[STACK_WINDOWS_BYTES];

	text_name(name, sizeof(name), type->items[0].type, TEXT_NAME_COLUMNS);
	text_lead(&rt->o, TEXT_BOLD, "who makes", 2,
		  " %s: %s allocation%s seen %s; %s alive at the end of %s", name,
		  text_count(type->allocs).s, type->allocs == 1 ? "" : "s",
		  stack_windows_words(windows, sizeof(windows), stacks), alive_words(type).s,
		  stacks->windows == 1 ? "it" : "their window");
	text_row(&rt->o, TEXT_BOLD, "", "%*s %*s %*s  WHERE, AND ITS CALLERS", SHARE_COLUMNS,
		 "SHARE", SEEN_COLUMNS, "SEEN", ALIVE_COLUMNS, "ALIVE");
}

static size_t run_cnt(const struct alloc_stack *stack)
{
	struct frame_run run;
	size_t at = 0, cnt = 0;

	while (stack_run_next(stack, &at, &run))
		cnt++;
	return cnt;
}

/* The callers: of many the middle is left out. */
static void put_callers(struct report_text *rt, const struct alloc_stack *stack, int indent)
{
	size_t cnt = run_cnt(stack), at = 0, first = cnt, last = cnt;
	char words[TEXT_FRAME_BYTES];
	struct frame_run run;

	if (cnt > MAX_LINES) {
		first = MAX_LINES - LAST_LINES;
		last = cnt - LAST_LINES;
	}
	for (size_t i = 0; stack_run_next(stack, &at, &run); i++) {
		if (i == first)
			text_row(&rt->o, TEXT_PLAIN, "", "%*s... %s more ...", indent, "",
				 text_count(last - first).s);
		if (i == 0 || (i >= first && i < last))
			continue;
		text_row(&rt->o, TEXT_PLAIN, "", "%*s%s", indent, "",
			 stack_run_words(words, sizeof(words), &run, rt->o.columns - indent));
	}
	if (stack->is_cut)
		text_row(&rt->o, TEXT_PLAIN, "", "%*s...", indent, "");
}

static void put_stack(struct report_text *rt, const struct type_stacks *type,
		      const struct alloc_stack *stack)
{
	bool roomy = rt->o.columns >= ROOMY_COLUMNS;
	char words[TEXT_FRAME_BYTES] = FRAME_NONE, head[140];
	struct frame_run run;
	int indent, left;
	size_t at = 0;

	snprintf(head, sizeof(head), "%*s %*s %*s  ", SHARE_COLUMNS,
		 share_words(stack->allocs, type->allocs).s, SEEN_COLUMNS,
		 text_count(stack->allocs).s, ALIVE_COLUMNS,
		 share_words(stack->alive, stack->allocs).s);
	indent = roomy ? (int)strlen(head) : 4;
	left = rt->o.columns - indent;
	if (stack_run_next(stack, &at, &run))
		stack_run_words(words, sizeof(words), &run, left);
	text_line(&rt->o, indent, "%s%s", head, words);
	put_callers(rt, stack, indent + 2);
}

static void put_type(struct report_text *rt, const struct alloc_stacks *stacks,
		     const struct type_stacks *type, size_t limit)
{
	size_t shown = limit > 0 && limit < type->cnt ? limit : type->cnt;
	uint64_t rest = 0;

	put_head(rt, stacks, type);
	for (size_t i = 0; i < shown; i++)
		put_stack(rt, type, &type->items[i]);
	for (size_t i = shown; i < type->cnt; i++)
		rest += type->items[i].allocs;
	if (shown < type->cnt)
		text_row(&rt->o, TEXT_PLAIN, "", "%*s %*s %*s  %s other stack%s", SHARE_COLUMNS,
			 share_words(rest, type->allocs).s, SEEN_COLUMNS, text_count(rest).s,
			 ALIVE_COLUMNS, "", text_count(type->cnt - shown).s,
			 type->cnt - shown == 1 ? "" : "s");
}

static void put_nothing(struct report_text *rt, const struct alloc_stacks *stacks)
{
	char windows[STACK_WINDOWS_BYTES];

	if (stacks->windows == 0) {
		text_line(&rt->o, 2,
			  "no allocation was seen: no window was opened in %s; watch longer (-d) "
			  "or allow more (--budget)",
			  text_seconds(stacks->elapsed_s).s);
		return;
	}
	stack_windows_words(windows, sizeof(windows), stacks);
	if (stacks->hits == 0)
		text_line(&rt->o, 2, "no allocation was seen %s: the program made no object at all",
			  windows);
	else
		text_line(&rt->o, 2,
			  "no allocation was seen %s, though %s of other types passed: watch "
			  "longer (-d), or allow more (a larger --budget; --exact for no break)",
			  windows, text_count(stacks->hits).s);
}

static void put_cost(struct report_text *rt, const struct alloc_stacks *stacks)
{
	char early[160] = "";

	if (stacks->cut_short > 0)
		snprintf(early, sizeof(early), "; %s of %s windows ended early, for the budget",
			 text_count(stacks->cut_short).s, text_count(stacks->windows).s);
	text_line(&rt->o, 2,
		  "cost to the target: %s of a core, for %s allocations and frees of any "
		  "type%s",
		  text_percent(stacks->target_share).s, text_count(stacks->hits).s, early);
	text_put_losses(rt, stacks->losses, stacks->loss_cnt);
}

void text_put_stacks(struct report *report, const struct alloc_stacks *stacks, size_t limit)
{
	struct report_text *rt = text_of(report);
	size_t i = 0;

	text_block_erase(rt);
	text_gap(rt);
	while (i < stacks->cnt) {
		struct type_stacks type = stack_type_at(stacks, i);

		put_type(rt, stacks, &type, limit);
		text_gap(rt);
		i += type.cnt;
	}
	if (stacks->cnt == 0)
		put_nothing(rt, stacks);
	put_cost(rt, stacks);
	fflush(rt->o.out);
}
