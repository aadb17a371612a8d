/* SPDX-License-Identifier: BSD-2-Clause */
/* Which memory is data of the program or a library. The zero-initialised part of it is anonymous
 * memory behind the file's; so may an arena of objects be, or the start of one memory map that
 * goes on as an arena. Only the program headers tell where it ends. */
#include "snapshot/native_data.h"

#include <elf.h>
#include <string.h>

#define MAX_HEADERS 64
#define PAGE 4096ULL

const char *native_file_of(const struct mappings *maps, size_t mapping)
{
	const struct mapping *map;

	if (mapping >= maps->cnt) /* of a buffer */
		return NULL;
	map = &maps->items[mapping];
	if (map->path[0] == '/')
		return map->path;
	if (!map->path[0] && mapping && map[-1].end == map->start && map[-1].path[0] == '/' &&
	    map[-1].writable)
		return map[-1].path;
	return NULL;
}

/* Where the file that `mapping` is of begins in memory; 0 = its first page is not there. */
static raddr_t file_start(const struct mappings *maps, size_t mapping)
{
	const struct mapping *map = &maps->items[mapping];

	for (;; mapping--, map--) {
		if (map->path[0] && !map->offset)
			return map->start;
		if (!mapping || (map[-1].path[0] && map[-1].inode != map->inode && map->path[0]))
			return 0;
	}
}

/* The end of all that the file's program headers ask for. 0: it is no ELF file. */
static raddr_t loaded_end(struct remote *remote, raddr_t start)
{
	Elf64_Phdr headers[MAX_HEADERS];
	raddr_t end = 0, base = 0;
	bool based = false;
	Elf64_Ehdr elf;

	if (remote_read(remote, start, &elf, sizeof(elf)) ||
	    memcmp(elf.e_ident, ELFMAG, SELFMAG) != 0 || elf.e_phentsize != sizeof(headers[0]) ||
	    elf.e_phnum > MAX_HEADERS || elf.e_phoff > PAGE ||
	    remote_read(remote, start + elf.e_phoff, headers, elf.e_phnum * sizeof(headers[0])))
		return 0;
	for (size_t i = 0; i < elf.e_phnum; i++) {
		const Elf64_Phdr *header = &headers[i];

		if (header->p_type != PT_LOAD)
			continue;
		if (!based)
			base = start - (header->p_vaddr & ~(PAGE - 1));
		based = true;
		if (base + header->p_vaddr + header->p_memsz > end)
			end = base + header->p_vaddr + header->p_memsz;
	}
	return (end + PAGE - 1) & ~(PAGE - 1);
}

raddr_t native_data_end(struct remote *remote, const struct mappings *maps, size_t mapping)
{
	const struct mapping *map;
	raddr_t start, end;

	if (mapping >= maps->cnt)
		return 0;
	map = &maps->items[mapping];
	if (!native_file_of(maps, mapping))
		return map->start;
	if (map->path[0])
		return map->end;
	start = file_start(maps, mapping - 1);
	end = start ? loaded_end(remote, start) : 0;
	if (end < map->start)
		return map->start;
	return end < map->end ? end : map->end;
}
