/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/makers.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "collect/alloc_windows.h"

/* So many allocations, or so long, are enough to tell who makes a leak; then it costs nothing more.
 */
#define ENOUGH 500
#define LONGEST_S 30
/* Where the budget leaves little room for windows, none may have been open by then. */
#define PATIENCE_S 600

int makers_open(struct session *session, bool exact, struct makers *out)
{
	*out = (struct makers){ .session = session };
	if (!exact)
		return 0;
	return alloc_watch_open(session, true, &out->watch);
}

static void drop_answer(struct makers *makers)
{
	if (makers->answered)
		alloc_stacks_deinit(&makers->stacks);
	makers->answered = false;
}

void makers_close(struct makers *makers)
{
	drop_answer(makers);
	alloc_watch_close(makers->watch);
	makers->watch = NULL;
}

/* The census goes on without it. */
static bool is_possible(struct makers *makers)
{
	if (makers->watch)
		return true;
	if (makers->failed || makers->session->options->budget_pct <= 0)
		return false;
	makers->failed = alloc_watch_open(makers->session, false, &makers->watch) != 0;
	return !makers->failed;
}

void makers_ask(struct makers *makers, const struct verdict *leak)
{
	const char *name = leak->subject == SUBJECT_TYPE ? leak->name : leak->holds;
	int err;

	if (leak->subject == SUBJECT_MEMORY || !name || !is_possible(makers))
		return;
	err = alloc_watch_suspect(makers->watch, name);
	if (err && err != -ENOENT) {
		pr_warn("sites: nobody can be named who makes %s: %s", name,
			err == -EOPNOTSUPP ? ALLOC_WINDOWS_LACK : strerror(-err));
		return;
	}
	makers->asking = true;
	makers->asked_ns = clock_now_ns();
	makers->before = alloc_watch_seen(makers->watch);
}

static bool is_answered(const struct makers *makers)
{
	uint64_t seen = alloc_watch_seen(makers->watch) - makers->before;
	double waited_s = (double)(clock_now_ns() - makers->asked_ns) / 1e9;

	return seen >= ENOUGH || waited_s >= (seen ? LONGEST_S : PATIENCE_S);
}

static void read_answer(struct makers *makers)
{
	drop_answer(makers);
	makers->answered = !alloc_watch_stacks(makers->watch, &makers->stacks);
}

bool makers_step(struct makers *makers)
{
	if (!makers->watch)
		return false;
	if (alloc_watch_step(makers->watch))
		return false;
	if (!makers->asking || !is_answered(makers))
		return false;
	makers->asking = false;
	alloc_watch_rest(makers->watch);
	read_answer(makers);
	return makers->answered && makers->stacks.cnt;
}

const struct alloc_stacks *makers_answer(struct makers *makers)
{
	if (makers->asking) {
		makers->asking = false;
		alloc_watch_rest(makers->watch);
		read_answer(makers);
	}
	return makers->answered ? &makers->stacks : NULL;
}
