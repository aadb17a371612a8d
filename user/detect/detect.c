/* SPDX-License-Identifier: BSD-2-Clause */
/* The detector: one series per type name and per container address, fed sample by sample.
 * The tables are bounded (TYPES_MAX, CONTAINERS_MAX); what does not fit is counted, never
 * silently lost. A type that a sample does not mention has no live object: 0. A container that
 * it does not mention is unknown (shorter than the collector reports, or gone), so its last
 * length stands for a while, without verdict. What a reader would get wrong: a container that
 * falls to nothing stays the same series, although another one may have got its address; the
 * fall is what tells a list that is emptied in batches from one that only grows. */
#include "detect/detect.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/cleanup.h"
#include "detect/finding.h"

#define TYPES_MAX 8192
#define CONTAINERS_MAX 4096
#define COUNT_GROWTH_MIN 20.0 /* objects, or items of a container */
#define FORGET_SAMPLES 128    /* absent for so long: dropped */
#define FORGET_YOUNG 4	      /* ... a container seen in no more samples than this: at once */

struct entry {
	char *name;
	char *holds;
	uint64_t address; /* containers: the key */
	uint64_t live, bytes;
	uint64_t seen_sample; /* number of the newest sample that has it */
	uint64_t seen_cnt;
	bool own;
	struct series series;
	UT_hash_handle hh;
};

struct detector {
	double interval_s;
	double newest_s;
	struct timeline timeline; /* of samples with a census */
	struct entry *types;	  /* by name */
	struct entry *containers; /* by address */
	struct memory_series memory;
	struct gc_counters gc; /* newest known */
	uint64_t dropped_series;
	struct finding *findings;
	size_t finding_cnt, finding_cap;
	struct verdict *verdicts;
	size_t verdict_cap;
};

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

static void entry_free(struct entry *entry)
{
	series_deinit(&entry->series);
	free(entry->name);
	free(entry->holds);
	free(entry);
}

static void table_free(struct entry **table)
{
	struct entry *entry, *next;

	HASH_ITER(hh, *table, entry, next) {
		HASH_DEL(*table, entry);
		entry_free(entry);
	}
}

void detector_destroy(struct detector *detector)
{
	if (!detector)
		return;
	table_free(&detector->types);
	table_free(&detector->containers);
	memory_deinit(&detector->memory);
	free(detector->findings);
	free(detector->verdicts);
	free(detector);
}

static struct entry *entry_create(struct detector *detector, const char *name, double value,
				  bool since_start)
{
	struct entry *entry = calloc(1, sizeof(*entry));

	if (!entry)
		return NULL;
	entry->name = strdup(name);
	if (!entry->name) {
		free(entry);
		return NULL;
	}
	series_init(&entry->series, &detector->timeline, value, COUNT_GROWTH_MIN, since_start);
	return entry;
}

static int add_type(struct detector *detector, const struct type_count *type)
{
	struct entry *entry;

	HASH_FIND_STR(detector->types, type->name, entry);
	if (!entry) {
		bool first = detector->timeline.sample_cnt == 1;

		if (HASH_COUNT(detector->types) >= TYPES_MAX) {
			detector->dropped_series++;
			return 0;
		}
		entry = entry_create(detector, type->name, first ? (double)type->live : 0, true);
		if (!entry)
			return -ENOMEM;
		HASH_ADD_KEYPTR(hh, detector->types, entry->name, strlen(entry->name), entry);
	}
	entry->own = type->own;
	entry->live = type->live;
	entry->bytes = type->bytes;
	entry->seen_sample = detector->timeline.sample_cnt;
	entry->seen_cnt++;
	return 0;
}

static void forget_container(struct detector *detector, struct entry *entry)
{
	HASH_DEL(detector->containers, entry);
	entry_free(entry);
}

/* NULL and *err for no memory, NULL alone for a full table. */
static struct entry *open_container(struct detector *detector, const struct container *container,
				    int *err)
{
	struct entry *entry;

	if (HASH_COUNT(detector->containers) >= CONTAINERS_MAX) {
		detector->dropped_series++;
		return NULL;
	}
	entry = entry_create(detector, container->type_name, (double)container->len, false);
	if (!entry) {
		*err = -ENOMEM;
		return NULL;
	}
	entry->address = container->address;
	HASH_ADD(hh, detector->containers, address, sizeof(entry->address), entry);
	return entry;
}

