/* SPDX-License-Identifier: BSD-2-Clause */
/* Words and numbers for a person. */
#ifndef PYLEAK_TEXT_UTIL_H
#define PYLEAK_TEXT_UTIL_H

#include <stddef.h>
#include <stdint.h>

/* Returned by value, used at once: printf("%s", text_count(n).s). The string lives until the
 * end of the full expression (C11 6.2.4p8). */
struct text {
	char s[40];
};

struct text text_count(uint64_t n);	     /* 48,129 */
struct text text_change(double n);	     /* +1,593 */
struct text text_scaled(double n);	     /* 1.20 M, for narrow places */
struct text text_bytes(double bytes);	     /* 12.1 MiB */
struct text text_bytes_change(double bytes); /* +12.1 MiB */
struct text text_rate(double per_s);	     /* +53.1 */
struct text text_seconds(double s);	     /* 412 us, 3.1 ms, 30 s, 2 min 5 s */
struct text text_sure(double confidence);    /* 97 %; never "100 %", we sampled */
struct text text_percent(double share);	     /* 0.0031 -> 0.31 % */

/* Longest name of the target that is printed, in columns. */
#define TEXT_NAME_COLUMNS 80
/* Room for any string that text_name() makes. */
#define TEXT_NAME_BYTES 1024

/* Makes a string of the target harmless: control characters, what is not UTF-8, and what
 * reorders or hides text become \x1b, \n, \u202e; a backslash becomes two. */
char *text_escape(char *buf, size_t size, const char *raw);
/* The same, but what is too wide loses its middle. NULL becomes "?". */
char *text_name(char *buf, size_t size, const char *raw, int columns);
/* The same, but what is too wide loses its beginning: of a path the end tells more. */
char *text_path(char *buf, size_t size, const char *raw, int columns);

/* Of strings that are safe already. */
int text_width(const char *safe);
/* Cuts the end off, "..." marks it. */
char *text_cut(char *safe, int columns);
/* Fills with blanks on the right, in place. */
char *text_pad(char *safe, size_t size, int columns);

#endif
