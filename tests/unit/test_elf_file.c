/* SPDX-License-Identifier: BSD-2-Clause */
/* This program's own file, a small one made by hand, and damaged copies of both. */
#include <criterion/criterion.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "attach/elf_file.h"
#include "fuzz/small_elf.h"

/* Not static: it must be in the symbol table under its own name. */
int elf_test_landmark(int value);

__attribute__((noinline)) int elf_test_landmark(int value)
{
	__asm__ volatile("" : "+r"(value));
	return value * 3;
}

static int open_bytes(const void *bytes, size_t size, struct elf_file **out)
{
	int fd = memfd_create("elf", MFD_CLOEXEC), err;
	char path[64];

	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, bytes, size), (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	err = elf_file_open(path, out);
	close(fd);
	return err;
}

static struct elf_file *open_small(struct small_elf *elf)
{
	struct elf_file *file;

	cr_assert_eq(open_bytes(elf, sizeof(*elf), &file), 0);
	return file;
}

Test(elf_file, the_bytes_of_a_function_are_those_in_memory)
{
	struct elf_file *file;
	struct elf_symbol symbol;
	uint64_t start;
	size_t available;
	const uint8_t *bytes;

	cr_assert_eq(elf_file_open("/proc/self/exe", &file), 0);
	cr_assert_eq(elf_file_symbol(file, "elf_test_landmark", &symbol), 0);
	cr_expect(symbol.is_function);
	cr_expect(elf_file_has_symtab(file));
	bytes = elf_file_bytes(file, symbol.value, &available);
	cr_assert_not_null(bytes);
	cr_assert_geq(available, symbol.size);
	cr_expect_arr_eq(bytes, (const void *)(uintptr_t)elf_test_landmark, symbol.size);
	cr_expect_eq(elf_file_function_start(file, symbol.value + symbol.size - 1, &start), 0);
	cr_expect_eq(start, symbol.value);
	elf_file_close(file);
}

Test(elf_file, symbols_sections_and_segments_of_a_small_file)
{
	struct small_elf elf;
	struct elf_file *file;
	struct elf_symbol symbol;
	uint64_t address, offset, size;
	bool executable;

	small_elf_build(&elf);
	file = open_small(&elf);
	cr_assert_eq(elf_file_symbol(file, "_PyRuntime", &symbol), 0);
	cr_expect_eq(symbol.value, small_elf_text(180));
	cr_expect_not(symbol.is_function);
	cr_expect_eq(elf_file_symbol(file, "_PyRuntim", &symbol), -ENOENT);
	cr_expect_not(elf_file_has_symtab(file));
	cr_expect_not(elf_file_is_fixed(file));
	cr_expect_eq(elf_file_section(file, ".text", &address, &size), 0);
	cr_expect_eq(address, small_elf_text(0));
	cr_expect_eq(size, sizeof(elf.text));
	cr_expect_eq(elf_file_section(file, ".bss", &address, &size), -ENOENT);
	cr_assert(elf_file_segment(file, 0, &address, &offset, &size, &executable));
	cr_expect(executable && address == SMALL_ELF_BASE && size == sizeof(elf));
	cr_expect_not(elf_file_segment(file, 1, &address, &offset, &size, &executable));
	cr_expect_eq(elf_file_offset(file, small_elf_text(7), &offset), 0);
	cr_expect_eq(offset, offsetof(struct small_elf, text) + 7);
	cr_expect_eq(elf_file_offset(file, SMALL_ELF_BASE + sizeof(elf), &offset), -ENOENT);
	cr_expect_eq(elf_file_offset(file, SMALL_ELF_BASE - 1, &offset), -ENOENT);
	elf_file_close(file);
}

static int stop_at_second(const struct elf_symbol *symbol, void *context)
{
	(void)symbol;
	return ++*(int *)context == 2 ? 42 : 0;
}

Test(elf_file, a_visitor_may_stop)
{
	struct small_elf elf;
	struct elf_file *file;
	int seen = 0;

	small_elf_build(&elf);
	file = open_small(&elf);
	cr_expect_eq(elf_file_each_symbol(file, stop_at_second, &seen), 42);
	cr_expect_eq(seen, 2);
	elf_file_close(file);
}

Test(elf_file, a_usdt_note_is_moved_by_what_prelink_added)
{
	struct small_elf elf;
	struct elf_file *file;
	struct usdt_note note;

	small_elf_build(&elf);
	file = open_small(&elf);
	cr_assert_eq(elf_file_usdt(file, "python", "gc__start", &note), 0);
	cr_expect_eq(note.address, small_elf_text(70));
	cr_expect_eq(note.semaphore, small_elf_text(176));
	cr_assert_eq(elf_file_usdt(file, "python", "gc__done", &note), 0);
	cr_expect_eq(note.address, small_elf_text(140));
	cr_expect_eq(note.semaphore, 0, "it has none");
	cr_expect_eq(elf_file_usdt(file, "python", "gc__", &note), -ENOENT);
	cr_expect_eq(elf_file_usdt(file, "libc", "gc__start", &note), -ENOENT);
	elf_file_close(file);
}

Test(elf_file, notes_with_insane_sizes_end_the_search)
{
	static const uint32_t sizes[] = { 0x7fffffff, 0xffffffff, 0xfffffffd, 200 };
	struct small_elf elf;
	struct usdt_note note;

	for (size_t i = 0; i < 4; i++) {
		struct elf_file *file;

		small_elf_build(&elf);
		elf.notes[0].header.n_descsz = sizes[i];
		file = open_small(&elf);
		cr_expect_eq(elf_file_usdt(file, "python", "gc__done", &note), -ENOENT);
		elf_file_close(file);
		small_elf_build(&elf);
		elf.notes[0].header.n_namesz = sizes[i];
		file = open_small(&elf);
		cr_expect_eq(elf_file_usdt(file, "python", "gc__done", &note), -ENOENT);
		elf_file_close(file);
	}
}

