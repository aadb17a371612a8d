/* SPDX-License-Identifier: BSD-2-Clause */
/* A snapshot and its tables as JSON. As elsewhere a table is one object with an array. */
#include "report/report_json.h"

#include <inttypes.h>
#include <stdio.h>

#include "report/heap_words.h"
#include "report/json_util.h"

static bool is_shown(size_t i, size_t limit)
{
	return limit == 0 || i < limit;
}

void json_write_snapshot(struct report *report, const struct graph_info *info,
			 const struct heap_totals *totals)
{
	json_t *object = json_object_begin(report, "snapshot", json_time_now());
	json_t *loss = json_object();
	char version[32];
	int err = 0;

	snprintf(version, sizeof(version), "3.%" PRIu32 ".%" PRIu32, info->minor, info->micro);
	err |= json_put_u64(object, "process", info->pid);
	err |= json_put_string(object, "program", info->program);
	err |= json_put_string(object, "version", version);
	err |= json_put_real(object, "taken", info->time);
	err |= json_put_bool(object, "paused", info->paused);
	err |= json_put_u64(object, "searched", info->searched);
	err |= json_put_u64(object, "sampled", info->sampled);
	err |= json_put_real(object, "pause_s", info->pause_s);
	err |= json_put_real(object, "build_s", info->build_s);
	err |= json_put_u64(object, "copied", info->copied);
	err |= json_put_u64(object, "objects", totals->objects);
	err |= json_put_u64(object, "bytes", totals->bytes);
	err |= json_put_u64(object, "references", totals->references);
	err |= json_put_u64(object, "types", totals->types);
	err |= json_put_u64(loss, "torn", info->loss.torn);
	err |= json_put_u64(loss, "unreadable", info->loss.unreadable);
	err |= json_put_u64(loss, "no_object", info->loss.no_object);
	err |= json_put_u64(loss, "limit", info->loss.limit);
	err |= json_object_set_new_nocheck(object, "loss", loss);
	json_object_end(report, object, err);
}

void json_write_holders(struct report *report, const struct heap_graph *graph,
			const struct dominators *dominators, const uint32_t *nodes,
			const struct path_shape *ways, size_t cnt)
{
	double time_s = json_time_now();

	for (size_t i = 0; i < cnt; i++) {
		json_t *object = json_object_begin(report, "holder", time_s);
		int err = 0;

		err |= json_put_string(object, "type", graph_type_name(graph, nodes[i]));
		err |= json_put_address(object, "address", graph->nodes[nodes[i]].address);
		err |= json_put_u64(object, "retained_objects", dominators->objects[nodes[i]]);
		err |= json_put_u64(object, "retained_bytes", dominators->bytes[nodes[i]]);
		err |= json_put_way(object, graph, &ways[i]);
		json_object_end(report, object, err);
	}
}

void json_write_audit(struct report *report, const struct heap_graph *graph,
		      const struct audit *audit, size_t limit)
{
	json_t *object = json_object_begin(report, "audit", json_time_now());
	json_t *array = json_array();
	int err = 0;

	err |= json_put_u64(object, "objects", audit->objects);
	err |= json_put_u64(object, "negative", audit->negative);
	err |= json_put_u64(object, "immortal", audit->immortal);
	for (size_t i = 0; i < audit->cnt && is_shown(i, limit); i++) {
		const struct audit_row *r = &audit->rows[i];
		json_t *row = json_object();

		err |= json_put_string(row, "type", heap_type_raw(graph, r->type));
		err |= json_put_u64(row, "objects", r->objects);
		err |= json_put_u64(row, "excess", r->excess);
		err |= json_put_u64(row, "only", r->only);
		err |= json_put_address(
			row, "example",
			r->example < graph->node_cnt ? graph->nodes[r->example].address : 0);
		err |= json_array_append_new(array, row);
	}
	err |= json_object_set_new_nocheck(object, "types", array);
	json_object_end(report, object, err);
}

void json_write_diff(struct report *report, const struct diff *diff, size_t limit)
{
	json_t *object = json_object_begin(report, "diff", json_time_now());
	json_t *array = json_array();
	int err = json_put_bool(object, "same_process", diff->same_process);

	for (size_t i = 0; i < diff->cnt && is_shown(i, limit); i++) {
		const struct diff_row *r = &diff->rows[i];
		json_t *row = json_object();

		err |= json_put_string(row, "type", r->name);
		err |= json_put_u64(row, "before", r->before);
		err |= json_put_u64(row, "after", r->after);
		if (diff->same_process)
			err |= json_put_u64(row, "fresh", r->fresh);
		else
			err |= json_object_set_new_nocheck(row, "fresh", json_null());
		err |= json_put_u64(row, "bytes_before", r->bytes_before);
		err |= json_put_u64(row, "bytes_after", r->bytes_after);
		err |= json_put_u64(row, "excess_before", r->excess_before);
		err |= json_put_u64(row, "excess_after", r->excess_after);
		err |= json_array_append_new(array, row);
	}
	err |= json_object_set_new_nocheck(object, "types", array);
	json_object_end(report, object, err);
}

void json_write_all_types(struct report *report, const struct heap_graph *graph,
			  const struct type_total *rows, size_t cnt, size_t limit)
{
	json_t *object = json_object_begin(report, "all_types", json_time_now());
	json_t *array = json_array();
	int err = 0;

	for (size_t i = 0; i < cnt && is_shown(i, limit); i++) {
		bool known = rows[i].type < graph->type_cnt;
		json_t *row = json_object();

		err |= json_put_string(row, "type", heap_type_raw(graph, rows[i].type));
		err |= json_put_bool(row, "own", known && graph->types[rows[i].type].own);
		err |= json_put_u64(row, "objects", rows[i].objects);
		err |= json_put_u64(row, "bytes", rows[i].bytes);
		err |= json_array_append_new(array, row);
	}
	err |= json_object_set_new_nocheck(object, "types", array);
	json_object_end(report, object, err);
}
