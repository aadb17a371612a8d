/* SPDX-License-Identifier: BSD-2-Clause */
#include "analyse/diff.h"

#include <errno.h>
#include <string.h>

#include "analyse/audit.h"
#include "analyse/keymap.h"
#include "analyse/places.h"
#include "base/cleanup.h"

struct comparison {
	const struct heap_graph *before, *after;
	uint32_t *row_before, *row_after; /* of a type */
	struct diff diff;
};

static bool same_process(const struct heap_graph *before, const struct heap_graph *after)
{
	return before->info.pid == after->info.pid &&
	       !strcmp(before->info.program, after->info.program);
}

static bool is_object(const struct heap_graph *graph, uint32_t node)
{
	return !(graph->nodes[node].flags & NODE_PSEUDO);
}

/* One row for a name, however many types have it: a class made anew by every call is one. */
static int name_rows(struct diff *diff, struct keymap *map, const struct heap_graph *graph,
		     uint32_t *rows)
{
	for (uint32_t t = 0; t < graph->type_cnt; t++) {
		const char *name = graph_name(graph, graph->types[t].name);

		if (keymap_add(map, key_text(KEY_TEXT_START, name), (uint32_t)diff->cnt, &rows[t]))
			return -ENOMEM;
		if (rows[t] == diff->cnt)
			diff->rows[diff->cnt++].name = name;
	}
	return 0;
}

static int name_all(struct comparison *c)
{
	struct keymap map;
	int err = keymap_init(&map);

	/* The names of the newer graph come first, so that they are the ones used. */
	if (!err)
		err = name_rows(&c->diff, &map, c->after, c->row_after);
	if (!err)
		err = name_rows(&c->diff, &map, c->before, c->row_before);
	keymap_deinit(&map);
	return err;
}

static void count_objects(struct comparison *c)
{
	for (uint32_t n = 0; n < c->before->node_cnt; n++) {
		struct diff_row *row = &c->diff.rows[c->row_before[c->before->nodes[n].type]];

		if (!is_object(c->before, n))
			continue;
		row->before++;
		row->bytes_before += c->before->nodes[n].bytes;
	}
	for (uint32_t n = 0; n < c->after->node_cnt; n++) {
		struct diff_row *row = &c->diff.rows[c->row_after[c->after->nodes[n].type]];

		if (!is_object(c->after, n))
			continue;
		row->after++;
		row->bytes_after += c->after->nodes[n].bytes;
	}
}

static int count_excess(struct comparison *c)
{
	struct audit audit;

	if (audit_refcounts(c->before, &audit))
		return -ENOMEM;
	for (size_t i = 0; i < audit.cnt; i++)
		c->diff.rows[c->row_before[audit.rows[i].type]].excess_before +=
			audit.rows[i].excess;
	audit_deinit(&audit);
	if (audit_refcounts(c->after, &audit))
		return -ENOMEM;
	for (size_t i = 0; i < audit.cnt; i++)
		c->diff.rows[c->row_after[audit.rows[i].type]].excess_after += audit.rows[i].excess;
	audit_deinit(&audit);
	return 0;
}

/* The objects of a graph whose types have a number other than NODE_NONE, sorted. */
static int list_places(const struct heap_graph *graph, const uint32_t *numbers, struct place **out,
		       size_t *out_cnt)
{
	struct place *places = malloc(((size_t)graph->node_cnt + 1) * sizeof(*places));
	size_t cnt = 0;

	if (!places)
		return -ENOMEM;
	for (uint32_t n = 0; n < graph->node_cnt; n++) {
		uint32_t number = numbers[graph->nodes[n].type];

		if (number != NODE_NONE && is_object(graph, n))
			places[cnt++] = (struct place){ graph->nodes[n].address, n, number };
	}
	if (places_sort(&places, cnt)) {
		free(places);
		return -ENOMEM;
	}
	*out = places;
	*out_cnt = cnt;
	return 0;
}

/* The objects of `after` that were not in `before`. */
static int list_fresh(const struct heap_graph *before, const uint32_t *numbers_before,
		      const struct heap_graph *after, const uint32_t *numbers_after,
		      struct place **out, size_t *out_cnt)
{
	_cleanup_free_ struct place *old = NULL;
	_cleanup_free_ struct place *all = NULL;
	size_t old_cnt, all_cnt;

