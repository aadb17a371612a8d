/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/heap_show.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analyse/audit.h"
#include "analyse/picture.h"
#include "analyse/retained.h"
#include "analyse/totals.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "report/dot.h"

#define MAX_SHAPES 1000
#define MAX_CANDIDATES 20
#define MAX_HOLDERS 20

int heap_view_open(const struct heap_graph *graph, struct heap_view *out)
{
	int err;

	memset(out, 0, sizeof(*out));
	out->graph = graph;
	err = path_tree_build(graph, &out->tree);
	if (!err) {
		err = cycles_find(graph, &out->cycles);
		if (err)
			path_tree_deinit(&out->tree);
	}
	return err;
}

void heap_view_close(struct heap_view *view)
{
	path_tree_deinit(&view->tree);
	cycles_deinit(&view->cycles);
}

int heap_show_snapshot(struct report *report, const struct heap_graph *graph)
{
	struct heap_totals totals;
	_cleanup_free_ struct type_total *rows = NULL;
	size_t cnt;
	int err = totals_by_type(graph, &totals, &rows, &cnt);

	if (!err)
		report->ops->snapshot(report, &graph->info, &totals);
	return err;
}

int heap_show_paths(struct report *report, const struct heap_view *view, const uint32_t *nodes,
		    size_t cnt, uint64_t address, size_t limit)
{
	struct type_paths shown = { .address = address };
	struct paths paths;
	int err;

	if (!cnt)
		return 0;
	err = paths_aggregate(view->graph, &view->tree, &view->cycles, nodes, cnt, MAX_SHAPES,
			      &paths);
	if (err)
		return err;
	/* What a search found is not all that they hold. */
	if (!view->graph->info.searched)
		err = retained_by(view->graph, nodes, cnt, &shown.retained);
	if (!err) {
		shown.type = view->graph->nodes[nodes[0]].type;
		shown.paths = &paths;
		report->ops->paths(report, view->graph, &shown, limit);
	}
	paths_deinit(&paths);
	return err;
}

static bool has_member(const struct cycle_group *group, uint32_t type)
{
	for (size_t i = 0; i < group->member_cnt; i++) {
		if (group->members[i].type == type)
			return true;
	}
	return false;
}

int heap_cycles_of(const struct heap_view *view, uint32_t type, struct cycles *out)
{
	memset(out, 0, sizeof(*out));
	out->groups = calloc(view->cycles.cnt + 1, sizeof(*out->groups));
	if (!out->groups)
		return -ENOMEM;
	for (size_t i = 0; i < view->cycles.cnt; i++) {
		const struct cycle_group *group = &view->cycles.groups[i];

		if (group->classes || !has_member(group, type))
			continue;
		out->groups[out->cnt++] = *group;
		out->cycles += group->cycles;
		out->objects += group->objects;
		out->bytes += group->bytes;
	}
	return 0;
}

/* `empty`: also when there is nothing to tell. */
static int show_audit(struct report *report, const struct heap_graph *graph, size_t limit,
		      bool empty)
{
	struct audit audit;
	int err = audit_refcounts(graph, &audit);

	if (err)
		return err;
	if (audit.cnt || empty)
		report->ops->audit(report, graph, &audit, limit);
	audit_deinit(&audit);
	return 0;
}

int heap_show_excess(struct report *report, const struct heap_graph *graph, size_t limit)
{
	return show_audit(report, graph, limit, false);
}

/* Whose the objects are that retain most. */
static int show_holders(struct report *report, const struct heap_graph *graph,
			const struct dominators *dominators, size_t limit)
{
	struct path_shape ways[MAX_HOLDERS] = {};
	uint32_t top[MAX_HOLDERS];
	struct path_tree tree;
	int64_t cnt =
		dominators_top(graph, dominators, top, limit < MAX_HOLDERS ? limit : MAX_HOLDERS);
	int err = cnt < 0 ? (int)cnt : path_tree_build(graph, &tree);

	if (err)
		return err;
	for (int64_t i = 0; i < cnt && err != -ENOMEM; i++) {
		err = path_of_node(graph, &tree, NULL, top[i], &ways[i]);
		if (err)
			ways[i].root = NODE_NONE;
	}
	path_tree_deinit(&tree);
	if (err != -ENOMEM)
		report->ops->holders(report, graph, dominators, top, ways, (size_t)cnt);
	for (int64_t i = 0; i < cnt; i++)
		free(ways[i].steps);
	return err == -ENOMEM ? err : 0;
}

/* The whole heap at a glance: what retains most, and references that nobody holds. */
int heap_show_overview(struct report *report, const struct heap_graph *graph, size_t limit)
{
	struct dominators dominators;
	int err = dominators_build(graph, &dominators);

	if (err)
		return err;
	err = show_holders(report, graph, &dominators, limit);
	dominators_deinit(&dominators);
	return err ? err : show_audit(report, graph, limit, true);
}

uint32_t heap_find_object(const struct heap_graph *graph, uint64_t address)
{
	for (uint32_t n = 1; n < graph->node_cnt; n++) {
		if (graph->nodes[n].address == address && !(graph->nodes[n].flags & NODE_PSEUDO))
			return n;
	}
	return NODE_NONE;
}

static bool has_objects(const struct heap_graph *graph, uint32_t type)
{
	for (uint32_t n = 1; n < graph->node_cnt; n++) {
		if (graph->nodes[n].type == type)
			return true;
	}
	return false;
}

int heap_find_type(const struct heap_graph *graph, const char *name, uint32_t *out)
{
	uint32_t found[MAX_CANDIDATES];
	size_t cnt = graph_find_types(graph, name, found, MAX_CANDIDATES), with_objects = 0;
	char list[512] = "";

	if (cnt > MAX_CANDIDATES)
		cnt = MAX_CANDIDATES;
	for (size_t i = 0; i < cnt; i++) {
		const char *full = graph_name(graph, graph->types[found[i]].name);

		if (!has_objects(graph, found[i]))
			continue;
		*out = found[i];
		with_objects++;
		snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s%s",
			 list[0] ? ", " : "", full);
	}
	if (with_objects == 1)
		return 0;
	if (!cnt || !with_objects) {
		pr_error("backrefs: no object of a type %s in the heap: pyleak-bpf types --all "
			 "lists the types",
			 name);
		return -ENOENT;
	}
	pr_error("backrefs: %s names several types: %s; say which with its module", name, list);
	return -EINVAL;
}

int heap_write_dot(const struct heap_view *view, const uint32_t *nodes, size_t cnt,
		   unsigned int limit, unsigned int depth, const char *path, FILE *out)
{
	struct picture_options options = { .limit = limit, .depth = depth };
	_cleanup_fclose_ FILE *file = path ? fopen(path, "we") : NULL;
	struct referrers referrers;
	struct picture picture;
	int err;

	if (path && !file) {
		err = -errno;
		pr_error("picture: %s cannot be written: %s", path, strerror(-err));
		return err;
	}
	err = graph_referrers(view->graph, &referrers);
	if (err)
		return err;
	if (cnt == 1)
		err = picture_of_object(view->graph, &referrers, &view->cycles, nodes[0], &options,
					&picture);
	else
		err = picture_of_objects(view->graph, &referrers, &view->cycles, nodes, cnt,
					 &options, &picture);
	if (!err) {
		err = dot_write(path ? file : out, view->graph, &picture);
		picture_deinit(&picture);
	}
	referrers_deinit(&referrers);
	if (err)
		pr_error("picture: %s: %s", path ? path : "standard output", strerror(-err));
	return err;
}
