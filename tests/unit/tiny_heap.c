/* SPDX-License-Identifier: BSD-2-Clause */
#include "tiny_heap.h"

#include <stdlib.h>
#include <string.h>

#include "attach/py_layout.h"
#include "pyleak_object.h"
#include "snapshot/frames.h"

#define TRAVERSE 0x5550001000ULL
#define HAVE_GC (1U << 14)
#define T_OBJECT_EX 16

static raddr_t take(struct tiny_heap *heap, size_t bytes)
{
	raddr_t at = TINY_BASE + heap->used;

	heap->used += (bytes + 15) & ~15UL;
	if (heap->used > TINY_BYTES)
		abort();
	return at;
}

static void put(struct tiny_heap *heap, raddr_t at, uint64_t word)
{
	memcpy((uint8_t *)heap->words + (at - TINY_BASE), &word, sizeof(word));
}

static void put32(struct tiny_heap *heap, raddr_t at, uint32_t word)
{
	memcpy((uint8_t *)heap->words + (at - TINY_BASE), &word, sizeof(word));
}

static uint64_t get(const struct tiny_heap *heap, raddr_t at)
{
	return heap->words[(at - TINY_BASE) / 8];
}

static raddr_t text(struct tiny_heap *heap, const char *text)
{
	raddr_t at = take(heap, strlen(text) + 1);

	memcpy((uint8_t *)heap->words + (at - TINY_BASE), text, strlen(text) + 1);
	return at;
}

static raddr_t plain(struct tiny_heap *heap, raddr_t type, size_t bytes)
{
	raddr_t at = take(heap, bytes);

	put(heap, at, 1);
	put(heap, at + 8, type);
	if (heap->object_cnt < TINY_OBJECTS_MAX)
		heap->objects[heap->object_cnt++] = at;
	return at;
}

static raddr_t tracked(struct tiny_heap *heap, raddr_t type, size_t bytes)
{
	raddr_t node = take(heap, heap->lists.head_bytes), last = get(heap, heap->head + 8);

	put(heap, node, heap->head);
	put(heap, node + 8, last);
	put(heap, last, node);
	put(heap, heap->head + 8, node);
	return plain(heap, type, bytes);
}

static raddr_t new_type(struct tiny_heap *heap, const char *name, uint32_t basic, uint32_t item,
			uint32_t flags)
{
	raddr_t type = plain(heap, heap->type, 0x390);

	if (!heap->type)
		put(heap, type + 8, type);
	put(heap, type + PYLEAK_TP_NAME, text(heap, name));
	put(heap, type + PYLEAK_TP_BASICSIZE, basic);
	put(heap, type + PYLEAK_TP_ITEMSIZE, item);
	put(heap, type + PYLEAK_TP_FLAGS, flags);
	return type;
}

static raddr_t new_str(struct tiny_heap *heap, const char *ascii)
{
	raddr_t str = plain(heap, heap->str, 0x30 + strlen(ascii) + 1);

	put(heap, str + 0x10, strlen(ascii));
	put(heap, str + 0x20, 1U << 2 | 1U << 5 | 1U << 6);
	memcpy((uint8_t *)heap->words + (str + heap->layout.string_data - TINY_BASE), ascii,
	       strlen(ascii) + 1);
	return str;
}

static raddr_t new_dict(struct tiny_heap *heap)
{
	raddr_t dict = tracked(heap, heap->dict, 0x30), keys = take(heap, 0x30 + 8 + 8 * 24);

	put(heap, dict + 0x20, keys);
	put(heap, keys, 1);
	put(heap, keys + 8, heap->minor >= 11 ? 3 | 3 << 8 | 1 << 16 : 8);
	return dict;
}

static void set_item(struct tiny_heap *heap, raddr_t dict, const char *key, raddr_t value)
{
	raddr_t keys = get(heap, dict + 0x20), cnt_at = keys + (heap->minor >= 11 ? 0x18 : 0x20);
	uint64_t cnt = get(heap, cnt_at);
	raddr_t entry = heap->minor >= 11 ? keys + 0x28 + 16 * cnt : keys + 0x30 + 24 * cnt + 8;

	if (cnt == 8)
		abort();
	put(heap, entry, new_str(heap, key));
	put(heap, entry + 8, value);
	put(heap, cnt_at, cnt + 1);
	put(heap, dict + 0x10, cnt + 1);
}

static raddr_t new_tuple(struct tiny_heap *heap, raddr_t first, raddr_t second)
{
	uint32_t items = heap->minor >= 14 ? 0x20 : 0x18;
	raddr_t tuple = tracked(heap, heap->tuple, items + 16);

	put(heap, tuple + 0x10, second ? 2 : 1);
	put(heap, tuple + items, first);
	put(heap, tuple + items + 8, second);
	return tuple;
}

