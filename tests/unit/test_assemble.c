/* SPDX-License-Identifier: BSD-2-Clause */
/* From counts by address to a sample by name. */
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include "collect/assemble.h"
#include "fake_heap.h"
#include "pyleak_object.h"

struct bench {
	struct fake_heap heap;
	struct gc_lists lists;
	struct py_types *types;
	struct holds *holds;
	struct counts *counts;
	struct sample_store store;
};

static void bench_init(struct bench *bench)
{
	memset(bench, 0, sizeof(*bench));
	fake_heap_init(&bench->heap, "3.11.7");
	bench->lists.newest_interpreter = fake_interpreter(&bench->heap);
	cr_assert_eq(py_types_create(&bench->heap.reader, &bench->lists, &bench->types), 0);
	cr_assert_eq(holds_create(&bench->heap.reader, bench->types, &bench->holds), 0);
	cr_assert_eq(counts_create(&bench->counts), 0);
}

static void bench_deinit(struct bench *bench)
{
	sample_store_deinit(&bench->store);
	counts_destroy(bench->counts);
	holds_destroy(bench->holds);
	py_types_destroy(bench->types);
	fake_heap_deinit(&bench->heap);
}

static void count(struct bench *bench, raddr_t type, uint64_t live, uint64_t bytes, uint64_t young)
{
	struct counted_type *counted = counts_type(bench->counts, type);

	counted->live = live;
	counted->bytes = bytes;
	counted->young = young;
}

static const struct sample *assemble(struct bench *bench)
{
	cr_assert_eq(assemble_sample(bench->counts, bench->types, bench->holds, &bench->store), 0);
	return &bench->store.sample;
}

Test(assemble, types_of_one_name_become_one)
{
	struct bench bench;
	const struct sample *sample;

	bench_init(&bench);
	for (uint64_t i = 1; i <= 3; i++)
		count(&bench, fake_heap_type(&bench.heap, "Row", "__main__"), i, 100 * i, i);
	count(&bench, fake_static_type(&bench.heap, "dict", 48, 0, 0), 7, 70, 0);
	count(&bench, fake_static_type(&bench.heap, "never", 48, 0, 0), 0, 0, 0);
	count(&bench, fake_static_type(&bench.heap, "short.lived", 48, 0, 0), 0, 0, 9);
	sample = assemble(&bench);
	cr_assert_eq(sample->type_cnt, 3);
	cr_expect_str_eq(sample->types[0].name, "__main__.Row");
	cr_expect_eq(sample->types[0].live, 6);
	cr_expect_eq(sample->types[0].bytes, 600);
	cr_expect_eq(sample->types[0].young, 6);
	cr_expect(sample->types[0].own);
	cr_expect_str_eq(sample->types[1].name, "dict");
	cr_expect_str_eq(sample->types[2].name, "short.lived");
	cr_expect_eq(sample->objects, 13);
	cr_expect_eq(sample->bytes, 670);
	bench_deinit(&bench);
}

Test(assemble, a_census_of_nothing_is_an_empty_sample)
{
	struct bench bench;
	const struct sample *sample;

	bench_init(&bench);
	sample = assemble(&bench);
	cr_expect_eq(sample->type_cnt, 0);
	cr_expect_eq(sample->container_cnt, 0);
	cr_expect_eq(sample->objects, 0);
	bench_deinit(&bench);
}

/* Enough names that the buffer of strings moves several times. */
Test(assemble, names_stay_valid_while_the_buffer_grows)
{
	struct bench bench;
	const struct sample *sample;
	char name[300];

	bench_init(&bench);
	for (int i = 0; i < 100; i++) {
		raddr_t type;

		snprintf(name, sizeof(name), "%0250d", i);
		type = fake_static_type(&bench.heap, name, 48, 0, PYLEAK_FLAG_LIST_SUBCLASS);
		count(&bench, type, 1, 48, 0);
		counts_add_container(bench.counts,
				     &(struct counted_container){ .address = 0x1000 + (raddr_t)i,
								  .type = type,
								  .len = 1000,
								  .bytes = 513 });
	}
	sample = assemble(&bench);
	cr_assert_eq(sample->type_cnt, 100);
	cr_assert_eq(sample->container_cnt, 100);
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "%0250d", i);
		cr_assert_str_eq(sample->types[i].name, name);
		cr_assert_str_eq(sample->containers[i].type_name, name);
		cr_assert_null(sample->containers[i].holds);
	}
	cr_expect_eq(sample->memory.large_tables, 100 * 513);
	bench_deinit(&bench);
}

