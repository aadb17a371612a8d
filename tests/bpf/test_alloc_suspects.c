// SPDX-License-Identifier: GPL-2.0-only
/* What a window may cost, and stacks of suspect types: taken where one was made before. */
#include "alloc_side.h"

#include <criterion/criterion.h>

static __u64 other;

static void begin(void)
{
	alloc_start(false);
	other = make_type(0);
}

static __u64 suspect_type(void)
{
	__u64 type = make_type(0);
	struct pyleak_alloc_type *slot = &slots()[pyleak_alloc_slot(type)];

	slot->type = type;
	slot->flags = PYLEAK_ALLOC_SUSPECT;
	stacks_seen.can_take = true;
	alloc_control.stacks = 1;
	return type;
}

Test(alloc_budget, the_allowance_closes_the_window_once)
{
	__u64 type;

	begin();
	type = make_type(0);
	alloc_control.spend_until_ns = 1000; /* 10 hits */
	for (int i = 0; i < 30; i++)
		make(type);
	cr_expect_eq(alloc_control.armed, 0);
	cr_expect_eq(alloc_progress.hits, 11);
	cr_expect_eq(shim.events, 1);
	alloc_control.spend_until_ns += alloc_progress.spent_ns;
	alloc_control.armed = 1;
	for (int i = 0; i < 5; i++)
		make(type);
	cr_expect_eq(alloc_control.armed, 1);
	cr_expect_eq(shim.events, 1);
	cr_expect_eq(alloc_progress.spent_ns, 1600);
}

Test(alloc_budget, a_full_ring_closes_it_too)
{
	begin();
	shim.ringbuf_full = true;
	alloc_control.spend_until_ns = 50;
	make(other);
	cr_expect_eq(alloc_control.armed, 0);
}

Test(alloc_suspects, stacks_are_taken_where_one_was_made)
{
	__u64 type, object;

	begin();
	type = suspect_type();
	make(type);
	settle();
	/* Of the object that told the first one's type. */
	cr_expect_eq(stacks_seen.taken, 1);
	cr_expect_eq(alloc_loss(PYLEAK_ALLOC_LOSS_NO_STACK), 1);
	cr_expect_eq(place_of_new()->is_hot, 1);
	object = make(type);
	set_word(object + 16, 5);
	cr_expect_eq(stacks_seen.taken, 2);
	cr_expect_eq(stacks_seen.recorded, 0);
	make(other);
	cr_expect_eq(stacks_seen.recorded, 1);
	cr_expect_eq(stacks_seen.object, object);
	cr_expect_eq(stacks_seen.items, 5);
	cr_expect_eq(stacks_seen.hash, 2);
	cr_expect_eq(alloc_progress.stacks, 3);
	hit_free(object);
	cr_expect_eq(stacks_seen.freed, 1);
	cr_expect_eq(stacks_seen.recorded, 1);
	cr_expect_eq(alloc_losses(), 1);
}

Test(alloc_suspects, the_stack_of_what_is_deferred_is_kept)
{
	__u64 type, object;

	begin();
	type = suspect_type();
	place_of_new()->is_hot = 1;
	object = make_object();
	hit_new(object);
	set_collecting(true);
	hit_collection();
	make(other);
	set_collecting(false);
	set_type(object, type);
	make(other);
	cr_expect_eq(stacks_seen.recorded, 1);
	cr_expect_eq(stacks_seen.object, object);
	cr_expect_eq(stacks_seen.hash, 1);
}

Test(alloc_suspects, a_stack_that_was_not_taken_is_not_recorded)
{
	__u64 type;

	begin();
	type = suspect_type();
	stacks_seen.can_take = false;
	place_of_new()->is_hot = 1;
	hit_free(make(type));
	cr_expect_eq(stacks_seen.recorded, 0);
	cr_expect_eq(stacks_seen.freed, 1);
	cr_expect_eq(slot_of_type(type).allocs, 1);
	cr_expect_eq(slot_of_type(type).frees, 1);
}

Test(alloc_suspects, without_stacks_they_count_only)
{
	__u64 type;

	begin();
	type = suspect_type();
	alloc_control.stacks = 0;
	make(type);
	settle();
	cr_expect_eq(slot_of_type(type).allocs, 1);
	cr_expect_eq(alloc_losses(), 0);
	cr_expect_eq(place_of_new()->is_hot, 0);
}

Test(alloc_suspects, the_hit_and_its_stack_close_the_window_once)
{
	begin();
	suspect_type();
	place_of_new()->is_hot = 1;
	alloc_control.spend_until_ns = 50;
	shim.step_ns = 1000;
	make(other);
	cr_expect_eq(stacks_seen.taken, 1);
	cr_expect_eq(alloc_control.armed, 0);
	cr_expect_eq(shim.events, 1);
}

/* What stacks cost is spent, too. */
Test(alloc_suspects, the_clock_runs_for_stacks_only)
{
	__u64 type;

	begin();
	type = suspect_type();
	shim.step_ns = 1000;
	settle();
	cr_expect_eq(alloc_progress.spent_ns, 200);
	place_of_new()->is_hot = 1;
	make(type);
	cr_expect_eq(alloc_progress.spent_ns, 1300);
	make(other);
	cr_expect_eq(alloc_progress.spent_ns, 3400); /* recorded; and another is taken */
}
