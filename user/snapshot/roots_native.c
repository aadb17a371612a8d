/* SPDX-License-Identifier: BSD-2-Clause */
/* What Python's own references do not account for, native code holds: the copied memory is
 * searched for words that point to objects whose refcount is larger than the references found.
 * A word that was read as a reference already is none of those; a word that is left over from
 * something freed may be taken for one, so an object gets no more holders than its excess. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attach/elf_file.h"
#include "base/cleanup.h"
#include "snapshot/native_data.h"
#include "snapshot/roots.h"

#define MAX_HITS (1U << 20)
#define RED_ZONE 128 /* below the stack pointer */

enum place { PLACE_DATA, PLACE_STACK, PLACE_MALLOC, PLACE_CNT };

struct hit {
	uint32_t node;
	uint32_t place; /* enum place */
	raddr_t at;
	size_t region;
};

/* Memory of Python's own that is searched, and not native: interpreters and thread states. */
struct span {
	raddr_t from, to;
	enum root_kind kind;
	uint32_t name;
};

/* The symbol that an address lies in, and all of `from` .. `to` with it; no name: in none. */
struct symbol_range {
	uint64_t address;
	uint64_t from, to;
	const char *name;
};

struct search {
	struct heap *heap;
	struct span *spans;
	size_t span_cnt;
	uint32_t *excess; /* per node, of those that there were when the search began */
	uint32_t node_cnt;
	uint64_t left; /* sum of excess */
	struct hit *hits;
	size_t hit_cnt, hit_room;
	struct symbol_range symbol; /* of the last hit in the program's data */
};

static bool is_audited(const struct heap_graph *graph, uint32_t n)
{
	const struct graph_node *node = &graph->nodes[n];
	uint8_t role = graph->types[node->type].role;

	return !(node->flags & NODE_PSEUDO) && node->refcount != REFCOUNT_IMMORTAL &&
	       role != ROLE_STR && role != ROLE_NUMBER;
}

static int find_excess(struct search *search)
{
	const struct heap_graph *graph = search->heap->graph;
	_cleanup_free_ uint32_t *found = calloc(graph->node_cnt + 1ULL, sizeof(*found));

	search->node_cnt = graph->node_cnt;
	search->excess = calloc(graph->node_cnt + 1ULL, sizeof(*search->excess));
	if (!found || !search->excess)
		return -ENOMEM;
	graph_count_references(graph, found);
	for (uint32_t n = 1; n < graph->node_cnt; n++) {
		if (!is_audited(graph, n) || graph->nodes[n].refcount <= found[n])
			continue;
		search->excess[n] = graph->nodes[n].refcount - found[n];
		search->left += search->excess[n];
	}
	return 0;
}

static const struct stopped_thread *stack_owner(const struct image *image,
						const struct image_region *region)
{
	for (size_t i = 0; i < image->thread_cnt; i++) {
		if (image->threads[i].stack_pointer >= region->start &&
		    image->threads[i].stack_pointer < region->end)
			return &image->threads[i];
	}
	return NULL;
}

/* The part of a region that is such a place. */
static struct span part_of(const struct heap *heap, size_t at, enum place place)
{
	const struct image_region *region = &heap->image->regions[at];
	const struct stopped_thread *thread = stack_owner(heap->image, region);
	struct span part = { .from = region->start, .to = region->end };
	raddr_t data_end = heap->data_end[at];

	if (data_end < part.from)
		data_end = part.from;
	if (data_end > part.to)
		data_end = part.to;
	if (place == PLACE_DATA) {
		part.to = data_end;
		return part;
	}
	part.from = data_end;
	if ((place == PLACE_STACK) != (thread != NULL))
		part.from = part.to;
	else if (thread && thread->stack_pointer > part.from + RED_ZONE)
		part.from = (thread->stack_pointer - RED_ZONE) & ~7ULL;
	return part;
}

