// SPDX-License-Identifier: GPL-2.0-only
/* The whole kernel side of allocations in one object, under other names than that of censuses. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#include "alloc_side.h"

#include <assert.h>
#include <string.h>

#undef __noinline
#define __noinline static __attribute__((noinline))
#define control alloc_control
#define progress alloc_progress
#define types alloc_types
#define LICENSE alloc_license
#define census_epoch alloc_census_epoch

struct stacks_seen stacks_seen;

#define PYLEAK_ALLOC_STACK_BPF_H
static bool take_stack(struct pyleak_alloc_state *state)
{
	if (!stacks_seen.can_take)
		return false;
	state->stack.cnt = 1;
	state->stack.frames[0].code = ++stacks_seen.taken;
	return true;
}

static void record_stack(const struct pyleak_stack *stack, __u64 object,
			 const struct pyleak_alloc_type *slot, __u64 items)
{
	assert(slot->flags & PYLEAK_ALLOC_SUSPECT);
	stacks_seen.recorded++;
	stacks_seen.object = object;
	stacks_seen.items = items;
	stacks_seen.hash = stack->frames[0].code;
}

static void note_freed(__u64 object)
{
	stacks_seen.freed++;
}

#include "alloc.bpf.c"

#define BASE 0x7f1200000000ULL
#define HEAP_BYTES (1 << 22)
#define COUNT (BASE + 0x100)
#define COLLECTING (BASE + 0x180)
#define METATYPE (BASE + 0x1000)
#define OBJECT_BYTES 64
#define TYPE_BYTES 0x200

enum { AT_NEW = 3, AT_FREE = 7, AT_COLLECTION = 11, AT_RESIZE = 12 };

static __u64 registers[32], used;

void alloc_start(bool new_gc)
{
	shim_map_memory(BASE, HEAP_BYTES);
	used = BASE + 0x2000;
	sites[AT_NEW] = (struct pyleak_alloc_site){
		.kind = PYLEAK_ALLOC_NEW,
		.object_at = 5 * 8,
		.object_index_at = 6 * 8,
		.count_at = 7 * 8,
		.object_bias = 16,
		.count_offset = 0x40,
	};
	sites[AT_FREE] = sites[AT_NEW];
	sites[AT_FREE].kind = PYLEAK_ALLOC_FREE;
	sites[AT_COLLECTION].kind = PYLEAK_ALLOC_COLLECTION;
	sites[AT_RESIZE] = (struct pyleak_alloc_site){
		.kind = PYLEAK_ALLOC_RESIZE,
		.object_at = 14 * 8,
		.object_index_at = PYLEAK_NO_REGISTER,
	};
	if (!new_gc)
		control.collecting_from_count = COLLECTING - COUNT;
	control.hit_ns = 100;
	control.armed = 1;
	use_interpreter(COUNT);
	make_type_at(METATYPE, FLAG_META);
	set_word(METATYPE + 8, METATYPE);
}

__u64 alloc_memory(size_t bytes)
{
	__u64 address = used;

	used += (bytes + 15) & ~15ULL;
	assert(used <= BASE + HEAP_BYTES);
	return address;
}

void set_word(__u64 address, __u64 value)
{
	__u64 *word = shim_memory(address, sizeof(*word));

	assert(word);
	*word = value;
}

void make_type_at(__u64 address, __u64 flags)
{
	set_word(address, 1);
	set_word(address + 8, METATYPE);
	set_word(address + PYLEAK_TP_BASICSIZE, BASIC_BYTES);
	set_word(address + PYLEAK_TP_ITEMSIZE, ITEM_BYTES);
	set_word(address + PYLEAK_TP_FLAGS, flags);
}

__u64 make_type(__u64 flags)
{
	__u64 address = alloc_memory(TYPE_BYTES);

	make_type_at(address, flags);
	return address;
}

__u64 make_object(void)
{
	return alloc_memory(OBJECT_BYTES);
}

void set_type(__u64 object, __u64 type)
{
	set_word(object, 1);
	set_word(object + 8, type);
}

void use_interpreter(__u64 count)
{
	registers[7] = count - 0x40;
}

static void hit(__u64 cookie, __u64 object)
{
	shim.cookie = cookie;
	registers[5] = object - 16 - 0x1000;
	registers[6] = 0x1000;
	on_alloc((struct pt_regs *)registers);
}

void hit_new(__u64 object)
{
	hit(AT_NEW, object);
}

void hit_free(__u64 object)
{
	hit(AT_FREE, object);
}

void hit_collection(void)
{
	hit(AT_COLLECTION, 0);
}

void hit_resize(__u64 object)
{
	shim.cookie = AT_RESIZE;
	registers[14] = object;
	on_alloc((struct pt_regs *)registers);
}

__u64 make(__u64 type)
{
	__u64 object = make_object();

	hit_new(object);
	set_type(object, type);
	return object;
}

/* An object of METATYPE, which is in no test's way. */
void settle(void)
{
	hit_free(make(METATYPE));
}

void set_collecting(bool collecting)
{
	set_word(COLLECTING, collecting);
}

void set_count(int value)
{
	__s32 *count = shim_memory(COUNT, sizeof(*count));

	assert(count);
	*count = value;
}

struct pyleak_alloc_count try_new(void)
{
	__u64 address = COUNT;
	struct pyleak_alloc_count *count;

	shim.cookie = AT_NEW;
	on_alloc_trial((struct pt_regs *)registers);
	count = bpf_map_lookup_elem(&counts, &address);
	assert(count);
	return *count;
}

void end_census(void)
{
	__u32 zero = 0;
	__u64 *epoch = bpf_map_lookup_elem(&census_epoch, &zero);

	++*epoch;
}

struct pyleak_alloc_type slot_of_type(__u64 type)
{
	struct pyleak_alloc_type none = {};

	for (__u32 i = 0; i < PYLEAK_ALLOC_MAX_TYPES; i++) {
		if (types[i].type == type && !(types[i].flags & PYLEAK_ALLOC_DEAD))
			return types[i];
	}
	return none;
}

struct pyleak_alloc_type *slots(void)
{
	return types;
}

struct pyleak_alloc_site *place_of_new(void)
{
	return &sites[AT_NEW];
}

struct pyleak_alloc_state *state_at(__u32 index)
{
	return bpf_map_lookup_elem(&states, &index);
}

__u64 alloc_loss(enum pyleak_alloc_loss reason)
{
	return progress.losses[reason];
}

__u64 alloc_losses(void)
{
	__u64 sum = 0;

	for (int i = 0; i < PYLEAK_ALLOC_LOSS_CNT; i++)
		sum += progress.losses[i];
	return sum;
}