Test(elf_file, strings_of_a_note_without_an_end_are_not_read_past_it)
{
	struct small_elf elf;
	struct elf_file *file;
	struct usdt_note note;

	small_elf_build(&elf);
	memset(elf.notes[1].strings, 'p', sizeof(elf.notes[1].strings));
	file = open_small(&elf);
	cr_expect_eq(elf_file_usdt(file, "python", "gc__done", &note), -ENOENT);
	cr_expect_eq(elf_file_usdt(file, "python", "gc__start", &note), 0);
	elf_file_close(file);
}

Test(elf_file, an_address_belongs_to_the_function_that_starts_before_it)
{
	struct small_elf elf;
	struct elf_file *file;
	uint64_t start;

	small_elf_build(&elf);
	file = open_small(&elf);
	for (size_t at = 0; at < sizeof(elf.text); at++) {
		cr_assert_eq(elf_file_function_start(file, small_elf_text(at), &start), 0);
		cr_assert_eq(start, small_elf_text(at / 64 * 64), "at %zu", at);
	}
	cr_expect_eq(elf_file_function_start(file, small_elf_text(0) - 1, &start), -ENOENT);
	elf_file_close(file);
	elf.function_cnt = 1000;
	file = open_small(&elf);
	cr_expect_eq(elf_file_function_start(file, small_elf_text(0), &start), -EBADMSG);
	elf_file_close(file);
	elf.hdr[3] = 0x1b; /* another encoding */
	file = open_small(&elf);
	cr_expect_eq(elf_file_function_start(file, small_elf_text(0), &start), -ENOENT);
	elf_file_close(file);
}

Test(elf_file, a_segment_beyond_the_end_of_the_file_has_no_bytes)
{
	struct small_elf elf;
	struct elf_file *file;
	size_t available;

	small_elf_build(&elf);
	elf.segments[1].p_filesz = UINT64_MAX;
	file = open_small(&elf);
	cr_expect_null(elf_file_bytes(file, small_elf_text(0), &available));
	elf_file_close(file);
	elf.segments[1].p_filesz = 64;
	elf.segments[1].p_offset = sizeof(elf) - 63;
	file = open_small(&elf);
	cr_expect_null(elf_file_bytes(file, SMALL_ELF_BASE, &available));
	elf_file_close(file);
}

Test(elf_file, what_is_no_elf_file_of_this_machine_is_refused)
{
	struct small_elf elf;
	struct elf_file *file;

	cr_expect_eq(open_bytes("#!/usr/bin/python3\n", 19, &file), -ENOEXEC);
	cr_expect_eq(open_bytes("", 0, &file), -ENOEXEC);
	cr_expect_eq(elf_file_open("/proc/self", &file), -ENOEXEC, "a folder");
	cr_expect_eq(elf_file_open("/proc/self/no-such-file", &file), -ENOENT);
	small_elf_build(&elf);
	elf.header.e_machine = EM_S390;
	cr_expect_eq(open_bytes(&elf, sizeof(elf), &file), -ENOEXEC);
	small_elf_build(&elf);
	elf.header.e_ident[EI_CLASS] = ELFCLASS32;
	cr_expect_eq(open_bytes(&elf, sizeof(elf), &file), -ENOEXEC);
	small_elf_build(&elf);
	cr_expect_eq(open_bytes(&elf, sizeof(elf.header) - 1, &file), -ENOEXEC);
}

Test(elf_file, a_file_of_the_other_machine_may_be_looked_at)
{
	static const uint16_t machines[] = { EM_X86_64, EM_AARCH64 };
	struct small_elf elf;
	struct elf_file *file;
	size_t native = 0;

	for (size_t i = 0; i < 2; i++) {
		char path[] = "/tmp/test_elf_XXXXXX";
		int fd = mkstemp(path);

		small_elf_build(&elf);
		elf.header.e_machine = machines[i];
		cr_assert_eq(write(fd, &elf, sizeof(elf)), (ssize_t)sizeof(elf));
		close(fd);
		cr_assert_eq(elf_file_open_any(path, &file), 0);
		cr_expect_eq(elf_file_is_arm64(file), machines[i] == EM_AARCH64);
		elf_file_close(file);
		if (!elf_file_open(path, &file)) {
			native++;
			elf_file_close(file);
		}
		unlink(path);
	}
	cr_expect_eq(native, 1);
}

Test(elf_file, a_file_cut_anywhere_does_no_harm)
{
	struct small_elf elf;

	small_elf_build(&elf);
	for (size_t size = 0; size < sizeof(elf); size += 3) {
		struct elf_file *file;
		struct elf_symbol symbol;
		struct usdt_note note;
		uint64_t start;
		int err = open_bytes(&elf, size, &file);

		cr_assert(!err || err == -ENOEXEC, "%d at %zu", err, size);
		if (err)
			continue;
		/* The names are needed to find anything by name. */
		if (size < offsetof(struct small_elf, notes))
			cr_assert_eq(elf_file_usdt(file, "python", "gc__start", &note), -ENOENT);
		elf_file_symbol(file, "_PyRuntime", &symbol);
		elf_file_function_start(file, small_elf_text(65), &start);
		elf_file_close(file);
	}
}
