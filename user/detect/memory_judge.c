/* SPDX-License-Identifier: BSD-2-Clause */
/* Native leaks: process memory that Python's objects do not explain. RSS alone would accuse
 * every leak of Python objects as well, so the objects' own bytes are taken off first, and a
 * leak of objects that grows in proportion takes the blame for the rest: objects hold memory
 * that no census sees. What a reader would get wrong: RSS grows in steps (arenas, malloc's top
 * pad), and a step or two is no growth; the judge's line test (`wander`) is what refuses them,
 * there is no rule for steps here. */
#include "detect/finding.h"

#include <math.h>

#define MEMORY_GROWTH_MIN (1024.0 * 1024)
#define MEMORY_QUANTUM 4096.0

void memory_deinit(struct memory_series *memory)
{
	series_deinit(&memory->rss);
	series_deinit(&memory->unexplained);
}

static uint64_t memory_unexplained(const struct memory *memory, uint64_t object_bytes)
{
	uint64_t explained =
		memory->small_known ? memory->small_used + memory->large_tables : object_bytes;

	return memory->rss > explained ? memory->rss - explained : 0;
}

int memory_add(struct memory_series *memory, double time_s, const struct memory *newest,
	       uint64_t object_bytes, const struct tick *tick)
{
	struct tick now = *tick;
	uint64_t unexplained = memory_unexplained(newest, object_bytes);
	bool first = !memory->timeline.sample_cnt;
	int err;

	now.time_s = time_s;
	timeline_add(&memory->timeline, &now);
	memory->newest_unexplained = unexplained;
	if (first) {
		series_init(&memory->rss, &memory->timeline, (double)newest->rss, MEMORY_GROWTH_MIN,
			    true);
		series_init(&memory->unexplained, &memory->timeline, (double)unexplained,
			    MEMORY_GROWTH_MIN, true);
		return 0;
	}
	err = series_add(&memory->rss, &memory->timeline, (double)newest->rss);
	return series_add(&memory->unexplained, &memory->timeline, (double)unexplained) ?: err;
}

static bool python_takes_blame(const struct finding *native, const struct finding *findings,
			       size_t cnt)
{
	for (size_t i = 0; i < cnt; i++) {
		const struct verdict *v = &findings[i].verdict;

		if (v->kind == VERDICT_LEAK || (v->kind == VERDICT_SUSPECT && !findings[i].slow)) {
			if (shape_is_same(native, &findings[i]))
				return true;
		}
	}
	return false;
}

bool memory_judge(struct memory_series *memory, const struct judge_context *context,
		  const struct finding *findings, size_t cnt, struct finding *out)
{
	struct judge_context here = *context;
	struct judge_rules rules = {
		.min_growth = fmax(MEMORY_GROWTH_MIN, 0.005 * memory->rss.value),
		.quantum = MEMORY_QUANTUM,
		.level = memory->rss.value,
		.unit = " bytes",
	};
	struct judgement judgement;

	here.timeline = &memory->timeline;
	if (!memory->timeline.sample_cnt)
		return false;
	judge_series(&memory->unexplained, &here, &rules, &judgement);
	if (judgement.kind == VERDICT_STABLE)
		return false;
	*out = (struct finding){ .verdict = { .subject = SUBJECT_MEMORY, .name = "memory" } };
	finding_set(out, &judgement, &memory->unexplained, &memory->timeline);
	out->verdict.live = out->verdict.bytes = memory->newest_unexplained;
	out->verdict.head = true;
	out->group_kind = judgement.kind;
	if (judgement.kind != VERDICT_LEAK && judgement.kind != VERDICT_SUSPECT)
		return true;
	if (judgement.kind == VERDICT_LEAK)
		out->verdict.kind = VERDICT_NATIVE;
	out->group_kind = out->verdict.kind;
	out->group_weight = out->verdict.growth;
	return !python_takes_blame(out, findings, cnt);
}

/* RSS growth per second over the evidence, as far as its history reaches; 0 when it does not
 * clearly grow. */
static double rss_slope(const struct memory_series *memory, double start_s)
{
	double t[SERIES_BUCKETS], y[SERIES_BUCKETS];
	struct trend trend;
	size_t first = 0;
	size_t n = series_available(&memory->rss, &memory->timeline);

	n = series_recent(&memory->rss, &memory->timeline, n, 0, 1, t, y);
	if (n && t[0] > start_s)
		n = series_envelope(&memory->rss, &memory->timeline, 0, t, y);
	while (first + TREND_POINTS_MIN < n && t[first] < start_s)
		first++;
	if (!n || !trend_fit(t + first, y + first, n - first, MEMORY_QUANTUM, &trend))
		return 0;
	trend_fit_robust(t + first, y + first, &trend);
	return trend.slope_lo > 0 ? trend.slope : 0;
}

void memory_attribute(const struct memory_series *memory, struct finding *findings, size_t cnt)
{
	struct finding *head = NULL;

	if (!memory->timeline.sample_cnt)
		return;
	for (size_t i = 0; i < cnt; i++) {
		if (findings[i].verdict.kind == VERDICT_NATIVE)
			return;
		if (findings[i].verdict.kind != VERDICT_LEAK || !findings[i].verdict.head)
			continue;
		if (head)
			return;
		head = &findings[i];
	}
	if (head && head->verdict.slope_per_s > 0)
		head->verdict.rss_per_unit =
			rss_slope(memory, head->start_s) / head->verdict.slope_per_s;
}
