/* SPDX-License-Identifier: BSD-2-Clause */
/* UTF-8 from a stranger: what is valid, what is safe on a terminal, how wide it is. */
#ifndef PYLEAK_UTF8_H
#define PYLEAK_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UTF8_INVALID UINT32_MAX

/* Decodes the character at `s`, which is NUL-terminated and not empty. Returns its bytes; an
 * invalid byte is one character of one byte, UTF8_INVALID. Surrogates and overlong forms are
 * invalid. */
size_t utf8_decode(const char *s, uint32_t *cp);

/* False for what moves the cursor, hides, reorders or breaks a line: show it escaped. */
bool utf8_is_printable(uint32_t cp);

/* Terminal columns of a printable character: 0, 1 or 2. */
int utf8_width(uint32_t cp);

#endif
