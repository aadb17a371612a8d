// SPDX-License-Identifier: GPL-2.0-only
/* What an object costs: shallow bytes of each kind, in every era. */
#include "fake_interpreter.h"

#include <criterion/criterion.h>

#define HEAD 16
#define DICT (48 + HEAD)

static struct fake_types types;
static __u64 node; /* the newest object */

static void start(__u32 minor)
{
	fake_start(minor, HEAD);
	fake_interpreter(LOCK_OF_ALL);
	types = fake_types();
}

static __u64 bytes_with(__u64 type, __u64 size, __u64 w18, __u64 w20, __u64 w28)
{
	node = fake_add(0, OLD, type);
	fake_set_words(node, size, w18, w20, w28);
	take_census();
	return bytes_of(type);
}

static __u64 keys(__u64 refcount, __u64 shape)
{
	__u64 address = fake_alloc(16);

	fake_set_word(address, refcount);
	fake_set_word(address + 8, shape);
	return address;
}

Test(object, a_plain_one_costs_its_basic_size_and_the_head)
{
	start(11);
	cr_assert_eq(bytes_with(types.plain, 77, 77, 77, 77), FAKE_BASIC + HEAD);
}

static void expect_head(__u32 minor, __u32 head_bytes)
{
	fake_start(minor, head_bytes);
	fake_interpreter(LOCK_OF_ALL);
	types = fake_types();
	cr_assert_eq(bytes_with(types.tuple, 3, 0, 0, 0), 24 + head_bytes + 3 * 8);
	cr_assert_eq(live_of(types.tuple), 1);
	cr_assert_eq(losses(), 0);
}

Test(object, the_head_has_32_bytes_in_3_6)
{
	expect_head(6, 32);
}

Test(object, the_head_has_24_bytes_in_3_7)
{
	expect_head(7, 24);
}

Test(object, the_head_has_16_bytes_from_3_8_on)
{
	expect_head(8, 16);
}

Test(object, a_variable_one_costs_its_items_whatever_the_sign_of_their_number)
{
	__u64 negative;

	start(11);
	negative = fake_type(24, 4, 0);
	cr_assert_eq(bytes_with(types.tuple, 5, 0, 0, 0), 24 + HEAD + 5 * 8);
	cr_assert_eq(bytes_with(negative, -6ULL, 0, 0, 0), 24 + HEAD + 6 * 4);
}

Test(object, a_subclass_of_int_is_not_measured_by_the_word_that_holds_its_sign)
{
	start(12);
	cr_assert_eq(bytes_with(fake_type(24, 4, PYLEAK_FLAG_LONG_SUBCLASS), 1 << 20, 0, 0, 0),
		     24 + HEAD);
}

Test(object, a_list_costs_the_slots_that_it_allocated)
{
	start(11);
	control.container_min = 10;
	cr_assert_eq(bytes_with(types.list, 10, 0xabc, 16, 0), 40 + HEAD + 16 * 8);
	cr_assert_eq(container_in_map(fake_address(node))->len, 10);
}

Test(object, a_dict_up_to_3_10_costs_indices_and_usable_entries)
{
	start(10);
	/* 8 slots: 1-byte indices, 5 entries of 24 bytes. */
	cr_assert_eq(bytes_with(types.dict, 3, 0, keys(1, 8), 0), DICT + 0x28 + 8 + 5 * 24);
	/* 512 slots: 2-byte indices, 341 entries. */
	fake_unlink(node);
	cr_assert_eq(bytes_with(types.dict, 3, 0, keys(1, 512), 0),
		     DICT + 0x28 + 512 * 2 + 341 * 24);
	/* 128 Ki slots: 4-byte indices. */
	fake_unlink(node);
	cr_assert_eq(bytes_with(types.dict, 3, 0, keys(1, 131072), 0),
		     DICT + 0x28 + 131072 * 4 + 87381 * 24);
}

Test(object, a_dict_from_3_11_on_keeps_no_hashes_of_str_keys)
{
	start(11);
	/* 2^5 slots, 2^5 bytes of indices; kind 1: all keys are str. */
	cr_assert_eq(bytes_with(types.dict, 3, 0, keys(1, 0x010505), 0),
		     DICT + 0x20 + 32 + 21 * 16);
	fake_unlink(node);
	cr_assert_eq(bytes_with(types.dict, 3, 0, keys(1, 0x000505), 0),
		     DICT + 0x20 + 32 + 21 * 24);
}