static void add_hit(struct search *search, const struct hit *hit)
{
	if (search->hit_cnt == search->hit_room) {
		size_t room = search->hit_room ? 2 * search->hit_room : 1024;
		struct hit *hits =
			room <= MAX_HITS ? realloc(search->hits, room * sizeof(*hits)) : NULL;

		if (!hits) {
			search->heap->graph->info.loss.limit++;
			return;
		}
		search->hits = hits;
		search->hit_room = room;
	}
	search->hits[search->hit_cnt++] = *hit;
	search->excess[hit->node]--;
	search->left--;
}

/* The node at `address`, if it is known; nothing is made. */
static uint32_t known_node(struct heap *heap, raddr_t address)
{
	struct image_region *region = image_find(heap->image, address);
	uint32_t node;

	if (!region || !region->nodes)
		return NODE_NONE;
	node = region->nodes[(address - region->start) >> 4];
	return node && heap->graph->nodes[node].address == address ? node : NODE_NONE;
}

static void search_region(struct search *search, size_t at, enum place place)
{
	struct heap *heap = search->heap;
	const struct image_region *region = &heap->image->regions[at];
	const uint64_t *words = (const uint64_t *)region->bytes;
	struct span part = part_of(heap, at, place);
	size_t cnt = (part.to - region->start) / 8, i = (part.from - region->start) / 8;
	raddr_t low = heap->image->regions[0].start;
	raddr_t high = heap->image->regions[heap->image->region_cnt - 1].end;

	for (; i < cnt && search->left; i++) {
		uint32_t node;

		if (words[i] < low || words[i] >= high || words[i] % 8)
			continue;
		node = known_node(heap, words[i]);
		if (node == NODE_NONE || !search->excess[node] || heap_was_seen(heap, at, i))
			continue;
		add_hit(search, &(struct hit){ node, place, region->start + 8 * i, at });
	}
}

static int match_symbol(const struct elf_symbol *symbol, void *context)
{
	struct symbol_range *range = context;

	if (symbol->is_function)
		return 0;
	if (range->address < symbol->value) {
		if (symbol->value < range->to)
			range->to = symbol->value;
		return 0;
	}
	if (range->address - symbol->value >= symbol->size)
		return 0;
	range->name = symbol->name;
	range->from = symbol->value;
	range->to = symbol->value + symbol->size;
	return 1;
}

/* NULL: none. Hits are many, and close to each other. */
static const char *symbol_at(struct search *search, uint64_t address)
{
	struct symbol_range *range = &search->symbol;

	if (address < range->from || address >= range->to) {
		*range = (struct symbol_range){ address, address, UINT64_MAX, NULL };
		elf_file_each_symbol(search->heap->python->elf, match_symbol, range);
	}
	return range->name;
}

/* "libfoo.so: symbol", or "libfoo.so" alone when nothing names the place. */
static void name_data(struct search *search, const struct hit *hit, char *out, size_t size)
{
	const struct image *image = search->heap->image;
	const char *path = native_file_of(&image->maps, image->regions[hit->region].mapping);
	const char *tail = strrchr(path, '/');
	const struct python *python = search->heap->python;
	const char *symbol = NULL;

	if (python && !strcmp(path, python->file))
		symbol = symbol_at(search, hit->at - python->bias);
	if (symbol)
		snprintf(out, size, "%s: %s", tail ? tail + 1 : path, symbol);
	else
		snprintf(out, size, "%s", tail ? tail + 1 : path);
}

