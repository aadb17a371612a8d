/* SPDX-License-Identifier: BSD-2-Clause */
/* A graph in the making: what the files that read one kind of object share. Everything that is
 * read comes from the target: a length is bounded by the memory that must hold it, a pointer is an
 * object only when its type proves to be a type. */
#ifndef PYLEAK_SNAPSHOT_HEAP_H
#define PYLEAK_SNAPSHOT_HEAP_H

#include <uthash.h>

#include "attach/gc_lists.h"
#include "collect/py_object.h"
#include "collect/py_type.h"
#include "snapshot/build.h"
#include "snapshot/graph.h"
#include "snapshot/image.h"

/* object.h and typeobject.c: flags and fields of a type that are asked for in several files. */
#define FLAG_MANAGED_DICT (1U << 4)
#define FLAG_HAVE_GC (1U << 14)
#define TP_TRAVERSE 0xb8

#define IMMORTAL_REFCOUNT (1U << 31) /* 3.12 and later: the low word is at least this */

/* How the references of an object are found. */
enum heap_layout {
	HEAP_ATOM,  /* it has none */
	HEAP_WORDS, /* as its type's words say */
	HEAP_LIST,
	HEAP_TUPLE,
	HEAP_DICT,
	HEAP_ODICT,
	HEAP_SET,
	HEAP_DEQUE,
	HEAP_TYPE,
	HEAP_MODULE,
	HEAP_GENERATOR,
	HEAP_FRAME,
	HEAP_LRU_CACHE,
	HEAP_TEE_DATA,
};

/* A word of an object that may be a reference. */
struct heap_word {
	uint32_t offset;
	bool guessed;		/* it may be anything */
	struct graph_edge edge; /* without `to` */
};

struct heap_type {
	raddr_t address;
	uint32_t index; /* in graph->types */
	bool is_type;	/* false: this address holds no type; remembered, too */
	bool is_class;	/* made by a class statement */
	bool complete;	/* `words` are all that there are: nothing is guessed */
	enum heap_layout layout;
	uint32_t basic_bytes, item_bytes, flags;
	uint32_t size_kind; /* enum pyleak_type_kind */
	int64_t dict_offset;
	uint64_t more_items; /* of a struct sequence: its items, more than its length says */
	raddr_t cached_keys; /* of the attributes that lie in instances */
	struct heap_word *words;
	size_t word_cnt;
	struct fields_trial *trial; /* NULL: its words are not of a table */
	UT_hash_handle hh;
};

/* What objects of a type that fields.c knows look like, see fields_check.c. */
struct fields_trial {
	const char *tp_name;
	bool is_wrong;		 /* the table cannot be right for this type */
	uint16_t tried, misfits; /* objects */
	uint64_t unlisted[4];	 /* a bit for each word that is no field */
};

#define RECENT_TYPES 256U

/* A search makes edges only that lead to what it looks for: search.c. */
struct heap_search {
	struct search_wanted *wanted; /* a hash table of `mask` + 1; address 0: free */
	size_t mask;
	raddr_t object;	   /* whose references are read; 0: those of heap->source */
	uint32_t *sources; /* per edge */
	uint32_t source_room;
};

struct heap {
	struct image *image;
	const struct python *python;
	const struct gc_lists *lists;
	struct py_reader reader;
	struct py_types *types;
	int minor;
	struct heap_graph *graph;
	uint32_t node_room, edge_room, type_room, root_room, first_room;
	struct heap_type *known;
	const struct heap_type *recent_types[RECENT_TYPES]; /* of `known`, by their address */
	const struct heap_type **by_index;		    /* of graph->types */
	raddr_t type_type;
	raddr_t class_traverse; /* tp_traverse of classes made by a class statement */
	uint64_t **seen;	/* per region of the image: words that were read as references */
	raddr_t *data_end;	/* per region: what is below is data of a program or library */
	size_t recent[2];	/* regions that such words lay in */
	struct heap_foreign *foreign;
	struct heap_names *names;
	struct heap_search *search; /* NULL: all edges are made */
	uint64_t words_most;	    /* that there are to read, about */
	uint64_t words_left;	    /* see heap_pay() */
	uint32_t source;	    /* the node whose edges are being added */
	bool exact;		    /* nothing of it was guessed so far */
	bool out_of_room;	    /* no memory, or a limit: the graph is incomplete */
};

