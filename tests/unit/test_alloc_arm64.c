/* SPDX-License-Identifier: BSD-2-Clause */
/* arm64 code, on any machine. With PYLEAK_ARM64_PYTHONS="MINOR:FILE ..." real interpreters are
 * looked through, too. */
#include <criterion/criterion.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arm64_code.h"
#include "attach/alloc_scan.h"
#include "attach/code_arm64.h"

#define TEXT 0x401000
#define NOT_KNOWN ALLOC_NO_REGISTER

struct expected {
	const char *what;
	const uint32_t *code;
	size_t size;
	uint8_t object;
	int bias;
	uint8_t count_reg;
	uint64_t count_offset;
	uint64_t probe; /* in instructions */
};

#define FOUND(name, ...)                                                                           \
	{                                                                                          \
#name, name, sizeof(name), __VA_ARGS__                                             \
	}

static const struct alloc_count modern = { true, 0x1d1c, 0, 16, 0, false };
static struct alloc_sites sites;

static void scan(const void *code, size_t size, const struct alloc_count *count)
{
	struct code_text text = { code, size, TEXT, NULL, NULL };

	memset(&sites, 0, sizeof(sites));
	cr_assert_eq(alloc_scan_arm64(&text, count, &sites), 0);
}

static void check_site(const struct expected *e, const struct alloc_site *site)
{
	cr_expect_eq(site->object_reg, e->object, "%s: in x%d", e->what, site->object_reg);
	cr_expect_eq(site->object_index, ALLOC_NO_REGISTER, "%s", e->what);
	if (e->object != NOT_KNOWN)
		cr_expect_eq(site->object_bias, e->bias, "%s: %d", e->what, site->object_bias);
	cr_expect_eq(site->count_reg, e->count_reg, "%s: count at x%d", e->what, site->count_reg);
	cr_expect_eq(site->count_offset, e->count_offset, "%s: %lld", e->what,
		     (long long)site->count_offset);
	cr_expect_eq(site->address, TEXT + 4 * e->probe, "%s: at %lld", e->what,
		     (long long)(site->address - TEXT) / 4);
	cr_expect(site->is_early || site->kind == ALLOC_NEW, "%s", e->what);
}

static void check(const struct expected *e, enum alloc_kind kind)
{
	scan(e->code, e->size, &modern);
	cr_assert_eq(sites.cnt, 1, "%s: %zu places", e->what, sites.cnt);
	cr_expect_eq(sites.rejected_cnt, 0, "%s", e->what);
	cr_expect_eq(sites.items[0].kind, kind, "%s", e->what);
	check_site(e, &sites.items[0]);
}

Test(alloc_arm64, allocations_are_found_as_compilers_write_them)
{
	static const struct expected all[] = {
		FOUND(gcc_pair, 19, 0, 24, 44, 7),	FOUND(gcc_direct, 4, 0, 2, 0x1d1c, 8),
		FOUND(gcc_shifted, 21, 0, 1, 0xd1c, 7), FOUND(indexed, 19, 0, 0, 0x1d1c, 8),
		FOUND(post_index, 20, 0, 2, 0x1d1c, 6), FOUND(head_copied, 19, 16, 2, 0x1d1c, 7),
		FOUND(two_words, 19, 0, 2, 0x1d1c, 7),	FOUND(zeroed_behind, 22, 0, 2, 0x1d1c, 5),
		FOUND(over_jumps, 19, 0, 5, 44, 7),	FOUND(call_between, 19, 0, 2, 0x1d1c, 8),
		FOUND(tracked, 24, 0, 6, 0x1d1c, 8),
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		check(&all[i], ALLOC_NEW);
		cr_expect(sites.items[0].cheap, "%s", all[i].what);
		cr_expect_not(sites.items[0].is_early, "%s", all[i].what);
	}
}

