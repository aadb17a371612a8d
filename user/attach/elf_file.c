/* SPDX-License-Identifier: BSD-2-Clause */
/* ELF through libelf, read from a private mapping of the file. libelf checks the structure of
 * what it parses; the sizes and offsets that we follow ourselves (segments, notes, the table of
 * .eh_frame_hdr) are checked here against the mapping. */
#include "attach/elf_file.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/cleanup.h"

/* An interpreter has about a dozen; looking up an address goes through them all, twice nested. */
#define MAX_PROGRAM_HEADERS 256

struct elf_file {
	Elf *elf;
	uint8_t *bytes;
	size_t size;
	GElf_Ehdr header;
};

#if defined(__x86_64__)
#define NATIVE_MACHINE EM_X86_64
#elif defined(__aarch64__)
#define NATIVE_MACHINE EM_AARCH64
#else
#error "pyleak-bpf knows x86-64 and arm64"
#endif

static bool is_known(const GElf_Ehdr *header)
{
	return header->e_machine == EM_X86_64 || header->e_machine == EM_AARCH64;
}

static int map_file(const char *path, struct elf_file *file)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat status;
	void *bytes;

	if (fd < 0 || fstat(fd, &status))
		return -errno;
	if (!S_ISREG(status.st_mode) || status.st_size < (off_t)sizeof(Elf64_Ehdr))
		return -ENOEXEC;
	bytes = mmap(NULL, status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (bytes == MAP_FAILED)
		return -errno;
	file->bytes = bytes;
	file->size = status.st_size;
	return 0;
}

int elf_file_open_any(const char *path, struct elf_file **out)
{
	struct elf_file *file = calloc(1, sizeof(*file));
	int err;

	if (!file)
		return -ENOMEM;
	elf_version(EV_CURRENT);
	err = map_file(path, file);
	if (!err)
		file->elf = elf_memory((char *)file->bytes, file->size);
	if (!err && (!file->elf || elf_kind(file->elf) != ELF_K_ELF ||
		     !gelf_getehdr(file->elf, &file->header) ||
		     gelf_getclass(file->elf) != ELFCLASS64 || !is_known(&file->header)))
		err = -ENOEXEC;
	if (err) {
		elf_file_close(file);
		return err;
	}
	*out = file;
	return 0;
}

int elf_file_open(const char *path, struct elf_file **out)
{
	struct elf_file *file;
	int err = elf_file_open_any(path, &file);

	if (!err && file->header.e_machine != NATIVE_MACHINE) {
		elf_file_close(file);
		err = -ENOEXEC;
	}
	if (!err)
		*out = file;
	return err;
}

void elf_file_close(struct elf_file *file)
{
	if (!file)
		return;
	elf_end(file->elf);
	if (file->bytes)
		munmap(file->bytes, file->size);
	free(file);
}

bool elf_file_is_arm64(struct elf_file *file)
{
	return file->header.e_machine == EM_AARCH64;
}

bool elf_file_is_fixed(struct elf_file *file)
{
	return file->header.e_type == ET_EXEC;
}

static Elf_Scn *section_of_type(struct elf_file *file, uint32_t type, GElf_Shdr *header)
{
	Elf_Scn *section = NULL;

	while ((section = elf_nextscn(file->elf, section))) {
		if (gelf_getshdr(section, header) && header->sh_type == type)
			return section;
	}
	return NULL;
}

static int each_in_table(struct elf_file *file, uint32_t type,
			 int (*visit)(const struct elf_symbol *, void *), void *context)
{
	GElf_Shdr header;
	Elf_Scn *section = section_of_type(file, type, &header);
	Elf_Data *data = section ? elf_getdata(section, NULL) : NULL;
	size_t cnt = data && header.sh_entsize ? header.sh_size / header.sh_entsize : 0;
	int err = 0;

	for (size_t i = 0; i < cnt && !err; i++) {
		struct elf_symbol symbol;
		GElf_Sym sym;

		if (!gelf_getsym(data, (int)i, &sym) || sym.st_shndx == SHN_UNDEF || !sym.st_value)
			continue;
		symbol.name = elf_strptr(file->elf, header.sh_link, sym.st_name);
		symbol.value = sym.st_value;
		symbol.size = sym.st_size;
		symbol.is_function = GELF_ST_TYPE(sym.st_info) == STT_FUNC;
		if (symbol.name && symbol.name[0])
			err = visit(&symbol, context);
	}
	return err;
}