static void make_types(struct tiny_heap *heap)
{
	heap->type = new_type(heap, "type", 0x388, 0x28, 1U << 31 | HAVE_GC);
	heap->object = new_type(heap, "object", 0x10, 0, 0);
	heap->str = new_type(heap, "str", 0x50, 0, 1U << 28);
	heap->dict = new_type(heap, "dict", 0x30, 0, PYLEAK_FLAG_DICT_SUBCLASS | HAVE_GC);
	heap->list = new_type(heap, "list", 0x28, 0, PYLEAK_FLAG_LIST_SUBCLASS | HAVE_GC);
	heap->tuple = new_type(heap, "tuple", heap->minor >= 14 ? 0x20 : 0x18, 8, HAVE_GC);
	heap->set = new_type(heap, "set", 0xc8, 0, HAVE_GC);
	heap->deque = new_type(heap, "collections.deque", 0x50, 0, HAVE_GC);
	heap->function = new_type(heap, "function", 0x98, 0, HAVE_GC);
	heap->cell = new_type(heap, "cell", 0x18, 0, HAVE_GC);
	heap->code = new_type(heap, "code", 0xd8, 0, 0);
	heap->generator = new_type(heap, "generator", 0xa0, 0, HAVE_GC);
	heap->frame = new_type(heap, "frame", 0x1a0, 8, HAVE_GC);
	heap->module = new_type(heap, "module", 0x40, 0, HAVE_GC);
	put(heap, heap->module + 0x120, 0x10);
}

/* class Thing: __slots__ = "slot", "__dict__" */
static void make_class(struct tiny_heap *heap)
{
	raddr_t members = take(heap, 2 * 0x28), dict = new_dict(heap);

	set_item(heap, dict, "__module__", new_str(heap, "app"));
	heap->thing = tracked(heap, heap->type, 0x3a0);
	put(heap, heap->thing + PYLEAK_TP_NAME, text(heap, "Thing"));
	put(heap, heap->thing + PYLEAK_TP_BASICSIZE, 0x28);
	put(heap, heap->thing + PYLEAK_TP_FLAGS, PYLEAK_FLAG_HEAPTYPE | HAVE_GC);
	put(heap, heap->thing + PYLEAK_TP_BASE, heap->object);
	put(heap, heap->thing + PYLEAK_TP_DICT, dict);
	put(heap, heap->thing + 0xb8, TRAVERSE);
	put(heap, heap->thing + 0x120, 0x18);
	put(heap, heap->thing + 0xf0, members);
	put(heap, heap->thing + heap->layout.ht_name, new_str(heap, "Thing"));
	put(heap, members, text(heap, "slot"));
	put32(heap, members + 8, T_OBJECT_EX);
	put(heap, members + 0x10, 0x10);
}

static raddr_t make_code(struct tiny_heap *heap)
{
	const struct py_code_layout *layout = py_code_layout(heap->minor);
	raddr_t code = plain(heap, heap->code, 0x100);

	put32(heap, code + layout->locals, 1);
	put32(heap, code + layout->stack, 1);
	put(heap, code + layout->name, new_str(heap, "work"));
	put(heap, code + layout->file, new_str(heap, "app.py"));
	put(heap, code + layout->names, new_tuple(heap, new_str(heap, "x"), 0));
	return code;
}

static void make_frame(struct tiny_heap *heap, raddr_t frame, raddr_t code, uint32_t owner)
{
	const struct py_frame_layout *layout = py_frame_layout(heap->minor);

	put(heap, frame + layout->code, code);
	put32(heap, frame + layout->owner, owner);
	put(heap, frame + layout->locals, heap->texts[0]);
	if (heap->minor >= 14)
		put(heap, frame + layout->top, frame + layout->locals + 8);
	else
		put32(heap, frame + layout->top, 1);
}

/* Up to 3.10 with a frame object, which keeps the variable. */
static void make_generator(struct tiny_heap *heap, raddr_t code)
{
	const struct py_old_frame_layout *layout = py_old_frame_layout(heap->minor);
	raddr_t frame;

	heap->generator_object = tracked(heap, heap->generator, 0x100);
	if (heap->minor >= 11) {
		make_frame(heap, heap->generator_object + (heap->minor == 11 ? 0x50 : 0x48), code,
			   FRAME_GENERATOR);
		return;
	}
	frame = tracked(heap, heap->frame, 0x1a0);
	put(heap, heap->generator_object + 0x10, frame);
	put(heap, frame + 0x20, code);
	put(heap, frame + layout->value_stack, frame + layout->locals + 8);
	put(heap, frame + layout->locals, heap->texts[0]);
	if (heap->minor < 10)
		put(heap, frame + layout->top, frame + layout->locals + 8);
}

