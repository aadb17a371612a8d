/* SPDX-License-Identifier: BSD-2-Clause */
/* Line tables: Objects/lnotab_notes.txt (up to 3.9, and 3.10) and locations.md (3.11 and later). */
#include "collect/py_lines.h"

struct line_table {
	const uint8_t *bytes;
	size_t size;
};

/* Pairs of unsigned bytes and signed lines. */
static uint32_t old_line(const struct line_table *table, uint32_t first, uint64_t at)
{
	uint64_t address = 0;
	int64_t line = first;

	for (size_t i = 0; i + 1 < table->size; i += 2) {
		address += table->bytes[i];
		if (address > at)
			break;
		line += (int8_t)table->bytes[i + 1];
	}
	return (uint32_t)line;
}

#define NO_LINE (-128)

/* Pairs as well, but a pair is a stretch of code and its line; -128: none. */
static uint32_t line_310(const struct line_table *table, uint32_t first, uint64_t at)
{
	uint64_t end = 0;
	int64_t line = first;

	for (size_t i = 0; i + 1 < table->size; i += 2) {
		int8_t change = (int8_t)table->bytes[i + 1];

		end += table->bytes[i];
		if (change != NO_LINE)
			line += change;
		if (at < end)
			return change == NO_LINE ? 0 : (uint32_t)line;
	}
	return 0;
}

static uint64_t read_varint(const struct line_table *table, size_t *at)
{
	uint64_t value = 0;

	for (int shift = 0; *at < table->size && shift < 42; shift += 6) {
		uint8_t byte = table->bytes[(*at)++];

		value |= (uint64_t)(byte & 63) << shift;
		if (!(byte & 64))
			break;
	}
	return value;
}

static int64_t read_signed(const struct line_table *table, size_t *at)
{
	uint64_t value = read_varint(table, at);

	return value & 1 ? -(int64_t)(value >> 1) : (int64_t)(value >> 1);
}

enum { ENTRY_ONE_LINE = 10, ENTRY_NO_COLUMNS = 13, ENTRY_LONG = 14, ENTRY_NONE = 15 };

/* An entry begins with a byte whose top bit is set: a code, and a length in units of code. */
static uint32_t line_311(const struct line_table *table, uint32_t first, uint64_t at)
{
	uint64_t end = 0;
	int64_t line = first;
	size_t i = 0;

	while (i < table->size) {
		uint8_t head = table->bytes[i++];
		int code = head >> 3 & 15;

		if (!(head & 0x80))
			return 0;
		end += 2 * (uint64_t)((head & 7) + 1);
		if (code == ENTRY_NO_COLUMNS || code == ENTRY_LONG)
			line += read_signed(table, &i);
		else if (code >= ENTRY_ONE_LINE && code < ENTRY_NO_COLUMNS)
			line += code - ENTRY_ONE_LINE;
		if (at < end)
			return code == ENTRY_NONE ? 0 : (uint32_t)line;
		while (i < table->size && !(table->bytes[i] & 0x80))
			i++;
	}
	return 0;
}

uint32_t py_line(int minor, const uint8_t *bytes, size_t size, uint32_t first, uint64_t at)
{
	struct line_table table = { .bytes = bytes, .size = size };

	if (minor <= 9) /* empty: all of it is on the first line */
		return old_line(&table, first, at);
	return minor == 10 ? line_310(&table, first, at) : line_311(&table, first, at);
}
