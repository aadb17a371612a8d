// SPDX-License-Identifier: GPL-2.0-only
/* Up to 3.11 an allocation may set off a collection before its object has a type, while its memory
 * still holds what was there before. And: budgets, and stacks of suspect types. */
#include "alloc_side.h"

#include <criterion/criterion.h>

static __u64 stale, true_type, other;

static void begin(void)
{
	alloc_start(false);
	stale = make_type(0);
	true_type = make_type(0);
	other = make_type(0);
}

/* Memory of an object of `stale` that was freed. */
static __u64 used_memory(__u64 references)
{
	__u64 object = make_object();

	set_word(object, references);
	set_word(object + 8, stale);
	return object;
}

static void expect_counts(__u64 type, __u64 allocs, __u64 frees)
{
	struct pyleak_alloc_type slot = slot_of_type(type);

	cr_expect_eq(slot.allocs, allocs, "%llu allocations, not %llu", slot.allocs, allocs);
	cr_expect_eq(slot.frees, frees, "%llu frees, not %llu", slot.frees, frees);
}

Test(alloc_collections, what_sets_one_off_has_its_type_when_it_ends)
{
	__u64 object;

	begin();
	object = used_memory(1);
	hit_new(object);
	set_collecting(true);
	hit_collection();
	hit_free(make(other));
	make(other);
	hit_free(make(other));
	expect_counts(stale, 0, 0);
	cr_expect_eq(state_at(0)->deferred, object);
	set_collecting(false);
	set_type(object, true_type);
	settle();
	expect_counts(stale, 0, 0);
	expect_counts(true_type, 1, 0);
	expect_counts(other, 3, 2);
	cr_expect_eq(alloc_losses(), 0);
}

Test(alloc_collections, callbacks_run_before_the_hook)
{
	__u64 object;

	begin();
	object = used_memory(0);
	hit_new(object);
	set_collecting(true);
	make(other);
	hit_collection();
	settle();
	set_collecting(false);
	set_type(object, true_type);
	settle();
	expect_counts(stale, 0, 0);
	expect_counts(true_type, 1, 0);
	expect_counts(other, 1, 0);
	cr_expect_eq(alloc_losses(), 0);
}

Test(alloc_collections, fresh_memory_has_no_type_at_all)
{
	__u64 object;

	begin();
	object = make_object();
	hit_new(object);
	set_collecting(true);
	hit_free(make(other));
	set_collecting(false);
	set_type(object, true_type);
	settle();
	expect_counts(true_type, 1, 0);
	cr_expect_eq(alloc_losses(), 0);
}

/* Of a string, say. */
Test(alloc_collections, memory_of_another_kind_has_no_type)
{
	__u64 object;

	begin();
	object = make_object();
	set_word(object, 7);
	set_word(object + 8, 0x65676e617274);
	hit_new(object);
	set_collecting(true);
	hit_free(make(other));
	set_collecting(false);
	set_type(object, true_type);
	settle();
	expect_counts(true_type, 1, 0);
	cr_expect_eq(alloc_losses(), 0);
}

/* By gc.collect(): what is pending has its type, and may be found dead. */
Test(alloc_collections, what_is_deferred_may_be_freed)
{
	__u64 object;

	begin();
	object = make(true_type);
	set_collecting(true);
	hit_collection();
	hit_free(object);
	expect_counts(true_type, 1, 1);
	cr_expect_eq(state_at(0)->deferred, 0);
	cr_expect_eq(alloc_losses(), 0);
}

/* Its children are freed before it is. */
Test(alloc_collections, what_is_being_freed_has_no_references)
{
	__u64 child, parent;

	begin();
	child = make(other);
	parent = make(true_type);
	set_word(parent, 0);
	hit_free(child);
	expect_counts(true_type, 1, 0);
	hit_free(parent);
	expect_counts(true_type, 1, 1);
	cr_expect_eq(alloc_losses(), 0);
}

Test(alloc_collections, other_interpreters_are_left_alone)
{
	__u64 object;

	begin();
	make(true_type);
	use_interpreter(alloc_memory(0x100));
	object = make(other);
	set_collecting(true);
	hit_collection();
	cr_expect_eq(state_at(1)->pending, object);
	cr_expect_neq(state_at(0)->deferred, 0);
}

/* ---- budgets */

Test(alloc_budget, the_allowance_closes_the_window_once)
{
	__u64 type;

	begin();
	type = make_type(0);
	alloc_control.allowance_ns = 1000; /* 10 hits */
	for (int i = 0; i < 30; i++)
		make(type);
	cr_expect_eq(alloc_control.armed, 0);
	cr_expect_eq(alloc_progress.hits, 11);
	cr_expect_eq(shim.events, 1);
	alloc_progress.window_ns = 0;
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
	alloc_control.allowance_ns = 50;
	make(other);
	cr_expect_eq(alloc_control.armed, 0);
}

/* ---- suspects */

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

Test(alloc_suspects, stacks_are_taken_where_one_was_made)
{
	__u64 type, object;

	begin();
	type = suspect_type();
	make(type);
	settle();
	cr_expect_eq(stacks_seen.taken, 0);
	cr_expect_eq(alloc_loss(PYLEAK_ALLOC_LOSS_NO_STACK), 1);
	cr_expect_eq(place_of_new()->is_hot, 1);
	object = make(type);
	set_word(object + 16, 5);
	cr_expect_eq(stacks_seen.taken, 1);
	cr_expect_eq(stacks_seen.recorded, 0);
	make(other);
	cr_expect_eq(stacks_seen.recorded, 1);
	cr_expect_eq(stacks_seen.object, object);
	cr_expect_eq(stacks_seen.items, 5);
	cr_expect_eq(stacks_seen.hash, 1);
	cr_expect_eq(alloc_progress.stacks, 2);
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
	expect_counts(type, 1, 1);
}

Test(alloc_suspects, without_stacks_they_count_only)
{
	__u64 type;

	begin();
	type = suspect_type();
	alloc_control.stacks = 0;
	make(type);
	settle();
	expect_counts(type, 1, 0);
	cr_expect_eq(alloc_losses(), 0);
	cr_expect_eq(place_of_new()->is_hot, 0);
}

Test(alloc_suspects, the_hit_and_its_stack_close_the_window_once)
{
	begin();
	suspect_type();
	place_of_new()->is_hot = 1;
	alloc_control.allowance_ns = 50;
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
