/* SPDX-License-Identifier: BSD-2-Clause */
/* The file of the interpreter: it belongs to the target, in its mount namespace. The input is
 * the file itself, or a list of damages to a good one. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "attach/elf_file.h"
#include "expand.h"
#include "small_elf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile uint8_t eaten;

static int eat_symbol(const struct elf_symbol *symbol, void *context)
{
	struct elf_file *file = context;
	uint64_t out;

	for (const char *c = symbol->name; *c; c++)
		eaten ^= (uint8_t)*c;
	elf_file_offset(file, symbol->value, &out);
	elf_file_function_start(file, symbol->value, &out);
	return 0;
}

static void eat(const uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		eaten ^= bytes[i];
}

static void use(struct elf_file *file)
{
	static const char *const sections[] = { ".text", ".note.stapsdt", ".eh_frame_hdr", "" };
	uint64_t address, offset, size, out;
	const uint8_t *bytes;
	struct elf_symbol symbol;
	struct usdt_note note;
	size_t available;
	bool executable;

	elf_file_each_symbol(file, eat_symbol, file);
	elf_file_symbol(file, "_PyRuntime", &symbol);
	elf_file_usdt(file, "python", "gc__start", &note);
	elf_file_has_symtab(file);
	for (size_t i = 0; i < 4; i++) {
		elf_file_section(file, sections[i], &address, &out);
		if (!elf_file_section_bytes(file, sections[i], &bytes, &available))
			eat(bytes, available);
	}
	for (size_t i = 0; elf_file_segment(file, i, &address, &offset, &size, &executable); i++) {
		bytes = elf_file_bytes(file, address, &available);
		if (bytes)
			eat(bytes, available);
		elf_file_function_start(file, address + size / 2, &out);
		elf_file_offset(file, address + size, &out);
	}
}

/* Four bytes each: where (14 bits), how wide (2), and the value. */
static void damage(struct small_elf *elf, const uint8_t *data, size_t size)
{
	small_elf_build(elf);
	for (; size >= 4; size -= 4, data += 4) {
		uint32_t where = data[0] | data[1] << 8;
		size_t width = 1U << (where >> 14);
		size_t at = (where & 0x3fff) % (sizeof(*elf) - 8);
		uint64_t value =
			expand_word((uint16_t)(data[2] | data[3] << 8), SMALL_ELF_BASE + at);

		memcpy((uint8_t *)elf + at, &value, width);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;
	static char path[64];
	static struct small_elf elf;
	struct elf_file *file;

	if (fd < 0) {
		fd = memfd_create("fuzz", MFD_CLOEXEC);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	}
	if (size && data[0] != ELFMAG0) {
		damage(&elf, data + 1, size - 1);
		data = (const uint8_t *)&elf;
		size = sizeof(elf);
	}
	if (fd < 0 || ftruncate(fd, 0) || pwrite(fd, data, size, 0) != (ssize_t)size)
		return 0;
	if (!elf_file_open(path, &file)) {
		use(file);
		elf_file_close(file);
	}
	return 0;
}
