/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of counts, and how an object is measured (include/pyleak_object.h). */
#include <criterion/criterion.h>

#include <linux/types.h>

#include "collect/counts.h"
#include "pyleak_wire.h"
#include "pyleak_object.h"

static void add_live(const struct counted_type *type, void *context)
{
	*(uint64_t *)context += type->live;
}

Test(counts, a_type_has_one_entry_until_the_reset)
{
	struct counts *counts;
	uint64_t live = 0;

	cr_assert_eq(counts_create(&counts), 0);
	for (raddr_t i = 0; i < 3000; i++)
		counts_type(counts, 0x1000 + 16 * (i % 1000))->live++;
	cr_expect_eq(counts_each_type(counts, add_live, &live), 1000);
	cr_expect_eq(live, 3000);
	cr_expect_eq(counts_type(counts, 0x1000)->live, 3);
	counts_reset(counts);
	cr_expect_eq(counts_type(counts, 0x1000)->live, 0);
	cr_expect_eq(counts_each_type(counts, add_live, &live), 1);
	counts_destroy(counts);
	counts_destroy(NULL);
}

Test(counts, containers_are_kept_in_order)
{
	struct counts *counts;
	const struct counted_container *all;
	size_t cnt;

	cr_assert_eq(counts_create(&counts), 0);
	for (uint64_t i = 0; i < 1000; i++) {
		struct counted_container container = { .address = i, .len = 2 * i };

		cr_assert_eq(counts_add_container(counts, &container), 0);
	}
	all = counts_containers(counts, &cnt);
	cr_assert_eq(cnt, 1000);
	cr_expect_eq(all[999].address, 999);
	cr_expect_eq(all[999].len, 1998);
	counts_reset(counts);
	counts_containers(counts, &cnt);
	cr_expect_eq(cnt, 0);
	counts_destroy(counts);
}

/* Words of real objects, read with ctypes, and what sys.getsizeof() said of them, less the GC
 * head of 16 bytes and type(o).__basicsize__, in the Pythons 3.8.18, 3.11.7 and 3.13.0:
 *   import sys, ctypes; w = lambda a: hex(ctypes.c_uint64.from_address(a).value)
 *   k = ctypes.c_uint64.from_address(id(o) + 0x20).value; print(w(k), w(k + 8))
 *   print(sys.getsizeof(o) - 16 - type(o).__basicsize__) */
struct dict_case {
	const char *what;
	uint32_t minor;
	struct pyleak_dict_keys keys;
	uint64_t values, bytes;
};

static const struct dict_case dict_cases[] = {
	{ "3.8 {str(i): i for i in range(10)}", 8, { 1, 0x10 }, 0, 360 - 64 },
	{ "3.8 {i: i for i in range(10)}", 8, { 1, 0x10 }, 0, 360 - 64 },
	{ "3.8 {'k%d' % i: i for i in range(1000)}", 8, { 1, 0x800 }, 0, 36960 - 64 },
	{ "3.8 {i: i for i in range(100000)}", 8, { 1, 0x40000 }, 0, 5242968 - 64 },
	{ "3.8 __dict__ of one of three instances", 8, { 4, 0x8 }, 0x7f0000, 104 - 64 },
	{ "3.11 {str(i): i for i in range(10)}", 11, { 1, 0x10404 }, 0, 272 - 64 },
	{ "3.11 {i: i for i in range(10)}", 11, { 1, 0x404 }, 0, 352 - 64 },
	{ "3.11 {'k%d' % i: i for i in range(1000)}", 11, { 1, 0x10c0b }, 0, 26032 - 64 },
	{ "3.13 {str(i): i for i in range(10)}", 13, { 1, 0x10404 }, 0, 272 - 64 },
	{ "3.13 {i: i for i in range(10)}", 13, { 1, 0x404 }, 0, 352 - 64 },
	{ "3.13 {i: i for i in range(100000)}", 13, { 1, 0x1412 }, 0, 5242960 - 64 },
};

Test(measure, a_dict_has_the_bytes_that_python_says)
{
	for (size_t i = 0; i < sizeof(dict_cases) / sizeof(dict_cases[0]); i++) {
		const struct dict_case *c = &dict_cases[i];
		uint64_t bytes = pyleak_dict_bytes(c->minor, c->keys, c->values);

		cr_expect_eq(bytes, c->bytes, "%s: %lu, not %lu", c->what, (long)bytes,
			     (long)c->bytes);
	}
}

