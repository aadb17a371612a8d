/* SPDX-License-Identifier: BSD-2-Clause */
/* An ELF file of the target: symbols, code bytes, USDT notes, function starts. The file is the
 * target's choice and may be damaged: everything is bounded by its size. */
#ifndef PYLEAK_ELF_FILE_H
#define PYLEAK_ELF_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct elf_file;

struct elf_symbol {
	const char *name; /* belongs to the file */
	uint64_t value;	  /* link-time address */
	uint64_t size;
	bool is_function;
};

struct usdt_note {
	uint64_t address;   /* link-time, of the probe's nop */
	uint64_t semaphore; /* link-time, 0 = none */
};

/* -ENOEXEC: not an ELF file that this machine runs; other -errno from open(2). */
int elf_file_open(const char *path, struct elf_file **out);
/* Of x86-64 or arm64, whichever this machine is: to look at, not to attach to. */
int elf_file_open_any(const char *path, struct elf_file **out);
void elf_file_close(struct elf_file *file);

/* -ENOENT when there is none. Looks at .dynsym first, then .symtab. */
int elf_file_symbol(struct elf_file *file, const char *name, struct elf_symbol *out);
/* Calls `visit` for every named symbol with a value until it returns non-zero, which is returned.
 */
int elf_file_each_symbol(struct elf_file *file,
			 int (*visit)(const struct elf_symbol *symbol, void *context),
			 void *context);
/* Is there a .symtab: is the file not stripped? */
bool elf_file_has_symtab(struct elf_file *file);

/* -ENOENT when there is none. The first of that name. */
int elf_file_usdt(struct elf_file *file, const char *provider, const char *name,
		  struct usdt_note *out);

/* Link-time address to offset in the file: -ENOENT when no segment holds it. */
int elf_file_offset(struct elf_file *file, uint64_t address, uint64_t *out);
/* Bytes that the file holds for an address, up to the end of its segment; NULL = none. */
const uint8_t *elf_file_bytes(struct elf_file *file, uint64_t address, size_t *available);
/* The segments in turn; false past the last. */
bool elf_file_segment(struct elf_file *file, size_t index, uint64_t *address, uint64_t *offset,
		      uint64_t *size, bool *executable);
/* A section's address and size; -ENOENT. */
int elf_file_section(struct elf_file *file, const char *name, uint64_t *address, uint64_t *size);
/* A section's bytes in the file, whether it is loaded or not; -ENOENT. */
int elf_file_section_bytes(struct elf_file *file, const char *name, const uint8_t **bytes,
			   size_t *size);
/* The start of the function that holds `address`, from .eh_frame_hdr, which strip(1) keeps. */
int elf_file_function_start(struct elf_file *file, uint64_t address, uint64_t *out);
bool elf_file_is_arm64(struct elf_file *file); /* else it is of x86-64 */
/* Position-dependent: addresses need no bias. */
bool elf_file_is_fixed(struct elf_file *file);

#endif
