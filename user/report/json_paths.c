/* SPDX-License-Identifier: BSD-2-Clause */
/* Ways and cycles as JSON: an object for each, so that a reader can take them one by one. */
#include "report/report_json.h"

#include <inttypes.h>
#include <stdio.h>

#include "report/heap_words.h"
#include "report/json_util.h"

/* NULL for "", which stands for no name. */
static const char *name_or_null(const struct heap_graph *graph, uint32_t name)
{
	const char *raw = graph_name(graph, name);

	return *raw ? raw : NULL;
}

static int put_steps(json_t *object, const struct heap_graph *graph, const struct path_shape *shape)
{
	json_t *array = json_array();
	int err = 0;

	for (size_t i = 0; shape && i < shape->step_cnt; i++) {
		const struct path_step *step = &shape->steps[i];
		json_t *row = json_object();

		err |= json_put_string(row, "type", heap_type_raw(graph, step->type));
		err |= json_put_string(row, "kind", heap_edge_kind(step->kind));
		err |= json_put_string(row, "name", name_or_null(graph, step->name));
		err |= json_put_bool(row, "cycle", step->cycle);
		err |= json_put_bool(row, "repeats", step->repeats);
		err |= json_array_append_new(array, row);
	}
	return json_object_set_new_nocheck(object, "steps", array) | err;
}

static int put_root(json_t *object, const struct heap_graph *graph, const struct path_shape *shape)
{
	const struct graph_root *root;
	json_t *part;
	int err = 0;

	if (!shape || shape->root >= graph->root_cnt)
		return json_object_set_new_nocheck(object, "root", json_null());
	root = &graph->roots[shape->root];
	part = json_object();
	err |= json_put_string(part, "kind", heap_root_kind(root->kind));
	err |= json_put_string(part, "name", name_or_null(graph, root->name));
	return json_object_set_new_nocheck(object, "root", part) | err;
}

int json_put_way(json_t *object, const struct heap_graph *graph, const struct path_shape *shape)
{
	return put_steps(object, graph, shape) | put_root(object, graph, shape);
}

static int put_retained(json_t *object, const struct retained *retained)
{
	int err = 0;

	if (retained->objects > 0) {
		err |= json_put_u64(object, "retained_objects", retained->objects);
		return json_put_u64(object, "retained_bytes", retained->bytes) | err;
	}
	err |= json_object_set_new_nocheck(object, "retained_objects", json_null());
	return json_object_set_new_nocheck(object, "retained_bytes", json_null()) | err;
}

/* `shape` NULL: the instances that no root holds. */
static void write_path(struct report *report, const struct heap_graph *graph,
		       const struct type_paths *tp, const struct path_shape *shape, double time_s)
{
	json_t *object = json_object_begin(report, "path", time_s);
	uint64_t instances = shape ? shape->instances : tp->paths->unreachable;
	double all = tp->paths->instances ? (double)tp->paths->instances : 1;
	char fingerprint[20];
	int err = 0;

	snprintf(fingerprint, sizeof(fingerprint), "%016" PRIx64, shape ? shape->fingerprint : 0);
	err |= json_put_string(object, "type", heap_type_raw(graph, tp->type));
	err |= json_put_address(object, "address", tp->address);
	err |= json_put_u64(object, "objects", tp->paths->instances);
	err |= put_retained(object, &tp->retained);
	err |= json_put_real(object, "share", (double)instances / all);
	err |= json_put_u64(object, "instances", instances);
	if (shape)
		err |= json_put_u64(object, "bytes", shape->bytes);
	else
		err |= json_object_set_new_nocheck(object, "bytes", json_null());
	err |= json_put_way(object, graph, shape);
	err |= json_put_string(object, "fingerprint", shape ? fingerprint : NULL);
	err |= json_put_address(object, "example",
				shape && shape->example < graph->node_cnt
					? graph->nodes[shape->example].address
					: 0);
	json_object_end(report, object, err);
}

void json_write_paths(struct report *report, const struct heap_graph *graph,
		      const struct type_paths *tp, size_t limit)
{
	double time_s = json_time_now();

	for (size_t i = 0; i < tp->paths->cnt && (limit == 0 || i < limit); i++)
		write_path(report, graph, tp, &tp->paths->shapes[i], time_s);
	if (tp->paths->unreachable > 0)
		write_path(report, graph, tp, NULL, time_s);
}

static json_t *link_object(const struct heap_graph *graph, const struct cycle_link *link)
{
	json_t *part = json_object();
	int err = 0;

	err |= json_put_string(part, "from", heap_type_raw(graph, link->from));
	err |= json_put_string(part, "to", heap_type_raw(graph, link->to));
	err |= json_put_string(part, "kind", heap_edge_kind(link->kind));
	err |= json_put_string(part, "name", name_or_null(graph, link->name));
	if (!err)
		return part;
	json_decref(part);
	return NULL;
}

static int put_members(json_t *object, const struct heap_graph *graph,
		       const struct cycle_group *group)
{
	json_t *array = json_array();
	int err = 0;

	for (size_t i = 0; i < group->member_cnt; i++) {
		json_t *row = json_object();

		err |= json_put_string(row, "type", heap_type_raw(graph, group->members[i].type));
		err |= json_put_u64(row, "objects", group->members[i].cnt);
		err |= json_array_append_new(array, row);
	}
	return json_object_set_new_nocheck(object, "members", array) | err;
}

static void write_cycle(struct report *report, const struct heap_graph *graph,
			const struct cycle_group *group, double time_s)
{
	json_t *object = json_object_begin(report, "cycle", time_s);
	json_t *ring = json_array(), *cut = json_array(), *breaks = json_array();
	int err = put_members(object, graph, group);

	for (size_t i = 0; i < group->ring_cnt; i++)
		err |= json_array_append_new(ring, link_object(graph, &group->ring[i]));
	err |= json_object_set_new_nocheck(object, "ring", ring);
	err |= json_put_u64(object, "cycles", group->cycles);
	err |= json_put_u64(object, "objects", group->objects);
	err |= json_put_u64(object, "bytes", group->bytes);
	err |= json_put_u64(object, "garbage", group->garbage);
	for (size_t i = 0; i < group->cut_cnt; i++) {
		err |= json_array_append_new(cut, link_object(graph, &group->cut[i]));
		err |= json_array_append_new(breaks,
					     json_integer((json_int_t)group->cut_breaks[i]));
	}
	err |= json_object_set_new_nocheck(object, "cut", cut);
	err |= json_object_set_new_nocheck(object, "cut_breaks", breaks);
	err |= json_put_u64(object, "examined", group->examined);
	err |= json_put_bool(object, "classes", group->classes);
	err |= json_put_address(
		object, "example",
		group->example < graph->node_cnt ? graph->nodes[group->example].address : 0);
	json_object_end(report, object, err);
}

void json_write_cycles(struct report *report, const struct heap_graph *graph,
		       const struct cycles *cycles, size_t limit)
{
	double time_s = json_time_now();

	for (size_t i = 0; i < cycles->cnt && (limit == 0 || i < limit); i++)
		write_cycle(report, graph, &cycles->groups[i], time_s);
}
