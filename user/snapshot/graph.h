/* SPDX-License-Identifier: BSD-2-Clause */
/* The heap as a graph: the noun between snapshot and analyse. Plain data; it holds names of types,
 * attributes and variables, but no contents of the program's strings. Made by build.c from a copy
 * of the memory, or by graph_file.c from a saved file. */
#ifndef PYLEAK_SNAPSHOT_GRAPH_H
#define PYLEAK_SNAPSHOT_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GRAPH_ROOT 0U /* the node whose edges lead to all roots */
#define NODE_NONE UINT32_MAX
#define REFCOUNT_IMMORTAL UINT32_MAX /* or more than fit */

enum edge_kind {
	EDGE_ROOT,	/* GRAPH_ROOT -> a root; value: index into roots */
	EDGE_FIELD,	/* a field of a built-in object (__closure__, tb_frame); value: name */
	EDGE_DICT,	/* object -> its attribute dict */
	EDGE_ATTRIBUTE, /* attribute, also by way of the attribute dict; module global; value: name
			 */
	EDGE_KEY,	/* dict -> key */
	EDGE_VALUE,	/* dict -> value; value: name of a str key, 0 = another key, or too many */
	EDGE_INDEX,	/* list or tuple -> item; value: index */
	EDGE_ELEMENT,	/* set, deque -> element */
	EDGE_LOCAL,	/* frame -> local variable; value: name */
	EDGE_STACK,	/* frame -> value on its evaluation stack */
	EDGE_TYPE,	/* object -> its type */
	EDGE_WEAK,	/* weak reference: it holds nothing and is not counted */
	EDGE_SCAN,	/* a word of the object's own memory; value: its offset */
	EDGE_BORROWED,	/* a reference that the refcount does not count (frame -> globals) */
	EDGE_KIND_CNT
};

#define EDGE_VALUE_MAX ((1U << 27) - 1) /* an index beyond it is given as this */

struct graph_edge {
	uint32_t to;
	uint32_t kind : 4;   /* enum edge_kind */
	uint32_t hidden : 1; /* counted, but not visited by the collector (tp_traverse) */
	uint32_t value : 27;
};

enum node_flag {
	NODE_TRACKED = 1 << 0, /* on a GC list */
	NODE_FIXED = 1 << 1,   /* its edges are all known exactly: no EDGE_SCAN, nothing left out */
	NODE_PSEUDO = 1 << 2,  /* no object: GRAPH_ROOT, a running frame, a native holder */
	NODE_TORN = 1 << 3,    /* was being changed when it was copied */
	NODE_STATIC = 1 << 4,  /* lies in a data segment: not allocated */
	NODE_NAMESPACE = 1 << 5, /* a dict that holds the attributes of an object */
};

struct graph_node {
	uint64_t address;    /* in the target; pseudo: of the frame, thread state, segment */
	uint64_t bytes : 40; /* shallow, as sys.getsizeof counts */
	uint64_t flags : 24; /* enum node_flag */
	uint32_t refcount;
	uint32_t type; /* index into types */
};

/* What kind of thing the objects of a type are, for those that read a path. */
enum type_role {
	ROLE_OTHER,
	ROLE_PSEUDO,
	ROLE_INSTANCE, /* of a class made in Python, and none of the below */
	ROLE_DICT,
	ROLE_LIST,
	ROLE_TUPLE,
	ROLE_SET,
	ROLE_DEQUE,
	ROLE_TYPE,
	ROLE_MODULE,
	ROLE_FUNCTION,
	ROLE_METHOD,
	ROLE_CELL,
	ROLE_CODE,
	ROLE_FRAME,
	ROLE_GENERATOR, /* and coroutine, and async generator */
	ROLE_WEAKREF,
	ROLE_STR,
	ROLE_BYTES, /* and bytearray */
	ROLE_NUMBER,
	ROLE_CNT
};

struct graph_type {
	uint32_t name; /* "module.Class"; builtins without module */
	uint32_t node; /* the type object, NODE_NONE for pseudo types */
	uint8_t role;  /* enum type_role */
	bool own;      /* a class of the program itself, see py_type.h */
};

/* From the most telling to the least: paths prefer the first ones. */
enum root_kind {
	ROOT_MODULE,	  /* name: of the module */
	ROOT_FRAME,	  /* a running function: "work (app.py:12)" */
	ROOT_TYPE,	  /* a static type */
	ROOT_THREAD,	  /* PyThreadState: its dict, exceptions, context */
	ROOT_INTERPRETER, /* PyInterpreterState: sys.modules, builtins, codecs, ... */
	ROOT_DATA,	  /* a data segment: "libfoo.so: symbol" */
	ROOT_STACK,	  /* a word on a thread's stack */
	ROOT_MALLOC,	  /* a word in memory that is no Python object */
	ROOT_UNKNOWN,	  /* references were counted whose holder was not found */
	ROOT_KIND_CNT
};

