// SPDX-License-Identifier: GPL-2.0-only
/* Reading ahead, the ends of mappings, and maps that are full: nothing of it may change a count
 * that can be right. */
#include "fake_interpreter.h"

#include <criterion/criterion.h>

#define EDGE 0x7f5500000000 /* a mapping of one page */
#define PAGE 4096

static struct fake_types types;

static void start(__u32 head_bytes)
{
	fake_start(9, head_bytes);
	fake_interpreter(LOCK_OF_ALL);
	types = fake_types();
}

/* An object of `bytes` without its head, at the very end of a mapping. */
static __u64 add_at_edge(__u64 type, __u32 bytes)
{
	__u64 node = EDGE + PAGE - bytes - control.head_bytes;

	shim_map_memory(EDGE, PAGE);
	fake_set_word(fake_address(node) + 8, type);
	fake_append(0, OLD, node);
	return node;
}

Test(reads, the_shortest_object_may_end_with_its_mapping)
{
	start(16);
	fake_add(0, OLD, types.plain);
	fake_set_word(fake_address(add_at_edge(types.tuple, 24)) + 16, 2);
	fake_add(0, OLD, types.plain);
	take_census();
	cr_assert_eq(live_of(types.tuple), 1);
	cr_assert_eq(bytes_of(types.tuple), 24 + 16 + 2 * 8);
	cr_assert_eq(live_of(types.plain), 2);
}

Test(reads, so_it_may_behind_a_head_of_24_bytes)
{
	start(24);
	add_at_edge(types.tuple, 24);
	take_census();
	cr_assert_eq(live_of(types.tuple), 1);
}

Test(reads, so_it_may_behind_a_head_of_32_bytes)
{
	start(32);
	add_at_edge(types.tuple, 24);
	take_census();
	cr_assert_eq(live_of(types.tuple), 1);
}

Test(reads, a_list_at_the_end_of_a_mapping_keeps_its_bytes)
{
	__u64 node;

	start(16);
	node = add_at_edge(types.list, 40);
	fake_set_word(fake_address(node) + 0x10, 5);
	fake_set_word(fake_address(node) + 0x20, 8);
	take_census();
	cr_assert_eq(bytes_of(types.list), 40 + 16 + 8 * 8);
}

Test(reads, a_dict_at_the_end_of_a_mapping_keeps_its_bytes)
{
	__u64 node, keys;

	start(16);
	node = add_at_edge(types.dict, 48);
	keys = fake_alloc(16);
	fake_set_word(keys, 1);
	fake_set_word(keys + 8, 8);
	fake_set_word(fake_address(node) + 0x20, keys);
	take_census();
	cr_assert_eq(bytes_of(types.dict), 48 + 16 + 0x28 + 8 + 5 * 24);
}

Test(reads, neighbours_are_read_together)
{
	start(16);
	fake_add_many(0, OLD, types.plain, 1000);
	shim.reads = 0;
	take_census();
	cr_assert_eq(live_of(types.plain), 1000);
	cr_assert_lt(shim.reads, 1000 / (1024 / FAKE_SLOT) + 200, "%llu reads", shim.reads);
}

Test(reads, what_was_read_ahead_is_forgotten_with_the_slice)
{
	__u64 first;

	start(16);
	first = fake_add(0, OLD, types.plain);
	fake_add_many(0, OLD, types.plain, 10);
	take_census();
	fake_set_word(fake_address(first) + 8, types.tuple);
	fake_unlink(first + FAKE_SLOT);
	take_census();
	cr_assert_eq(live_of(types.plain), 9);
	cr_assert_eq(live_of(types.tuple), 1);
}

Test(reads, types_that_share_a_tally_are_counted_apart)
{
	__u64 many[200];

	start(16);
	for (int i = 0; i < 200; i++)
		many[i] = fake_type(16 + 8 * i, 0, 0);
	for (int i = 0; i < 2000; i++)
		fake_add(0, i % 2 ? OLD : MIDDLE, many[i * 7 % 200]);
	take_census();
	for (int i = 0; i < 200; i++) {
		cr_assert_eq(live_of(many[i]), 10, "type %d", i);
		cr_assert_eq(bytes_of(many[i]), 10ULL * (16 + 8 * i + 16), "type %d", i);
	}
}

Test(reads, types_that_find_the_map_full_are_lost_and_the_rest_is_exact)
{
	start(16);
	fake_add_many(0, OLD, types.plain, 30);
	take_census();
	fill_types(1); /* types.plain is in */
	fake_add_many(0, OLD, types.tuple, 20);
	fake_add_many(0, MIDDLE, types.plain, 3);
	take_census();
	cr_assert_eq(live_of(types.plain), 33);
	cr_assert_null(type_in_map(types.tuple));
	cr_assert_eq(loss_of(PYLEAK_LOSS_TYPES_FULL), 20);
	cr_assert_eq(losses(), 20);
	cr_assert_eq(progress.objects, 53);
}

Test(reads, containers_that_find_the_map_full_are_counted_as_objects)
{
	start(16);
	control.container_min = 10;
	fill_containers(3);
	for (int i = 0; i < 5; i++)
		fake_set_words(fake_add(0, OLD, types.list), 10, 0, 10, 0);
	take_census();
	cr_assert_eq(loss_of(PYLEAK_LOSS_CONTAINERS_FULL), 2);
	cr_assert_eq(losses(), 2);
	cr_assert_eq(live_of(types.list), 5);
	cr_assert_eq(bytes_of(types.list), 5 * (40 + 16 + 80));
}

Test(reads, only_containers_that_are_long_enough_are_tracked)
{
	const struct pyleak_container *container;
	__u64 below, at, set;

	start(16);
	control.container_min = 100;
	below = fake_add(0, OLD, types.list);
	fake_set_words(below, 99, 0, 128, 0);
	at = fake_add(0, OLD, types.list);
	fake_set_words(at, 100, 0, 128, 0);
	set = fake_add(0, OLD, types.set);
	fake_set_words(set, 5000, 300, 1023, 0);
	take_census();
	cr_assert_null(container_in_map(fake_address(below)));
	container = container_in_map(fake_address(at));
	cr_assert_eq(container->len, 100);
	cr_assert_eq(container->bytes, 40 + 16 + 128 * 8);
	cr_assert_eq(container->type, types.list);
	cr_assert_eq(container->census, progress.serial);
	cr_assert_eq(container_in_map(fake_address(set))->len, 300);
}

Test(reads, a_container_that_is_gone_keeps_the_number_of_the_census_that_met_it)
{
	__u64 list;

	start(16);
	control.container_min = 10;
	list = fake_add(0, OLD, types.list);
	fake_set_words(list, 10, 0, 10, 0);
	take_census();
	fake_unlink(list);
	take_census();
	cr_assert_lt(container_in_map(fake_address(list))->census, progress.serial);
	cr_assert_eq(live_of(types.list), 0);
}