static void make_containers(struct tiny_heap *heap)
{
	raddr_t items = take(heap, 16), block = take(heap, 66 * 8);

	heap->items = tracked(heap, heap->list, 0x28);
	put(heap, heap->items + 0x10, 2);
	put(heap, heap->items + 0x18, items);
	put(heap, heap->items + 0x20, 2);
	put(heap, items, heap->texts[0]);
	put(heap, items + 8, heap->texts[1]);
	heap->pair = new_tuple(heap, heap->texts[0], heap->texts[1]);
	heap->mapping = new_dict(heap);
	set_item(heap, heap->mapping, "key", heap->texts[1]);
	heap->set_object = tracked(heap, heap->set, 0xc8);
	put(heap, heap->set_object + 0x10, 1);
	put(heap, heap->set_object + 0x18, 1);
	put(heap, heap->set_object + 0x20, 7);
	put(heap, heap->set_object + 0x28, heap->set_object + 0x48);
	put(heap, heap->set_object + 0x48, heap->texts[0]);
	heap->deque_object = tracked(heap, heap->deque, 0x50);
	put(heap, heap->deque_object + 0x10, 2);
	put(heap, heap->deque_object + 0x18, block);
	put(heap, heap->deque_object + 0x28, 31);
	put(heap, block + 32 * 8, heap->texts[0]);
	put(heap, block + 33 * 8, heap->texts[1]);
}

static raddr_t make_function(struct tiny_heap *heap, raddr_t globals, raddr_t code)
{
	raddr_t function = tracked(heap, heap->function, 0x98);
	raddr_t cell = tracked(heap, heap->cell, 0x18);

	put(heap, cell + 0x10, heap->texts[1]);
	heap->closure = new_tuple(heap, cell, 0);
	put(heap, function + (heap->minor >= 10 ? 0x48 : 0x30), heap->closure);
	put(heap, function + (heap->minor >= 10 ? 0x10 : 0x18), globals);
	put(heap, function + (heap->minor >= 10 ? 0x30 : 0x10), code);
	return function;
}

/* sys.modules with app alone, and a thread in work(). */
static void make_interpreter(struct tiny_heap *heap, raddr_t code)
{
	raddr_t interpreter = take(heap, 0x800), thread = take(heap, 0x180);
	raddr_t modules = new_dict(heap), frame = take(heap, 0x100), cframe = take(heap, 0x20);

	set_item(heap, modules, "app", heap->app);
	put(heap, interpreter + heap->layout.interpreter_modules, modules);
	put(heap, interpreter + heap->layout.interpreter_threads, thread);
	heap->lists.newest_interpreter = interpreter;
	if (heap->minor < 11)
		return;
	make_frame(heap, frame, code, FRAME_THREAD);
	put(heap, cframe + (heap->minor == 11 ? 8 : 0), frame);
	put(heap, thread + (heap->minor >= 13 ? 0x48 : 0x38), heap->minor >= 13 ? frame : cframe);
}

static void begin(struct tiny_heap *heap, int minor)
{
	memset(heap, 0, sizeof(*heap));
	heap->minor = minor;
	if (py_layout_load(minor > 12 ? 12 : minor, 0, NULL, 0, &heap->layout))
		abort();
	if (minor > 12)
		heap->layout.ht_name = minor == 15 ? 0x360 : 0x358;
	heap->lists.head_bytes = minor >= 8 ? 16 : 32;
	heap->lists.cnt = 1;
	heap->used = 64; /* nothing at the very start */
	heap->head = take(heap, 32);
	put(heap, heap->head, heap->head);
	put(heap, heap->head + 8, heap->head);
	heap->lists.interpreters[0].heads[1] = heap->head;
}

void tiny_heap_make(struct tiny_heap *heap, int minor)
{
	raddr_t globals, attributes, code;

	begin(heap, minor);
	make_types(heap);
	heap->texts[0] = new_str(heap, "one");
	heap->texts[1] = new_str(heap, "two");
	make_class(heap);
	make_containers(heap);
	code = make_code(heap);
	make_generator(heap, code);
	heap->thing_object = tracked(heap, heap->thing, 0x28);
	attributes = new_dict(heap);
	set_item(heap, attributes, "name", heap->texts[1]);
	put(heap, heap->thing_object + 0x10, heap->texts[0]);
	put(heap, heap->thing_object + 0x18, attributes);
	globals = new_dict(heap);
	heap->app = tracked(heap, heap->module, 0x40);
	put(heap, heap->app + 0x10, globals);
	set_item(heap, globals, "items", heap->items);
	set_item(heap, globals, "pair", heap->pair);
	set_item(heap, globals, "mapping", heap->mapping);
	set_item(heap, globals, "thing", heap->thing_object);
	set_item(heap, globals, "f", make_function(heap, globals, code));
	set_item(heap, globals, "generator", heap->generator_object);
	set_item(heap, globals, "set", heap->set_object);
	set_item(heap, globals, "deque", heap->deque_object);
	make_interpreter(heap, code);
	heap->source = (struct build_source){
		.minor = minor,
		.layout = &heap->layout,
		.type_type = heap->type,
		.str_type = heap->str,
	};
}
