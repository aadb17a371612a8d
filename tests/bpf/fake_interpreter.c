// SPDX-License-Identifier: GPL-2.0-only
/* The layout is that of CPython's structs as far as the kernel side reads them; what lies
 * between is zero. */
#include "fake_interpreter.h"

#include <criterion/criterion.h>

#define HEAP FAKE_HEAP
#define HEAP_BYTES (16 << 20)
#define HEADS_BYTES 48 /* of one gc_generation, at most */
#define THREAD_ID 0x98
#define LINK_FLAGS 3ULL

static __u64 heap_at;
static __u64 current_tstate; /* where 3.11 keeps the running thread's state */

void fake_start(__u32 minor, __u32 head_bytes)
{
	shim_map_memory(HEAP, HEAP_BYTES);
	heap_at = HEAP + 0x1000;
	current_tstate = fake_alloc(8);
	control.minor = minor;
	control.head_bytes = head_bytes;
	control.thread_id = THREAD_ID;
	control.max_pause_ns = 1000000;
	control.budget_ppm = 1000000;
	control.max_objects = 1 << 20;
	control.container_min = 1000;
}

__u64 fake_word(__u64 address)
{
	__u64 *word = shim_memory(address, sizeof(*word));

	cr_assert(word, "no memory at %#llx", address);
	return *word;
}

void fake_set_word(__u64 address, __u64 value)
{
	__u64 *word = shim_memory(address, sizeof(*word));

	cr_assert(word, "no memory at %#llx", address);
	*word = value;
}

__u64 fake_alloc(size_t bytes)
{
	__u64 address = heap_at;

	heap_at += (bytes + 15) & ~15ULL;
	cr_assert_lt(heap_at, HEAP + HEAP_BYTES);
	return address;
}

static __u64 make_tstate(__u64 interpreter, __u64 thread)
{
	__u64 tstate = fake_alloc(0x100);

	fake_set_word(tstate + 0x10, interpreter);
	fake_set_word(tstate + THREAD_ID, thread);
	return tstate;
}

static __u64 make_lock(__u32 index, enum fake_lock lock)
{
	__u64 pointer;

	if (lock == LOCK_OF_ALL)
		return 0;
	pointer = fake_alloc(8);
	if (lock == LOCK_OWN)
		fake_set_word(pointer, fake_alloc(0x20));
	else
		fake_set_word(pointer, fake_word(control.interpreters[index - 1].gil));
	return pointer;
}

__u32 fake_interpreter(enum fake_lock lock)
{
	__u32 index = control.interpreter_cnt;
	struct pyleak_interpreter *interpreter = &control.interpreters[index];
	__u64 heads = fake_alloc(PYLEAK_LISTS * HEADS_BYTES);

	interpreter->address = fake_alloc(0x100);
	interpreter->collecting = fake_alloc(8);
	interpreter->gil = make_lock(index, lock);
	for (int i = 0; i < PYLEAK_LISTS; i++) {
		/* The youngest lies lowest, the permanent one highest. */
		__u64 head = heads + (PYLEAK_LISTS - 1 - i) * HEADS_BYTES;

		interpreter->heads[i] = head;
		fake_set_word(head, head);
		fake_set_word(head + 8, head);
	}
	for (int i = 0; i < PYLEAK_GENERATIONS; i++)
		interpreter->generation_marks[i] = fake_alloc(8);
	control.interpreter_cnt++;
	if (lock == LOCK_OF_ALL && !index) {
		control.current_tstate = current_tstate;
		fake_take_lock(0);
	}
	return index;
}

__u64 fake_head(__u32 interpreter, enum fake_generation generation)
{
	return control.interpreters[interpreter].heads[generation];
}

static void set_holder(__u32 index, __u64 thread, __u32 locked)
{
	const struct pyleak_interpreter *interpreter = &control.interpreters[index];
	__u64 tstate = make_tstate(interpreter->address, thread);

	if (!interpreter->gil) {
		fake_set_word(current_tstate, tstate);
		return;
	}
	fake_set_word(fake_word(interpreter->gil) + 0x8, tstate);
	fake_set_word(fake_word(interpreter->gil) + 0x10, locked);
}

void fake_take_lock(__u32 interpreter)
{
	set_holder(interpreter, shim.thread_pointer, 1);
}

