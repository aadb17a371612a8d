/* SPDX-License-Identifier: BSD-2-Clause */
/* The readers of snapshot/refer*.c do the work: heap->search makes them ignore references that
 * are not looked for. Each level's holders are what the next one looks for, but for those that a
 * root is known to hold already. Few holders of an object and few objects of a level suffice: one
 * way to a root is asked for. */
#include "snapshot/search.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "collect/outside.h"
#include "snapshot/build.h"
#include "snapshot/roots.h"
#include "snapshot/search_graph.h"

#define MAX_OBJECTS (1ULL << 30)
#define TRIES 20
#define WAIT_NS 50000000L
#define TYPES_MOST 20

struct finder {
	struct heap heap;
	struct heap_search search;
	struct counts *counts;
	raddr_t *objects; /* that the GC tracks, by address */
	size_t object_cnt, object_room;
	uint32_t type;	      /* what is looked for */
	uint64_t step, seen;  /* of the sample: every so-manieth object */
	uint32_t level_first; /* the nodes from here on are those that the level before found */
};

/* ---- objects ---- */

static int note_object(raddr_t object, raddr_t type, void *context)
{
	struct finder *finder = context;

	heap_type_get(&finder->heap, type);
	if (finder->object_cnt == finder->object_room) {
		size_t room = finder->object_room ? 2 * finder->object_room : 65536;
		raddr_t *objects = realloc(finder->objects, room * sizeof(*objects));

		if (!objects)
			return -ENOMEM;
		finder->objects = objects;
		finder->object_room = room;
	}
	finder->objects[finder->object_cnt++] = object;
	return 0;
}

static int visit_suspect(struct finder *finder, const struct heap_type *type, raddr_t object)
{
	if (type->index != finder->type || finder->seen++ % finder->step ||
	    finder->heap.graph->info.sampled == SEARCH_SAMPLE)
		return 0;
	if (heap_node(&finder->heap, object) != NODE_NONE)
		finder->heap.graph->info.sampled++;
	return 0;
}

static int visit_holder(struct finder *finder, const struct heap_type *type, raddr_t object)
{
	struct heap *heap = &finder->heap;
	struct graph_node *scratch = &heap->graph->nodes[SEARCH_SCRATCH];
	uint32_t known = NODE_NONE;

	if (type->layout == HEAP_DICT)
		known = heap_foreign_node(heap, object);
	scratch->type = type->index;
	scratch->flags = known == NODE_NONE ? 0 : heap->graph->nodes[known].flags;
	heap->source = SEARCH_SCRATCH;
	heap->search->object = object;
	refer_object(heap, type, object);
	return heap->out_of_room ? -ENOMEM : 0;
}

static int compare_addresses(const void *a, const void *b)
{
	raddr_t x = *(const raddr_t *)a, y = *(const raddr_t *)b;

	return (x > y) - (x < y);
}

/* After a collection the lists are in the order of references, all over the memory. */
static int find_objects(struct finder *finder)
{
	static const struct timespec wait = { .tv_nsec = WAIT_NS };
	struct py_reader reader = finder->heap.reader;
	struct outside_walk outside = {
		.reader = &reader,
		.lists = finder->heap.lists,
		.max_objects = MAX_OBJECTS,
		.container_min = UINT64_MAX,
		.moving = true,
		.visit = note_object,
		.context = finder,
	};
	uint64_t objects;
	int err = -EAGAIN;

	reader.remote = finder->heap.image->target->remote;
	for (int i = 0; err == -EAGAIN && i < TRIES; i++) {
		if (i)
			nanosleep(&wait, NULL);
		counts_reset(finder->counts);
		finder->object_cnt = 0;
		outside.repairs = 0;
		err = outside_count(&outside, finder->counts, &objects);
	}
	if (!err && finder->object_cnt)
		qsort(finder->objects, finder->object_cnt, sizeof(*finder->objects),
		      compare_addresses);
	return err;
}

/* Calls `visit` for every object that still is one. */
static int each_object(struct finder *finder,
		       int (*visit)(struct finder *finder, const struct heap_type *type,
				    raddr_t object))
{
	struct remote *remote = finder->heap.image->target->remote;
	int err = remote_use_cache(remote);

	heap_limit_words(&finder->heap);
	for (size_t i = 0; !err && i < finder->object_cnt; i++) {
		raddr_t address = heap_word(&finder->heap, finder->objects[i] + 8);
		const struct heap_type *type = heap_type_get(&finder->heap, address);

		if (type)
			err = visit(finder, type, finder->objects[i]);
	}
	remote_drop_cache(remote);
	return err;
}

/* ---- what is looked for ---- */

struct type_choice {
	struct finder *finder;
	const char *name;
	uint64_t live; /* of the type that is called so */
	size_t cnt;
};

static void consider_type(const struct counted_type *counted, void *context)
{
	struct type_choice *choice = context;
	struct heap *heap = &choice->finder->heap;
	const struct heap_type *type = heap_type_get(heap, counted->address);
	uint32_t found[TYPES_MOST];
	size_t cnt = graph_find_types(heap->graph, choice->name, found, TYPES_MOST);

	for (size_t i = 0; type && counted->live && i < cnt && i < TYPES_MOST; i++) {
		if (found[i] != type->index)
			continue;
		choice->cnt++;
		choice->live = counted->live;
		choice->finder->type = type->index;
	}
}

static int find_type(struct finder *finder, const char *name)
{
	struct type_choice choice = { .finder = finder, .name = name };

	counts_each_type(finder->counts, consider_type, &choice);
	if (choice.cnt != 1) {
		pr_error(choice.cnt
				 ? "backrefs: %s names several types; say which with its module"
				 : "backrefs: no object of a type %s is tracked by the collector",
			 name);
		return choice.cnt ? -EINVAL : -ENOENT;
	}
	finder->heap.graph->info.searched = choice.live;
	finder->step = (choice.live + SEARCH_SAMPLE - 1) / SEARCH_SAMPLE;
	return each_object(finder, visit_suspect);
}