	if (list_places(before, numbers_before, &old, &old_cnt) ||
	    list_places(after, numbers_after, &all, &all_cnt))
		return -ENOMEM;
	*out_cnt = places_subtract(all, all_cnt, old, old_cnt);
	*out = take_ptr(all);
	return 0;
}

static int count_fresh(struct comparison *c)
{
	_cleanup_free_ struct place *fresh = NULL;
	size_t cnt;

	if (!c->diff.same_process)
		return 0;
	if (list_fresh(c->before, c->row_before, c->after, c->row_after, &fresh, &cnt))
		return -ENOMEM;
	for (size_t i = 0; i < cnt; i++)
		c->diff.rows[fresh[i].name].fresh++;
	return 0;
}

static int most_growth_first(const void *a, const void *b)
{
	const struct diff_row *x = a, *y = b;
	int64_t objects_x = (int64_t)(x->after - x->before);
	int64_t objects_y = (int64_t)(y->after - y->before);
	int64_t bytes_x = (int64_t)(x->bytes_after - x->bytes_before);
	int64_t bytes_y = (int64_t)(y->bytes_after - y->bytes_before);

	if (objects_x != objects_y)
		return objects_x > objects_y ? -1 : 1;
	if (bytes_x != bytes_y)
		return bytes_x > bytes_y ? -1 : 1;
	return strcmp(x->name, y->name);
}

/* Without rows of types that have no objects. */
static void sort_rows(struct diff *diff)
{
	size_t kept = 0;

	for (size_t i = 0; i < diff->cnt; i++) {
		if (diff->rows[i].before || diff->rows[i].after)
			diff->rows[kept++] = diff->rows[i];
	}
	diff->cnt = kept;
	qsort(diff->rows, diff->cnt, sizeof(*diff->rows), most_growth_first);
}

int diff_graphs(const struct heap_graph *before, const struct heap_graph *after, struct diff *out)
{
	size_t before_cnt = (size_t)before->type_cnt + 1, after_cnt = (size_t)after->type_cnt + 1;
	_cleanup_free_ uint32_t *row_before = malloc(before_cnt * sizeof(*row_before));
	_cleanup_free_ uint32_t *row_after = malloc(after_cnt * sizeof(*row_after));
	_cleanup_free_ struct diff_row *rows = calloc(before_cnt + after_cnt, sizeof(*rows));
	struct comparison c = {
		.before = before,
		.after = after,
		.row_before = row_before,
		.row_after = row_after,
		.diff = { .rows = rows, .same_process = same_process(before, after) },
	};
	int err = row_before && row_after && rows ? name_all(&c) : -ENOMEM;

	if (err)
		return err;
	count_objects(&c);
	err = count_excess(&c);
	if (!err)
		err = count_fresh(&c);
	if (err)
		return err;
	sort_rows(&c.diff);
	take_ptr(rows);
	*out = c.diff;
	return 0;
}

void diff_deinit(struct diff *diff)
{
	free(diff->rows);
	memset(diff, 0, sizeof(*diff));
}

int64_t diff_fresh(const struct heap_graph *before, const struct heap_graph *after, uint32_t type,
		   uint32_t *out)
{
	const char *name = graph_name(after, after->types[type].name);
	_cleanup_free_ uint32_t *old = malloc(((size_t)before->type_cnt + 1) * sizeof(*old));
	_cleanup_free_ uint32_t *new = malloc(((size_t)after->type_cnt + 1) * sizeof(*new));
	_cleanup_free_ struct place *fresh = NULL;
	size_t cnt;

	if (!same_process(before, after))
		return 0;
	if (!old || !new)
		return -ENOMEM;
	for (uint32_t t = 0; t < before->type_cnt; t++)
		old[t] = strcmp(graph_name(before, before->types[t].name), name) ? NODE_NONE : 0;
	for (uint32_t t = 0; t < after->type_cnt; t++)
		new[t] = t == type ? 0 : NODE_NONE;
	if (list_fresh(before, old, after, new, &fresh, &cnt))
		return -ENOMEM;
	for (size_t i = 0; i < cnt; i++)
		out[i] = fresh[i].what;
	return (int64_t)cnt;
}