void fake_lose_lock(__u32 interpreter)
{
	set_holder(interpreter, shim.thread_pointer + 0x100000, 1);
}

/* last_holder stays, as in CPython. */
void fake_drop_lock(__u32 interpreter)
{
	set_holder(interpreter, shim.thread_pointer, 0);
}

void fake_set_collecting(__u32 interpreter, bool collecting)
{
	fake_set_word(control.interpreters[interpreter].collecting, collecting);
}

__u64 fake_type(__u32 basic, __u32 item, __u32 flags)
{
	__u64 type = fake_alloc(0x110);

	fake_set_word(type + PYLEAK_TP_BASICSIZE, basic);
	fake_set_word(type + PYLEAK_TP_ITEMSIZE, item);
	fake_set_word(type + PYLEAK_TP_FLAGS, flags);
	return type;
}

struct fake_types fake_types(void)
{
	struct fake_types types = {
		.plain = fake_type(FAKE_BASIC, 0, 0),
		.tuple = fake_type(24, 8, 1U << 26),
		.list = fake_type(40, 0, PYLEAK_FLAG_LIST_SUBCLASS),
		.dict = fake_type(48, 0, PYLEAK_FLAG_DICT_SUBCLASS),
		.set = fake_type(200, 0, 0),
	};

	control.set_types[0] = types.set;
	return types;
}

__u64 fake_address(__u64 node)
{
	return node + control.head_bytes;
}

__u64 fake_object(__u64 type)
{
	__u64 node = fake_alloc(FAKE_SLOT);

	fake_set_word(fake_address(node), 1);
	fake_set_word(fake_address(node) + 8, type);
	return node;
}

__u64 fake_add(__u32 interpreter, enum fake_generation generation, __u64 type)
{
	__u64 node = fake_object(type);

	fake_append(interpreter, generation, node);
	return node;
}

void fake_add_many(__u32 interpreter, enum fake_generation generation, __u64 type, int cnt)
{
	for (int i = 0; i < cnt; i++)
		fake_add(interpreter, generation, type);
}

void fake_set_words(__u64 node, __u64 size, __u64 w18, __u64 w20, __u64 w28)
{
	__u64 object = fake_address(node);

	fake_set_word(object + 0x10, size);
	fake_set_word(object + 0x18, w18);
	fake_set_word(object + 0x20, w20);
	fake_set_word(object + 0x28, w28);
}

/* Flags in the low bits of a link stay where they are, as in CPython. */
static void set_link(__u64 at, __u64 to)
{
	fake_set_word(at, to | (fake_word(at) & LINK_FLAGS));
}

static __u64 link_at(__u64 at)
{
	return PYLEAK_LINK(fake_word(at));
}

void fake_append(__u32 interpreter, enum fake_generation generation, __u64 node)
{
	__u64 head = fake_head(interpreter, generation);
	__u64 last = link_at(head + 8);

	set_link(node, head);
	set_link(node + 8, last);
	set_link(last, node);
	set_link(head + 8, node);
}

/* The links of the node itself become 0, as when CPython untracks an object. */
void fake_unlink(__u64 node)
{
	__u64 next = link_at(node), previous = link_at(node + 8);

	set_link(previous, next);
	set_link(next + 8, previous);
	set_link(node, 0);
	set_link(node + 8, 0);
}

static void move_all(__u32 interpreter, enum fake_generation from, enum fake_generation to)
{
	__u64 node, head = fake_head(interpreter, from);

	while ((node = link_at(head)) != head) {
		fake_unlink(node);
		fake_append(interpreter, to, node);
	}
}

static void turn_around(__u64 head)
{
	__u64 node = head;

	do {
		__u64 next = link_at(node);

		set_link(node, link_at(node + 8));
		set_link(node + 8, next);
		node = next;
	} while (node != head);
}

void fake_mark(__u32 interpreter, int generation)
{
	__u64 mark = control.interpreters[interpreter].generation_marks[generation];

	fake_set_word(mark, fake_word(mark) + 1);
}

void fake_collect(__u32 interpreter, int generation)
{
	if (generation >= 1)
		move_all(interpreter, MIDDLE, OLD);
	move_all(interpreter, YOUNG, generation >= 1 ? OLD : MIDDLE);
	if (generation == 2)
		turn_around(fake_head(interpreter, OLD));
	fake_mark(interpreter, generation);
}
