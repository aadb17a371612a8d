/* SPDX-License-Identifier: BSD-2-Clause */
/* The graph of a heap made of bytes, as every version of CPython lays it out. */
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "snapshot/graph_file.h"
#include "tiny_heap.h"

static struct heap_graph *build(struct tiny_heap *tiny)
{
	struct heap_graph *graph = NULL;
	struct image *image;

	cr_assert_eq(image_of_buffer(TINY_BASE, tiny->words, tiny->used, &image), 0);
	cr_assert_eq(graph_build(image, &tiny->source, &tiny->lists, NULL, 0, &graph), 0);
	image_destroy(image);
	cr_assert(graph_is_sound(graph));
	return graph;
}

static uint32_t node_at(const struct heap_graph *graph, raddr_t address)
{
	for (uint32_t n = 1; n < graph->node_cnt; n++) {
		if (graph->nodes[n].address == address && !(graph->nodes[n].flags & NODE_PSEUDO))
			return n;
	}
	return NODE_NONE;
}

/* Is there such an edge? `name`: NULL for one that has none; then `value` is what it has. */
static bool has_edge(const struct heap_graph *graph, raddr_t from, raddr_t to, enum edge_kind kind,
		     const char *name, uint32_t value)
{
	uint32_t node = node_at(graph, from);

	cr_assert_neq(node, NODE_NONE);
	for (uint32_t e = graph->first[node]; e < graph->first[node + 1]; e++) {
		const struct graph_edge *edge = &graph->edges[e];

		if (graph->nodes[edge->to].address == to && edge->kind == kind &&
		    (name ? !strcmp(graph_name(graph, edge->value), name) : edge->value == value))
			return true;
	}
	return false;
}

static raddr_t word(const struct tiny_heap *tiny, raddr_t at)
{
	return tiny->words[(at - TINY_BASE) / 8];
}

#define EACH_MINOR(name)                                                                           \
	static void name(struct tiny_heap *t, struct heap_graph *g);                               \
	Test(heap_build, name)                                                                     \
	{                                                                                          \
		static struct tiny_heap tiny;                                                      \
		for (int minor = 6; minor <= 15; minor++) {                                        \
			struct heap_graph *graph;                                                  \
                                                                                                   \
			tiny_heap_make(&tiny, minor);                                              \
			graph = build(&tiny);                                                      \
			name(&tiny, graph);                                                        \
			graph_destroy(graph);                                                      \
		}                                                                                  \
	}                                                                                          \
	static void name(struct tiny_heap *t, struct heap_graph *g)

EACH_MINOR(nothing_is_lost_and_types_are_named)
{
	uint32_t node = node_at(g, t->thing_object);

	cr_expect_eq(g->info.loss.no_object, 0, "3.%d: %lu", t->minor,
		     (unsigned long)g->info.loss.no_object);
	cr_expect_eq(g->info.loss.unreadable, 0, "3.%d", t->minor);
	cr_expect_eq(g->info.loss.torn, 0, "3.%d", t->minor);
	cr_expect_eq(g->info.loss.limit, 0, "3.%d", t->minor);
	cr_assert_str_eq(graph_type_name(g, node), "app.Thing");
	cr_assert(g->nodes[node].flags & NODE_TRACKED);
	cr_assert(g->nodes[node].flags & NODE_FIXED);
}

EACH_MINOR(containers_hold_their_elements)
{
	cr_assert(has_edge(g, t->items, t->texts[0], EDGE_INDEX, NULL, 0));
	cr_assert(has_edge(g, t->items, t->texts[1], EDGE_INDEX, NULL, 1));
	cr_assert(has_edge(g, t->pair, t->texts[1], EDGE_INDEX, NULL, 1));
	cr_assert(has_edge(g, t->mapping, t->texts[1], EDGE_VALUE, "key", 0));
	cr_assert(has_edge(g, t->set_object, t->texts[0], EDGE_ELEMENT, NULL, 0));
	cr_assert(has_edge(g, t->deque_object, t->texts[0], EDGE_ELEMENT, NULL, 0));
	cr_assert(has_edge(g, t->deque_object, t->texts[1], EDGE_ELEMENT, NULL, 0));
}

EACH_MINOR(attributes_and_slots_have_names)
{
	raddr_t attributes = word(t, t->thing_object + 0x18), globals = word(t, t->app + 0x10);

	cr_assert(has_edge(g, t->thing_object, t->texts[0], EDGE_ATTRIBUTE, "slot", 0));
	cr_assert(has_edge(g, t->thing_object, attributes, EDGE_DICT, "__dict__", 0));
	cr_assert(has_edge(g, attributes, t->texts[1], EDGE_ATTRIBUTE, "name", 0));
	cr_assert(has_edge(g, t->thing_object, t->thing, EDGE_TYPE, NULL, 0));
	cr_assert(has_edge(g, t->app, globals, EDGE_DICT, "__dict__", 0));
	cr_assert(has_edge(g, globals, t->items, EDGE_ATTRIBUTE, "items", 0));
	cr_assert(g->nodes[node_at(g, globals)].flags & NODE_NAMESPACE);
	cr_assert_not(g->nodes[node_at(g, t->mapping)].flags & NODE_NAMESPACE);
}