static const struct container *watch(struct bench *bench, raddr_t address, raddr_t type,
				     uint64_t len)
{
	counts_reset(bench->counts);
	counts_add_container(bench->counts, &(struct counted_container){ .address = address,
									 .type = type,
									 .len = len,
									 .bytes = 8 * len });
	return &assemble(bench)->containers[0];
}

Test(assemble, a_container_that_grows_tells_what_its_newest_element_is)
{
	struct bench bench;
	struct fake_heap *heap = &bench.heap;
	raddr_t type, list, items;
	const struct container *found;

	bench_init(&bench);
	type = fake_static_type(heap, "list", 40, 0, PYLEAK_FLAG_LIST_SUBCLASS);
	list = fake_alloc(heap, 40);
	items = fake_alloc(heap, 80);
	fake_put(heap, list + 0x18, items);
	fake_put(heap, items + 9 * 8, fake_str(heap, "newest"));
	found = watch(&bench, list, type, 9);
	cr_expect_null(found->holds, "it has not grown yet");
	cr_expect(found->gc_tracked);
	found = watch(&bench, list, type, 10);
	cr_assert_not_null(found->holds);
	cr_expect_str_eq(found->holds, "str");
	/* Remembered, although its elements cannot be read any more. */
	fake_put(heap, list + 0x18, 0);
	cr_expect_str_eq(watch(&bench, list, type, 10)->holds, "str");
	bench_deinit(&bench);
}

Test(assemble, a_dict_that_grows_tells_its_keys_and_values)
{
	struct bench bench;
	struct fake_heap *heap = &bench.heap;
	struct fake_pair pair;
	raddr_t type, dict;

	bench_init(&bench);
	type = fake_static_type(heap, "dict", 48, 0, PYLEAK_FLAG_DICT_SUBCLASS);
	pair = (struct fake_pair){ fake_str(heap, "key"), heap->type_type };
	fake_put(heap, heap->type_type + 8, heap->type_type);
	dict = fake_dict(heap, &pair, 1, true);
	watch(&bench, dict, type, 500);
	cr_expect_str_eq(watch(&bench, dict, type, 501)->holds, "str -> type");
	bench_deinit(&bench);
}

Test(assemble, a_new_container_at_the_same_address_is_asked_anew)
{
	struct bench bench;
	struct fake_heap *heap = &bench.heap;
	raddr_t list_type, deque_type, address, block;

	bench_init(&bench);
	list_type = fake_static_type(heap, "list", 40, 0, PYLEAK_FLAG_LIST_SUBCLASS);
	deque_type = fake_static_type(heap, "collections.deque", 0xd8, 0, 0);
	address = fake_alloc(heap, 0x40);
	block = fake_alloc(heap, 0x210);
	fake_put(heap, address + 0x18, fake_alloc(heap, 80));
	fake_put(heap, fake_get(heap, address + 0x18) + 8, fake_str(heap, "element"));
	watch(&bench, address, list_type, 1);
	cr_assert_str_eq(watch(&bench, address, list_type, 2)->holds, "str");
	cr_expect_null(watch(&bench, address, deque_type, 100)->holds);
	/* leftblock, rightblock, leftindex, rightindex */
	fake_put(heap, address + 0x20, block);
	fake_put(heap, address + 0x30, 3);
	fake_put(heap, block + 8 + 3 * 8, fake_str(heap, "newest"));
	cr_expect_str_eq(watch(&bench, address, deque_type, 101)->holds, "str");
	bench_deinit(&bench);
}
