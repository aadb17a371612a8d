// SPDX-License-Identifier: GPL-2.0-only
/* Up to 3.11 an allocation may set off a collection before its object has a type, while its memory
 * still holds what was there before. */
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

/* The allocation sets off a collection whose callbacks make and free an object; then `object` gets
 * its type. */
static void allocate_amid_a_collection(__u64 object)
{
	hit_new(object);
	set_collecting(true);
	hit_free(make(other));
	set_collecting(false);
	set_type(object, true_type);
}

static void expect_one_of_true_type(void)
{
	settle();
	expect_counts(stale, 0, 0);
	expect_counts(true_type, 1, 0);
	cr_expect_eq(alloc_losses(), 0);
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
	allocate_amid_a_collection(object);
	expect_one_of_true_type();
}

/* Of a string, say. */
Test(alloc_collections, memory_of_another_kind_has_no_type)
{
	__u64 object;

	begin();
	object = make_object();
	set_word(object, 7);
	set_word(object + 8, 0x65676e617274);
	allocate_amid_a_collection(object);
	expect_one_of_true_type();
}

/* Of a list's items, all of them types. */
Test(alloc_collections, memory_of_pointers_has_no_references)
{
	__u64 object;

	begin();
	object = used_memory(stale);
	allocate_amid_a_collection(object);
	expect_one_of_true_type();
}

/* While no collection runs it is the object itself that has so many. */
Test(alloc_collections, a_new_object_may_be_held_many_times)
{
	__u64 object;

	begin();
	object = make(true_type);
	set_word(object, 1000);
	expect_one_of_true_type();
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

/* As a tuple that is made of what an iterator gives. */
Test(alloc_collections, what_is_deferred_may_be_resized)
{
	__u64 object;

	begin();
	object = used_memory(0);
	allocate_amid_a_collection(object);
	hit_resize(object);
	set_type(object, 0xdddddddddddddddd);
	expect_one_of_true_type();
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
