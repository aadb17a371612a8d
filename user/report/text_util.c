/* SPDX-License-Identifier: BSD-2-Clause */
/* Strings of the target made harmless, and fitted to columns. A class name is chosen by the
 * watched program and may hold anything: it must not move the cursor of the person who reads
 * about it. Columns are not bytes and not characters: a CJK letter takes two.
 */
#include "report/text_util.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "report/utf8.h"

/* Of a long name only this much of each end is looked at: more than is ever shown. */
#define NAME_END_BYTES (2 * TEXT_NAME_COLUMNS)

static const char ellipsis[] = "...";
#define ELLIPSIS_COLUMNS 3

/* One character as it is shown. `piece` has room for "\U0010ffff". */
static size_t escape_one(char *piece, size_t size, const char *raw)
{
	uint32_t cp;
	size_t bytes = utf8_decode(raw, &cp);

	if (cp == '\n')
		snprintf(piece, size, "\\n");
	else if (cp == '\t')
		snprintf(piece, size, "\\t");
	else if (cp == '\\')
		snprintf(piece, size, "\\\\");
	else if (cp == UTF8_INVALID || (cp < 0x80 && !utf8_is_printable(cp)))
		snprintf(piece, size, "\\x%02x", (unsigned char)raw[0]);
	else if (!utf8_is_printable(cp))
		snprintf(piece, size, cp > 0xffff ? "\\U%08x" : "\\u%04x", cp);
	else
		snprintf(piece, size, "%.*s", (int)bytes, raw);
	return bytes;
}

/* Escapes what starts before `end`, into `size` bytes at `buf`. Returns the bytes written. */
static size_t escape_until(char *buf, size_t size, const char *raw, const char *end)
{
	size_t used = 0;

	buf[0] = '\0';
	while (raw < end) {
		char piece[16];
		size_t len;

		raw += escape_one(piece, sizeof(piece), raw);
		len = strlen(piece);
		if (used + len >= size)
			break;
		memcpy(buf + used, piece, len + 1);
		used += len;
	}
	return used;
}

char *text_escape(char *buf, size_t size, const char *raw)
{
	escape_until(buf, size, raw, raw + strlen(raw));
	return buf;
}

/* The longest prefix of at most `columns`. */
static size_t prefix_bytes(const char *safe, int columns)
{
	const char *p = safe;

	while (*p) {
		uint32_t cp;
		size_t bytes = utf8_decode(p, &cp);

		columns -= utf8_width(cp);
		if (columns < 0)
			break;
		p += bytes;
	}
	return (size_t)(p - safe);
}

int text_width(const char *safe)
{
	int width = 0;

	while (*safe) {
		uint32_t cp;

		safe += utf8_decode(safe, &cp);
		width += utf8_width(cp);
	}
	return width;
}

/* Where the longest suffix of at most `columns` starts. */
static const char *suffix_start(const char *safe, int columns)
{
	int too_much = text_width(safe) - columns;

	while (*safe && too_much > 0) {
		uint32_t cp;

		safe += utf8_decode(safe, &cp);
		too_much -= utf8_width(cp);
	}
	return safe;
}

static void shorten_middle(char *safe, int columns)
{
	int head = (columns - ELLIPSIS_COLUMNS) / 2;
	const char *tail;
	size_t head_bytes;

	if (text_width(safe) <= columns)
		return;
	if (columns <= ELLIPSIS_COLUMNS) {
		safe[prefix_bytes(safe, columns)] = '\0';
		return;
	}
	tail = suffix_start(safe, columns - ELLIPSIS_COLUMNS - head);
	head_bytes = prefix_bytes(safe, head);
	if (safe + head_bytes + ELLIPSIS_COLUMNS > tail) {
		/* Wide letters: the gap has fewer bytes than the mark. */
		safe[head_bytes] = '\0';
		return;
	}
	memcpy(safe + head_bytes, ellipsis, ELLIPSIS_COLUMNS);
	memmove(safe + head_bytes + ELLIPSIS_COLUMNS, tail, strlen(tail) + 1);
}

/* Both ends of a name that is too long to be escaped as a whole. */
static void escape_ends(char *buf, size_t size, const char *raw, size_t len)
{
	const char *tail = raw + len - NAME_END_BYTES;
	size_t used = escape_until(buf, size / 2, raw, raw + NAME_END_BYTES);

	while (((unsigned char)*tail & 0xc0) == 0x80)
		tail++;
	memcpy(buf + used, ellipsis, sizeof(ellipsis));
	used += ELLIPSIS_COLUMNS;
	escape_until(buf + used, size - used, tail, raw + len);
}

char *text_name(char *buf, size_t size, const char *raw, int columns)
{
	char safe[TEXT_NAME_BYTES * 2];
	size_t len = raw ? strlen(raw) : 0;

	if (len == 0)
		snprintf(safe, sizeof(safe), raw ? "''" : "?");
	else if (len > 2 * NAME_END_BYTES)
		escape_ends(safe, sizeof(safe), raw, len);
	else
		text_escape(safe, sizeof(safe), raw);
	shorten_middle(safe, columns < TEXT_NAME_COLUMNS ? columns : TEXT_NAME_COLUMNS);
	snprintf(buf, size, "%s", safe);
	return buf;
}

char *text_path(char *buf, size_t size, const char *raw, int columns)
{
	char safe[TEXT_NAME_BYTES * 2];
	size_t len = raw ? strlen(raw) : 0;
	const char *end = raw, *from = safe;
	const char *mark = "";

	if (len == 0)
		return text_name(buf, size, raw, columns);
	if (columns > TEXT_NAME_COLUMNS)
		columns = TEXT_NAME_COLUMNS;
	if (len > NAME_END_BYTES) {
		for (end = raw + len - NAME_END_BYTES; ((unsigned char)*end & 0xc0) == 0x80;)
			end++;
	}
	escape_until(safe, sizeof(safe), end, raw + len);
	if (end > raw || text_width(safe) > columns) {
		mark = columns > ELLIPSIS_COLUMNS ? ellipsis : "";
		from = suffix_start(safe, columns - (int)strlen(mark));
	}
	snprintf(buf, size, "%s%s", mark, from);
	return buf;
}

char *text_cut(char *safe, int columns)
{
	size_t bytes;

	if (text_width(safe) <= columns)
		return safe;
	if (columns <= ELLIPSIS_COLUMNS) {
		safe[prefix_bytes(safe, columns)] = '\0';
		return safe;
	}
	/* What goes is wider than the mark, and no character has fewer bytes than columns: the
	 * mark fits where it was. */
	bytes = prefix_bytes(safe, columns - ELLIPSIS_COLUMNS);
	memcpy(safe + bytes, ellipsis, sizeof(ellipsis));
	return safe;
}

char *text_pad(char *safe, size_t size, int columns)
{
	size_t len = strlen(safe);
	int missing = columns - text_width(safe);

	while (missing-- > 0 && len + 1 < size)
		safe[len++] = ' ';
	safe[len] = '\0';
	return safe;
}
