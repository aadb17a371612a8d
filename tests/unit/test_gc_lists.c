/* SPDX-License-Identifier: BSD-2-Clause */
/* The heads of the GC lists in every build whose layout is known, and in memory that only looks
 * like one. */
#include <criterion/criterion.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "attach/gc_lists.h"
#include "fake_heap.h"

/* The statics of a 3.6 (gcmodule.c, pystate.c), under their own names in this program's own
 * symbol table. */
struct old_generation {
	uint64_t head[3];
	int32_t threshold, count;
};
struct old_generation fake36_generations[3] __asm__("generations");
uint64_t *fake36_generation0 __asm__("_PyGC_generation0");
void *fake36_newest __asm__("interp_head");
int fake36_collecting __asm__("collecting");

static void expect_build(const struct fake_build *build)
{
	struct fake_heap heap;
	struct gc_lists lists = {};
	const struct pyleak_interpreter *found = &lists.interpreters[0];
	raddr_t interpreter, owner, type;

	fake_heap_init(&heap, build->version);
	interpreter = fake_interpreter(&heap);
	owner = fake_lists(&heap, interpreter);
	type = fake_static_type(&heap, "list", 40, 0, 0);
	for (int list = 0; list < PYLEAK_LISTS; list++) {
		for (int i = 0; i <= list; i++)
			fake_object(&heap, interpreter, list, type, 48);
	}
	cr_assert_eq(gc_lists_find(&heap.python, heap.reader.remote, &lists), 0, "%s",
		     build->version);
	cr_expect_eq(lists.cnt, 1);
	cr_expect_eq(lists.head_bytes, build->head_bytes, "%s", build->version);
	cr_expect_eq(lists.newest_interpreter, interpreter);
	for (int list = 0; list < PYLEAK_LISTS; list++)
		cr_expect_eq(found->heads[list], fake_head(&heap, interpreter, list),
			     "%s: list %d at +%#lx", build->version, list,
			     (long)(found->heads[list] - owner));
	cr_expect_eq(found->collecting - owner, build->collecting, "%s: collecting at +%#lx",
		     build->version, (long)(found->collecting - owner));
	cr_expect_eq(lists.stats[0] - owner, build->stats, "%s", build->version);
	cr_expect_eq(lists.enabled[0] - owner, build->enabled, "%s", build->version);
	fake_heap_deinit(&heap);
}

Test(gc_lists, every_known_build_has_its_heads_where_its_debug_information_says)
{
	for (size_t i = 0; i < fake_build_cnt; i++)
		expect_build(&fake_builds[i]);
}

Test(gc_lists, empty_lists_are_lists)
{
	struct fake_heap heap;
	struct gc_lists lists;
	raddr_t interpreter;

	fake_heap_init(&heap, "3.11.7");
	interpreter = fake_interpreter(&heap);
	cr_assert_eq(gc_lists_find(&heap.python, heap.reader.remote, &lists), 0);
	cr_expect_eq(lists.interpreters[0].heads[PYLEAK_YOUNG_LIST], interpreter + 0x2a0);
	fake_heap_deinit(&heap);
}

Test(gc_lists, the_permanent_generation_of_3_14_is_not_taken_for_the_oldest)
{
	struct fake_heap heap;
	raddr_t young;

	fake_heap_init(&heap, "3.14.10");
	young = fake_head(&heap, fake_interpreter(&heap), PYLEAK_YOUNG_LIST);
	/* Both match: one generation further begins the same pattern. */
	cr_expect_eq(gc_lists_check(heap.reader.remote, young), 16);
	cr_expect_eq(gc_lists_check(heap.reader.remote, young + 24), 16);
	cr_expect_eq(gc_lists_check(heap.reader.remote, young + 48), 0);
	fake_heap_deinit(&heap);
}

/* A collection empties the young list into another; its links lead elsewhere meanwhile. */
Test(gc_lists, a_hidden_young_list_does_not_shift_the_generations)
{
	static const char *const versions[] = { "3.11.7", "3.13.0", "3.14.10", "3.15.2" };

	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
		struct fake_heap heap;
		struct gc_lists lists;
		raddr_t interpreter, young;

		fake_heap_init(&heap, versions[i]);
		interpreter = fake_interpreter(&heap);
		young = fake_head(&heap, interpreter, PYLEAK_YOUNG_LIST);
		cr_assert_eq(gc_lists_find(&heap.python, heap.reader.remote, &lists), 0);
		fake_put(&heap, young, interpreter);
		cr_expect_eq(gc_lists_find(&heap.python, heap.reader.remote, &lists), -EAGAIN, "%s",
			     versions[i]);
		fake_heap_deinit(&heap);
	}
}

