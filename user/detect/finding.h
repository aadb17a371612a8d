/* SPDX-License-Identifier: BSD-2-Clause */
/* A verdict in the making: what judge, group and memory_judge hand each other inside detect. */
#ifndef PYLEAK_FINDING_H
#define PYLEAK_FINDING_H

#include "collect/sample.h"
#include "detect/judge.h"
#include "detect/series.h"
#include "detect/verdict.h"

struct finding {
	struct verdict verdict;
	struct series *series;
	const struct timeline *timeline;
	const struct series *prover; /* container that proved it a leak, or NULL */
	double start_s;		     /* of the evidence window */
	double nats;
	double interval_s;
	bool own;
	bool slow; /* see struct judgement */
	/* The order of the report: a group stands where its head stands. */
	enum verdict_kind group_kind;
	double group_weight;
};

/* Fills in the verdict from the judgement; the caller sets subject, name and counts. */
void finding_set(struct finding *finding, const struct judgement *judgement, struct series *series,
		 const struct timeline *timeline);

/* Numbers the groups among leaks and suspects, picks the heads and promotes what others prove.
 * Reorders the findings. */
void group_findings(struct finding *findings, size_t cnt);
/* The order of the report: the gravest first, members after their head. */
void group_sort(struct finding *findings, size_t cnt);

/* Have the two grown in a stable proportion, lately or ever since the older growth began? */
bool shape_is_same(const struct finding *a, const struct finding *b);
bool shape_same_pace(const struct verdict *a, const struct verdict *b, double tolerance);
/* Does the container hold the type, as element, key or value? */
bool shape_holds(const struct verdict *container, const struct verdict *type);

/* Calls a leak what a leaking container holds, or keeps pace with. */
void promote_held(struct finding *findings, size_t cnt);
/* Calls a leak, in the group of `head`, the program's class that keeps step with that leak.
 * NULL: there is none. */
struct finding *promote_own(const struct finding *head, struct finding *findings, size_t cnt);

/* Process memory: all of it, and what Python's objects do not explain. */
struct memory_series {
	struct timeline timeline;
	struct series rss;
	struct series unexplained;
	uint64_t newest_unexplained;
};

/* 0, -ENOMEM */
int memory_add(struct memory_series *memory, double time_s, const struct memory *newest,
	       uint64_t object_bytes, const struct tick *tick);
void memory_deinit(struct memory_series *memory);
/* Fills `out` with a verdict on unexplained memory. False: stable, or a leak of Python objects
 * among `findings` (already grouped) grows in proportion and takes the blame. */
bool memory_judge(struct memory_series *memory, const struct judge_context *context,
		  const struct finding *findings, size_t cnt, struct finding *out);
/* Sets rss_per_unit of the head when exactly one group of leaks grows. */
void memory_attribute(const struct memory_series *memory, struct finding *findings, size_t cnt);

#endif