struct object_case {
	const char *what;
	uint32_t kind, item_bytes;
	uint64_t words[4]; /* behind ob_type */
	uint64_t len, bytes;
};

/* The same in all three, except for the basic size of a deque. */
static const struct object_case object_cases[] = {
	{ "3.8 list of 1000", PYLEAK_KIND_LIST, 0, { 1000, 1, 0x460 }, 1000, 9016 - 56 },
	{ "3.13 list of 1000", PYLEAK_KIND_LIST, 0, { 1000, 1, 0x44c }, 1000, 8856 - 56 },
	{ "set(range(4))", PYLEAK_KIND_SET, 0, { 4, 4, 7 }, 4, 216 - 216 },
	{ "set(range(1000))", PYLEAK_KIND_SET, 0, { 1000, 1000, 0x7ff }, 1000, 32984 - 216 },
	{ "frozenset(range(100))", PYLEAK_KIND_SET, 0, { 100, 100, 0x1ff }, 100, 8408 - 216 },
	{ "3.8 deque()", PYLEAK_KIND_DEQUE, 0, { 0 }, 0, 624 - 80 - 16 },
	{ "3.8 deque(range(1000))", PYLEAK_KIND_DEQUE, 0, { 1000 }, 1000, 8544 - 80 - 16 },
	{ "3.13 deque(range(1000))", PYLEAK_KIND_DEQUE, 0, { 1000 }, 1000, 8680 - 216 - 16 },
	{ "tuple(range(7))", PYLEAK_KIND_VAR, 8, { 7 }, 0, 96 - 40 },
	{ "ob_size of -7", PYLEAK_KIND_VAR, 8, { -7ULL }, 0, 56 },
	{ "object()", PYLEAK_KIND_PLAIN, 0, { 1ULL << 60, 1, 1, 1 }, 0, 0 },
	{ "a list of garbage", PYLEAK_KIND_LIST, 0, { 1ULL << 41, 1, 1ULL << 40 }, 0, 0 },
	{ "a tuple of garbage", PYLEAK_KIND_VAR, 8, { 1ULL << 50 }, 0, 0 },
};

Test(measure, a_container_has_the_length_and_bytes_that_python_says)
{
	for (size_t i = 0; i < sizeof(object_cases) / sizeof(object_cases[0]); i++) {
		const struct object_case *c = &object_cases[i];
		struct pyleak_node node = { .size = c->words[0],
					    .w18 = c->words[1],
					    .w20 = c->words[2],
					    .w28 = c->words[3] };
		struct pyleak_extent extent;

		pyleak_measure(c->kind, c->item_bytes, &node, &extent);
		cr_expect_eq(extent.len, c->len, "%s: %lu long", c->what, (long)extent.len);
		cr_expect_eq(extent.bytes, c->bytes, "%s: %lu, not %lu", c->what,
			     (long)extent.bytes, (long)c->bytes);
	}
}

Test(measure, an_insane_dict_has_no_bytes)
{
	cr_expect_eq(pyleak_dict_bytes(11, (struct pyleak_dict_keys){ 1, 0x3f }, 0), 0);
	cr_expect_eq(pyleak_dict_bytes(8, (struct pyleak_dict_keys){ 1, UINT64_MAX }, 0), 0);
	cr_expect_eq(pyleak_dict_bytes(8, (struct pyleak_dict_keys){ 1, 1ULL << 41 }, 1), 0);
}

Test(measure, an_int_is_not_measured_by_its_ob_size)
{
	cr_expect_eq(pyleak_kind_of(PYLEAK_FLAG_LONG_SUBCLASS, 4), PYLEAK_KIND_PLAIN);
	cr_expect_eq(pyleak_kind_of(0, 8), PYLEAK_KIND_VAR);
	cr_expect_eq(pyleak_kind_of(0, 0), PYLEAK_KIND_PLAIN);
	cr_expect_eq(pyleak_kind_of(PYLEAK_FLAG_DICT_SUBCLASS, 0), PYLEAK_KIND_DICT);
}

/* 3.13: the first two instances of "class C: pass" have room for 29 values; their first byte
 * says so (ctypes.c_uint8.from_address(id(c) + C.__basicsize__)). */
Test(measure, inline_values_take_a_byte_and_a_pointer_each)
{
	cr_expect_eq(pyleak_inline_values_bytes(29), 32 + 30 * 8);
	cr_expect_eq(pyleak_inline_values_bytes(0), 8);
	cr_expect_eq(pyleak_inline_values_bytes(255), 256 + 256 * 8);
}