/* ---- heap_init.c ---- */

/* heap_deinit() is due even when it fails. 0 or -errno. */
int heap_init(struct heap *heap, struct image *image, const struct build_source *source,
	      const struct gc_lists *lists);
/* Calls `visit` for every object on the lists of all interpreters, until it returns false.
 * -EBADMSG: a list is broken. */
int heap_each_tracked(struct heap *heap,
		      bool (*visit)(struct heap *heap, raddr_t object, void *context),
		      void *context);

/* ---- heap.c: nodes, types and edges ---- */

/* The node of the object at `address`, made when there was none. NODE_NONE: no object there. */
uint32_t heap_node(struct heap *heap, raddr_t address);
/* Outside of the copy, as all are in a search: its node, NODE_NONE when none was made. */
uint32_t heap_foreign_node(struct heap *heap, raddr_t address);
/* A node that is no object. */
uint32_t heap_pseudo(struct heap *heap, const char *type, raddr_t address);

/* A type of the graph; `type` is NULL for a pseudo type. Its index. */
uint32_t heap_add_type(struct heap *heap, const struct heap_type *type,
		       const struct graph_type *graph_type);

/* An edge from heap->source to a node that is known. */
void heap_edge(struct heap *heap, uint32_t to, enum edge_kind kind, uint32_t value, bool hidden);
/* What is added between them are the edges of `node`. Nodes have their edges in their order. */
void heap_begin_edges(struct heap *heap, uint32_t node);
void heap_end_edges(struct heap *heap);
void heap_root(struct heap *heap, uint32_t node, enum root_kind kind, const char *name);
void heap_deinit(struct heap *heap);

/* ---- heap_words.c ---- */

/* `cnt` words at `at`, or NULL. */
static inline const uint64_t *heap_words(struct heap *heap, raddr_t at, size_t cnt)
{
	if (at % sizeof(uint64_t) || cnt > SIZE_MAX / sizeof(uint64_t))
		return NULL;
	return image_at(heap->image, at, cnt * sizeof(uint64_t));
}

static inline uint64_t heap_word(struct heap *heap, raddr_t at)
{
	const uint64_t *word = heap_words(heap, at, 1);

	return word ? *word : 0;
}

/* The heap may be made so that its objects overlap: a million lists of the same million items. So
 * what is read because the target says so - how long, how many, what comes next - is paid for: a
 * few times what there is to read. False, or NULL: that was spent, which is counted as a loss. */
void heap_limit_words(struct heap *heap);
bool heap_pay(struct heap *heap, uint64_t words);
const uint64_t *heap_table(struct heap *heap, raddr_t at, size_t cnt);

/* Adds an edge from heap->source to the object that `word` points to; the word is one of
 * heap_words(). Zero is none. A word that leads to no object is counted as a loss. */
void heap_refer(struct heap *heap, const uint64_t *word, enum edge_kind kind, uint32_t value);
/* The same for an edge that the collector does not visit. */
void heap_refer_hidden(struct heap *heap, const uint64_t *word, enum edge_kind kind,
		       uint32_t value);
/* The same for a word that may be anything: what leads to no object is no loss. */
void heap_guess(struct heap *heap, const uint64_t *word, enum edge_kind kind, uint32_t value);
void heap_guess_hidden(struct heap *heap, const uint64_t *word, enum edge_kind kind,
		       uint32_t value);
/* All words of a stretch of memory, guessed. */
void heap_guess_words(struct heap *heap, raddr_t from, size_t bytes, uint32_t first_offset);
bool heap_was_seen(const struct heap *heap, size_t region, size_t word);

/* ---- search_wanted.c ---- */

