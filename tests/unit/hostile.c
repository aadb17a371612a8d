/* SPDX-License-Identifier: BSD-2-Clause */
#include "hostile.h"

#include <string.h>

#include "base/cleanup.h"

static char ten_kb[10 * 1024 + 1];
static char wide_kb[3 * 1024 + 1];
static char combining_kb[4 * 1024 + 1];

static const char *const names[] = {
	"\x1b[2J\x1b]0;owned\x07",
	"two\nlines\r\ttab",
	"\xc3\x28 \xff\xfe \xed\xa0\x80 \xc0\xaf \xf4\x90\x80\x80 cut\xe2\x82",
	"\xc2\x9b"
	"31m c1 \xe2\x80\xae rtl \xef\xbb\xbf bom \xe2\x80\xa8 line",
	"\x7f\\x1b back\\slash",
	"\"]; n9 [label=\"owned\"]; \"",
	">]; <b>&lt;script&gt;</b> -->",
	"\\N \\G \\E \\L \\\\N \\",
	"dots...in..names. .",
	"   ",
	"",
	"\xe4\xba\xba\xe4\xba\xba.\xe7\xb1\xbb e\xcc\x81 \xf0\x9f\x90\x8d",
	ten_kb,
	wide_kb,
	combining_kb,
};

const size_t hostile_cnt = ARRAY_SIZE(names);

const char *hostile_name(size_t i)
{
	for (size_t b = 0; b + 1 < sizeof(ten_kb); b++)
		ten_kb[b] = b % 7 ? 'x' : '\x1b';
	for (size_t b = 0; b + 3 < sizeof(wide_kb); b += 3)
		memcpy(wide_kb + b, "\xe4\xba\xba", 3);
	for (size_t b = 0; b + 2 < sizeof(combining_kb); b += 2)
		memcpy(combining_kb + b, "\xcc\x81", 2);
	return names[i];
}
