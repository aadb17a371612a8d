// SPDX-License-Identifier: GPL-2.0-only
/* Counts by type: each object in its type's, whatever is read late, early, torn or not at all. */
#include "alloc_side.h"

#include <criterion/criterion.h>

static void expect_counts(__u64 type, __u64 allocs, __u64 frees)
{
	struct pyleak_alloc_type slot = slot_of_type(type);

	cr_expect_eq(slot.allocs, allocs, "%llu allocations, not %llu", slot.allocs, allocs);
	cr_expect_eq(slot.frees, frees, "%llu frees, not %llu", slot.frees, frees);
}

Test(alloc_counts, each_object_counts_for_its_type)
{
	__u64 one, other, objects[20];

	alloc_start(true);
	one = make_type(0);
	other = make_type(0);
	for (int i = 0; i < 20; i++)
		objects[i] = make(i % 4 ? one : other);
	for (int i = 0; i < 12; i++)
		hit_free(objects[i]);
	settle();
	expect_counts(one, 15, 9);
	expect_counts(other, 5, 3);
	cr_expect_eq(state_at(0)->allocs, 21);
	cr_expect_eq(state_at(0)->frees, 13);
	cr_expect_eq(alloc_progress.hits, 34);
	cr_expect_eq(alloc_progress.spent_ns, 3400);
	cr_expect_eq(slot_of_type(one).basic_bytes, BASIC_BYTES);
	cr_expect_eq(slot_of_type(one).item_bytes, ITEM_BYTES);
	cr_expect_eq(alloc_losses(), 0);
}

Test(alloc_counts, disarmed_nothing_counts)
{
	alloc_start(true);
	alloc_control.armed = 0;
	make(make_type(0));
	settle();
	cr_expect_eq(alloc_progress.hits, 0);
	cr_expect_eq(shim.reads, 0);
}

Test(alloc_counts, the_newest_waits_for_its_type)
{
	__u64 type, object;

	alloc_start(true);
	type = make_type(0);
	object = make(type);
	expect_counts(type, 0, 0);
	cr_expect_eq(state_at(0)->pending, object);
	hit_free(object);
	expect_counts(type, 1, 1);
	cr_expect_eq(state_at(0)->pending, 0);
}

Test(alloc_counts, a_hit_reads_once)
{
	__u64 type, objects[2];

	alloc_start(true);
	type = make_type(0);
	hit_free(make(type));
	shim.reads = 0;
	objects[0] = make(type);
	cr_expect_eq(shim.reads, 0);
	objects[1] = make(type);
	cr_expect_eq(shim.reads, 1);
	hit_free(objects[1]); /* pending: one read for both */
	cr_expect_eq(shim.reads, 2);
	hit_free(objects[0]);
	cr_expect_eq(shim.reads, 3);
}

/* What it leaves is overwritten (debugging allocators) or used again. */
Test(alloc_counts, what_is_resized_has_its_type_before)
{
	__u64 type, object;

	alloc_start(true);
	type = make_type(0);
	object = make(type);
	hit_resize(object + 16);
	expect_counts(type, 0, 0);
	hit_resize(object);
	expect_counts(type, 1, 0);
	cr_expect_eq(state_at(0)->pending, 0);
	set_type(object, 0xdddddddddddddddd);
	settle();
	expect_counts(type, 1, 0);
	cr_expect_eq(alloc_losses(), 0);
	cr_expect_eq(alloc_progress.hits, 5);
}

Test(alloc_counts, memory_that_is_gone_is_a_loss)
{
	alloc_start(true);
	hit_new(0x1234000);
	settle();
	cr_expect_eq(alloc_loss(PYLEAK_ALLOC_LOSS_FAULT), 1);
	hit_free(0x1234000);
	cr_expect_eq(alloc_loss(PYLEAK_ALLOC_LOSS_FAULT), 2);
	cr_expect_eq(alloc_losses(), 2);
}

Test(alloc_counts, an_object_at_the_end_of_a_mapping_is_read)
{
	__u64 type, object = 0x7f1300000000 + 4096 - 16;

	alloc_start(true);
	shim_map_memory(0x7f1300000000, 4096);
	type = make_type(0);
	hit_new(object);
	set_type(object, type);
	settle();
	expect_counts(type, 1, 0);
	cr_expect_eq(alloc_losses(), 0);
}

Test(alloc_counts, what_is_no_object_is_a_loss)
{
	__u64 type, stranger;

	alloc_start(true);
	type = make_type(0);
	stranger = alloc_memory(0x200); /* looks like nothing */
	make(stranger);
	settle();
	cr_expect_eq(slot_of_type(stranger).type, 0);
	/* An object whose "type" is an object. */
	make_type_at(stranger, 0);
	set_type(stranger, type);
	make(stranger);
	settle();
	cr_expect_eq(alloc_loss(PYLEAK_ALLOC_LOSS_NO_TYPE) + alloc_loss(PYLEAK_ALLOC_LOSS_FAULT),
		     2);
	cr_expect_eq(slot_of_type(stranger).type, 0);
}