bool search_wants(const struct heap_search *search, raddr_t address);
/* The node of the object whose references are read, for one more edge to `to`; NODE_NONE: that
 * one has enough holders. */
uint32_t search_source(struct heap *heap, uint32_t to);

/* Is an edge to `address` to be made? */
static inline bool heap_wants(const struct heap *heap, raddr_t address)
{
	return !heap->search || search_wants(heap->search, address);
}

/* ---- heap_names.c ---- */

/* The name's index; 0 when there is no room. Unprintable text stays as it is. */
uint32_t heap_name(struct heap *heap, const char *text);
/* Of a str object: remembered by its address. 0: no str, or over `max_chars`. */
uint32_t heap_name_of_str(struct heap *heap, raddr_t str, size_t max_chars);
/* Names of the keys of an attribute table (PyDictKeysObject), by their place. Belongs to the
 * heap; NULL: none. */
const uint32_t *heap_names_of_keys(struct heap *heap, raddr_t keys, size_t *cnt);
void heap_names_destroy(struct heap *heap);

/* ---- heap_type.c ---- */

/* NULL when there is no type at `address`. */
const struct heap_type *heap_type_get(struct heap *heap, raddr_t address);
/* The same of a type that an object had already. */
bool heap_type_is_known(const struct heap *heap, raddr_t address);
void heap_types_destroy(struct heap *heap);
/* A word of a type object that was read. */
static inline uint64_t heap_type_word(const uint64_t *type, uint32_t offset)
{
	return type[offset / 8];
}
/* heap_type_words.c: the words that the type adds to those of its base. `words` are its own. */
void heap_type_add_words(struct heap *heap, struct heap_type *type, const uint64_t *words,
			 const struct heap_type *base, const char *tp_name);
/* fields_check.c: are the words of the type's objects where fields.c says? First what the type
 * itself tells, then each of the first objects; in the end a line for each type that differs. */
struct type_fields;
void fields_check_type(struct heap *heap, struct heap_type *type, const uint64_t *words,
		       const struct type_fields *fields);
void fields_check_object(struct heap *heap, const struct heap_type *type, const uint64_t *object);
void fields_check_report(const struct heap *heap);
/* heap_size.c: shallow size of an object, as sys.getsizeof. */
uint64_t heap_object_bytes(struct heap *heap, const struct heap_type *type, raddr_t object);

/* ---- the references of one kind of object each ---- */

void refer_list(struct heap *heap, raddr_t object);
void refer_tuple(struct heap *heap, const struct heap_type *type, raddr_t object);
void refer_dict(struct heap *heap, raddr_t object);
void refer_odict(struct heap *heap, raddr_t object);
void refer_set(struct heap *heap, raddr_t object);
void refer_deque(struct heap *heap, raddr_t object);
void refer_type(struct heap *heap, raddr_t object);
void refer_module(struct heap *heap, raddr_t object);
void refer_lru_cache(struct heap *heap, raddr_t object);
void refer_tee_data(struct heap *heap, raddr_t object);
void refer_generator(struct heap *heap, raddr_t object);
void refer_frame_object(struct heap *heap, raddr_t object);
/* Attributes: by way of the attribute dict, or in the instance. */
void refer_attributes(struct heap *heap, const struct heap_type *type, raddr_t object);
/* The attribute dict of an object; 0 = none. */
raddr_t attribute_dict(struct heap *heap, const struct heap_type *type, raddr_t object);
/* Values of an attribute table, named by `keys`. */
void refer_values(struct heap *heap, raddr_t values, raddr_t keys);

/* Everything that the object refers to. heap->source is its node. */
void refer_object(struct heap *heap, const struct heap_type *type, raddr_t object);

/* ---- frames.c ---- */

/* References of an interpreter frame (3.11 and later) at `frame`. */
void refer_interpreter_frame(struct heap *heap, raddr_t frame);
/* "function (file.py:12)" of a code object, at an instruction given by its address or, up to
 * 3.10, its index. Non-zero: it is none. */
int frame_name(struct heap *heap, raddr_t code, uint64_t instruction, char *out, size_t size);

#endif
