/* SPDX-License-Identifier: BSD-2-Clause */
/* Probes at functions that are entered with the GIL held: when no collection comes. Each hit costs
 * the target a trap, so they are in for moments only. */
#include "collect/collector_state.h"

#define SAFE_POINT_HITS 2000 /* passed so often without a census, they do not help */
#define SAFE_POINT_REST_NS 1000000000ULL

void collector_remove_safe_points(struct collector *collector)
{
	probes_detach_safe_points(collector->probes);
	collector->safe_points_attached = 0;
}

int collector_add_safe_point(struct collector *collector)
{
	const volatile struct pyleak_progress *progress = progress_of(collector);
	const struct probe_site *site = &collector->safe_points[collector->safe_points_attached];
	int err;

	if (!collector->safe_points_attached) {
		for (int i = 0; i < PYLEAK_HOOK_CNT; i++)
			collector->safe_point_hits[i] = progress->hits[i];
	}
	err = probes_attach_safe_point(collector->probes, collector->target->pid,
				       collector->python->open_path, site);
	if (!err)
		collector->safe_points_attached++;
	return err;
}

/* How long until the budget allows a slice; 0 = now. The kernel side refills it at hooks only. */
static uint64_t until_credit_ns(const struct collector *collector)
{
	const volatile struct pyleak_progress *progress = progress_of(collector);
	double share = collector->options.budget_pct / 100;
	double credit_ns = (double)progress->credit_ns;

	if (progress->credit_at_ns)
		credit_ns += share * (double)(clock_now_ns() - progress->credit_at_ns);
	return credit_ns < 0 ? (uint64_t)(-credit_ns / share) : 0;
}

/* A safe point may be passed a million times a second, and each time costs the target a trap: it
 * goes out when collections come after all, when the budget has nothing left for a slice, or
 * when it was passed often and to no purpose. */
void collector_govern_safe_points(struct collector *collector)
{
	const volatile struct pyleak_progress *progress = progress_of(collector);
	uint64_t wait_ns = until_credit_ns(collector);

	if (!collector->safe_points_attached)
		return;
	if (!wait_ns &&
	    progress->hits[PYLEAK_HOOK_GC] == collector->safe_point_hits[PYLEAK_HOOK_GC] &&
	    progress->hits[PYLEAK_HOOK_SAFEPOINT] <
		    collector->safe_point_hits[PYLEAK_HOOK_SAFEPOINT] + SAFE_POINT_HITS)
		return;
	if (!wait_ns)
		wait_ns = SAFE_POINT_REST_NS;
	collector_remove_safe_points(collector);
	collector->safe_point_due_ns = clock_now_ns() + wait_ns;
	/* What the probes did is done: they are needed again if no other hook is passed. */
	collector->asked_hits = hits_of(collector);
	collector->patient_ns = clock_now_ns();
}

bool collector_safe_point_due(const struct collector *collector)
{
	return collector->safe_points_attached < collector->safe_point_cnt &&
	       clock_now_ns() >= collector->safe_point_due_ns;
}
