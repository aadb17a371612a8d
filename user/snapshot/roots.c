/* SPDX-License-Identifier: BSD-2-Clause */
/* What Python itself starts from: the modules, the threads with the functions that run in them,
 * and the interpreters. */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "snapshot/frames.h"
#include "snapshot/roots.h"

#define MAX_MODULES 65536
#define MAX_INTERPRETERS 256
#define MAX_THREADS 65536
#define MAX_FRAMES 100000
#define FRAME_WORDS 32 /* and what its name takes */

static int add_module(raddr_t key, raddr_t value, void *context)
{
	struct heap *heap = context;
	uint32_t node = heap_pay(heap, 1) ? heap_node(heap, value) : NODE_NONE;
	char name[256];

	if (node != NODE_NONE && graph_node_type(heap->graph, node)->role == ROLE_MODULE &&
	    !py_str_read(&heap->reader, key, name, sizeof(name)))
		heap_root(heap, node, ROOT_MODULE, name);
	return 0;
}

/* Where the instruction stands that a frame is at, in bytes from the start of the code. */
static uint64_t instruction_of(struct heap *heap, raddr_t frame, raddr_t code)
{
	uint64_t at = heap_word(heap, frame + py_frame_layout(heap->minor)->instruction);
	uint64_t start = code + py_code_layout(heap->minor)->bytecode;

	return at > start ? at - start : 0;
}

/* Follows a chain that may be torn: it could lead anywhere, also in a circle. */
struct chain {
	uint32_t cnt;
	uint32_t mark_at; /* when the mark moves next */
	raddr_t mark;
};

static bool chain_goes_on(struct heap *heap, struct chain *chain, raddr_t frame)
{
	if (!frame || chain->cnt == MAX_FRAMES || !heap_pay(heap, FRAME_WORDS))
		return false;
	if (frame == chain->mark) {
		heap->graph->info.loss.torn++;
		return false;
	}
	if (chain->cnt++ == chain->mark_at) {
		chain->mark = frame;
		chain->mark_at = 2 * chain->cnt;
	}
	return true;
}

/* False: no frame; the rest of the chain is garbage. */
static bool add_frame(struct heap *heap, raddr_t frame, raddr_t code, unsigned int owner)
{
	char name[400];

	if (frame_name(heap, code, instruction_of(heap, frame, code), name, sizeof(name))) {
		heap->graph->info.loss.torn++;
		return false;
	}
	if (owner == FRAME_GENERATOR) {
		/* The generator's own: it holds them, and the frame that runs it holds it. */
		uint32_t shift = heap->minor == 11 ? 0x50 : 0x48;

		heap_root(heap, heap_node(heap, frame - shift), ROOT_FRAME, name);
		return true;
	}
	heap_root(heap, heap_pseudo(heap, PSEUDO_FRAME, frame), ROOT_FRAME, name);
	return true;
}

static void add_frames(struct heap *heap, raddr_t tstate)
{
	const struct py_frame_layout *layout = py_frame_layout(heap->minor);
	struct chain chain = {};
	raddr_t frame;

	if (heap->minor >= 13) {
		frame = heap_word(heap, tstate + TSTATE_FRAME_313);
	} else {
		frame = heap_word(heap, tstate + TSTATE_CFRAME);
		frame = frame ? heap_word(heap, frame + py_cframe_frame(heap->minor)) : 0;
	}
	while (chain_goes_on(heap, &chain, frame)) {
		unsigned int owner =
			remote_word32(heap->image->remote, frame + layout->owner) & 0xff;
		raddr_t code = heap_word(heap, frame + layout->code) & ~3ULL;

		if (owner < FRAME_SHIM && code && !add_frame(heap, frame, code, owner))
			break;
		frame = heap_word(heap, frame + layout->previous);
	}
}