/* As in the one place of shared libraries, 3.13 and later. */
Test(alloc_arm64, an_allocation_is_probed_before_its_count_if_no_register_holds_it_behind)
{
	struct expected early = FOUND(overwritten, 2, 0, 1, 0x1d1c, 2);

	early.size -= sizeof(overwritten[0]);
	check(&early, ALLOC_NEW);
	cr_expect(sites.items[0].is_early);
}

/* A free, and behind it an allocation that goes on with what the free stored. */
Test(alloc_arm64, a_count_that_is_not_loaded_again_is_followed)
{
	static const struct expected free = FOUND(stored_twice, 2, 0, 5, 0x1d1c, 2);
	static const struct expected new = FOUND(stored_twice, 2, 0, 5, 0x1d1c, 10);

	scan(stored_twice, sizeof(stored_twice), &modern);
	cr_assert_eq(sites.cnt, 2);
	cr_expect_eq(sites.items[0].kind, ALLOC_FREE);
	check_site(&free, &sites.items[0]);
	cr_expect_eq(sites.items[1].kind, ALLOC_NEW);
	check_site(&new, &sites.items[1]);
}

Test(alloc_arm64, a_register_that_no_longer_holds_the_object_is_not_named)
{
	static const struct expected all[] = {
		FOUND(overwritten, NOT_KNOWN, 0, 1, 0x1d1c, 6),
		FOUND(object_clobbered, NOT_KNOWN, 0, 19, 0x1d1c, 7),
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		check(&all[i], ALLOC_NEW);
}

Test(alloc_arm64, frees_are_found_at_their_test)
{
	static const struct expected all[] = {
		FOUND(gcc_free, 19, 0, 2, 0xd1c, 4),
		FOUND(out_of_line_free, 20, 0, 2, 0x1d1c, 2),
		FOUND(clang_free, 20, 0, 9, 0x1d1c, 3),
		FOUND(cut_at_pointer, 19, 16, 0, 0x1d1c, 5),
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		check(&all[i], ALLOC_FREE);
		cr_expect(sites.items[0].cheap, "%s", all[i].what);
	}
}

/* Where the branch is too late the object is worth a single step. */
Test(alloc_arm64, a_free_is_probed_while_a_register_holds_the_object)
{
	static const struct expected late = FOUND(late_guard, 0, 0, 1, 0x1d1c, 2);

	check(&late, ALLOC_FREE);
	cr_expect_not(sites.items[0].cheap);
}

Test(alloc_arm64, the_argument_of_the_freeing_function_is_the_object)
{
	struct alloc_count count = modern;

	scan(freeing, sizeof(freeing), &count);
	cr_assert_eq(sites.cnt, 1);
	cr_expect_eq(sites.items[0].object_reg, NOT_KNOWN);
	count.freeing_function = TEXT;
	scan(freeing, sizeof(freeing), &count);
	cr_assert_eq(sites.cnt, 1);
	cr_expect_eq(sites.items[0].object_reg, 19);
}

Test(alloc_arm64, what_only_looks_so_is_left_out)
{
	static const struct expected all[] = {
		FOUND(other_structure, NOT_KNOWN, 0, NOT_KNOWN, 0, 0),
		FOUND(on_the_stack, NOT_KNOWN, 0, NOT_KNOWN, 0, 0),
		FOUND(reset, NOT_KNOWN, 0, NOT_KNOWN, 0, 0),
		FOUND(only_a_test, NOT_KNOWN, 0, NOT_KNOWN, 0, 0),
		FOUND(get_count, NOT_KNOWN, 0, NOT_KNOWN, 0, 0),
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		scan(all[i].code, all[i].size, &modern);
		cr_expect_eq(sites.cnt, 0, "%s", all[i].what);
		cr_expect_eq(sites.rejected_cnt, 0, "%s", all[i].what);
	}
}

Test(alloc_arm64, what_is_left_out_in_doubt_is_told)
{
	static const struct {
		struct expected code;
		enum alloc_rejection why;
	} all[] = {
		{ FOUND(search_engine, NOT_KNOWN, 0, NOT_KNOWN, 0, 0), ALLOC_REJECTED_SOURCE },
		{ FOUND(some_counter, NOT_KNOWN, 0, NOT_KNOWN, 0, 0), ALLOC_REJECTED_THRESHOLD },
		{ FOUND(nowhere_to_probe, NOT_KNOWN, 0, NOT_KNOWN, 0, 0), ALLOC_REJECTED_PROBE },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		scan(all[i].code.code, all[i].code.size, &modern);
		cr_expect_eq(sites.cnt, 0, "%s", all[i].code.what);
		cr_assert_eq(sites.rejected_cnt, 1, "%s", all[i].code.what);
		cr_expect_eq(sites.rejected[0].why, all[i].why, "%s", all[i].code.what);
	}
}

/* 3.6: a static, addressed from the instruction; a head of 32 bytes with a mark in it. */
Test(alloc_arm64, a_static_count_is_found_by_its_address)
{
	const struct alloc_count old = { false, 0, TEXT + 0x7e0 + 28, 32, 0, true };

	scan(old_new, sizeof(old_new), &old);
	cr_assert_eq(sites.cnt, 1);
	cr_expect_eq(sites.items[0].object_reg, 0);
	cr_expect_eq(sites.items[0].object_bias, 32);
	cr_expect_eq(sites.items[0].count_reg, ALLOC_NO_REGISTER);
	cr_expect_eq(sites.items[0].count_offset, old.address);
}

/* Every cut of real code, and noise: no read past the end (AddressSanitizer tells). */
Test(alloc_arm64, damaged_code_is_harmless)
{
	static uint32_t noise[1 << 16];

	for (size_t cut = 0; cut <= sizeof(stored_twice); cut++) {
		uint8_t *copy = malloc(cut ? cut : 1);

		memcpy(copy, stored_twice, cut);
		scan(copy, cut, &modern);
		cr_expect_leq(sites.cnt, 2);
		free(copy);
	}
	srand(1);
	for (size_t i = 0; i < sizeof(noise) / sizeof(noise[0]); i++)
		noise[i] = (uint32_t)rand() << 16 ^ (uint32_t)rand();
	scan(noise, sizeof(noise), &modern);
}

/* The compiler's own: what an instruction writes, where it goes, what it accesses. */
Test(alloc_arm64, instructions_are_decoded)
{
	static const struct {
		const char *what;
		uint32_t word;
		enum arm64_kind kind;
		uint32_t writes;
		int64_t imm;
	} all[] = {
		{ "add x0, x0, #0x1, lsl #12", 0x91400400, ARM64_ADD, 1, 0x1000 },
		{ "sub sp, sp, #0x10", 0xd10043ff, ARM64_ADD, 0, -16 },
		{ "cmp w0, #0x1", 0x7100041f, ARM64_COMPARE, 0, -1 },
		{ "mov x1, #-4", 0x92800061, ARM64_SET, 2, -4 },
		{ "adrp x0, .+0x1000", 0xb0000000, ARM64_SET, 1, TEXT + 0x1000 },
		{ "mov x19, x0", 0xaa0003f3, ARM64_COPY, 1 << 19, 0 },
		{ "cmp x22, x20", 0xeb1402df, ARM64_OTHER, 0, 0 },
		{ "ldr x0, [x1], #8", 0xf8408420, ARM64_LOAD, 3, 0 },
		{ "stp x29, x30, [sp, #-16]!", 0xa9bf7bfd, ARM64_STORE, 0, -16 },
		{ "ldp x1, x3, [x19]", 0xa9400e61, ARM64_LOAD, 1 << 1 | 1 << 3, 0 },
		{ "ldr q0, [x0]", 0x3dc00000, ARM64_LOAD, 0, 0 },
		{ "ldr x0, [x1, x2, lsl #3]", 0xf8627820, ARM64_OTHER, 1, 0 },
		{ "ldxr w0, [x1]", 0x885f7c20, ARM64_OTHER, 3, 0 },
		{ "fmov x5, d0", 0x9e660005, ARM64_OTHER, 1 << 5, 0 },
		{ "movi v5.4s, #0", 0x4f000405, ARM64_OTHER, 0, 0 },
		{ "b .-4", 0x17ffffff, ARM64_JUMP, 0, TEXT - 4 },
		{ "bl .", 0x94000000, ARM64_CALL, 0x4007ffff, TEXT },
		{ "tbnz w0, #4, .+8", 0x37200040, ARM64_BRANCH, 0, TEXT + 8 },
		{ "ret", 0xd65f03c0, ARM64_LEAVE, 0, 0 },
		{ "blr x2", 0xd63f0040, ARM64_CALL, 0x4007ffff, 0 },
		{ "nop", 0xd503201f, ARM64_OTHER, 0, 0 },
		{ "udf #0", 0, ARM64_LEAVE, 1, 0 },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct arm64_step step;

		code_arm64_decode(all[i].word, TEXT, &step);
		cr_expect_eq(step.kind, all[i].kind, "%s: %d", all[i].what, step.kind);
		/* ldxr: all that its kind may write */
		cr_expect_eq(step.writes & all[i].writes, all[i].writes, "%s: %#x", all[i].what,
			     step.writes);
		if (step.kind != ARM64_OTHER || !all[i].writes)
			cr_expect_eq(step.writes, all[i].writes, "%s: %#x", all[i].what,
				     step.writes);
		if (step.kind != ARM64_OTHER && step.kind != ARM64_LEAVE && all[i].imm)
			cr_expect_eq(step.imm, all[i].imm, "%s: %lld", all[i].what,
				     (long long)step.imm);
	}
}

/* Displacements of the count, from 3.9 on; 3.13 as Debian patches it. */
static const int32_t displacements[] = { [9] = 0x294,	[10] = 0x294,  [11] = 0x2b4, [12] = 0x9c,
					 [13] = 0x1d10, [14] = 0x1d1c, [15] = 0x1d04 };

static void check_file(int minor, const char *path)
{
	struct python python = {};
	struct gc_lists lists = { .cnt = 1, .head_bytes = 16 };
	struct alloc_summary summary;
	char words[100];

	cr_assert(minor >= 9 && minor <= 15, "%d", minor);
	cr_assert_eq(elf_file_open_any(path, &python.elf), 0, "%s", path);
	lists.interpreters[0].address = 0x7f0000000000;
	lists.interpreters[0].heads[PYLEAK_YOUNG_LIST] =
		lists.interpreters[0].address + (uint64_t)displacements[minor] - 20;
	cr_assert_eq(alloc_sites_find(&python, &lists, &sites), 0, "%s", path);
	cr_expect_eq(alloc_sites_check(&sites, &summary), 0, "%s", path);
	alloc_sites_words(&summary, words, sizeof(words));
	cr_log_info("%s: %s, %zu single-stepped, %zu left out", path, words, summary.dear,
		    sites.rejected_cnt);
	elf_file_close(python.elf);
}

Test(alloc_arm64, real_interpreters)
{
	const char *list = getenv("PYLEAK_ARM64_PYTHONS");
	char *copy, *rest = NULL, *end;

	if (!list || !*list) {
		fprintf(stderr, "SKIPPED: PYLEAK_ARM64_PYTHONS names no arm64 interpreters: "
				"make check-arm64 has one\n");
		cr_skip_test("no arm64 interpreters");
	}
	copy = strdup(list);
	for (char *item = strtok_r(copy, " ", &rest); item; item = strtok_r(NULL, " ", &rest)) {
		int minor = (int)strtol(item, &end, 10);

		check_file(minor, end + (*end == ':'));
	}
	free(copy);
}
