/* SPDX-License-Identifier: BSD-2-Clause */
/* The parts of a heap in words: types, references, roots. What comes out is safe to print. */
#ifndef PYLEAK_HEAP_WORDS_H
#define PYLEAK_HEAP_WORDS_H

#include "analyse/paths.h"
#include "report/text_util.h"
#include "snapshot/graph.h"

/* Raw: whatever the target chose. "?" for what is no type. */
const char *heap_type_raw(const struct heap_graph *graph, uint32_t type);

/* "attribute", "module": the words of JSON. */
const char *heap_edge_kind(uint32_t kind);
const char *heap_root_kind(uint32_t kind);

/* What follows the holder: ".incoming", "[*]", "{*}", "['host']", ", local x". `kind` and `name`
 * as in a path_step. `size` at least TEXT_NAME_BYTES, as below. */
char *heap_edge_words(char *buf, size_t size, const struct heap_graph *graph, uint32_t type,
		      uint32_t kind, uint32_t name, int columns);

/* "mq.Channel.incoming", "list[*]". */
char *heap_step_words(char *buf, size_t size, const struct heap_graph *graph, uint32_t type,
		      uint32_t kind, uint32_t name, int columns);

/* "module mq: connections", "work (app.py:12), local x". `own`: how the root itself holds the
 * next; NULL: not known. */
char *heap_root_words(char *buf, size_t size, const struct heap_graph *graph, uint32_t root,
		      const struct path_step *own, int columns);

/* Is the last step of a path the root itself? Then it is told with the root. */
bool heap_step_is_root(const struct heap_graph *graph, const struct path_step *step, uint32_t root);

#endif