Test(alloc_counts, a_place_without_a_register_is_a_loss)
{
	__u64 type, object;

	alloc_start(true);
	type = make_type(0);
	object = make(type);
	place_of_new()->object_at = PYLEAK_NO_REGISTER;
	hit_new(object);
	expect_counts(type, 1, 0);
	cr_expect_eq(state_at(0)->pending, 0);
	cr_expect_eq(alloc_losses(), 1);
}

Test(alloc_counts, a_full_table_is_a_loss_that_harms_no_other)
{
	__u64 type, other, begin;

	alloc_start(true);
	type = make_type(0);
	other = make_type(0);
	begin = pyleak_alloc_slot(type);
	for (__u32 i = 0; i < PYLEAK_ALLOC_PROBES; i++)
		slots()[(begin + i) % PYLEAK_ALLOC_MAX_TYPES].type = 1;
	make(type);
	make(other);
	settle();
	cr_expect_eq(alloc_loss(PYLEAK_ALLOC_LOSS_TYPES_FULL), 1);
	expect_counts(other, 1, 0);
}

Test(alloc_counts, a_slot_that_user_space_took_is_filled)
{
	__u64 type;

	alloc_start(true);
	type = make_type(0);
	slots()[pyleak_alloc_slot(type)].type = type;
	make(type);
	settle();
	expect_counts(type, 1, 0);
	cr_expect_eq(slot_of_type(type).basic_bytes, BASIC_BYTES);
}

/* ---- types that die */

Test(alloc_counts, a_type_that_was_freed_has_no_heir)
{
	__u64 metatype, type, object;

	alloc_start(true);
	metatype = make_type(FLAG_META);
	type = make_type(0);
	set_word(type + 8, metatype);
	object = make(type);
	hit_free(object);
	expect_counts(type, 1, 1);
	hit_free(type);
	cr_expect_eq(slot_of_type(type).type, 0, "the slot is alive");
	make(type);
	make(type);
	settle();
	expect_counts(type, 2, 0);
	expect_counts(metatype, 0, 1);
	cr_expect(slot_of_type(metatype).flags & PYLEAK_ALLOC_META);
	cr_expect_eq(alloc_losses(), 0);
}

/* ---- censuses */

Test(alloc_counts, counts_as_they_stood_at_the_census)
{
	struct pyleak_alloc_type slot;
	__u64 type, object;

	alloc_start(true);
	type = make_type(0);
	object = make(type);
	make(type);
	settle();
	end_census();
	make(type);
	settle();
	hit_free(object);
	slot = slot_of_type(type);
	cr_expect_eq(slot.epoch, 1);
	cr_expect_eq(slot.allocs_at, 2);
	cr_expect_eq(slot.frees_at, 0);
	cr_expect_eq(slot.allocs, 3);
	cr_expect_eq(slot.frees, 1);
}

Test(alloc_counts, what_is_pending_at_the_census_was_made_before)
{
	__u64 type, object;

	alloc_start(true);
	type = make_type(0);
	object = make(type);
	end_census();
	settle();
	cr_expect_eq(slot_of_type(type).allocs_at, 1);
	cr_expect_eq(slot_of_type(type).allocs, 1);
	cr_expect_eq(slot_of_type(type).epoch, 1);
	/* And where another has met the type since. */
	make(type);
	end_census();
	use_interpreter(alloc_memory(8));
	hit_free(object);
	cr_expect_eq(slot_of_type(type).allocs_at, 1);
	use_interpreter(0x7f1200000100);
	settle();
	cr_expect_eq(slot_of_type(type).allocs_at, 2);
	cr_expect_eq(slot_of_type(type).allocs, 2);
	cr_expect_eq(slot_of_type(type).frees_at, 0);
}

/* ---- interpreters */

Test(alloc_counts, each_interpreter_has_its_newest)
{
	__u64 one, other, second;

	alloc_start(true);
	one = make_type(0);
	other = make_type(0);
	second = alloc_memory(8);
	make(one);
	use_interpreter(second);
	make(other);
	cr_expect_neq(state_at(0)->pending, 0);
	cr_expect_neq(state_at(1)->pending, 0);
	settle();
	expect_counts(other, 1, 0);
	expect_counts(one, 0, 0);
}

Test(alloc_counts, more_interpreters_than_there_is_room_for)
{
	__u64 type;

	alloc_start(true);
	type = make_type(0);
	for (int i = 0; i < PYLEAK_ALLOC_MAX_COUNTS + 2; i++) {
		use_interpreter(alloc_memory(8));
		hit_free(make(type));
	}
	expect_counts(type, PYLEAK_ALLOC_MAX_COUNTS, PYLEAK_ALLOC_MAX_COUNTS);
	cr_expect_eq(alloc_loss(PYLEAK_ALLOC_LOSS_COUNTS_FULL), 4);
}

Test(alloc_counts, an_interpreter_knows_where_its_thread_is)
{
	__u64 count, gil;

	alloc_start(true);
	count = alloc_memory(64);
	gil = alloc_memory(64);
	alloc_control.gil_from_count = 16;
	alloc_control.holder_from_gil = 8;
	set_word(count + 16, gil);
	use_interpreter(count);
	settle();
	cr_expect_eq(state_at(0)->tstate_at, gil + 8);
	cr_expect_eq(state_at(0)->collecting, 0);
}
