// SPDX-License-Identifier: GPL-2.0-only
/* What is counted of a stack: objects made, and those that were freed. */
#include "stack_side.h"

#include <criterion/criterion.h>

#define TYPE 0x7000
#define OTHER_TYPE 0x8000
#define BASIC 48
#define ITEM 8

static void start(void)
{
	start_thread(12);
	push_frame(make_function("main"), 2, OWNER_THREAD);
	cr_assert(take());
}

static void expect_counts(const struct pyleak_stack_value *value, __u64 allocs, __u64 bytes,
			  __u64 frees, __u64 freed_bytes)
{
	cr_assert_not_null(value);
	cr_expect_eq(value->allocs, allocs);
	cr_expect_eq(value->bytes, bytes);
	cr_expect_eq(value->frees, frees);
	cr_expect_eq(value->freed_bytes, freed_bytes);
	cr_expect_eq(value->stack.cnt, thread_state.stack.cnt);
}

Test(stack_counts, objects_are_counted_by_type_and_stack)
{
	start();
	made(0x10, TYPE, 0);
	made(0x20, TYPE, 3);
	made(0x30, OTHER_TYPE, 0);
	expect_counts(counted(TYPE), 2, 2 * BASIC + 3 * ITEM, 0, 0);
	expect_counts(counted(OTHER_TYPE), 1, BASIC, 0, 0);
	push_frame(make_function("inner"), 4, OWNER_THREAD);
	cr_assert(take());
	made(0x40, TYPE, 0);
	expect_counts(counted(TYPE), 1, BASIC, 0, 0);
	cr_expect_eq(stacks_known(), 3);
	cr_expect_eq(objects_live(), 4);
	freed(0x20);
	freed(0x50);
	cr_expect_eq(objects_live(), 3);
	cr_expect_eq(lost_all(), 0);
}

Test(stack_counts, a_length_that_is_garbage_costs_nothing)
{
	start();
	made(0x10, TYPE, -1ULL);
	expect_counts(counted(TYPE), 1, BASIC, 0, 0);
}

Test(stack_counts, an_address_is_used_again)
{
	start();
	for (int i = 0; i < 5; i++) {
		made(0x10, TYPE, 1);
		freed(0x10);
	}
	expect_counts(counted(TYPE), 5, 5 * (BASIC + ITEM), 5, 5 * (BASIC + ITEM));
	cr_expect_eq(objects_live(), 0);
	freed(0x10);
	expect_counts(counted(TYPE), 5, 5 * (BASIC + ITEM), 5, 5 * (BASIC + ITEM));
}

Test(stack_counts, what_was_at_the_address_of_a_new_object_is_gone)
{
	struct pyleak_stack_value *old;

	start();
	made(0x10, TYPE, 1);
	old = counted(TYPE);
	push_frame(make_function("inner"), 4, OWNER_THREAD);
	cr_assert(take());
	made(0x10, TYPE, 0);
	cr_expect_eq(old->frees, 1);
	cr_expect_eq(old->freed_bytes, BASIC + ITEM);
	cr_expect_eq(objects_live(), 1);
	freed(0x10);
	cr_expect_eq(old->frees, 1);
	expect_counts(counted(TYPE), 1, BASIC, 1, BASIC);
}

Test(stack_counts, stacks_with_one_hash_are_told_apart)
{
	struct pyleak_stack_value stranger = { .allocs = 9, .stack.cnt = 1 };
	__u64 hash;

	start();
	hash = state_hash();
	put_stack(TYPE, hash, &stranger);
	stranger.stack = thread_state.stack;
	stranger.stack.frames[0].at++;
	put_stack(TYPE, hash + 1, &stranger);
	made(0x10, TYPE, 0);
	made(0x20, TYPE, 0);
	cr_expect_eq(stack_at(TYPE, hash)->allocs, 9);
	cr_expect_eq(stack_at(TYPE, hash + 1)->allocs, 9);
	expect_counts(stack_at(TYPE, hash + 2), 2, 2 * BASIC, 0, 0);
	freed(0x10);
	expect_counts(stack_at(TYPE, hash + 2), 2, 2 * BASIC, 1, BASIC);
	stranger.stack.frames[0].at++;
	for (int i = 0; i < 4; i++)
		put_stack(OTHER_TYPE, hash + i, &stranger);
	made(0x30, OTHER_TYPE, 0);
	cr_expect_eq(lost(PYLEAK_ALLOC_LOSS_STACKS_FULL), 1);
	cr_expect_eq(objects_live(), 1);
}

Test(stack_counts, more_stacks_than_there_is_room_for)
{
	start();
	fill_stacks(1);
	made(0x10, TYPE, 0);
	made(0x20, OTHER_TYPE, 0);
	made(0x30, TYPE, 0);
	cr_expect_eq(lost(PYLEAK_ALLOC_LOSS_STACKS_FULL), 1);
	expect_counts(counted(TYPE), 2, 2 * BASIC, 0, 0);
	cr_expect_null(counted(OTHER_TYPE));
	freed(0x20);
	cr_expect_eq(lost_all(), 1);
}

Test(stack_counts, more_objects_than_are_followed)
{
	start();
	fill_live(1);
	made(0x100000, TYPE, 0);
	made(0x200000, TYPE, 0);
	cr_expect_eq(lost(PYLEAK_ALLOC_LOSS_LIVE_FULL), 1);
	freed(0x100000);
	freed(0x200000);
	expect_counts(counted(TYPE), 2, 2 * BASIC, 1, BASIC);
}

Test(stack_counts, a_stack_without_frames_is_one_too)
{
	start_thread(12);
	cr_assert(take());
	made(0x10, TYPE, 0);
	expect_counts(counted(TYPE), 1, BASIC, 0, 0);
}