static void add_old_frames(struct heap *heap, raddr_t tstate)
{
	const struct py_old_frame_layout *layout = py_old_frame_layout(heap->minor);
	raddr_t frame = heap_word(heap, tstate + TSTATE_OLD_FRAME);
	struct chain chain = {};
	char name[400];

	while (chain_goes_on(heap, &chain, frame)) {
		int32_t last = (int32_t)remote_word32(heap->image->remote, frame + layout->last);

		/* Counted in units of two bytes in 3.10. */
		if (heap->minor == 10)
			last *= 2;
		if (frame_name(heap, heap_word(heap, frame + PY_OLD_FRAME_CODE),
			       last < 0 ? 0 : (uint64_t)last, name, sizeof(name))) {
			heap->graph->info.loss.torn++;
			break;
		}
		heap_root(heap, heap_node(heap, frame), ROOT_FRAME, name);
		frame = heap_word(heap, frame + PY_OLD_FRAME_BACK);
	}
}

static void add_thread(struct heap *heap, raddr_t tstate)
{
	uint64_t id = heap_word(heap, tstate + heap->reader.layout->tstate_thread_id);
	char name[64];

	snprintf(name, sizeof(name), "thread %#llx", (unsigned long long)id);
	for (size_t i = 0; i < heap->image->thread_cnt; i++) {
		if (heap->image->threads[i].thread_pointer == id)
			snprintf(name, sizeof(name), "thread %d", heap->image->threads[i].tid);
	}
	if (heap->minor >= 11)
		add_frames(heap, tstate);
	else
		add_old_frames(heap, tstate);
	heap_root(heap, heap_pseudo(heap, PSEUDO_THREAD, tstate), ROOT_THREAD, name);
}

static void add_interpreter(struct heap *heap, raddr_t interpreter, int number)
{
	const struct py_layout *layout = heap->reader.layout;
	raddr_t modules = heap_word(heap, interpreter + layout->interpreter_modules);
	raddr_t tstate = heap_word(heap, interpreter + layout->interpreter_threads);
	char name[64] = "";

	if (modules)
		py_dict_each(&heap->reader, modules, MAX_MODULES, add_module, heap);
	for (int i = 0; tstate && i < MAX_THREADS && heap_pay(heap, TSTATE_BYTES / 8); i++) {
		add_thread(heap, tstate);
		tstate = heap_word(heap, tstate + TSTATE_NEXT);
	}
	if (number)
		snprintf(name, sizeof(name), "%d", number);
	heap_root(heap, heap_pseudo(heap, PSEUDO_INTERPRETER, interpreter), ROOT_INTERPRETER, name);
}

void add_python_roots(struct heap *heap)
{
	raddr_t interpreter = heap->lists->newest_interpreter;

	for (int i = 0; interpreter && i < MAX_INTERPRETERS; i++) {
		add_interpreter(heap, interpreter, i);
		interpreter = heap_word(heap, interpreter + heap->reader.layout->interpreter_next);
	}
}

/* About: what lies behind is memory of the runtime, too. */
size_t interpreter_bytes(int minor)
{
	static const uint32_t bytes[] = {
		[6] = 0x78,	[7] = 0xa08,	[8] = 0xaa0,	[9] = 0x1618,	[10] = 0x1bb78,
		[11] = 0x1a4e8, [12] = 0x5da40, [13] = 0x2f9a8, [14] = 0x37248, [15] = 0x373c0
	};

	return (size_t)minor < ARRAY_SIZE(bytes) ? bytes[minor] : 0;
}

/* Their other words are searched with the rest of the memory (roots_native.c): among them are
 * lists of free objects, whose unused places still point to objects that live again. */
static void refer_interpreter(struct heap *heap, raddr_t interpreter)
{
	const uint64_t *word =
		heap_words(heap, interpreter + heap->reader.layout->interpreter_modules, 1);

	if (word)
		heap_refer(heap, word, EDGE_FIELD, heap_name(heap, "sys.modules"));
}

void refer_pseudo(struct heap *heap, uint32_t node)
{
	const char *type = graph_type_name(heap->graph, node);
	raddr_t address = heap->graph->nodes[node].address;

	if (!strcmp(type, PSEUDO_FRAME))
		refer_interpreter_frame(heap, address);
	else if (!strcmp(type, PSEUDO_INTERPRETER))
		refer_interpreter(heap, address);
}
