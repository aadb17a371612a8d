/* SPDX-License-Identifier: BSD-2-Clause */
/* The detector: feeds its series sample by sample, has the moving ones judged, and writes the
 * verdicts. What a reader would get wrong: the number of series that move sets the evidence
 * that each of them needs, because each is one more chance of a false alarm. */
#include "detect/detect.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "detect/detector.h"

int detector_create(double interval_s, struct detector **out)
{
	struct detector *detector;

	if (!(interval_s > 0) || isinf(interval_s))
		return -EINVAL;
	detector = calloc(1, sizeof(*detector));
	if (!detector)
		return -ENOMEM;
	detector->interval_s = interval_s;
	detector->newest_s = -INFINITY;
	timeline_init(&detector->timeline);
	timeline_init(&detector->memory.timeline);
	*out = detector;
	return 0;
}

void detector_destroy(struct detector *detector)
{
	if (!detector)
		return;
	census_deinit(detector);
	memory_deinit(&detector->memory);
	free(detector->findings);
	free(detector->verdicts);
	free(detector);
}

/* Counters that cannot be read, or run backwards, stand still. */
static struct tick tick_of(struct detector *detector, const struct sample *sample)
{
	const struct gc_counters *gc = &sample->gc;

	if (gc->known && gc->collections[2] >= detector->gc.collections[2] &&
	    gc->collected[0] + gc->collected[1] >=
		    detector->gc.collected[0] + detector->gc.collected[1])
		detector->gc = *gc;
	return (struct tick){
		.time_s = sample->time_s,
		.young = detector->gc.collected[0] + detector->gc.collected[1],
		.fulls = detector->gc.collections[2],
	};
}

int detector_add(struct detector *detector, const struct sample *sample)
{
	struct tick tick;
	int err = 0;

	if (!(sample->time_s > detector->newest_s) || isinf(sample->time_s))
		return -EINVAL;
	detector->newest_s = sample->time_s;
	tick = tick_of(detector, sample);
	if (sample->type_cnt)
		err = census_add(detector, sample, &tick);
	/* Without pymalloc's numbers the census explains memory; none, no explanation. */
	if (sample->memory.rss && (sample->memory.small_known || sample->type_cnt))
		err = memory_add(&detector->memory, sample->time_s, &sample->memory, sample->bytes,
				 &tick)
			      ?: err;
	return err;
}

void finding_set(struct finding *finding, const struct judgement *judgement, struct series *series,
		 const struct timeline *timeline)
{
	const struct trend *trend = &judgement->trend;
	struct verdict *v = &finding->verdict;

	v->kind = judgement->kind;
	v->confidence = judgement->confidence;
	v->slope_per_s = trend->slope;
	v->slope_lo = trend->slope_lo;
	v->slope_hi = trend->slope_hi;
	v->growth = trend->growth;
	v->evidence_s = trend->span_s;
	v->first_growth_s = judgement->first_growth_s;
	memcpy(v->why, judgement->why, sizeof(v->why));
	finding->series = series;
	finding->timeline = timeline;
	finding->start_s = judgement->start_s;
	finding->nats = trend->nats;
	finding->slow = judgement->slow;
}

/* Room for one more. */
static struct finding *finding_open(struct detector *detector)
{
	if (detector->finding_cnt == detector->finding_cap) {
		size_t cap = detector->finding_cap ? 2 * detector->finding_cap : 64;
		struct finding *grown = realloc(detector->findings, cap * sizeof(*grown));

		if (!grown)
			return NULL;
		detector->findings = grown;
		detector->finding_cap = cap;
	}
	return &detector->findings[detector->finding_cnt];
}

static int judge_entry(struct detector *detector, const struct judge_context *context,
		       struct entry *entry, enum subject_kind subject)
{
	struct judge_rules rules = {
		.min_growth = COUNT_GROWTH_MIN,
		.quantum = 1,
		.collectable = subject == SUBJECT_TYPE,
		.unit = "",
	};
	struct judgement judgement;
	struct finding *finding;

	judge_series(&entry->series, context, &rules, &judgement);
	if (judgement.kind == VERDICT_STABLE)
		return 0;
	finding = finding_open(detector);
	if (!finding)
		return -ENOMEM;
	*finding = (struct finding){
		.own = entry->own,
		.interval_s = context->interval_s,
		.verdict =
			{
				.subject = subject,
				.name = entry->name,
				.holds = entry->holds,
				.address = entry->address,
				.live = entry->live,
				.bytes = entry->bytes,
			},
	};
	finding_set(finding, &judgement, &entry->series, &detector->timeline);
	detector->finding_cnt++;
	return 0;
}

static int judge_entries(struct detector *detector, const struct judge_context *context)
{
	struct entry *entry, *next;
	int err = 0;

	HASH_ITER (hh, detector->types, entry, next)
		err = judge_entry(detector, context, entry, SUBJECT_TYPE) ?: err;
	HASH_ITER (hh, detector->containers, entry, next) {
		if (entry->seen_sample == detector->timeline.sample_cnt)
			err = judge_entry(detector, context, entry, SUBJECT_CONTAINER) ?: err;
	}
	return err;
}

/* Only series that move are tested, and only they can raise a false alarm. */
static struct judge_context context_of(struct detector *detector)
{
	struct judge_context context = {
		.timeline = &detector->timeline,
		.interval_s = detector->interval_s,
		.tested = 1,
		.gc_enabled = detector->gc.known && detector->gc.enabled,
	};
	struct entry *entry, *next;

	HASH_ITER (hh, detector->types, entry, next)
		context.tested += series_moved(&entry->series, &detector->timeline, SERIES_RAW);
	HASH_ITER (hh, detector->containers, entry, next)
		context.tested += series_moved(&entry->series, &detector->timeline, SERIES_RAW);
	context.nats_needed = judge_nats_needed(context.tested);
	if (detector->gc.collections[2])
		context.garbage_per_full =
			(double)detector->gc.collected[2] / (double)detector->gc.collections[2];
	return context;
}

static int write_verdicts(struct detector *detector)
{
	if (detector->finding_cnt > detector->verdict_cap) {
		size_t cap = detector->finding_cap;
		struct verdict *grown = realloc(detector->verdicts, cap * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		detector->verdicts = grown;
		detector->verdict_cap = cap;
	}
	for (size_t i = 0; i < detector->finding_cnt; i++)
		detector->verdicts[i] = detector->findings[i].verdict;
	return 0;
}

int detector_judge(struct detector *detector, const struct verdict **out, size_t *out_cnt)
{
	struct judge_context context = context_of(detector);
	struct finding *native;
	int err = 0;

	detector->finding_cnt = 0;
	if (detector->timeline.sample_cnt)
		err = judge_entries(detector, &context);
	group_findings(detector->findings, detector->finding_cnt);
	native = finding_open(detector);
	if (!native)
		return -ENOMEM;
	if (memory_judge(&detector->memory, &context, detector->findings, detector->finding_cnt,
			 native))
		detector->finding_cnt++;
	memory_attribute(&detector->memory, detector->findings, detector->finding_cnt);
	group_sort(detector->findings, detector->finding_cnt);
	err = write_verdicts(detector) ?: err;
	if (err)
		return err;
	*out = detector->verdicts;
	*out_cnt = detector->finding_cnt;
	return 0;
}

uint64_t detector_dropped_series(const struct detector *detector)
{
	return detector->dropped_series;
}
