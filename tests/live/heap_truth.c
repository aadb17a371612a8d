/* SPDX-License-Identifier: BSD-2-Clause */
#include "heap_truth.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "attach/gc_lists.h"
#include "attach/python.h"
#include "attach/target.h"
#include "base/cleanup.h"
#include "snapshot/build.h"
#include "snapshot/image.h"

struct heap_graph *graph_of(pid_t pid)
{
	static struct python python;
	struct image_options options = {};
	struct heap_graph *graph = NULL;
	struct gc_lists lists;
	struct target target;
	struct image *image;

	cr_assert_eq(target_open(pid, &target), 0);
	cr_assert_eq(python_find(&target, &python), 0);
	cr_assert_eq(gc_lists_find(&python, target.remote, &lists), 0);
	cr_assert_eq(image_take(&target, &lists, &options, &image), 0);
	cr_assert_eq(graph_build(image, &python, &lists, NULL, 0, &graph), 0);
	image_destroy(image);
	python_close(&python);
	target_close(&target);
	return graph;
}

static int by_object(const void *a, const void *b)
{
	const struct truth_row *left = a, *right = b;

	return left->object < right->object ? -1 : left->object > right->object;
}

void truth_load(const char *path, struct truth *out)
{
	_cleanup_fclose_ FILE *file = fopen(path, "re");
	struct stat info;
	size_t words, at = 0;

	cr_assert(file, "%s", path);
	cr_assert_eq(fstat(fileno(file), &info), 0);
	words = (size_t)info.st_size / 8;
	out->words = malloc(words * 8 + 8);
	out->rows = malloc((words + 1) * sizeof(*out->rows));
	cr_assert(out->words && out->rows);
	cr_assert_eq(fread(out->words, 8, words, file), words);
	for (out->cnt = 0; at + 1 < words; out->cnt++) {
		out->rows[out->cnt] = (struct truth_row){ out->words[at], out->words + at + 2,
							  out->words[at + 1] };
		at += 2 + out->words[at + 1];
	}
	qsort(out->rows, out->cnt, sizeof(*out->rows), by_object);
}

const struct truth_row *truth_find(const struct truth *truth, uint64_t object)
{
	struct truth_row key = { .object = object };

	return bsearch(&key, truth->rows, truth->cnt, sizeof(key), by_object);
}

void truth_free(struct truth *truth)
{
	free(truth->words);
	free(truth->rows);
}

static int by_word(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return left < right ? -1 : left > right;
}

/* What tp_traverse visits, by our account; sorted. */
static uint64_t *visited(const struct heap_graph *graph, uint32_t node, size_t *cnt)
{
	uint32_t begin = graph->first[node], end = graph->first[node + 1];
	uint64_t *words = malloc((end - begin + 1) * sizeof(*words));

	cr_assert(words);
	*cnt = 0;
	for (uint32_t e = begin; e < end; e++) {
		const struct graph_edge *edge = &graph->edges[e];

		if (!edge->hidden && edge->kind != EDGE_WEAK)
			words[(*cnt)++] = graph->nodes[edge->to].address;
	}
	qsort(words, *cnt, sizeof(*words), by_word);
	return words;
}

static void show_extra(const struct heap_graph *graph, uint32_t node, uint64_t address)
{
	for (uint32_t e = graph->first[node]; e < graph->first[node + 1]; e++) {
		const struct graph_edge *edge = &graph->edges[e];

		if (graph->nodes[edge->to].address == address)
			fprintf(stderr, "extra: %s at %#" PRIx64 " -> %s at %#" PRIx64 ", %u %u\n",
				graph_type_name(graph, node), graph->nodes[node].address,
				graph_type_name(graph, edge->to), address, edge->kind, edge->value);
	}
}

static void show_missing(const struct heap_graph *graph, uint32_t node, uint64_t address)
{
	const char *type = "no node";

	for (uint32_t n = 1; n < graph->node_cnt; n++) {
		if (graph->nodes[n].address == address)
			type = graph_type_name(graph, n);
	}
	fprintf(stderr, "missing: %s at %#" PRIx64 " -> %s at %#" PRIx64 "\n",
		graph_type_name(graph, node), graph->nodes[node].address, type, address);
}

static void compare_node(const struct heap_graph *graph, uint32_t node, const struct truth_row *row,
			 uint64_t *missing, uint64_t *extra)
{
	size_t cnt, ours_at = 0, row_at = 0;
	_cleanup_free_ uint64_t *ours = visited(graph, node, &cnt);
	_cleanup_free_ uint64_t *theirs = malloc((row->cnt + 1) * sizeof(*theirs));
	bool show = getenv("PYLEAK_SHOW"); /* for whoever looks for the reason */

	cr_assert(theirs);
	memcpy(theirs, row->referents, row->cnt * sizeof(*theirs));
	qsort(theirs, row->cnt, sizeof(*theirs), by_word);
	while (ours_at < cnt || row_at < row->cnt) {
		if (row_at == row->cnt || (ours_at < cnt && ours[ours_at] < theirs[row_at])) {
			++*extra;
			if (show)
				show_extra(graph, node, ours[ours_at]);
			ours_at++;
		} else if (ours_at == cnt || theirs[row_at] < ours[ours_at]) {
			++*missing;
			if (show)
				show_missing(graph, node, theirs[row_at]);
			row_at++;
		} else {
			ours_at++;
			row_at++;
		}
	}
}

void truth_compare(const struct heap_graph *graph, const struct truth *truth,
		   struct mismatch *by_type, uint64_t *unknown_objects)
{
	*unknown_objects = 0;
	for (uint32_t n = 1; n < graph->node_cnt; n++) {
		const struct graph_node *node = &graph->nodes[n];
		struct mismatch *tally = &by_type[node->type];
		const struct truth_row *row;

		if (!(node->flags & NODE_TRACKED))
			continue;
		row = truth_find(truth, node->address);
		if (!row) {
			++*unknown_objects;
			continue;
		}
		if (node->flags & NODE_FIXED) {
			tally->objects++;
			compare_node(graph, n, row, &tally->missing, &tally->extra);
		} else {
			tally->guessed++;
			compare_node(graph, n, row, &tally->guess_missing, &tally->guess_extra);
		}
	}
}
