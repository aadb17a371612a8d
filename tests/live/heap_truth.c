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
	struct build_source source;
	struct gc_lists lists;
	struct target target;
	struct image *image;

	cr_assert_eq(target_open(pid, &target), 0);
	cr_assert_eq(python_find(&target, &python), 0);
	cr_assert_eq(gc_lists_find(&python, target.remote, &lists), 0);
	source = build_source_of(&python);
	cr_assert_eq(image_take(&target, &lists, &options, &image), 0);
	cr_assert_eq(graph_build(image, &source, &lists, NULL, 0, &graph), 0);
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

uint32_t node_at(const struct heap_graph *graph, uint64_t address)
{
	for (uint32_t n = 1; n < graph->node_cnt; n++) {
		if (graph->nodes[n].address == address && !(graph->nodes[n].flags & NODE_PSEUDO))
			return n;
	}
	return NODE_NONE;
}

char *path_in(pid_t pid, const char *path)
{
	char *whole;

	cr_assert(asprintf(&whole, "/proc/%d/root%s", pid, path) > 0);
	return whole;
}

struct words {
	uint64_t *at;
	size_t cnt, room;
};

static void words_add(struct words *words, const uint64_t *more, size_t cnt)
{
	if (words->cnt + cnt > words->room) {
		words->room = 2 * (words->cnt + cnt);
		words->at = realloc(words->at, words->room * sizeof(*words->at));
		cr_assert(words->at);
	}
	memcpy(words->at + words->cnt, more, cnt * sizeof(*more));
	words->cnt += cnt;
}

/* What tp_traverse visits, by our account, but for `without`. */
static void add_visited(const struct heap_graph *graph, uint32_t node, uint32_t without,
			struct words *out)
{
	for (uint32_t e = graph->first[node]; e < graph->first[node + 1]; e++) {
		const struct graph_edge *edge = &graph->edges[e];

		if (!edge->hidden && edge->kind != EDGE_WEAK && edge->to != without)
			words_add(out, &graph->nodes[edge->to].address, 1);
	}
}

/* For whoever looks for the reason. */
static void show(const struct heap_graph *graph, uint32_t node, const char *what, uint64_t address)
{
	uint32_t to = node_at(graph, address);
	const struct graph_edge *edge = NULL;

	if (!getenv("PYLEAK_SHOW"))
		return;
	for (uint32_t e = graph->first[node]; e < graph->first[node + 1]; e++) {
		if (graph->edges[e].to == to)
			edge = &graph->edges[e];
	}
	fprintf(stderr, "%s: %s at %#" PRIx64 " -> %s at %#" PRIx64 ", edge %d %d\n", what,
		graph_type_name(graph, node), graph->nodes[node].address,
		to == NODE_NONE ? "no node" : graph_type_name(graph, to), address,
		edge ? (int)edge->kind : -1, edge ? (int)edge->value : -1);
}

static void compare_words(const struct heap_graph *graph, uint32_t node, struct words *ours,
			  struct words *theirs, struct mismatch *out)
{
	size_t our = 0, their = 0;

	if (ours->cnt)
		qsort(ours->at, ours->cnt, sizeof(*ours->at), by_word);
	if (theirs->cnt)
		qsort(theirs->at, theirs->cnt, sizeof(*theirs->at), by_word);
	out->references += theirs->cnt;
	while (our < ours->cnt || their < theirs->cnt) {
		if (their == theirs->cnt ||
		    (our < ours->cnt && ours->at[our] < theirs->at[their])) {
			out->extra++;
			show(graph, node, "extra", ours->at[our++]);
		} else if (our == ours->cnt || theirs->at[their] < ours->at[our]) {
			out->missing++;
			show(graph, node, "missing", theirs->at[their++]);
		} else {
			our++;
			their++;
		}
	}
}

/* 3.13 and 3.14 up to 3.14.3: of an instance with values inside and a dict that shows them,
 * gc.get_referents() tells the values and not the dict. Here the dict has them, as it has later.
 * The dict of such a pair, or NODE_NONE. */
static uint32_t dict_not_told(const struct heap_graph *graph, uint32_t node,
			      const struct truth_row *row)
{
	const struct graph_info *info = &graph->info;

	if (info->minor != 13 && (info->minor != 14 || info->micro > 3))
		return NODE_NONE;
	for (uint32_t e = graph->first[node]; e < graph->first[node + 1]; e++) {
		uint32_t dict = graph->edges[e].to;
		bool told = false;

		if (graph->edges[e].kind != EDGE_DICT)
			continue;
		for (uint64_t i = 0; i < row->cnt; i++)
			told |= row->referents[i] == graph->nodes[dict].address;
		return told ? NODE_NONE : dict;
	}
	return NODE_NONE;
}

static void compare_node(const struct heap_graph *graph, uint32_t node, const struct truth *truth,
			 uint8_t *skip, struct comparison *out)
{
	const struct truth_row *row = truth_find(truth, graph->nodes[node].address), *dict_row;
	bool fixed = graph->nodes[node].flags & NODE_FIXED;
	struct mismatch *mismatch = fixed ? &out->fixed : &out->guessed;
	struct words ours = {}, theirs = {};
	uint32_t dict;

	if (!row) {
		out->unknown++;
		if (getenv("PYLEAK_SHOW"))
			fprintf(stderr, "unknown: %s at %#" PRIx64 "\n",
				graph_type_name(graph, node), graph->nodes[node].address);
		return;
	}
	mismatch->objects++;
	dict = dict_not_told(graph, node, row);
	add_visited(graph, node, dict, &ours);
	words_add(&theirs, row->referents, row->cnt);
	if (dict != NODE_NONE) {
		add_visited(graph, dict, NODE_NONE, &ours);
		dict_row = truth_find(truth, graph->nodes[dict].address);
		if (dict_row)
			words_add(&theirs, dict_row->referents, dict_row->cnt);
		skip[dict] = 1;
	}
	compare_words(graph, node, &ours, &theirs, mismatch);
	free(ours.at);
	free(theirs.at);
}

void truth_compare(const struct heap_graph *graph, const struct truth *truth,
		   struct comparison *out)
{
	_cleanup_free_ uint8_t *skip = calloc(graph->node_cnt + 1, 1);
	size_t seen = 0;

	cr_assert(skip);
	memset(out, 0, sizeof(*out));
	/* The variables of what runs change with every line. */
	for (uint32_t r = 0; r < graph->root_cnt; r++) {
		if (graph->roots[r].kind == ROOT_FRAME)
			skip[graph->roots[r].node] = 1;
	}
	/* An instance may settle the account of its dict: twice, the dicts then. */
	for (int dicts = 0; dicts < 2; dicts++) {
		for (uint32_t n = 1; n < graph->node_cnt; n++) {
			bool is_dict = graph_node_type(graph, n)->role == ROLE_DICT;

			if (!(graph->nodes[n].flags & NODE_TRACKED) || is_dict != dicts)
				continue;
			seen += truth_find(truth, graph->nodes[n].address) != NULL;
			if (!skip[n])
				compare_node(graph, n, truth, skip, out);
		}
	}
	out->absent = truth->cnt - seen;
	for (size_t i = 0; getenv("PYLEAK_SHOW") && i < truth->cnt; i++) {
		uint32_t node = node_at(graph, truth->rows[i].object);

		if (node == NODE_NONE || !(graph->nodes[node].flags & NODE_TRACKED))
			fprintf(stderr, "absent: %#" PRIx64 " %s\n", truth->rows[i].object,
				node == NODE_NONE ? "" : graph_type_name(graph, node));
	}
}
