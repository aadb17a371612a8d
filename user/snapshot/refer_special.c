/* SPDX-License-Identifier: BSD-2-Clause */
/* Types, modules (without their attributes, see refer.c), and caches whose elements lie outside
 * them: typeobject.c, moduleobject.c, _functoolsmodule.c, itertoolsmodule.c. */
#include <linux/types.h>

#include "pyleak_wire.h"
#include "pyleak_object.h"
#include "snapshot/heap.h"

static void field(struct heap *heap, raddr_t at, const char *name, bool hidden)
{
	const uint64_t *word = heap_words(heap, at, 1);

	if (!word)
		return;
	if (hidden)
		heap_refer_hidden(heap, word, EDGE_FIELD, heap_name(heap, name));
	else
		heap_refer(heap, word, EDGE_FIELD, heap_name(heap, name));
}

#define TP_BASES 0x150
#define TP_MRO 0x158
#define TP_CACHE 0x160
#define TP_SUBCLASSES 0x168
#define FLAG_STATIC_BUILTIN (1U << 1)
/* Behind ht_name, in every version. */
#define HT_SLOTS 0x8
#define HT_QUALNAME 0x10
#define HT_MODULE 0x20

/* A small number in tp_subclasses of a static type of 3.12 and later is an index. */
static bool has_subclasses(const struct heap *heap, uint32_t flags)
{
	return heap->minor < 12 || !(flags & FLAG_STATIC_BUILTIN);
}

void refer_type(struct heap *heap, raddr_t object)
{
	uint32_t flags = remote_word32(heap->image->remote, object + PYLEAK_TP_FLAGS);
	bool heap_type = flags & PYLEAK_FLAG_HEAPTYPE;
	raddr_t ht_name = object + heap->reader.layout->ht_name;

	field(heap, object + PYLEAK_TP_BASE, "__base__", false);
	field(heap, object + TP_BASES, "__bases__", false);
	field(heap, object + TP_MRO, "__mro__", false);
	field(heap, object + TP_CACHE, "tp_cache", false);
	if (has_subclasses(heap, flags))
		field(heap, object + TP_SUBCLASSES, "tp_subclasses", true);
	/* A metaclass in C may keep more. */
	if (heap_word(heap, object + 8) != heap->type_type)
		heap->exact = false;
	if (!heap_type)
		return;
	field(heap, ht_name, "__name__", true);
	field(heap, ht_name + HT_SLOTS, "__slots__", true);
	field(heap, ht_name + HT_QUALNAME, "__qualname__", true);
	if (heap->minor >= 9)
		field(heap, ht_name + HT_MODULE, "ht_module", false);
}

#define MD_DEF 0x18
#define DEF_SIZE 0x38 /* PyModuleDef.m_size */
#define DEF_TRAVERSE 0x50
#define MAX_STATE 65536

/* The state of a module in C is its own business: every word may be a reference. */
static void guess_state(struct heap *heap, raddr_t object)
{
	raddr_t state, def, traverse;
	uint64_t size;

	if (heap->minor >= 15) {
		state = heap_word(heap, object + 0x18);
		size = heap_word(heap, object + 0x38);
		traverse = heap_word(heap, object + 0x40);
	} else {
		def = heap_word(heap, object + MD_DEF);
		state = heap_word(heap, object + 0x20);
		size = def ? remote_word(heap->image->remote, def + DEF_SIZE) : 0;
		traverse = def ? remote_word(heap->image->remote, def + DEF_TRAVERSE) : 0;
	}
	if (!traverse)
		return;
	heap->exact = false;
	if (!state || !size || size > MAX_STATE)
		return;
	heap_guess_words(heap, state, size, 0);
}

void refer_module(struct heap *heap, raddr_t object)
{
	field(heap, object + (heap->minor >= 15 ? 0x28 : 0x30), "md_name", true);
	guess_state(heap, object);
}

#define LRU_NEXT 0x18
#define LRU_KEY 0x28
#define LRU_RESULT 0x30
#define MAX_LINKS (1U << 26)

static void borrow(struct heap *heap, raddr_t object)
{
	uint32_t to = heap_wants(heap, object) ? heap_node(heap, object) : NODE_NONE;

	if (to != NODE_NONE)
		heap_edge(heap, to, EDGE_BORROWED, 0, false);
}

/* tp_traverse visits the elements' keys and results by way of the cache itself; they are counted
 * by the elements, which the cache's dict holds. 3.6 visits the elements themselves. */
void refer_lru_cache(struct heap *heap, raddr_t object)
{
	raddr_t link = heap_word(heap, object + LRU_NEXT);

	for (uint32_t i = 0; link && link != object && i < MAX_LINKS; i++) {
		const uint64_t *words = heap_table(heap, link, 7);

		if (!words)
			return;
		if (heap->minor == 6)
			borrow(heap, link);
		if (heap->minor >= 10)
			borrow(heap, words[1]);
		for (size_t w = LRU_KEY / 8; heap->minor >= 7 && w <= LRU_RESULT / 8; w++)
			borrow(heap, words[w]);
		link = words[LRU_NEXT / 8];
	}
}

#define TEE_ITERATOR 0x10
#define TEE_READ 0x18 /* int: how many of the values there are */
#define TEE_NEXT 0x20
#define TEE_VALUES 0x28
#define TEE_ROOM 57

void refer_tee_data(struct heap *heap, raddr_t object)
{
	uint32_t cnt = remote_word32(heap->image->remote, object + TEE_READ);
	const uint64_t *values = heap_words(heap, object + TEE_VALUES, TEE_ROOM);

	field(heap, object + TEE_ITERATOR, "iterator", false);
	field(heap, object + TEE_NEXT, "next", false);
	for (uint32_t i = 0; values && i < cnt && i < TEE_ROOM; i++)
		heap_refer(heap, &values[i], EDGE_INDEX, i);
}
