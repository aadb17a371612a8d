/* SPDX-License-Identifier: BSD-2-Clause */
/* What a series has been called stays until the series takes it back. Internal to detect. */
#ifndef PYLEAK_HOLD_H
#define PYLEAK_HOLD_H

#include "detect/evidence.h"

/* First, at each judgement of a series that moves or is held: did it take back what it was
 * called? Then evidence.c asks for as much as for a first call. */
void hold_watch(struct series *series, const struct judge_context *context,
		const struct judge_rules *rules);
/* Then: the verdict, given what the newest evidence says (`judged`). */
enum verdict_kind hold_decide(struct series *series, const struct judge_context *context,
			      const struct evidence *newest, enum verdict_kind judged);
/* As if the judge had said leak: something else proved it, a container or not. */
void hold_prove(struct series *series, const struct timeline *timeline, double start_s,
		double confidence, bool by_container);
/* Confidence of a call that the newest evidence alone would not make. */
double hold_confidence(const struct hold *hold, const struct timeline *timeline);
/* One sentence for a verdict that is held, or that ended a hold. */
void hold_describe(const struct series *series, const struct judge_context *context,
		   const struct judge_rules *rules, struct judgement *out);

#endif
