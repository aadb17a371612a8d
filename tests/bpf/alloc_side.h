/* SPDX-License-Identifier: GPL-2.0-only */
/* The probes on allocations compiled for the host, and a target that allocates. Stacks are not
 * taken: what would be, is counted. */
#ifndef ALLOC_SIDE_H
#define ALLOC_SIDE_H

#include "shim.h"

#include "pyleak_alloc.h"

#define FLAG_META (1ULL << 31) /* Py_TPFLAGS_TYPE_SUBCLASS */
#define BASIC_BYTES 48
#define ITEM_BYTES 8

extern struct pyleak_alloc_control alloc_control;
extern struct pyleak_alloc_progress alloc_progress;

/* Instead of alloc_stack.bpf.h. */
struct stacks_seen {
	bool can_take;
	__u64 taken, recorded, freed;
	__u64 object, items; /* of the newest that was recorded */
	__u64 hash;	     /* frames[0].code of the stack it was recorded with */
};
extern struct stacks_seen stacks_seen;

/* A target of one interpreter, armed. `new_gc`: 3.12 and later. */
void alloc_start(bool new_gc);

__u64 alloc_memory(size_t bytes); /* fresh, all zero */
void set_word(__u64 address, __u64 value);
__u64 make_type(__u64 flags);
void make_type_at(__u64 address, __u64 flags);
/* Memory for one, as the allocator leaves it. */
__u64 make_object(void);
void set_type(__u64 object, __u64 type); /* and a reference */

/* Hits. */
void hit_new(__u64 object);
void hit_free(__u64 object);
void hit_collection(void);
void hit_resize(__u64 object);
/* The same in the interpreter whose count is there. */
void use_interpreter(__u64 count);
/* Alone, with its type set after the hit. */
__u64 make(__u64 type);
/* Makes everything before count. */
void settle(void);

void set_collecting(bool collecting);
void set_count(int value);
/* A hit of the trial's, where `place_of_new()` is: all that it has seen of this count. */
struct pyleak_alloc_count try_new(void);
void end_census(void);

/* The slot that has the type now; of none all is 0. */
struct pyleak_alloc_type slot_of_type(__u64 type);
struct pyleak_alloc_type *slots(void);
struct pyleak_alloc_site *place_of_new(void);
struct pyleak_alloc_state *state_at(__u32 index);
__u64 alloc_loss(enum pyleak_alloc_loss reason);
__u64 alloc_losses(void);

#endif