int elf_file_each_symbol(struct elf_file *file, int (*visit)(const struct elf_symbol *, void *),
			 void *context)
{
	int err = each_in_table(file, SHT_DYNSYM, visit, context);

	return err ? err : each_in_table(file, SHT_SYMTAB, visit, context);
}

bool elf_file_has_symtab(struct elf_file *file)
{
	GElf_Shdr header;

	return section_of_type(file, SHT_SYMTAB, &header) != NULL;
}

struct wanted_symbol {
	const char *name;
	struct elf_symbol *out;
};

static int match_name(const struct elf_symbol *symbol, void *context)
{
	struct wanted_symbol *wanted = context;

	if (strcmp(symbol->name, wanted->name))
		return 0;
	*wanted->out = *symbol;
	return 1;
}

int elf_file_symbol(struct elf_file *file, const char *name, struct elf_symbol *out)
{
	struct wanted_symbol wanted = { name, out };

	return elf_file_each_symbol(file, match_name, &wanted) ? 0 : -ENOENT;
}

bool elf_file_segment(struct elf_file *file, size_t index, uint64_t *address, uint64_t *offset,
		      uint64_t *size, bool *executable)
{
	GElf_Phdr segment;
	size_t cnt, seen = 0;

	if (elf_getphdrnum(file->elf, &cnt))
		return false;
	if (cnt > MAX_PROGRAM_HEADERS)
		cnt = MAX_PROGRAM_HEADERS;
	for (size_t i = 0; i < cnt && gelf_getphdr(file->elf, (int)i, &segment); i++) {
		if (segment.p_type != PT_LOAD || seen++ != index)
			continue;
		if (segment.p_offset > file->size ||
		    segment.p_filesz > file->size - segment.p_offset)
			segment.p_filesz = 0;
		*address = segment.p_vaddr;
		*offset = segment.p_offset;
		*size = segment.p_filesz;
		*executable = segment.p_flags & PF_X;
		return true;
	}
	return false;
}

int elf_file_offset(struct elf_file *file, uint64_t address, uint64_t *out)
{
	uint64_t start, offset, size;
	bool executable;

	for (size_t i = 0; elf_file_segment(file, i, &start, &offset, &size, &executable); i++) {
		if (address >= start && address - start < size) {
			*out = offset + (address - start);
			return 0;
		}
	}
	return -ENOENT;
}

const uint8_t *elf_file_bytes(struct elf_file *file, uint64_t address, size_t *available)
{
	uint64_t start, offset, size;
	bool executable;

	for (size_t i = 0; elf_file_segment(file, i, &start, &offset, &size, &executable); i++) {
		if (address >= start && address - start < size) {
			*available = size - (address - start);
			return file->bytes + offset + (address - start);
		}
	}
	return NULL;
}

static int find_section(struct elf_file *file, const char *name, GElf_Shdr *header)
{
	Elf_Scn *section = NULL;
	size_t names;

	if (elf_getshdrstrndx(file->elf, &names))
		return -ENOENT;
	while ((section = elf_nextscn(file->elf, section))) {
		const char *found;

		if (!gelf_getshdr(section, header))
			continue;
		found = elf_strptr(file->elf, names, header->sh_name);
		if (found && !strcmp(found, name))
			return 0;
	}
	return -ENOENT;
}

int elf_file_section(struct elf_file *file, const char *name, uint64_t *address, uint64_t *size)
{
	GElf_Shdr header;
	int err = find_section(file, name, &header);

	if (err)
		return err;
	*address = header.sh_addr;
	*size = header.sh_size;
	return 0;
}

int elf_file_section_bytes(struct elf_file *file, const char *name, const uint8_t **bytes,
			   size_t *size)
{
	GElf_Shdr header;
	int err = find_section(file, name, &header);

	if (err)
		return err;
	if (header.sh_type == SHT_NOBITS || header.sh_offset > file->size ||
	    header.sh_size > file->size - header.sh_offset)
		return -ENOENT;
	*bytes = file->bytes + header.sh_offset;
	*size = header.sh_size;
	return 0;
}
