/* SPDX-License-Identifier: BSD-2-Clause */
/* Lines that fit. All text output goes through here, so that no line is wider than asked. */
#ifndef PYLEAK_TEXT_OUT_H
#define PYLEAK_TEXT_OUT_H

#include <stdbool.h>
#include <stdio.h>

enum text_colour { TEXT_PLAIN, TEXT_BOLD, TEXT_RED, TEXT_YELLOW, TEXT_MAGENTA, TEXT_GREEN };

struct text_out {
	FILE *out;
	int columns;
	bool colour;
	unsigned int lines; /* written so far */
};

/* Writes one line; what is too wide goes on in a line indented by `hang`. The text must be safe
 * (text_escape, text_name). What is over 4 KiB is cut. */
void text_line(struct text_out *o, int hang, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* The same with a coloured word in front, which `format` does not repeat. */
void text_lead(struct text_out *o, enum text_colour colour, const char *lead, int hang,
	       const char *format, ...) __attribute__((format(printf, 5, 6)));
/* One line, never two: what is too wide is cut. */
void text_row(struct text_out *o, enum text_colour colour, const char *lead, const char *format,
	      ...) __attribute__((format(printf, 4, 5)));

#endif