static int entry_set_holds(struct entry *entry, const char *holds)
{
	char *copy;

	if (!holds || (entry->holds && !strcmp(entry->holds, holds)))
		return 0;
	copy = strdup(holds);
	if (!copy)
		return -ENOMEM;
	free(entry->holds);
	entry->holds = copy;
	return 0;
}

static int add_container(struct detector *detector, const struct container *container)
{
	struct entry *entry;
	int err = 0;

	HASH_FIND(hh, detector->containers, &container->address, sizeof(container->address), entry);
	if (entry && strcmp(entry->name, container->type_name)) {
		forget_container(detector, entry);
		entry = NULL;
	}
	if (!entry)
		entry = open_container(detector, container, &err);
	if (!entry)
		return err;
	entry->live = container->len;
	entry->bytes = container->bytes;
	entry->seen_sample = detector->timeline.sample_cnt;
	entry->seen_cnt++;
	return entry_set_holds(entry, container->holds);
}

/* A type that is gone, or was never seen again, makes room. */
static int feed_types(struct detector *detector)
{
	struct entry *entry, *next;
	uint64_t sample = detector->timeline.sample_cnt;
	int err = 0;

	HASH_ITER(hh, detector->types, entry, next) {
		if (entry->seen_sample != sample)
			entry->live = entry->bytes = 0;
		err = series_add(&entry->series, &detector->timeline, (double)entry->live) ?: err;
		if (sample - entry->seen_sample > FORGET_SAMPLES) {
			HASH_DEL(detector->types, entry);
			entry_free(entry);
		}
	}
	return err;
}

static int feed_containers(struct detector *detector)
{
	struct entry *entry, *next;
	uint64_t sample = detector->timeline.sample_cnt;
	int err = 0;

	HASH_ITER(hh, detector->containers, entry, next) {
		uint64_t absent = sample - entry->seen_sample;

		if (absent > FORGET_SAMPLES || (absent && entry->seen_cnt < FORGET_YOUNG)) {
			forget_container(detector, entry);
			continue;
		}
		err = series_add(&entry->series, &detector->timeline, (double)entry->live) ?: err;
	}
	return err;
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

static int add_census(struct detector *detector, const struct sample *sample,
		      const struct tick *tick)
{
	int err = 0;

	timeline_add(&detector->timeline, tick);
	for (size_t i = 0; i < sample->type_cnt; i++)
		err = add_type(detector, &sample->types[i]) ?: err;
	for (size_t i = 0; i < sample->container_cnt; i++)
		err = add_container(detector, &sample->containers[i]) ?: err;
	err = feed_types(detector) ?: err;
	return feed_containers(detector) ?: err;
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
		err = add_census(detector, sample, &tick);
	/* Without pymalloc's numbers the census explains memory; none, no explanation. */
	if (sample->memory.rss && (sample->memory.small_known || sample->type_cnt))
		err = memory_add(&detector->memory, sample->time_s, &sample->memory, sample->bytes,
				 &tick) ?: err;
	return err;
}

void finding_set(struct finding *finding, const struct judgement *judgement,
		 const struct series *series, const struct timeline *timeline)
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
		.verdict = {
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

	HASH_ITER(hh, detector->types, entry, next)
		err = judge_entry(detector, context, entry, SUBJECT_TYPE) ?: err;
	HASH_ITER(hh, detector->containers, entry, next) {
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

	HASH_ITER(hh, detector->types, entry, next)
		context.tested += series_moved(&entry->series, &detector->timeline, SERIES_RAW);
	HASH_ITER(hh, detector->containers, entry, next)
		context.tested += series_moved(&entry->series, &detector->timeline, SERIES_RAW);
	context.nats_needed = judge_nats_needed(context.tested);
	if (detector->gc.collections[2])
		context.garbage_per_full = (double)detector->gc.collected[2] /
					   (double)detector->gc.collections[2];
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
