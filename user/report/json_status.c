/* SPDX-License-Identifier: BSD-2-Clause */
/* A status as JSON: one census, and one verdict per type, container or memory that is not
 * stable; then the summary. All objects of one status have the same `time`, so a reader can put
 * them together again. A verdict is repeated at each status, changed or not: unlike the text,
 * the stream needs no memory to be understood.
 */
#include "report/report_json.h"

#include "base/cleanup.h"
#include "collect/alloc_stacks.h"
#include "report/json_util.h"

/* Of each type. */
#define SUMMARY_SITES 10

static void write_containers(struct report *report, const struct sample *sample)
{
	size_t cnt = 0;

	json_line_array(report, "containers");
	for (size_t i = 0; i < sample->container_cnt; i++) {
		const struct container *c = &sample->containers[i];
		json_t *row = json_object();
		int err = 0;

		err |= json_put_address(row, "address", c->address);
		err |= json_put_string(row, "type", c->type_name);
		err |= json_put_string(row, "holds", c->holds);
		err |= json_put_bool(row, "gc_tracked", c->gc_tracked);
		err |= json_put_u64(row, "len", c->len);
		err |= json_put_u64(row, "bytes", c->bytes);
		json_line_row(report, row, err, &cnt);
	}
	json_line_array_end(report);
}

static int put_gc(json_t *object, const struct gc_counters *gc)
{
	json_t *part;
	int err = 0;

	if (!gc->known)
		return json_object_set_new_nocheck(object, "gc", json_null());
	part = json_object();
	err |= json_put_bool(part, "enabled", gc->enabled);
	err |= json_put_u64s(part, "collections", gc->collections, ARRAY_SIZE(gc->collections));
	err |= json_put_u64s(part, "collected", gc->collected, ARRAY_SIZE(gc->collected));
	return json_object_set_new_nocheck(object, "gc", part) | err;
}

static void write_census(struct report *report, const struct status *status, double time_s)
{
	const struct sample *s = status->sample;
	json_t *object = json_object_begin(report, "census", time_s);
	int err = 0;

	err |= json_put_real(object, "watch_s", s->time_s);
	err |= json_put_string(object, "instrument", instrument_name(s->instrument));
	err |= json_put_u64(object, "objects", s->objects);
	err |= json_put_u64(object, "bytes", s->bytes);
	err |= put_gc(object, &s->gc);
	err |= json_put_memory(object, &s->memory);
	err |= json_put_cost(object, &status->cost);
	err |= json_put_losses(object, status->losses, status->loss_cnt);
	if (!json_line_open(report, object, err))
		return;
	json_line_types(report, s, 0);
	write_containers(report, s);
	json_line_close(report);
}

static const char *subject_word(enum subject_kind subject)
{
	switch (subject) {
	case SUBJECT_TYPE:
		return "type";
	case SUBJECT_CONTAINER:
		return "container";
	case SUBJECT_MEMORY:
		return "memory";
	}
	return "unknown";
}

/* Names of what grows with a head; of another verdict it is empty, but there. */
static int put_grows_with(json_t *object, const struct status *status, const struct verdict *v)
{
	json_t *array = json_array();
	int err = 0;

	for (size_t i = 0; v->head && v->group && i < status->verdict_cnt; i++) {
		const struct verdict *other = &status->verdicts[i];

		if (other != v && other->group == v->group)
			err |= json_array_append_new(array, json_safe_string(other->name));
	}
	return json_object_set_new_nocheck(object, "grows_with", array) | err;
}

