/* SPDX-License-Identifier: BSD-2-Clause */
/* Words for the parts of a heap, as near to Python's own notation as they can be: what a reader
 * sees is what they would type in a debugger, with a star for any index or key.
 */
#include "report/heap_words.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

const char *heap_type_raw(const struct heap_graph *graph, uint32_t type)
{
	return type < graph->type_cnt ? graph_name(graph, graph->types[type].name) : "?";
}

static uint8_t role_of(const struct heap_graph *graph, uint32_t type)
{
	return type < graph->type_cnt ? graph->types[type].role : ROLE_OTHER;
}

const char *heap_edge_kind(uint32_t kind)
{
	static const char *const kinds[] = {
		[EDGE_ROOT] = "root",		[EDGE_FIELD] = "field",
		[EDGE_DICT] = "dict",		[EDGE_KEY] = "key",
		[EDGE_VALUE] = "value",		[EDGE_INDEX] = "index",
		[EDGE_LOCAL] = "local",		[EDGE_ELEMENT] = "element",
		[EDGE_ATTRIBUTE] = "attribute", [EDGE_STACK] = "stack",
		[EDGE_TYPE] = "type",		[EDGE_WEAK] = "weak",
		[EDGE_SCAN] = "scan",		[EDGE_BORROWED] = "borrowed",
	};

	return kind < ARRAY_SIZE(kinds) ? kinds[kind] : "?";
}

const char *heap_root_kind(uint32_t kind)
{
	static const char *const kinds[] = {
		[ROOT_MODULE] = "module",   [ROOT_FRAME] = "frame",
		[ROOT_TYPE] = "type",	    [ROOT_THREAD] = "thread",
		[ROOT_DATA] = "data",	    [ROOT_INTERPRETER] = "interpreter",
		[ROOT_STACK] = "stack",	    [ROOT_MALLOC] = "malloc",
		[ROOT_UNKNOWN] = "unknown",
	};

	return kind < ARRAY_SIZE(kinds) ? kinds[kind] : "?";
}

char *heap_edge_words(char *buf, size_t size, const struct heap_graph *graph, uint32_t type,
		      uint32_t kind, uint32_t name, int columns)
{
	const char *raw = graph_name(graph, name);
	char safe[TEXT_NAME_BYTES];
	bool set = role_of(graph, type) == ROLE_SET;

	text_name(safe, sizeof(safe), raw, columns > 8 ? columns - 4 : 4);
	switch (kind) {
	case EDGE_FIELD:
	case EDGE_ATTRIBUTE:
		snprintf(buf, size, ".%.1000s", *raw ? safe : "?");
		break;
	case EDGE_VALUE:
		if (*raw)
			snprintf(buf, size, "['%.1000s']", safe);
		else
			snprintf(buf, size, "{*}");
		break;
	case EDGE_LOCAL:
		snprintf(buf, size, ", local %.1000s", *raw ? safe : "?");
		break;
	default: {
		static const char *const words[EDGE_KIND_CNT] = {
			[EDGE_DICT] = ".__dict__",   [EDGE_KEY] = "{key}",
			[EDGE_INDEX] = "[*]",	     [EDGE_STACK] = ", evaluation stack",
			[EDGE_TYPE] = ".__class__",  [EDGE_WEAK] = ", weak",
			[EDGE_SCAN] = ", in memory", [EDGE_BORROWED] = ", borrowed",
		};

		if (kind == EDGE_ELEMENT)
			snprintf(buf, size, "%s", set ? "{*}" : "[*]");
		else
			snprintf(buf, size, "%s",
				 kind < EDGE_KIND_CNT && words[kind] ? words[kind] : "");
	}
	}
	return buf;
}

char *heap_step_words(char *buf, size_t size, const struct heap_graph *graph, uint32_t type,
		      uint32_t kind, uint32_t name, int columns)
{
	char holder[TEXT_NAME_BYTES], link[TEXT_NAME_BYTES];
	int left;

	heap_edge_words(link, sizeof(link), graph, type, kind, name, columns / 2);
	left = columns - text_width(link);
	text_name(holder, sizeof(holder), heap_type_raw(graph, type), left < 8 ? 8 : left);
	snprintf(buf, size, "%.500s%.500s", holder, link);
	return buf;
}

bool heap_step_is_root(const struct heap_graph *graph, const struct path_step *step, uint32_t root)
{
	uint32_t node = root < graph->root_cnt ? graph->roots[root].node : NODE_NONE;

	return node < graph->node_cnt && graph->nodes[node].type == step->type;
}

/* The kind's word before the name, and what stands for all of it when there is no name. */
static const struct {
	const char *before, *alone;
} root_words[ROOT_KIND_CNT] = {
	[ROOT_MODULE] = { "module ", "a module" },
	[ROOT_FRAME] = { "", "a running function" },
	[ROOT_TYPE] = { "static type ", "a static type" },
	[ROOT_THREAD] = { "thread state: ", "thread state" },
	[ROOT_INTERPRETER] = { "interpreter: ", "interpreter" },
	[ROOT_DATA] = { "data segment ", "a data segment" },
	[ROOT_STACK] = { "native stack: ", "native stack" },
	[ROOT_MALLOC] = { "native memory: ", "native memory" },
	[ROOT_UNKNOWN] = { "native code: ", "native code (holder not found)" },
};

char *heap_root_words(char *buf, size_t size, const struct heap_graph *graph, uint32_t root,
		      const struct path_step *own, int columns)
{
	const struct graph_root *r = root < graph->root_cnt ? &graph->roots[root] : NULL;
	char name[TEXT_NAME_BYTES], link[TEXT_NAME_BYTES] = "";
	const char *raw = r ? graph_name(graph, r->name) : "";
	uint32_t kind = r && r->kind < ROOT_KIND_CNT ? r->kind : ROOT_UNKNOWN;
	int left;

	if (own && (own->kind != EDGE_SCAN || kind < ROOT_THREAD))
		heap_edge_words(link, sizeof(link), graph, own->type, own->kind, own->name,
				columns / 2);
	left = columns - text_width(link) - (int)strlen(root_words[kind].before);
	text_name(name, sizeof(name), raw, left < 8 ? 8 : left);
	/* A global is not an attribute to those who wrote the module. */
	if (kind == ROOT_MODULE && link[0] == '.')
		snprintf(buf, size, "%s%.480s: %.480s", root_words[kind].before, name, link + 1);
	else if (!*raw)
		snprintf(buf, size, "%s%.480s", root_words[kind].alone, link);
	else
		snprintf(buf, size, "%s%.480s%.480s", root_words[kind].before, name, link);
	return buf;
}
