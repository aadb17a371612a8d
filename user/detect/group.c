/* SPDX-License-Identifier: BSD-2-Clause */
/* Which verdicts are one leak. A leaked Connection brings its dict, its list and its methods;
 * all of them grow in proportion, and the reader wants one headline. Two series belong together
 * when they have one shape (shape.c), or when one is a container that holds the other. What a
 * reader would get wrong: two independent leaks that are both perfectly steady cannot be told apart
 * by their curves. They land in one group; the snapshot's paths, not this module, tell them apart.
 */
#include "detect/finding.h"

#include <stdlib.h>
#include <string.h>

#define GROUPS_MAX 256 /* findings after these stay alone: comparing is quadratic */

static bool is_member(const struct finding *finding)
{
	return finding->verdict.subject != SUBJECT_MEMORY &&
	       (finding->verdict.kind == VERDICT_LEAK || finding->verdict.kind == VERDICT_SUSPECT);
}

static bool belong_together(const struct finding *a, const struct finding *b)
{
	if (shape_holds(&a->verdict, &b->verdict) || shape_holds(&b->verdict, &a->verdict))
		return shape_same_pace(&a->verdict, &b->verdict, 0.6) || shape_is_same(a, b);
	return shape_is_same(a, b);
}

static bool is_one_of(const char *name, const char *const *names, size_t cnt)
{
	for (size_t i = 0; i < cnt; i++) {
		if (!strcmp(name, names[i]))
			return true;
	}
	return false;
}

/* What a developer wants to read first: a class of the program, then any class with a module, then
 * a builtin that stands for something the program made, then the container. What everything is
 * made of comes last, whether it has a module or not. */
static int specificity(const struct finding *finding)
{
	static const char *const made[] = {
		"type", "generator", "coroutine", "async_generator", "function", "module",
	};
	static const char *const parts[] = {
		"collections.deque",	 "collections.OrderedDict", "collections.defaultdict",
		"weakref.ReferenceType", "functools.partial",	    "_thread.lock",
	};
	const char *name = finding->verdict.name;

	if (finding->verdict.subject == SUBJECT_CONTAINER)
		return 1;
	if (finding->own)
		return 4;
	if (is_one_of(name, made, sizeof(made) / sizeof(made[0])))
		return 2;
	return strchr(name, '.') && !is_one_of(name, parts, sizeof(parts) / sizeof(parts[0])) ? 3
											      : 0;
}

static bool heads_better(const struct finding *a, const struct finding *b)
{
	int by_kind = (int)a->verdict.kind - (int)b->verdict.kind;
	int by_class = specificity(a) - specificity(b);

	if (by_kind || by_class)
		return by_kind ? by_kind > 0 : by_class > 0;
	if (!shape_same_pace(&a->verdict, &b->verdict, 0.02))
		return a->verdict.slope_per_s > b->verdict.slope_per_s;
	if (a->verdict.bytes != b->verdict.bytes)
		return a->verdict.bytes > b->verdict.bytes;
	return strcmp(a->verdict.name, b->verdict.name) < 0;
}

/* Surest evidence first, so that groups form around it. */
static int by_evidence(const void *left, const void *right)
{
	const struct finding *a = left;
	const struct finding *b = right;

	if (a->verdict.kind != b->verdict.kind)
		return a->verdict.kind < b->verdict.kind ? 1 : -1;
	if (a->nats != b->nats)
		return a->nats < b->nats ? 1 : -1;
	return strcmp(a->verdict.name, b->verdict.name);
}

static unsigned int group_of(const struct finding *findings, size_t cnt,
			     const struct series *series)
{
	for (size_t i = 0; i < cnt; i++) {
		if (findings[i].series == series)
			return findings[i].verdict.group;
	}
	return 0;
}

/* The container that proved a type a leak is the same leak: the type has no evidence of its
 * own to tell them apart by. */