static int put_verdict(json_t *object, const struct verdict *v)
{
	int err = 0;

	err |= json_put_string(object, "subject", subject_word(v->subject));
	err |= json_put_string(object, "type", v->name);
	err |= json_put_string(object, "holds", v->holds);
	err |= json_put_address(object, "address", v->address);
	err |= json_put_string(object, "verdict", verdict_name(v->kind));
	err |= json_put_real(object, "confidence", v->confidence);
	err |= json_put_u64(object, "live", v->live);
	err |= json_put_u64(object, "bytes", v->bytes);
	err |= json_put_real(object, "slope_per_s", v->slope_per_s);
	err |= json_put_real(object, "slope_lo", v->slope_lo);
	err |= json_put_real(object, "slope_hi", v->slope_hi);
	err |= json_put_real(object, "growth", v->growth);
	err |= json_put_real(object, "evidence_s", v->evidence_s);
	err |= json_put_real(object, "first_growth_s", v->first_growth_s);
	err |= json_put_real(object, "rss_per_unit", v->rss_per_unit);
	err |= json_put_u64(object, "group", v->group);
	err |= json_put_bool(object, "head", v->head);
	return err;
}

void json_write_status(struct report *report, const struct status *status)
{
	double time_s = json_time_now();

	if (status->sample)
		write_census(report, status, time_s);
	for (size_t i = 0; i < status->verdict_cnt; i++) {
		const struct verdict *v = &status->verdicts[i];
		json_t *object;
		int err = 0;

		if (v->kind == VERDICT_STABLE)
			continue;
		object = json_object_begin(report, "verdict", time_s);
		err |= json_put_real(object, "watch_s",
				     status->sample ? status->sample->time_s
						    : status->cost.elapsed_s);
		err |= put_verdict(object, v);
		err |= put_grows_with(object, status, v);
		err |= json_put_string(object, "why", v->why);
		json_object_end(report, object, err);
	}
}

static const char *end_word(enum watch_end end)
{
	static const char *const words[] = {
		[END_DURATION] = "duration",
		[END_INTERRUPTED] = "interrupted",
		[END_TARGET_EXITED] = "exited",
		[END_TARGET_EXECED] = "execed",
	};

	return (size_t)end < ARRAY_SIZE(words) ? words[end] : "unknown";
}

/* How many leaks and so on: a group counts once. */
static int put_verdict_counts(json_t *object, const struct status *status)
{
	json_t *part = json_object();
	int err = 0;

	for (int kind = VERDICT_LEAK; kind > VERDICT_STABLE; kind--) {
		uint64_t cnt = 0;

		for (size_t i = 0; i < status->verdict_cnt; i++) {
			const struct verdict *v = &status->verdicts[i];

			cnt += (int)v->kind == kind && (v->head || v->group == 0);
		}
		err |= json_put_u64(part, verdict_name((enum verdict_kind)kind), cnt);
		if (kind == VERDICT_LEAK)
			err |= json_put_u64(object, "leaks", cnt);
	}
	return json_object_set_new_nocheck(object, "verdicts", part) | err;
}

void json_write_summary(struct report *report, const struct summary *summary)
{
	const struct status *status = &summary->status;
	json_t *object, *by = json_object();
	int err = 0;

	/* They may be newer than those that were written in the watch. */
	if (summary->stacks && summary->stacks->cnt > 0)
		json_write_stacks(report, summary->stacks, SUMMARY_SITES);
	object = json_object_begin(report, "summary", json_time_now());
	err |= json_put_real(object, "duration_s", status->cost.elapsed_s);
	err |= json_put_string(object, "end", end_word(summary->end));
	err |= put_verdict_counts(object, status);
	err |= json_put_u64(object, "censuses", summary->censuses);
	for (size_t i = INSTRUMENT_GC; i < ARRAY_SIZE(summary->censuses_by); i++)
		err |= json_put_u64(by, instrument_name((enum instrument)i),
				    summary->censuses_by[i]);
	err |= json_object_set_new_nocheck(object, "censuses_by", by);
	err |= json_put_cost(object, &status->cost);
	if (status->sample)
		err |= json_put_memory(object, &status->sample->memory);
	else
		err |= json_object_set_new_nocheck(object, "memory", json_null());
	err |= json_put_losses(object, status->losses, status->loss_cnt);
	err |= json_put_u64(object, "children", summary->children);
	json_object_end(report, object, err);
}
