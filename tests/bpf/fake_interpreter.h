/* SPDX-License-Identifier: GPL-2.0-only */
/* A CPython made up in the target's memory: interpreters, types, objects, lists, locks. A node
 * is the address of an object's GC head; the object follows it. */
#ifndef FAKE_INTERPRETER_H
#define FAKE_INTERPRETER_H

#include "kernel_side.h"

/* Indices of pyleak_interpreter.heads, in walking order. */
enum fake_generation { PERMANENT = 0, OLD = 1, MIDDLE = 2, YOUNG = 3 };

enum fake_lock {
	LOCK_OF_ALL, /* up to 3.11: nothing to see */
	LOCK_SHARED, /* 3.12: that of the interpreter before */
	LOCK_OWN,    /* 3.12: its own, and nobody holds it */
};

/* Types of 3.11, with the sizes that they have there. */
struct fake_types {
	__u64 plain, tuple, list, dict, set;
};

#define FAKE_HEAP 0x7f1200000000
#define FAKE_BASIC 48 /* tp_basicsize of `plain` */
#define FAKE_SLOT 256 /* every object has so much room, head included */

/* An empty target of CPython 3.`minor`, and a control block with a generous budget, whose
 * slices never end: the clock stands still. */
void fake_start(__u32 minor, __u32 head_bytes);

__u64 fake_word(__u64 address);
void fake_set_word(__u64 address, __u64 value);
__u64 fake_alloc(size_t bytes);

/* Returns its index. */
__u32 fake_interpreter(enum fake_lock lock);
__u64 fake_head(__u32 interpreter, enum fake_generation generation);
/* The running thread takes the lock, to run that interpreter. */
void fake_take_lock(__u32 interpreter);
/* Another thread has it. */
void fake_lose_lock(__u32 interpreter);
void fake_drop_lock(__u32 interpreter);
void fake_set_collecting(__u32 interpreter, bool collecting);

__u64 fake_type(__u32 basic, __u32 item, __u32 flags);
struct fake_types fake_types(void);

/* Objects. `fake_object` links it nowhere; the others append it to a list. */
__u64 fake_object(__u64 type);
__u64 fake_add(__u32 interpreter, enum fake_generation generation, __u64 type);
void fake_add_many(__u32 interpreter, enum fake_generation generation, __u64 type, int cnt);
__u64 fake_address(__u64 node); /* of the object behind the head */
void fake_set_words(__u64 node, __u64 size, __u64 w18, __u64 w20, __u64 w28);

void fake_append(__u32 interpreter, enum fake_generation generation, __u64 node);
void fake_unlink(__u64 node);
/* A collection of generation 0, 1 or 2 in which everything survives: what was younger moves to
 * the next older list. A full one also turns the order of the oldest list around. */
void fake_collect(__u32 interpreter, int generation);
/* The counter of collections alone. */
void fake_mark(__u32 interpreter, int generation);

#endif
