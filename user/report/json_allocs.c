/* SPDX-License-Identifier: BSD-2-Clause */
/* Allocations as JSON: `sites` says how long was looked and how many were seen of each type, then
 * comes a `site` per stack; `exact` is one object per interval.
 */
#include "report/report_json.h"

#include "collect/exact.h"
#include "report/json_util.h"
#include "report/stack_words.h"

static int put_windows(json_t *object, const struct alloc_stacks *stacks)
{
	int err = 0;

	err |= json_put_u64(object, "windows", stacks->windows);
	err |= json_put_u64(object, "cut_short", stacks->cut_short);
	err |= json_put_real(object, "open_s", stacks->open_s);
	err |= json_put_real(object, "elapsed_s", stacks->elapsed_s);
	err |= json_put_u64(object, "hits", stacks->hits);
	err |= json_put_real(object, "target_share", stacks->target_share);
	err |= json_put_losses(object, stacks->losses, stacks->loss_cnt);
	return err;
}

static void write_header(struct report *report, const struct alloc_stacks *stacks, double time_s)
{
	json_t *object = json_object_begin(report, "sites", time_s);
	int err = put_windows(object, stacks);
	size_t written = 0, i = 0;

	if (!json_line_open(report, object, err))
		return;
	json_line_array(report, "types");
	while (i < stacks->cnt) {
		struct type_stacks type = stack_type_at(stacks, i);
		json_t *row = json_object();

		err = json_put_string(row, "type", type.items[0].type);
		err |= json_put_u64(row, "stacks", type.cnt);
		err |= json_put_u64(row, "allocs", type.allocs);
		err |= json_put_u64(row, "bytes", type.bytes);
		err |= json_put_u64(row, "alive", type.alive);
		err |= json_put_u64(row, "alive_bytes", type.alive_bytes);
		json_line_row(report, row, err, &written);
		i += type.cnt;
	}
	json_line_array_end(report);
	json_line_close(report);
}

static json_t *make_frame(const struct stack_frame *frame)
{
	const char *file = frame->file && *frame->file ? frame->file : NULL;
	json_t *object = json_object();
	int err = 0;

	err |= json_put_string(object, "function", frame->function);
	err |= json_put_string(object, "file", file);
	if (frame->line)
		err |= json_put_u64(object, "line", frame->line);
	else
		err |= json_object_set_new_nocheck(object, "line", json_null());
	if (!err)
		return object;
	json_decref(object);
	return NULL;
}

static int put_frames(json_t *object, const struct alloc_stack *stack)
{
	json_t *array = json_array();
	int err = 0;

	for (size_t i = 0; i < stack->frame_cnt; i++)
		err |= json_array_append_new(array, make_frame(&stack->frames[i]));
	return json_object_set_new_nocheck(object, "frames", array) | err;
}

static void write_site(struct report *report, const struct type_stacks *type,
		       const struct alloc_stack *stack, double time_s)
{
	json_t *object = json_object_begin(report, "site", time_s);
	double share = type->allocs ? (double)stack->allocs / (double)type->allocs : 0;
	int err = 0;

	err |= json_put_string(object, "type", stack->type);
	err |= json_put_real(object, "share", share);
	err |= json_put_u64(object, "allocs", stack->allocs);
	err |= json_put_u64(object, "bytes", stack->bytes);
	err |= json_put_u64(object, "alive", stack->alive);
	err |= json_put_u64(object, "alive_bytes", stack->alive_bytes);
	err |= put_frames(object, stack);
	err |= json_put_bool(object, "cut", stack->is_cut);
	json_object_end(report, object, err);
}

void json_write_stacks(struct report *report, const struct alloc_stacks *stacks, size_t limit)
{
	double time_s = json_time_now();
	size_t i = 0;

	write_header(report, stacks, time_s);
	while (i < stacks->cnt) {
		struct type_stacks type = stack_type_at(stacks, i);

		for (size_t k = 0; k < type.cnt && (limit == 0 || k < limit); k++)
			write_site(report, &type, &type.items[k], time_s);
		i += type.cnt;
	}
}

/* What is known from the second census on. */
static int put_drift(json_t *object, bool known, int64_t drift)
{
	if (known)
		return json_put_i64(object, "drift", drift);
	return json_object_set_new_nocheck(object, "drift", json_null());
}

static json_t *make_type(const struct exact_counts *counts, const struct exact_type *type, int *err)
{
	json_t *row = json_object();

	*err = json_put_string(row, "name", type->name);
	*err |= json_put_bool(row, "own", type->own);
	*err |= json_put_bool(row, "anchored", type->anchored);
	*err |= json_put_bool(row, "gone", type->is_dead);
	*err |= json_put_i64(row, "live", type->live);
	*err |= json_put_u64(row, "allocs", type->allocs);
	*err |= json_put_u64(row, "frees", type->frees);
	*err |= json_put_real(row, "alloc_per_s", type->alloc_per_s);
	*err |= json_put_real(row, "free_per_s", type->free_per_s);
	*err |= put_drift(row, type->anchored && counts->censuses >= 2, type->drift);
	*err |= json_put_u64(row, "free_list", type->free_list);
	return row;
}

void json_write_exact(struct report *report, double watch_s, const struct exact_counts *counts,
		      size_t limit)
{
	json_t *object = json_object_begin(report, "exact", json_time_now());
	size_t written = 0;
	int err = 0;

	err |= json_put_real(object, "watch_s", watch_s);
	err |= json_put_real(object, "elapsed_s", counts->elapsed_s);
	err |= json_put_real(object, "interval_s", counts->interval_s);
	err |= json_put_u64(object, "allocs", counts->allocs);
	err |= json_put_u64(object, "frees", counts->frees);
	err |= json_put_real(object, "alloc_per_s", counts->alloc_per_s);
	err |= json_put_real(object, "free_per_s", counts->free_per_s);
	err |= json_put_u64(object, "censuses", counts->censuses);
	err |= put_drift(object, counts->censuses >= 2,
			 counts->drift > INT64_MAX ? INT64_MAX : (int64_t)counts->drift);
	err |= json_put_u64(object, "anchored_live", counts->anchored_live);
	err |= json_put_real(object, "target_share", counts->target_share);
	err |= json_put_losses(object, counts->losses, counts->loss_cnt);
	if (!json_line_open(report, object, err))
		return;
	json_line_array(report, "types");
	for (size_t i = 0; i < counts->cnt && (limit == 0 || i < limit); i++) {
		json_t *row = make_type(counts, &counts->types[i], &err);

		json_line_row(report, row, err, &written);
	}
	json_line_array_end(report);
	json_line_close(report);
}
