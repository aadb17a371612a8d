/* SPDX-License-Identifier: BSD-2-Clause */
/* Where probes go: this program's own file stands for a CPython with symbols, and for one whose
 * collector must be told by its code; a small file made by hand for one with USDT probes. */
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "attach/hooks.h"
#include "fuzz/small_elf.h"

/* Functions with names that compilers give: two clones of the collector, the cold part of one,
 * and one whose name only begins alike. */
void hooks_collector(void) __asm__("gc_collect_main");
void hooks_clone(void) __asm__("gc_collect_main.constprop.0");
void hooks_cold(void) __asm__("gc_collect_main.constprop.0.cold");
void hooks_other(void) __asm__("gc_collect_mainly");

/* Different, so that the linker does not fold them. */
#if defined(__x86_64__)
#define BODY(number) __asm__ volatile("nop; .long " #number "; ud2")
#else
#define BODY(number) __asm__ volatile("b 0f; 0: udf #" #number)
#endif

__attribute__((noinline)) void hooks_collector(void)
{
	BODY(1);
}

__attribute__((noinline)) void hooks_clone(void)
{
	BODY(2);
}

__attribute__((noinline)) void hooks_cold(void)
{
	BODY(3);
}

__attribute__((noinline)) void hooks_other(void)
{
	BODY(4);
}

#define DISPLACEMENT 0x5a37c11cU /* of generations[0].count: found nowhere else in this file */

#if defined(__x86_64__)
void hooks_stripped(void);

__attribute__((noinline)) void hooks_stripped(void)
{
	/* addl $1, 0x5a37c11c(%rbx,%rax,8) */
	__asm__ volatile("push %rbx; .byte 0x83, 0x84, 0xc3, 0x1c, 0xc1, 0x37, 0x5a, 1; ud2");
}
#endif

static struct python python;
static struct gc_lists lists;

static void open_own(int minor)
{
	memset(&python, 0, sizeof(python));
	memset(&lists, 0, sizeof(lists));
	python.minor = minor;
	snprintf(python.file, sizeof(python.file), "/usr/bin/python3");
	cr_assert_eq(elf_file_open("/proc/self/exe", &python.elf), 0);
}

static uint64_t offset_of(const char *name)
{
	struct elf_symbol symbol;
	uint64_t offset;

	cr_assert_eq(elf_file_symbol(python.elf, name, &symbol), 0, "%s", name);
	cr_assert_eq(elf_file_offset(python.elf, symbol.value, &offset), 0);
	return offset;
}

/* An entry may be preceded by endbr64: the probe is a few bytes further. */
static bool has_site(const struct gc_hook *hook, const char *name)
{
	uint64_t entry = offset_of(name);

	for (size_t i = 0; i < hook->start_cnt; i++) {
		if (hook->start[i].offset >= entry && hook->start[i].offset < entry + 32 &&
		    !strcmp(hook->start[i].name, name))
			return true;
	}
	return false;
}

Test(hooks, all_clones_of_the_collector_are_probed_and_nothing_else)
{
	struct gc_hook hook;

	open_own(13);
	gc_hook_find(&python, &lists, &hook);
	cr_assert_eq(hook.kind, GC_HOOK_SYMBOL);
	cr_expect_eq(hook.start_cnt, 2);
	cr_expect(has_site(&hook, "gc_collect_main"));
	cr_expect(has_site(&hook, "gc_collect_main.constprop.0"));
	cr_expect_str_eq(hook.words, "gc_collect_main, by symbol (2 places)");
	for (size_t i = 0; i < hook.start_cnt; i++) {
		cr_expect_eq(hook.start[i].semaphore, 0);
		cr_expect(hook.start[i].cheap, "at the nop or the branch");
	}
	python_close(&python);
}