static void assign_proved(struct finding *findings, size_t cnt)
{
	for (size_t i = 0; i < cnt; i++) {
		if (findings[i].prover)
			findings[i].verdict.group = group_of(findings, cnt, findings[i].prover);
	}
}

static void assign_groups(struct finding *findings, size_t cnt)
{
	const struct finding *seeds[GROUPS_MAX];
	unsigned int group_cnt = 0;

	for (size_t i = 0; i < cnt; i++) {
		unsigned int g = 0;

		if (!is_member(&findings[i]) || findings[i].prover)
			continue;
		while (g < group_cnt && g < GROUPS_MAX && !belong_together(seeds[g], &findings[i]))
			g++;
		g = g == GROUPS_MAX ? group_cnt : g;
		if (g == group_cnt) {
			if (g < GROUPS_MAX)
				seeds[g] = &findings[i];
			group_cnt++;
		}
		findings[i].verdict.group = g + 1;
	}
	assign_proved(findings, cnt);
}

/* Groups beyond GROUPS_MAX have one member each. */
static void find_heads(struct finding *findings, size_t cnt, struct finding **heads)
{
	memset(heads, 0, (GROUPS_MAX + 1) * sizeof(*heads));
	for (size_t i = 0; i < cnt; i++) {
		unsigned int group = findings[i].verdict.group;

		if (group && group <= GROUPS_MAX &&
		    (!heads[group] || heads_better(&findings[i], heads[group])))
			heads[group] = &findings[i];
	}
}

/* A leak of types that are not the program's says little: the class that makes them is often
 * slower, so that the garbage collector excuses it for longer. Containers know what they hold. */
static void give_own_heads(struct finding *findings, size_t cnt, struct finding **heads)
{
	for (unsigned int group = 1; group <= GROUPS_MAX && heads[group]; group++) {
		const struct finding *head = heads[group];
		struct finding *own;

		if (head->verdict.kind != VERDICT_LEAK || head->own ||
		    head->verdict.subject != SUBJECT_TYPE)
			continue;
		own = promote_own(head, findings, cnt);
		if (own)
			heads[group] = own;
	}
}

static void name_heads(struct finding *findings, size_t cnt)
{
	struct finding *heads[GROUPS_MAX + 1];

	find_heads(findings, cnt, heads);
	give_own_heads(findings, cnt, heads);
	for (size_t i = 0; i < cnt; i++) {
		struct finding *f = &findings[i];
		unsigned int group = f->verdict.group;
		const struct finding *head = group && group <= GROUPS_MAX ? heads[group] : f;

		f->verdict.head = head == f;
		f->group_kind = head->verdict.kind;
		f->group_weight = head->verdict.growth;
	}
}

static int by_report(const void *left, const void *right)
{
	const struct finding *a = left;
	const struct finding *b = right;

	if (a->group_kind != b->group_kind)
		return a->group_kind < b->group_kind ? 1 : -1;
	if (a->verdict.group != b->verdict.group && a->group_weight != b->group_weight)
		return a->group_weight < b->group_weight ? 1 : -1;
	if (a->verdict.group != b->verdict.group)
		return a->verdict.group < b->verdict.group ? -1 : 1;
	if (a->verdict.head != b->verdict.head)
		return a->verdict.head ? -1 : 1;
	if (a->verdict.slope_per_s != b->verdict.slope_per_s)
		return a->verdict.slope_per_s < b->verdict.slope_per_s ? 1 : -1;
	return strcmp(a->verdict.name, b->verdict.name);
}

void group_findings(struct finding *findings, size_t cnt)
{
	if (!cnt)
		return;
	promote_held(findings, cnt);
	qsort(findings, cnt, sizeof(*findings), by_evidence);
	assign_groups(findings, cnt);
	name_heads(findings, cnt);
}

void group_sort(struct finding *findings, size_t cnt)
{
	if (cnt)
		qsort(findings, cnt, sizeof(*findings), by_report);
}
