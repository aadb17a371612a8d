/* SPDX-License-Identifier: BSD-2-Clause */
/* The verbs' tables as JSON, and the parts that several kinds have. A table is one object with
 * an array; `doctor` is one object per check.
 */
#include "report/report_json.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "report/json_util.h"
#include "report/rank.h"

int json_put_cost(json_t *object, const struct cost *cost)
{
	json_t *part = json_object();
	int err = 0;

	err |= json_put_real(part, "elapsed_s", cost->elapsed_s);
	err |= json_put_real(part, "target_share", cost->target_share);
	err |= json_put_real(part, "censuses_share", cost_of_censuses(cost));
	err |= json_put_real(part, "probes_share", cost->probes_share);
	err |= json_put_real(part, "longest_pause_s", cost->longest_pause_s);
	err |= json_put_real(part, "tool_share", cost->tool_share);
	err |= json_put_u64(part, "tool_rss", cost->tool_rss);
	err |= json_put_real(part, "ns_per_object", cost->ns_per_object);
	err |= json_put_u64(part, "gc_hits", cost->gc_hits);
	err |= json_put_u64(part, "safepoint_hits", cost->safepoint_hits);
	return json_object_set_new_nocheck(object, "cost", part) | err;
}

int json_put_losses(json_t *object, const struct loss *losses, size_t cnt)
{
	json_t *array = json_array();
	int err = 0;

	for (size_t i = 0; i < cnt; i++) {
		json_t *row = json_object();

		err |= json_put_string(row, "name", losses[i].name);
		err |= json_put_string(row, "words", losses[i].words);
		err |= json_put_u64(row, "count", losses[i].cnt);
		err |= json_array_append_new(array, row);
	}
	return json_object_set_new_nocheck(object, "losses", array) | err;
}

int json_put_memory(json_t *object, const struct memory *memory)
{
	json_t *part = json_object();
	int err = 0;

	err |= json_put_u64(part, "rss", memory->rss);
	err |= json_put_bool(part, "small_known", memory->small_known);
	err |= json_put_u64(part, "small_used", memory->small_used);
	err |= json_put_u64(part, "small_held", memory->small_held);
	err |= json_put_u64(part, "large_tables", memory->large_tables);
	return json_object_set_new_nocheck(object, "memory", part) | err;
}

void json_line_types(struct report *report, const struct sample *sample, size_t limit)
{
	_cleanup_free_ const struct type_count **types = NULL;
	size_t cnt, written = 0;

	json_line_array(report, "types");
	types = rank_types(sample, &cnt);
	for (size_t i = 0; i < cnt && (limit == 0 || i < limit); i++) {
		json_t *row = json_object();
		int err = 0;

		err |= json_put_string(row, "name", types[i]->name);
		err |= json_put_bool(row, "own", types[i]->own);
		err |= json_put_u64(row, "live", types[i]->live);
		err |= json_put_u64(row, "bytes", types[i]->bytes);
		err |= json_put_u64(row, "young", types[i]->young);
		json_line_row(report, row, err, &written);
	}
	json_line_array_end(report);
}

/* What `types` and `growth` say beside their rows. */
static int put_census_head(json_t *object, const struct status *status)
{
	const struct sample *s = status->sample;
	int err = 0;

	err |= json_put_real(object, "watch_s", s ? s->time_s : status->cost.elapsed_s);
	err |= json_put_string(object, "instrument",
			       instrument_name(s ? s->instrument : INSTRUMENT_NONE));
	err |= json_put_u64(object, "objects", s ? s->objects : 0);
	err |= json_put_cost(object, &status->cost);
	err |= json_put_losses(object, status->losses, status->loss_cnt);
	return err;
}

void json_write_types(struct report *report, const struct status *status, size_t limit)
{
	json_t *object = json_object_begin(report, "types", json_time_now());
	int err = put_census_head(object, status);

	if (!json_line_open(report, object, err))
		return;
	json_line_types(report, status->sample, limit);
	json_line_close(report);
}

void json_write_growth(struct report *report, const struct status *status,
		       const struct type_growth *rows, size_t cnt, size_t limit)
{
	json_t *object = json_object_begin(report, "growth", json_time_now());
	size_t written = 0;

	if (!json_line_open(report, object, put_census_head(object, status)))
		return;
	json_line_array(report, "types");
	for (size_t i = 0; i < cnt; i++) {
		json_t *row;
		int err = 0;

		if (rows[i].growth <= 0 || (limit > 0 && written == limit))
			continue;
		row = json_object();
		err |= json_put_string(row, "name", rows[i].name);
		err |= json_put_u64(row, "live", rows[i].live);
		err |= json_put_i64(row, "growth", rows[i].growth);
		err |= json_put_u64(row, "bytes", rows[i].bytes);
		err |= json_put_i64(row, "bytes_growth", rows[i].bytes_growth);
		json_line_row(report, row, err, &written);
	}
	json_line_array_end(report);
	json_line_close(report);
}

static int put_generation(json_t *array, const struct gc_stat *stat, int gen)
{
	json_t *row = json_object();
	size_t buckets = STAT_PAUSE_BUCKETS;
	int err = 0;

	/* Empty buckets at the end say nothing. */
	while (buckets > 0 && stat->log2_us[gen][buckets - 1] == 0)
		buckets--;
	err |= json_put_i64(row, "generation", gen);
	err |= json_put_u64(row, "collections", stat->collections[gen]);
	err |= json_put_u64(row, "collected", stat->collected[gen]);
	err |= json_put_u64(row, "pauses", stat->pauses[gen]);
	err |= json_put_real(row, "pause_total_s", stat->pause_total_s[gen]);
	err |= json_put_real(row, "pause_longest_s", stat->pause_longest_s[gen]);
	err |= json_put_u64s(row, "pause_log2_us", stat->log2_us[gen], buckets);
	return json_array_append_new(array, row) | err;
}

void json_write_stat(struct report *report, const struct gc_stat *stat, const struct cost *cost)
{
	json_t *object = json_object_begin(report, "stat", json_time_now());
	json_t *array = json_array();
	int err = json_put_real(object, "elapsed_s", stat->elapsed_s);

	for (int gen = 0; gen < 3; gen++)
		err |= put_generation(array, stat, gen);
	err |= json_object_set_new_nocheck(object, "generations", array);
	err |= json_put_u64(object, "unknown_pauses", stat->unknown_pauses);
	if (stat->promoted_known)
		err |= json_put_real(object, "promoted_per_s", stat->promoted_per_s);
	else
		err |= json_object_set_new_nocheck(object, "promoted_per_s", json_null());
	err |= json_put_cost(object, cost);
	json_object_end(report, object, err);
}

void json_write_doctor(struct report *report, const struct check *checks, size_t cnt)
{
	static const char *const states[] = {
		[CHECK_OK] = "ok",
		[CHECK_NOTE] = "note",
		[CHECK_BAD] = "bad",
	};
	double time_s = json_time_now();

	for (size_t i = 0; i < cnt; i++) {
		json_t *object = json_object_begin(report, "check", time_s);
		int err = 0;

		err |= json_put_string(object, "what", checks[i].what);
		err |= json_put_string(object, "state", states[checks[i].state]);
		err |= json_put_string(object, "found", checks[i].found);
		err |= json_put_string(object, "advice", checks[i].advice);
		json_object_end(report, object, err);
	}
}
