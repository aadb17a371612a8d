/* SPDX-License-Identifier: BSD-2-Clause */
/* Local variables and stacks: frameobject.c up to 3.10, pycore_frame.h and genobject.c. While a
 * frame runs, the height of its stack is in a register: the whole stack is guessed at then. */
#include "snapshot/frames.h"

#include <stdio.h>
#include <string.h>

#include <linux/types.h>

#include "base/cleanup.h"
#include "pyleak_wire.h"
#include "pyleak_object.h"

#define MAX_LOCALS 65536

/* A reference as frames keep them: from 3.14 on with flags. The flag 1 says that the count of the
 * object does not count it; so does the tag 3, which is a number. */
static void refer_tagged(struct heap *heap, const uint64_t *word, bool sure, enum edge_kind kind,
			 uint32_t value)
{
	uint64_t clean = *word & ~3ULL;
	uint32_t to;

	if (heap->minor < 14 || !(*word & 3)) {
		if (sure)
			heap_refer(heap, word, kind, value);
		else
			heap_guess_hidden(heap, word, EDGE_STACK, 0);
		return;
	}
	if ((*word & 3) == 3 || !clean)
		return;
	to = heap_node(heap, clean);
	if (to != NODE_NONE)
		heap_edge(heap, to, EDGE_BORROWED, 0, false);
}

static void field(struct heap *heap, raddr_t at, const char *name)
{
	const uint64_t *word = heap_words(heap, at, 1);

	if (word)
		refer_tagged(heap, word, true, EDGE_FIELD, heap_name(heap, name));
}

static raddr_t tuple_item(struct heap *heap, raddr_t tuple, uint64_t index)
{
	if (!tuple || index >= heap_word(heap, tuple + 0x10))
		return 0;
	return heap_word(heap, tuple + (heap->minor >= 14 ? 0x20 : 0x18) + 8 * index);
}

/* The name of a local variable, a cell or a free variable by its place. */
static uint32_t local_name(struct heap *heap, raddr_t code, uint64_t index)
{
	const struct py_code_layout *layout = py_code_layout(heap->minor);
	uint32_t fields[] = { layout->names, layout->cells, layout->free };

	for (size_t i = 0; i < ARRAY_SIZE(fields) && fields[i]; i++) {
		raddr_t tuple = heap_word(heap, code + fields[i]);
		uint64_t cnt = heap_word(heap, tuple + 0x10);

		if (index < cnt)
			return heap_name_of_str(heap, tuple_item(heap, tuple, index), 256);
		index -= cnt;
	}
	return 0;
}

/* `locals` sure ones, then a stack of which `sure` words, or none but `guessed`, are references. */
static void refer_locals(struct heap *heap, raddr_t code, raddr_t at, uint64_t locals,
			 uint64_t sure, uint64_t guessed)
{
	const uint64_t *words;

	if (locals > MAX_LOCALS || sure > MAX_LOCALS || guessed > MAX_LOCALS)
		return;
	words = heap_table(heap, at, locals + sure + guessed);
	if (!words)
		return;
	for (uint64_t i = 0; i < locals; i++) {
		if (words[i])
			refer_tagged(heap, &words[i], true, EDGE_LOCAL, local_name(heap, code, i));
	}
	for (uint64_t i = locals; i < locals + sure; i++)
		refer_tagged(heap, &words[i], true, EDGE_STACK, 0);
	for (uint64_t i = locals + sure; i < locals + sure + guessed; i++)
		refer_tagged(heap, &words[i], false, EDGE_STACK, 0);
	if (guessed)
		heap->exact = false;
}

void refer_interpreter_frame(struct heap *heap, raddr_t frame)
{
	const struct py_frame_layout *layout = py_frame_layout(heap->minor);
	const struct py_code_layout *codes = py_code_layout(heap->minor);
	struct remote *remote = heap->image->remote;
	raddr_t code = heap_word(heap, frame + layout->code) & ~3ULL;
	uint64_t locals = remote_word32(remote, code + codes->locals), top = 0;
	uint64_t stack = remote_word32(remote, code + codes->stack);
	bool running;

	if (!code)
		return;
	field(heap, frame + layout->object, "frame");
	field(heap, frame + layout->namespace_, "f_locals");
	field(heap, frame + layout->function, "f_func");
	field(heap, frame + layout->code, "f_code");
	if (heap->minor >= 14) {
		raddr_t pointer = heap_word(heap, frame + layout->top);

		running = pointer < frame + layout->locals;
		if (!running)
			top = (pointer - frame - layout->locals) / 8;
	} else {
		int32_t value = (int32_t)remote_word32(remote, frame + layout->top);

		running = value < 0;
		if (!running)
			top = (uint64_t)value;
	}
	if (running || top > locals + stack)
		refer_locals(heap, code, frame + layout->locals, locals, 0, stack);
	else
		refer_locals(heap, code, frame + layout->locals, top < locals ? top : locals,
			     top < locals ? 0 : top - locals, 0);
}

