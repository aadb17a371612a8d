/* SPDX-License-Identifier: BSD-2-Clause */
/* Two tables that survive strip(1): SystemTap's USDT notes, and the search table of function
 * starts in .eh_frame_hdr (LSB core, 10.6.2). */
#include "attach/elf_file.h"

#include <errno.h>
#include <gelf.h>
#include <string.h>

#define NT_STAPSDT 3

/* Note body: probe address, link-time address of .stapsdt.base, semaphore, then three strings:
 * provider, name, arguments. */
static int parse_note(struct elf_file *file, const uint8_t *body, size_t size, const char *provider,
		      const char *name, struct usdt_note *out)
{
	uint64_t words[3], base, base_size;
	const char *strings = (const char *)body + sizeof(words);
	size_t left, provider_len;

	if (size < sizeof(words))
		return -EBADMSG;
	left = size - sizeof(words);
	provider_len = strnlen(strings, left);
	if (provider_len == left || strcmp(strings, provider))
		return -ENOENT;
	strings += provider_len + 1;
	left -= provider_len + 1;
	if (strnlen(strings, left) == left || strcmp(strings, name))
		return -ENOENT;
	memcpy(words, body, sizeof(words));
	out->address = words[0];
	out->semaphore = words[2];
	/* prelink may have moved the code since the note was written. */
	if (words[1] && !elf_file_section(file, ".stapsdt.base", &base, &base_size)) {
		out->address += base - words[1];
		if (out->semaphore)
			out->semaphore += base - words[1];
	}
	return 0;
}

int elf_file_usdt(struct elf_file *file, const char *provider, const char *name,
		  struct usdt_note *out)
{
	const uint8_t *bytes;
	size_t size, at = 0;

	if (elf_file_section_bytes(file, ".note.stapsdt", &bytes, &size))
		return -ENOENT;
	while (size - at >= sizeof(Elf64_Nhdr)) {
		Elf64_Nhdr note;
		uint64_t body_at, end;

		memcpy(&note, bytes + at, sizeof(note));
		body_at = at + sizeof(note) + ((note.n_namesz + 3ULL) & ~3ULL);
		end = body_at + ((note.n_descsz + 3ULL) & ~3ULL);
		if (end > size)
			break;
		if (note.n_type == NT_STAPSDT &&
		    !parse_note(file, bytes + body_at, note.n_descsz, provider, name, out))
			return 0;
		at = end;
	}
	return -ENOENT;
}

#define DW_EH_PE_udata4 0x03
#define DW_EH_PE_datarel_sdata4 0x3b

int elf_file_function_start(struct elf_file *file, uint64_t address, uint64_t *out)
{
	uint64_t table_address, table_size;
	const uint8_t *bytes;
	size_t available;
	uint32_t cnt, low = 0, high;

	if (elf_file_section(file, ".eh_frame_hdr", &table_address, &table_size))
		return -ENOENT;
	bytes = elf_file_bytes(file, table_address, &available);
	if (!bytes || available < 12 || bytes[0] != 1 || bytes[2] != DW_EH_PE_udata4 ||
	    bytes[3] != DW_EH_PE_datarel_sdata4)
		return -ENOENT;
	memcpy(&cnt, bytes + 8, sizeof(cnt));
	if (cnt > (available - 12) / 8)
		return -EBADMSG;
	high = cnt;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		int32_t start;

		memcpy(&start, bytes + 12 + 8ULL * middle, sizeof(start));
		if (table_address + start <= address) {
			*out = table_address + start;
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return low ? 0 : -ENOENT;
}