/* The kind of root that holds; its name in `out`. */
static enum root_kind name_holder(struct search *search, const struct hit *hit, char *out,
				  size_t size)
{
	const struct image *image = search->heap->image;
	const struct stopped_thread *thread;

	for (size_t i = 0; i < search->span_cnt; i++) {
		const struct span *span = &search->spans[i];

		if (hit->at >= span->from && hit->at < span->to) {
			snprintf(out, size, "%s", graph_name(search->heap->graph, span->name));
			return span->kind;
		}
	}
	switch (hit->place) {
	case PLACE_DATA:
		name_data(search, hit, out, size);
		return ROOT_DATA;
	case PLACE_STACK:
		thread = stack_owner(image, &image->regions[hit->region]);
		snprintf(out, size, "stack of thread %d", thread ? thread->tid : 0);
		return ROOT_STACK;
	default:
		out[0] = '\0';
		return ROOT_MALLOC;
	}
}

/* Hits of the same holder stand together: they were found in order of address. */
static void add_holders(struct search *search)
{
	struct heap *heap = search->heap;
	enum root_kind last_kind = ROOT_KIND_CNT;
	char name[512], last[512] = "";

	for (size_t i = 0; i < search->hit_cnt; i++) {
		const struct hit *hit = &search->hits[i];
		enum root_kind kind = name_holder(search, hit, name, sizeof(name));

		if (kind != last_kind || strcmp(name, last)) {
			uint32_t node = heap_pseudo(heap, PSEUDO_NATIVE, hit->at);

			if (node == NODE_NONE)
				return;
			heap_begin_edges(heap, node);
			if (heap->out_of_room)
				return;
			heap_root(heap, node, kind, name);
			snprintf(last, sizeof(last), "%s", name);
			last_kind = kind;
		}
		heap_edge(heap, hit->node, EDGE_SCAN, 0, false);
		heap_end_edges(heap);
	}
}

static void reach(const struct heap_graph *graph, uint32_t node, uint8_t *reached, uint32_t *queue)
{
	if (reached[node])
		return;
	reached[node] = 1;
	queue[0] = node;
	graph_spread(graph, queue, 1, 1, reached);
}

/* Objects with an excess that no root reaches: somebody holds them. */
static int add_unknown(struct search *search)
{
	struct heap *heap = search->heap;
	uint32_t cnt = heap->graph->node_cnt;
	_cleanup_free_ uint8_t *reached = calloc(cnt, 1);
	_cleanup_free_ uint32_t *queue = malloc(cnt * sizeof(*queue));

	if (!reached || !queue)
		return -ENOMEM;
	for (uint32_t r = 0; r < heap->graph->root_cnt; r++)
		reach(heap->graph, heap->graph->roots[r].node, reached, queue);
	for (uint32_t n = 1; n < search->node_cnt; n++) {
		if (!search->excess[n] || reached[n])
			continue;
		heap_root(heap, n, ROOT_UNKNOWN, "");
		reach(heap->graph, n, reached, queue);
	}
	return 0;
}

static int find_spans(struct search *search)
{
	const struct heap_graph *graph = search->heap->graph;

	search->spans = calloc(graph->root_cnt + 1ULL, sizeof(*search->spans));
	if (!search->spans)
		return -ENOMEM;
	for (uint32_t r = 0; r < graph->root_cnt; r++) {
		const struct graph_root *root = &graph->roots[r];
		raddr_t at = graph->nodes[root->node].address;
		size_t bytes = root->kind == ROOT_THREAD ? TSTATE_BYTES
							 : interpreter_bytes(search->heap->minor);

		if (root->kind != ROOT_THREAD && root->kind != ROOT_INTERPRETER)
			continue;
		search->spans[search->span_cnt++] =
			(struct span){ at, at + bytes, root->kind, root->name };
	}
	return 0;
}

int add_native_roots(struct heap *heap)
{
	struct search search = { .heap = heap };
	int err = find_excess(&search);

	if (!err)
		err = find_spans(&search);
	for (enum place place = 0; !err && place < PLACE_CNT; place++) {
		for (size_t i = 0; i < heap->image->region_cnt && search.left; i++)
			search_region(&search, i, place);
	}
	if (!err) {
		add_holders(&search);
		err = add_unknown(&search);
	}
	free(search.excess);
	free(search.hits);
	free(search.spans);
	return err;
}