Test(gc_lists, flag_bits_in_the_links_do_not_break_a_ring)
{
	struct fake_heap heap;
	raddr_t interpreter, young, object;

	fake_heap_init(&heap, "3.14.10");
	interpreter = fake_interpreter(&heap);
	young = fake_head(&heap, interpreter, PYLEAK_YOUNG_LIST);
	object = fake_object(&heap, interpreter, PYLEAK_YOUNG_LIST, heap.type_type, 48);
	fake_put(&heap, object - 16, young | 1);
	fake_put(&heap, object - 8, young | 3);
	cr_expect_eq(gc_lists_check(heap.reader.remote, young), 16);
	fake_heap_deinit(&heap);
}

Test(gc_lists, a_list_that_does_not_lead_back_is_not_a_generation)
{
	struct fake_heap heap;
	struct gc_lists lists;
	raddr_t interpreter, object, young;

	fake_heap_init(&heap, "3.11.7");
	interpreter = fake_interpreter(&heap);
	young = fake_head(&heap, interpreter, PYLEAK_YOUNG_LIST);
	object = fake_object(&heap, interpreter, PYLEAK_YOUNG_LIST, heap.type_type, 48);
	fake_put(&heap, object - 8, object);
	cr_expect_eq(gc_lists_check(heap.reader.remote, young), 0);
	cr_expect_eq(gc_lists_find(&heap.python, heap.reader.remote, &lists), -EAGAIN);
	fake_heap_deinit(&heap);
}

Test(gc_lists, thresholds_and_counts_must_make_sense)
{
	static const int32_t nonsense[] = { -1, INT32_MIN, 100000001 };
	struct fake_heap heap;
	raddr_t oldest, young;

	fake_heap_init(&heap, "3.9.18");
	oldest = fake_head(&heap, fake_interpreter(&heap), 1);
	young = oldest - 48;
	for (size_t i = 0; i < 3; i++) {
		fake_put32(&heap, oldest + 16, (uint32_t)nonsense[i]);
		cr_expect_eq(gc_lists_check(heap.reader.remote, young), 0, "%d", nonsense[i]);
	}
	fake_put32(&heap, oldest + 16, 0);
	cr_expect_eq(gc_lists_check(heap.reader.remote, young), 16, "gc.set_threshold(0)");
	fake_put32(&heap, oldest + 20, (uint32_t)-5);
	cr_expect_eq(gc_lists_check(heap.reader.remote, young), 0, "a count below zero");
	fake_heap_deinit(&heap);
}

Test(gc_lists, every_interpreter_is_found_the_newest_first)
{
	struct fake_heap heap;
	struct gc_lists lists;
	raddr_t first, second;

	fake_heap_init(&heap, "3.12.1");
	first = fake_interpreter(&heap);
	second = fake_interpreter(&heap);
	cr_assert_eq(gc_lists_find(&heap.python, heap.reader.remote, &lists), 0);
	cr_assert_eq(lists.cnt, 2);
	cr_expect_eq(lists.total, 2);
	cr_expect_eq(lists.interpreters[0].address, second);
	cr_expect_eq(lists.interpreters[0].gil, second + 0x180);
	cr_expect_eq(lists.interpreters[1].address, first);
	cr_expect_eq(lists.interpreters[1].heads[PYLEAK_YOUNG_LIST], first + 0x88);
	fake_heap_deinit(&heap);
}

Test(gc_lists, a_chain_of_interpreters_that_never_ends_is_left)
{
	struct fake_heap heap;
	struct gc_lists lists;
	raddr_t interpreter;

	fake_heap_init(&heap, "3.9.18");
	interpreter = fake_interpreter(&heap);
	fake_put(&heap, interpreter, interpreter);
	cr_assert_eq(gc_lists_find(&heap.python, heap.reader.remote, &lists), 0);
	cr_expect_leq(lists.cnt, PYLEAK_MAX_INTERPRETERS);
	fake_heap_deinit(&heap);
}

Test(gc_lists, no_interpreter_is_told_from_lists_that_are_hidden)
{
	struct fake_heap heap;
	struct gc_lists lists = { .cnt = 77 };

	fake_heap_init(&heap, "3.13.0");
	cr_expect_eq(gc_lists_find(&heap.python, heap.reader.remote, &lists), -ENOENT);
	cr_expect_eq(lists.cnt, 77, "written although it failed");
	fake_heap_deinit(&heap);
}

