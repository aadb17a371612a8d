/* SPDX-License-Identifier: BSD-2-Clause */
/* Lines that fit. Breaks at blanks, and inside a word only when the word alone is too wide.
 * Colour is put around the lead while writing, never into the text: an escape sequence in the
 * text would be counted as columns, and none may come from the target.
 */
#include "report/text_out.h"

#include <stdarg.h>
#include <string.h>

#include "report/text_util.h"
#include "report/utf8.h"

#define LINE_BYTES 4096

static const char *const colour_codes[] = {
	[TEXT_PLAIN] = "",	    [TEXT_BOLD] = "\x1b[1m",	 [TEXT_RED] = "\x1b[1;31m",
	[TEXT_YELLOW] = "\x1b[33m", [TEXT_MAGENTA] = "\x1b[35m", [TEXT_GREEN] = "\x1b[32m",
};

/* Bytes of `text` for a line of `columns`: up to the last blank that fits. */
static size_t line_bytes(const char *text, int columns)
{
	const char *p = text, *blank = NULL;

	while (*p) {
		uint32_t cp;
		size_t bytes = utf8_decode(p, &cp);

		/* "0.5 %" stays together. */
		if (*p == ' ' && p[1] != '%')
			blank = p;
		columns -= utf8_width(cp);
		if (columns < 0)
			break;
		p += bytes;
	}
	if (!*p || !blank)
		return (size_t)(p - text);
	/* Blanks that only indent are no place to break. */
	if (strspn(text, " ") >= (size_t)(blank - text))
		return (size_t)(p - text);
	return (size_t)(blank - text);
}

static void write_part(struct text_out *o, enum text_colour colour, size_t lead, const char *text,
		       size_t len)
{
	while (len > 0 && text[len - 1] == ' ')
		len--;
	if (lead > len)
		lead = len;
	if (lead > 0 && o->colour && colour != TEXT_PLAIN)
		fprintf(o->out, "%s%.*s\x1b[0m", colour_codes[colour], (int)lead, text);
	else
		fprintf(o->out, "%.*s", (int)lead, text);
	fprintf(o->out, "%.*s\n", (int)(len - lead), text + lead);
	o->lines++;
}

static void write_wrapped(struct text_out *o, enum text_colour colour, size_t lead, int hang,
			  const char *text)
{
	size_t len = line_bytes(text, o->columns);

	if (hang > o->columns / 2)
		hang = o->columns / 2;
	write_part(o, colour, lead, text, len);
	text += len;
	text += strspn(text, " ");
	while (*text) {
		len = line_bytes(text, o->columns - hang);
		fprintf(o->out, "%*s", hang, "");
		write_part(o, TEXT_PLAIN, 0, text, len);
		text += len;
		text += strspn(text, " ");
	}
}

/* Drops a last character that the cut of vsnprintf() broke. */
static void trim_broken(char *text)
{
	char *p = text;

	while (*p) {
		uint32_t cp;
		size_t bytes = utf8_decode(p, &cp);

		if (cp == UTF8_INVALID)
			break;
		p += bytes;
	}
	*p = '\0';
}

static size_t put_lead(char *text, size_t size, const char *lead)
{
	snprintf(text, size, "%s", lead);
	return strlen(text);
}

void text_line(struct text_out *o, int hang, const char *format, ...)
{
	char text[LINE_BYTES];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	trim_broken(text);
	write_wrapped(o, TEXT_PLAIN, 0, hang, text);
}

void text_lead(struct text_out *o, enum text_colour colour, const char *lead, int hang,
	       const char *format, ...)
{
	char text[LINE_BYTES];
	size_t lead_bytes = put_lead(text, sizeof(text), lead);
	va_list args;

	va_start(args, format);
	vsnprintf(text + lead_bytes, sizeof(text) - lead_bytes, format, args);
	va_end(args);
	trim_broken(text);
	write_wrapped(o, colour, lead_bytes, hang, text);
}

void text_row(struct text_out *o, enum text_colour colour, const char *lead, const char *format,
	      ...)
{
	char text[LINE_BYTES];
	size_t lead_bytes = put_lead(text, sizeof(text), lead);
	va_list args;

	va_start(args, format);
	vsnprintf(text + lead_bytes, sizeof(text) - lead_bytes, format, args);
	va_end(args);
	trim_broken(text);
	text_cut(text, o->columns);
	write_part(o, colour, lead_bytes, text, strlen(text));
}