#if defined(__x86_64__)
Test(hooks, without_a_symbol_the_collector_is_told_by_its_code)
{
	struct gc_hook hook;
	uint64_t entry;

	open_own(8);
	python.layout.gc_is_global = true;
	python.runtime = 0x10000;
	lists.head_bytes = 16;
	lists.interpreters[0].heads[PYLEAK_YOUNG_LIST] = 0x10000 + DISPLACEMENT - 20;
	gc_hook_find(&python, &lists, &hook);
	cr_assert_eq(hook.kind, GC_HOOK_LOCATED, "%s", hook.words);
	cr_assert_eq(hook.start_cnt, 1);
	entry = offset_of("hooks_stripped");
	cr_expect_geq(hook.start[0].offset, entry);
	cr_expect_leq(hook.start[0].offset, entry + 8);
	cr_expect(hook.start[0].cheap);
	python_close(&python);
}
#endif

Test(hooks, where_nothing_is_found_it_says_so)
{
	struct gc_hook hook;

	open_own(8);
	python.layout.gc_is_global = true;
	python.runtime = 0x10000;
	lists.head_bytes = 16;
	/* So near that one byte holds it: too common to mean anything. */
	lists.interpreters[0].heads[PYLEAK_YOUNG_LIST] = 0x10000 + 0x40;
	gc_hook_find(&python, &lists, &hook);
	cr_expect_eq(hook.kind, GC_HOOK_NONE);
	cr_expect_eq(hook.start_cnt, 0);
	cr_expect_str_eq(hook.words, "none found in /usr/bin/python3");
	python_close(&python);
}

static void open_small(const struct small_elf *elf)
{
	int fd = memfd_create("elf", MFD_CLOEXEC);

	memset(&python, 0, sizeof(python));
	memset(&lists, 0, sizeof(lists));
	python.minor = 11;
	cr_assert_eq(write(fd, elf, sizeof(*elf)), (ssize_t)sizeof(*elf));
	snprintf(python.open_path, sizeof(python.open_path), "/proc/self/fd/%d", fd);
	cr_assert_eq(elf_file_open(python.open_path, &python.elf), 0);
	close(fd);
}

Test(hooks, usdt_probes_come_first)
{
	struct small_elf elf;
	struct gc_hook hook;

	small_elf_build(&elf);
	open_small(&elf);
	gc_hook_find(&python, &lists, &hook);
	cr_assert_eq(hook.kind, GC_HOOK_USDT);
	cr_assert_eq(hook.start_cnt, 1);
	cr_expect_eq(hook.start[0].offset, offsetof(struct small_elf, text) + 70);
	cr_expect_eq(hook.start[0].semaphore, offsetof(struct small_elf, text) + 176);
	cr_expect_eq(hook.done.offset, offsetof(struct small_elf, text) + 140);
	cr_expect_eq(hook.done.semaphore, 0);
	cr_expect_str_eq(hook.start[0].name, "python:gc__start");
	python_close(&python);
}

Test(hooks, half_a_pair_of_usdt_probes_is_none)
{
	struct small_elf elf;
	struct gc_hook hook;

	small_elf_build(&elf);
	memcpy(elf.notes[1].strings, "python\0gc__gone", 15);
	open_small(&elf);
	gc_hook_find(&python, &lists, &hook);
	cr_expect_eq(hook.kind, GC_HOOK_SYMBOL);
	cr_expect_eq(hook.start_cnt, 1);
	cr_expect_eq(hook.start[0].offset, offsetof(struct small_elf, text) + 64);
	python_close(&python);
}

Test(hooks, safe_points_are_those_that_the_file_has)
{
	struct small_elf elf;
	struct probe_site sites[4];

	small_elf_build(&elf);
	open_small(&elf);
	cr_assert_eq(safe_points_find(&python, sites, 4), 1);
	cr_expect_str_eq(sites[0].name, "PyEval_SaveThread");
	cr_expect_eq(sites[0].offset, offsetof(struct small_elf, text));
	cr_expect_eq(safe_points_find(&python, sites, 0), 0);
	python_close(&python);
}
