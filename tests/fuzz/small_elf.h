/* SPDX-License-Identifier: BSD-2-Clause */
/* A small shared library in one struct: symbols, USDT notes, a table of function starts. For
 * tests, and for fuzzers to damage. Addresses are SMALL_ELF_BASE and the offset in the struct. */
#ifndef PYLEAK_SMALL_ELF_H
#define PYLEAK_SMALL_ELF_H

#include <elf.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define SMALL_ELF_BASE 0x400000ULL
#define SMALL_ELF_PRELINKED 0x1000ULL /* what was added to addresses after the notes were made */

/* Section names, symbol names, by their offsets in `names`. */
#define SMALL_ELF_NAMES                                                                            \
	"\0.text\0.eh_frame_hdr\0.note.stapsdt\0.stapsdt.base\0.dynsym\0.names\0"                  \
	"_PyRuntime\0PyEval_SaveThread\0gc_collect_main\0"

struct small_note {
	Elf64_Nhdr header;
	char owner[8];
	uint64_t address, base, semaphore;
	char strings[24]; /* provider, name, arguments */
} __attribute__((packed));

enum small_section {
	SMALL_NULL,
	SMALL_TEXT,
	SMALL_HDR,
	SMALL_NOTE,
	SMALL_STAPBASE,
	SMALL_DYNSYM,
	SMALL_NAMES_AT,
	SMALL_SECTIONS
};

struct small_elf {
	Elf64_Ehdr header;
	Elf64_Phdr segments[2]; /* a PT_NOTE, then one that loads all of it */
	Elf64_Shdr sections[SMALL_SECTIONS];
	Elf64_Sym symbols[4];
	char names[160];
	struct small_note notes[2];
	uint64_t stapsdt_base;
	uint8_t hdr[8];
	uint32_t function_cnt;
	int32_t functions[3][2]; /* relative to hdr: start, description */
	uint8_t text[192];
};

static inline uint64_t small_elf_text(size_t at)
{
	return SMALL_ELF_BASE + offsetof(struct small_elf, text) + at;
}

static inline uint32_t small_elf_name(const char *name)
{
	static const char names[] = SMALL_ELF_NAMES;

	for (size_t at = 0; at < sizeof(names); at += strlen(names + at) + 1) {
		if (!strcmp(names + at, name))
			return (uint32_t)at;
	}
	return 0;
}

static inline void small_elf_section(struct small_elf *elf, enum small_section index,
				     const char *name, uint32_t type, size_t offset, size_t size)
{
	Elf64_Shdr *section = &elf->sections[index];

	section->sh_name = small_elf_name(name);
	section->sh_type = type;
	section->sh_addr = SMALL_ELF_BASE + offset;
	section->sh_offset = offset;
	section->sh_size = size;
	section->sh_addralign = 1;
}

#define SMALL_ELF_SECTION(elf, index, name, type, member)                                          \
	small_elf_section(elf, index, name, type, offsetof(struct small_elf, member),              \
			  sizeof((elf)->member))

static inline void small_elf_note(struct small_note *note, uint64_t address, uint64_t semaphore,
				  const char *strings, size_t size)
{
	note->header = (Elf64_Nhdr){ 8, sizeof(*note) - offsetof(struct small_note, address), 3 };
	memcpy(note->owner, "stapsdt", 8);
	note->address = address - SMALL_ELF_PRELINKED;
	note->base =
		SMALL_ELF_BASE + offsetof(struct small_elf, stapsdt_base) - SMALL_ELF_PRELINKED;
	note->semaphore = semaphore ? semaphore - SMALL_ELF_PRELINKED : 0;
	memcpy(note->strings, strings, size);
}

static inline void small_elf_headers(struct small_elf *elf)
{
	Elf64_Ehdr *header = &elf->header;

	memcpy(header->e_ident, ELFMAG "\2\1\1", 7);
	header->e_type = ET_DYN;
#if defined(__x86_64__)
	header->e_machine = EM_X86_64;
#else
	header->e_machine = EM_AARCH64;
#endif
	header->e_version = EV_CURRENT;
	header->e_phoff = offsetof(struct small_elf, segments);
	header->e_shoff = offsetof(struct small_elf, sections);
	header->e_ehsize = sizeof(*header);
	header->e_phentsize = sizeof(Elf64_Phdr);
	header->e_phnum = 2;
	header->e_shentsize = sizeof(Elf64_Shdr);
	header->e_shnum = SMALL_SECTIONS;
	header->e_shstrndx = SMALL_NAMES_AT;
	elf->segments[0] = (Elf64_Phdr){ .p_type = PT_NOTE };
	elf->segments[1] = (Elf64_Phdr){ .p_type = PT_LOAD,
					 .p_flags = PF_R | PF_X,
					 .p_vaddr = SMALL_ELF_BASE,
					 .p_filesz = sizeof(*elf),
					 .p_memsz = sizeof(*elf) };
}

static inline void small_elf_symbol(Elf64_Sym *symbol, const char *name, uint8_t type,
				    uint64_t value)
{
	symbol->st_name = small_elf_name(name);
	symbol->st_info = ELF64_ST_INFO(STB_GLOBAL, type);
	symbol->st_shndx = SMALL_TEXT;
	symbol->st_value = value;
	symbol->st_size = 16;
}

/* Functions begin at 0, 64 and 128 in the text; the first note is at 70, the other at 140. */
static inline void small_elf_build(struct small_elf *elf)
{
	memset(elf, 0, sizeof(*elf));
	small_elf_headers(elf);
	SMALL_ELF_SECTION(elf, SMALL_TEXT, ".text", SHT_PROGBITS, text);
	SMALL_ELF_SECTION(elf, SMALL_HDR, ".eh_frame_hdr", SHT_PROGBITS, hdr);
	SMALL_ELF_SECTION(elf, SMALL_NOTE, ".note.stapsdt", SHT_NOTE, notes);
	SMALL_ELF_SECTION(elf, SMALL_STAPBASE, ".stapsdt.base", SHT_PROGBITS, stapsdt_base);
	SMALL_ELF_SECTION(elf, SMALL_DYNSYM, ".dynsym", SHT_DYNSYM, symbols);
	SMALL_ELF_SECTION(elf, SMALL_NAMES_AT, ".names", SHT_STRTAB, names);
	elf->sections[SMALL_DYNSYM].sh_entsize = sizeof(Elf64_Sym);
	elf->sections[SMALL_DYNSYM].sh_link = SMALL_NAMES_AT;
	memcpy(elf->names, SMALL_ELF_NAMES, sizeof(SMALL_ELF_NAMES));
	small_elf_symbol(&elf->symbols[1], "_PyRuntime", STT_OBJECT, small_elf_text(180));
	small_elf_symbol(&elf->symbols[2], "PyEval_SaveThread", STT_FUNC, small_elf_text(0));
	small_elf_symbol(&elf->symbols[3], "gc_collect_main", STT_FUNC, small_elf_text(64));
	small_elf_note(&elf->notes[0], small_elf_text(70), small_elf_text(176),
		       "python\0gc__start\0"
		       "4@%edi",
		       23);
	small_elf_note(&elf->notes[1], small_elf_text(140), 0,
		       "python\0gc__done\0"
		       "8@%rax",
		       22);
	memcpy(elf->hdr, "\1\x1b\3\x3b", 4);
	elf->function_cnt = 3;
	for (int i = 0; i < 3; i++)
		elf->functions[i][0] = (int32_t)(offsetof(struct small_elf, text) -
						 offsetof(struct small_elf, hdr)) +
				       64 * i;
	memset(elf->text, 0x90, sizeof(elf->text));
}

#endif
