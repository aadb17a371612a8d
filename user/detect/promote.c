/* SPDX-License-Identifier: BSD-2-Clause */
/* What the judge of one series had to excuse, and another finding proves a leak: what a growing
 * container holds, and the program's class behind a leak of types that are not the program's. */
#include "detect/finding.h"

#include <math.h>
#include <stdio.h>

#include "detect/hold.h"

#define PROVED_PACE 0.5
#define ONSET_SHARE 0.15 /* of the evidence */
#define ONSET_INTERVALS 3

/* A container that grows is alive: someone adds to it, so what it holds is no garbage that
 * waits, and its length has no objects in flight that could hide the trend. */
static bool container_proves(const struct finding *container, const struct finding *type)
{
	return container->verdict.subject == SUBJECT_CONTAINER &&
	       container->verdict.kind == VERDICT_LEAK && type->verdict.subject == SUBJECT_TYPE &&
	       (type->verdict.kind == VERDICT_SUSPECT || type->verdict.kind == VERDICT_GC_LAG) &&
	       type->verdict.slope_per_s > 0 &&
	       shape_same_pace(&container->verdict, &type->verdict,
			       shape_holds(&container->verdict, &type->verdict) ? 0.5 : 0.2);
}

/* ... and still goes at the pace of the container that proved it once. */
static bool is_proved(const struct finding *container, const struct finding *type)
{
	return type->series->hold.proved && type->verdict.kind == VERDICT_LEAK &&
	       container->verdict.kind == VERDICT_LEAK &&
	       shape_same_pace(&container->verdict, &type->verdict, PROVED_PACE);
}

void promote_held(struct finding *findings, size_t cnt)
{
	for (size_t c = 0; c < cnt; c++) {
		if (findings[c].verdict.subject != SUBJECT_CONTAINER)
			continue;
		for (size_t i = 0; i < cnt; i++) {
			struct verdict *v = &findings[i].verdict;

			if (is_proved(&findings[c], &findings[i]))
				findings[i].prover = findings[c].series;
			if (!container_proves(&findings[c], &findings[i]))
				continue;
			v->kind = VERDICT_LEAK;
			v->confidence = findings[c].verdict.confidence;
			findings[i].prover = findings[c].series;
			hold_prove(findings[i].series, findings[i].timeline, findings[i].start_s,
				   v->confidence, true);
			snprintf(v->why, sizeof(v->why), "%+.3g/s, as fast as a %s that only grows",
				 v->slope_per_s, findings[c].verdict.name);
		}
	}
}

/* Its own evidence would do but for an excuse, and it keeps step with the leak from the start. Has
 * it ever fallen back at a full collection, the excuse is the truth. */
static bool keeps_step(const struct finding *leak, const struct finding *type)
{
	double apart_s = fabs(leak->series->teeth.base_s - type->series->teeth.base_s);

	return type->own && type->verdict.subject == SUBJECT_TYPE &&
	       (type->verdict.kind == VERDICT_SUSPECT || type->verdict.kind == VERDICT_GC_LAG) &&
	       type->nats >= judge_nats_needed(1) && !type->slow &&
	       !type->series->teeth.gc_fall_cnt &&
	       apart_s <= fmax(ONSET_INTERVALS * leak->interval_s,
			       ONSET_SHARE * leak->verdict.evidence_s) &&
	       shape_is_same(leak, type);
}

struct finding *promote_own(const struct finding *head, struct finding *findings, size_t cnt)
{
	struct finding *best = NULL;
	struct verdict *v;

	for (size_t i = 0; i < cnt; i++) {
		unsigned int group = findings[i].verdict.group;

		if ((!group || group == head->verdict.group) && keeps_step(head, &findings[i]) &&
		    (!best || findings[i].verdict.slope_per_s > best->verdict.slope_per_s))
			best = &findings[i];
	}
	if (!best)
		return NULL;
	v = &best->verdict;
	v->kind = VERDICT_LEAK;
	v->confidence = head->verdict.confidence;
	v->group = head->verdict.group;
	hold_prove(best->series, best->timeline, best->start_s, v->confidence, false);
	snprintf(v->why, sizeof(v->why), "%+.3g/s, in step with %s from the start, which leaks",
		 v->slope_per_s, head->verdict.name);
	return best;
}