Test(object, keys_that_dicts_share_are_nobodys_but_the_values_count)
{
	start(10);
	cr_assert_eq(bytes_with(types.dict, 3, 0, keys(7, 16), 0xabc), DICT + 10 * 8);
	fake_unlink(node);
	cr_assert_eq(bytes_with(types.dict, 0, 0, keys(7, 16), 0), DICT);
}

Test(object, a_dict_whose_keys_cannot_be_read_costs_its_basic_size)
{
	start(11);
	cr_assert_eq(bytes_with(types.dict, 3, 0, 0x123450, 0), DICT);
	cr_assert_eq(live_of(types.dict), 1);
}

Test(object, a_small_set_lies_in_itself_and_a_large_one_does_not)
{
	start(11);
	cr_assert_eq(bytes_with(types.set, 5, 5, 7, 0), 200 + HEAD);
	fake_unlink(node);
	cr_assert_eq(bytes_with(types.set, 20, 20, 63, 0), 200 + HEAD + 64 * 16);
}

Test(object, a_managed_dict_stands_before_the_object_from_3_11_on)
{
	start(11);
	cr_assert_eq(bytes_with(fake_type(16, 0, 1U << 4), 0, 0, 0, 0), 16 + HEAD + 16);
}

Test(object, before_3_11_the_flags_of_managed_dicts_mean_nothing)
{
	start(10);
	cr_assert_eq(bytes_with(fake_type(16, 0, PYLEAK_FLAG_PREHEADER), 0, 0, 0, 0), 16 + HEAD);
}

Test(object, inline_values_follow_the_object_from_3_13_on)
{
	__u64 type;

	start(13);
	type = fake_type(32, 0, PYLEAK_FLAG_INLINE_VALUES);
	node = fake_add(0, OLD, type);
	fake_set_word(fake_address(node) + 32, 0x0030001e); /* capacity 30 */
	take_census();
	cr_assert_eq(bytes_of(type), 32 + HEAD + 32 + 31 * 8);
}

Test(object, a_kind_that_user_space_taught_is_used_from_the_next_census_on)
{
	__u64 deque;

	start(11);
	deque = fake_type(232, 0, 0);
	cr_assert_eq(bytes_with(deque, 100, 0, 0, 0), 232 + HEAD);
	type_in_map(deque)->kind = PYLEAK_KIND_DEQUE;
	take_census();
	cr_assert_eq(bytes_of(deque), 232 + HEAD + 2 * 0x210);
}

Test(object, lengths_that_are_garbage_cost_nothing)
{
	start(11);
	control.container_min = 10;
	cr_assert_eq(bytes_with(types.list, ~0ULL, 0, 1ULL << 50, 0), 40 + HEAD);
	cr_assert_null(container_in_map(fake_address(node)));
	cr_assert_eq(bytes_with(types.tuple, 1ULL << 60, 0, 0, 0), 24 + HEAD);
	cr_assert_eq(bytes_with(types.set, 9, 1ULL << 41, 1ULL << 59, 0), 200 + HEAD);
}

Test(object, the_shape_of_a_dict_may_be_garbage_too)
{
	start(11);
	cr_assert_eq(bytes_with(types.dict, 9, 0, keys(1, 0x01053f), 0), DICT, "slots");
	fake_unlink(node);
	cr_assert_eq(bytes_with(types.dict, 9, 0, keys(1, 0x013f05), 0), DICT, "index bytes");
	fake_unlink(node);
	cr_assert_lt(bytes_with(types.dict, 9, 0, keys(1, 0x010528), 0), 1ULL << 41, "2^40 slots");
}

Test(object, flags_in_the_links_are_no_part_of_them)
{
	__u64 first;

	start(11);
	first = fake_add(0, OLD, types.plain);
	fake_set_word(first, fake_word(first) | 1);
	fake_set_word(first + 8, fake_word(first + 8) | 3);
	fake_add_many(0, OLD, types.plain, 2);
	take_census();
	cr_assert_eq(live_of(types.plain), 3);
	cr_assert_eq(losses(), 0);
}