Test(gc_lists, totals_are_the_sums_over_the_interpreters)
{
	struct fake_heap heap;
	struct gc_lists lists;
	struct gc_totals totals;

	fake_heap_init(&heap, "3.10.13");
	for (uint64_t i = 1; i <= 2; i++) {
		raddr_t stats = fake_interpreter(&heap) + heap.build->stats;

		for (uint64_t g = 0; g < PYLEAK_GENERATIONS; g++) {
			fake_put(&heap, stats + 24 * g, 100 * i + g);
			fake_put(&heap, stats + 24 * g + 8, 1000 * i + g);
		}
	}
	cr_assert_eq(gc_lists_find(&heap.python, heap.reader.remote, &lists), 0);
	cr_assert_eq(gc_lists_totals(&lists, 10, heap.reader.remote, &totals), 0);
	cr_expect_eq(totals.collections[0], 300);
	cr_expect_eq(totals.collections[2], 304);
	cr_expect_eq(totals.collected[1], 3002);
	cr_expect(totals.enabled);
	fake_put32(&heap, lists.enabled[0], 0);
	fake_put32(&heap, lists.enabled[1], 0);
	cr_assert_eq(gc_lists_totals(&lists, 10, heap.reader.remote, &totals), 0);
	cr_expect_not(totals.enabled, "after gc.disable() in both");
	fake_heap_deinit(&heap);
}

/* 3.15: {young: 11 items of 0x40, index; old: 2 x {3 items, index}} behind a pointer. */
Test(gc_lists, totals_of_3_15_come_from_the_newest_entry_of_each_ring)
{
	struct fake_heap heap;
	struct gc_lists lists;
	struct gc_totals totals;
	raddr_t interpreter, ring;

	fake_heap_init(&heap, "3.15.2");
	interpreter = fake_interpreter(&heap);
	ring = fake_alloc(&heap, 0x460);
	fake_put(&heap, interpreter + heap.build->stats, ring);
	fake_put(&heap, ring + 0x2c0, 10);
	fake_put(&heap, ring + 10 * 0x40 + 0x10, 5001);
	fake_put(&heap, ring + 0x388, 2);
	fake_put(&heap, ring + 0x2c8 + 2 * 0x40 + 0x18, 5002);
	fake_put(&heap, ring + 0x390 + 0x10, 5003);
	cr_assert_eq(gc_lists_find(&heap.python, heap.reader.remote, &lists), 0);
	cr_expect_eq(lists.interpreters[0].generation_marks[1], ring + 0x388);
	cr_assert_eq(gc_lists_totals(&lists, 15, heap.reader.remote, &totals), 0);
	cr_expect_eq(totals.collections[0], 5001);
	cr_expect_eq(totals.collected[1], 5002);
	cr_expect_eq(totals.collections[2], 5003);
	fake_put(&heap, ring + 0x2c0, 11);
	cr_expect_eq(gc_lists_totals(&lists, 15, heap.reader.remote, &totals), -EBADMSG);
	fake_heap_deinit(&heap);
}

Test(gc_lists, the_statics_of_3_6_are_found_by_their_symbols)
{
	static struct python python = { .minor = 6, .layout = { .gc_is_global = true } };
	struct gc_lists lists;
	struct elf_symbol symbol;
	struct remote *remote;

	for (int i = 0; i < 3; i++) {
		uint64_t head = (uint64_t)&fake36_generations[i];

		fake36_generations[i] = (struct old_generation){ { head, head, 0 }, 10, 0 };
	}
	fake36_generation0 = fake36_generations[0].head;
	fake36_newest = &python;
	cr_assert_eq(remote_open(getpid(), &remote), 0);
	cr_assert_eq(elf_file_open("/proc/self/exe", &python.elf), 0);
	cr_assert_eq(elf_file_symbol(python.elf, "_PyGC_generation0", &symbol), 0);
	python.bias = (uint64_t)&fake36_generation0 - symbol.value;
	cr_assert_eq(gc_lists_find(&python, remote, &lists), 0);
	cr_expect_eq(lists.head_bytes, 24);
	cr_expect_eq(lists.newest_interpreter, (raddr_t)&python);
	cr_expect_eq(lists.interpreters[0].heads[1], (raddr_t)&fake36_generations[2]);
	cr_expect_eq(lists.interpreters[0].heads[0], 0, "3.6 has no permanent generation");
	cr_expect_eq(lists.interpreters[0].collecting, (raddr_t)&fake36_collecting);
	elf_file_close(python.elf);
	remote_close(remote);
}