struct graph_root {
	uint32_t node; /* the module, the type, or a pseudo node */
	uint32_t name;
	uint8_t kind; /* enum root_kind */
};

struct graph_loss {
	uint64_t torn;	     /* objects that changed while they were copied */
	uint64_t unreadable; /* references into memory that was not copied */
	uint64_t no_object;  /* references to what is no object */
	uint64_t limit;	     /* objects or references beyond what a graph holds */
};

struct graph_info {
	uint32_t pid;
	uint32_t minor, micro; /* of CPython 3 */
	char program[256];
	double time;	 /* seconds since the epoch */
	double pause_s;	 /* how long the target was stopped; 0 = not at all */
	double build_s;	 /* how long making the graph took */
	uint64_t copied; /* bytes */
	bool paused;	 /* false: copied while it ran */
	/* Not 0: no whole heap, but the holders of a sample of `sampled` out of `searched`
	 * objects, which are the first nodes of their type. */
	uint64_t searched, sampled;
	struct graph_loss loss;
};

struct heap_graph {
	struct graph_info info;
	struct graph_node *nodes;
	uint32_t *first; /* node i has the edges first[i] .. first[i + 1] - 1 */
	struct graph_edge *edges;
	struct graph_type *types;
	struct graph_root *roots;
	char *text;	 /* names, each ended by a zero */
	uint32_t *names; /* offset in text; name 0 is "" */
	uint32_t node_cnt, edge_cnt, type_cnt, root_cnt, name_cnt, text_bytes;
};

/* Frees what it holds; NULL is fine. */
void graph_destroy(struct heap_graph *graph);

static inline const char *graph_name(const struct heap_graph *graph, uint32_t name)
{
	return name < graph->name_cnt ? graph->text + graph->names[name] : "";
}

static inline const struct graph_type *graph_node_type(const struct heap_graph *graph,
						       uint32_t node)
{
	return &graph->types[graph->nodes[node].type];
}

static inline const char *graph_type_name(const struct heap_graph *graph, uint32_t node)
{
	return graph_name(graph, graph_node_type(graph, node)->name);
}

/* Does the edge keep its target alive? A borrowed reference relies on another that does. */
static inline bool graph_edge_holds(const struct graph_edge *edge)
{
	return edge->kind != EDGE_WEAK && edge->kind != EDGE_BORROWED;
}

/* Does the refcount of the target count it? */
static inline bool graph_edge_counts(const struct graph_edge *edge)
{
	return graph_edge_holds(edge) && edge->kind != EDGE_ROOT;
}

/* Nodes lie anywhere in memory, and waiting for it is what a walk of a large graph spends its time
 * on. Called for every place of a queue in turn, this asks for what the next ones will need. */
static inline void graph_prefetch(const struct heap_graph *graph, const uint32_t *queue, size_t at,
				  size_t cnt)
{
	if (at + 16 < cnt)
		__builtin_prefetch(&graph->first[queue[at + 16]]);
	if (at + 8 < cnt)
		__builtin_prefetch(&graph->edges[graph->first[queue[at + 8]]]);
}

/* Marks with `value` what the first `tail` nodes of the queue reach by edges that hold. They are
 * marked already; what has a mark is not entered. The queue has room for all nodes. */
void graph_spread(const struct heap_graph *graph, uint32_t *queue, size_t tail, uint8_t value,
		  uint8_t *mark);
/* Adds to `found`, per node, the references that its refcount counts. */
void graph_count_references(const struct heap_graph *graph, uint32_t *found);

/* The edges turned round: who refers to a node. */
struct referrers {
	uint32_t *first; /* node i is referred to by from[first[i]] .. from[first[i + 1] - 1] */
	uint32_t *from;	 /* the referring node */
	uint32_t *edge;	 /* and its edge */
};

/* 0 or -ENOMEM. */
int graph_referrers(const struct heap_graph *graph, struct referrers *out);
void referrers_deinit(struct referrers *referrers);

/* The indexes of the types that `wanted` names: "module.Class", or "Class" for any module. Their
 * number; at most `max` are stored. */
size_t graph_find_types(const struct heap_graph *graph, const char *wanted, uint32_t *out,
			size_t max);

#endif