static int find_suspects(struct finder *finder, const struct search_options *options)
{
	finder->level_first = finder->heap.graph->node_cnt;
	if (options->type)
		return find_type(finder, options->type);
	if (heap_node(&finder->heap, options->address) == NODE_NONE) {
		pr_error("backrefs: no object at %#llx: it has gone, or it is no object",
			 (unsigned long long)options->address);
		return -ENOENT;
	}
	finder->heap.graph->info.searched = finder->heap.graph->info.sampled = 1;
	return 0;
}

/* ---- roots ---- */

/* The namespaces of modules are where most ways end: what they hold is read by name, and who
 * holds them is known. */
static void add_namespaces(struct finder *finder)
{
	struct heap *heap = &finder->heap;

	finder->search.object = 0;
	for (uint32_t r = 0; r < heap->graph->root_cnt; r++) {
		uint32_t node = heap->graph->roots[r].node, dict;

		if (heap->graph->roots[r].kind != ROOT_MODULE)
			continue;
		dict = heap_node(heap,
				 attribute_dict(heap, heap->by_index[heap->graph->nodes[node].type],
						heap->graph->nodes[node].address));
		if (dict == NODE_NONE)
			continue;
		heap->graph->nodes[dict].flags |= NODE_NAMESPACE;
		heap->source = node;
		heap_edge(heap, dict, EDGE_DICT, heap_name(heap, "__dict__"), false);
	}
}

static void read_pseudo_roots(struct finder *finder)
{
	struct heap *heap = &finder->heap;

	finder->search.object = 0;
	for (uint32_t r = 0; r < heap->graph->root_cnt; r++) {
		heap->source = heap->graph->roots[r].node;
		if (heap->graph->nodes[heap->source].flags & NODE_PSEUDO)
			refer_pseudo(heap, heap->source);
	}
}

/* ---- levels ---- */

/* Looks for the holders of what the level before found. `more`: there was something to look for.
 */
static int find_level(struct finder *finder, bool *more)
{
	struct heap_graph *graph = finder->heap.graph;
	_cleanup_free_ uint8_t *reached = search_reached(&finder->heap);
	uint32_t end = graph->node_cnt, cnt = 0;
	int err;

	if (!reached)
		return -ENOMEM;
	search_forget_wanted(&finder->search);
	for (uint32_t n = finder->level_first; n < end && cnt < SEARCH_LEVEL_MOST; n++) {
		if (reached[n])
			continue;
		search_want(&finder->search, graph->nodes[n].address);
		cnt++;
	}
	*more = cnt != 0;
	if (!cnt)
		return 0;
	finder->level_first = end;
	err = each_object(finder, visit_holder);
	read_pseudo_roots(finder);
	return err;
}

static int find(struct finder *finder, const struct search_options *options)
{
	unsigned int depth = options->depth ? options->depth : SEARCH_DEPTH;
	struct heap *heap = &finder->heap;
	uint32_t pseudo;
	bool more = true;
	int err;

	heap->search = &finder->search;
	if (heap_pseudo(heap, "<search>", 0) != SEARCH_SCRATCH)
		return -ENOMEM;
	pseudo = heap->graph->nodes[SEARCH_SCRATCH].type;
	add_python_roots(heap);
	add_namespaces(finder);
	err = find_objects(finder);
	if (!err)
		err = find_suspects(finder, options);
	for (unsigned int level = 0; !err && more && level < depth; level++)
		err = find_level(finder, &more);
	fields_check_report(heap);
	heap->graph->nodes[SEARCH_SCRATCH].type = pseudo;
	heap->graph->nodes[SEARCH_SCRATCH].flags = NODE_PSEUDO;
	return err ? err : search_finish(heap);
}

static void describe(const struct finder *finder, const struct target *target, uint64_t begin_ns)
{
	struct graph_info *info = &finder->heap.graph->info;
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	info->pid = (uint32_t)target->pid;
	info->minor = (uint32_t)finder->heap.minor;
	info->micro = (uint32_t)finder->heap.python->micro;
	info->time = (double)now.tv_sec + (double)now.tv_nsec / 1e9;
	info->build_s = (double)(clock_now_ns() - begin_ns) / 1e9;
	snprintf(info->program, sizeof(info->program), "%s", target->program);
}

static void finder_deinit(struct finder *finder)
{
	heap_deinit(&finder->heap);
	image_destroy(finder->heap.image);
	counts_destroy(finder->counts);
	free(finder->objects);
	free(finder->search.wanted);
	free(finder->search.sources);
}

int search_holders(struct target *target, const struct python *python, const struct gc_lists *lists,
		   const struct search_options *options, struct heap_graph **out)
{
	struct finder finder = {};
	struct build_source source = build_source_of(python);
	uint64_t begin_ns = clock_now_ns();
	struct image *image;
	int err = image_of_stream(target, &image);

	if (err)
		return err;
	err = heap_init(&finder.heap, image, &source, lists);
	if (!err && (search_make_wanted(&finder.search) || counts_create(&finder.counts)))
		err = -ENOMEM;
	if (!err)
		err = find(&finder, options);
	if (err && err != -ENOENT && err != -EINVAL)
		pr_error("backrefs: the search in process %d failed: %s", target->pid,
			 strerror(-err));
	if (err) {
		graph_destroy(finder.heap.graph);
	} else {
		describe(&finder, target, begin_ns);
		*out = finder.heap.graph;
	}
	finder_deinit(&finder);
	return err;
}