EACH_MINOR(a_closure_leads_to_its_cell)
{
	raddr_t cell = word(t, t->closure + (t->minor >= 14 ? 0x20 : 0x18));

	cr_assert(has_edge(g, t->closure, cell, EDGE_INDEX, NULL, 0));
	cr_assert(has_edge(g, cell, t->texts[1], EDGE_FIELD, "cell_contents", 0));
}

EACH_MINOR(a_generator_holds_its_variables)
{
	raddr_t holder = t->generator_object;

	if (t->minor <= 10) {
		holder = word(t, t->generator_object + 0x10);
		cr_assert(has_edge(g, t->generator_object, holder, EDGE_FIELD, "gi_frame", 0));
	}
	cr_assert(has_edge(g, holder, t->texts[0], EDGE_LOCAL, "x", 0), "3.%d", t->minor);
}

EACH_MINOR(modules_and_running_functions_are_roots)
{
	bool module = false, frame = false;

	for (uint32_t r = 0; r < g->root_cnt; r++) {
		const char *name = graph_name(g, g->roots[r].name);

		if (g->roots[r].kind == ROOT_MODULE)
			module |= g->roots[r].node == node_at(g, t->app) && !strcmp(name, "app");
		if (g->roots[r].kind == ROOT_FRAME)
			frame |= !strcmp(name, "work (app.py)");
	}
	cr_assert(module);
	cr_assert(frame || t->minor < 11, "3.%d", t->minor);
}

/* Each of many lists says that it has as its items nearly all of the memory. */
Test(heap_build, overlapping_lists_do_not_make_a_graph_without_end, .timeout = 20)
{
	static struct tiny_heap tiny;
	struct heap_graph *graph;

	tiny_heap_make(&tiny, 11);
	for (size_t at = tiny.used / 8; at + 8 <= TINY_BYTES / 8; at += 8) {
		raddr_t node = TINY_BASE + 8 * at;
		uint64_t list[8] = {
			tiny.head, word(&tiny, tiny.head + 8), 1, tiny.list, 8000, TINY_BASE, 8000
		};

		memcpy(&tiny.words[at], list, sizeof(list));
		tiny.words[(list[1] - TINY_BASE) / 8] = node;
		tiny.words[(tiny.head - TINY_BASE) / 8 + 1] = node;
	}
	tiny.used = TINY_BYTES;
	graph = build(&tiny);
	cr_assert_gt(graph->info.loss.limit, 0);
	cr_assert_lt(graph->edge_cnt, 4000000);
	graph_destroy(graph);
}

Test(heap_build, chains_that_never_end_do, .timeout = 20)
{
	static struct tiny_heap tiny;

	for (int minor = 6; minor <= 15; minor++) {
		raddr_t block, interpreter, thread;

		tiny_heap_make(&tiny, minor);
		block = word(&tiny, tiny.deque_object + 0x18);
		tiny.words[(block - TINY_BASE) / 8 + 65] = block;
		tiny.words[(tiny.deque_object - TINY_BASE) / 8 + 2] = UINT64_MAX;
		interpreter = tiny.lists.newest_interpreter;
		tiny.words[(interpreter + tiny.layout.interpreter_next - TINY_BASE) / 8] =
			interpreter;
		thread = word(&tiny, interpreter + tiny.layout.interpreter_threads);
		tiny.words[(thread - TINY_BASE) / 8 + 1] = thread;
		graph_destroy(build(&tiny));
	}
}

static char said[400];

static void keep_line(enum log_level level, const char *line)
{
	(void)level;
	snprintf(said, sizeof(said), "%s", line);
}

/* Or a field is missing, in this build. */
Test(heap_build, a_word_that_is_no_field_leads_to_no_object)
{
	static struct tiny_heap tiny;
	size_t closure = 0; /* the word of the function */

	log_set_sink(keep_line);
	tiny_heap_make(&tiny, 12);
	while (tiny.words[closure] != tiny.closure)
		closure++;
	graph_destroy(build(&tiny));
	cr_assert_str_eq(said, "");
	tiny.words[closure + (0x90 - 0x48) / 8] = tiny.items;
	graph_destroy(build(&tiny));
	cr_assert(strstr(said, "objects of type function are not laid out as in CPython 3.12"),
		  "%s", said);
}