static void refer_old_frame(struct heap *heap, raddr_t object)
{
	const struct py_old_frame_layout *layout = py_old_frame_layout(heap->minor);
	const struct py_code_layout *codes = py_code_layout(heap->minor);
	struct remote *remote = heap->image->remote;
	raddr_t code = heap_word(heap, object + 0x20);
	raddr_t stack = heap_word(heap, object + layout->value_stack);
	uint64_t locals, height, room = code ? remote_word32(remote, code + codes->stack) : 0;

	field(heap, object + 0x18, "f_back");
	field(heap, object + 0x20, "f_code");
	field(heap, object + 0x28, "f_builtins");
	field(heap, object + 0x30, "f_globals");
	field(heap, object + 0x38, "f_locals");
	field(heap, object + layout->trace, "f_trace");
	if (heap->minor == 6) {
		field(heap, object + 0x58, "f_exc_type");
		field(heap, object + 0x60, "f_exc_value");
		field(heap, object + 0x68, "f_exc_traceback");
	}
	if (!code || stack < object + layout->locals || stack - object > 8 * MAX_LOCALS)
		return;
	locals = (stack - object - layout->locals) / 8;
	if (heap->minor == 10) {
		height = remote_word32(remote, object + layout->top);
	} else {
		raddr_t top = heap_word(heap, object + layout->top);

		height = top < stack ? UINT64_MAX : (top - stack) / 8;
	}
	if (height > room) /* it runs */
		refer_locals(heap, code, object + layout->locals, locals, 0, room);
	else
		refer_locals(heap, code, object + layout->locals, locals, height, 0);
}

#define FRAME_BACK 0x10
#define FRAME_FRAME 0x18
#define FRAME_TRACE 0x20

void refer_frame_object(struct heap *heap, raddr_t object)
{
	raddr_t frame;

	if (heap->minor <= 10) {
		refer_old_frame(heap, object);
		return;
	}
	field(heap, object + FRAME_BACK, "f_back");
	field(heap, object + FRAME_TRACE, "f_trace");
	if (heap->minor >= 13) {
		field(heap, object + 0x30, "f_extra_locals");
		field(heap, object + 0x38, "f_locals_cache");
	}
	if (heap->minor >= 14)
		field(heap, object + 0x40, "f_overwritten_fast_locals");
	frame = heap_word(heap, object + FRAME_FRAME);
	/* Else the frame belongs to a thread or a generator. */
	if (frame &&
	    (remote_word32(heap->image->remote, frame + py_frame_layout(heap->minor)->owner) &
	     0xff) == FRAME_OBJECT)
		refer_interpreter_frame(heap, frame);
}

static void refer_old_generator(struct heap *heap, raddr_t object)
{
	uint32_t name = heap->minor == 10 ? 0x28 : 0x30;
	uint32_t error = heap->minor == 10 ? 0x38 : 0x40;
	const char *exceptions[] = { "exc_type", "exc_value", "exc_traceback" };

	field(heap, object + 0x10, "gi_frame");
	field(heap, object + (heap->minor == 10 ? 0x18 : 0x20), "gi_code");
	field(heap, object + name, "__name__");
	field(heap, object + name + 8, "__qualname__");
	for (uint32_t i = 0; heap->minor >= 7 && i < ARRAY_SIZE(exceptions); i++)
		field(heap, object + error + 8 * i, exceptions[i]);
	if (heap->minor >= 7 &&
	    graph_node_type(heap->graph, heap->source)->role == ROLE_GENERATOR &&
	    strcmp(graph_type_name(heap->graph, heap->source), "generator"))
		field(heap, object + error + 0x20, "origin_or_finalizer");
}

#define STATE_CLEARED 4
#define STATE_CLEARED_315 5

void refer_generator(struct heap *heap, raddr_t object)
{
	uint32_t shift = heap->minor == 11 ? 8 : 0; /* gi_code is its first field there */
	int8_t state;

	if (heap->minor <= 10) {
		refer_old_generator(heap, object);
		return;
	}
	if (shift)
		field(heap, object + 0x10, "gi_code");
	field(heap, object + 0x18 + shift, "__name__");
	field(heap, object + 0x20 + shift, "__qualname__");
	field(heap, object + 0x28 + shift, "exc_value");
	/* Garbage in a plain generator of 3.12 and later. */
	if (strcmp(graph_type_name(heap->graph, heap->source), "generator"))
		field(heap, object + 0x38 + shift, "origin_or_finalizer");
	state = (int8_t)remote_word32(heap->image->remote, object + 0x43 + shift);
	if (state < (heap->minor >= 15 ? STATE_CLEARED_315 : STATE_CLEARED))
		refer_interpreter_frame(heap, object + 0x48 + shift);
	else if (heap->minor >= 14) /* it keeps its code for its name */
		field(heap, object + 0x48 + py_frame_layout(heap->minor)->code, "gi_code");
}

int frame_name(struct heap *heap, raddr_t code, uint64_t at, char *out, size_t size)
{
	const struct py_code_layout *layout = py_code_layout(heap->minor);
	char name[128], file[256] = "?";
	const char *tail;
	uint32_t line;
	int err = py_str_read(&heap->reader, heap_word(heap, code + layout->name), name,
			      sizeof(name));

	if (err)
		return err;
	py_str_read(&heap->reader, heap_word(heap, code + layout->file), file, sizeof(file));
	line = frame_line(heap, code, at);
	tail = strrchr(file, '/');
	if (line)
		snprintf(out, size, "%s (%s:%u)", name, tail ? tail + 1 : file, line);
	else
		snprintf(out, size, "%s (%s)", name, tail ? tail + 1 : file);
	return 0;
}
