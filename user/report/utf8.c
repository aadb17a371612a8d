/* SPDX-License-Identifier: BSD-2-Clause */
/* UTF-8 from a stranger. The locale is not asked (no wcwidth): a type name is UTF-8 whatever
 * LANG says, and output must be the same on any machine. The width tables are coarse; where
 * they are wrong a table is misaligned by a column, nothing worse.
 */
#include "report/utf8.h"

#include "base/cleanup.h"

struct range {
	uint32_t first, last;
};

/* Unicode general categories Cc, Cf, Zl, Zp as far as they act on a terminal, and the
 * characters that are drawn as nothing. */
static const struct range unprintable[] = {
	{ 0x0000, 0x001f },	 { 0x007f, 0x009f }, { 0x00ad, 0x00ad },   { 0x034f, 0x034f },
	{ 0x061c, 0x061c },	 { 0x115f, 0x1160 }, { 0x17b4, 0x17b5 },   { 0x180b, 0x180f },
	{ 0x200b, 0x200f },	 { 0x2028, 0x202e }, { 0x2060, 0x206f },   { 0x3164, 0x3164 },
	{ 0xd800, 0xf8ff },	 { 0xfe00, 0xfe0f }, { 0xfeff, 0xfeff },   { 0xffa0, 0xffa0 },
	{ 0xfff0, 0xfffb },	 { 0xfffe, 0xffff }, { 0x1bca0, 0x1bca3 }, { 0x1d173, 0x1d17a },
	{ 0xe0000, UINT32_MAX },
};

static const struct range combining[] = {
	{ 0x0300, 0x036f }, { 0x0483, 0x0489 }, { 0x0591, 0x05bd }, { 0x064b, 0x065f },
	{ 0x1ab0, 0x1aff }, { 0x1dc0, 0x1dff }, { 0x20d0, 0x20ff }, { 0xfe20, 0xfe2f },
};

static const struct range wide[] = {
	{ 0x1100, 0x115e },   { 0x231a, 0x231b },   { 0x2329, 0x232a },	  { 0x23e9, 0x23f3 },
	{ 0x25fd, 0x25fe },   { 0x2614, 0x2615 },   { 0x2648, 0x2653 },	  { 0x26a1, 0x26ce },
	{ 0x2705, 0x2757 },   { 0x2795, 0x27bf },   { 0x2b1b, 0x2b55 },	  { 0x2e80, 0x303e },
	{ 0x3041, 0xa4cf },   { 0xa960, 0xa97c },   { 0xac00, 0xd7a3 },	  { 0xf900, 0xfaff },
	{ 0xfe30, 0xfe6f },   { 0xff00, 0xff60 },   { 0xffe0, 0xffe6 },	  { 0x16fe0, 0x18aff },
	{ 0x1b000, 0x1b2ff }, { 0x1f004, 0x1f0cf }, { 0x1f18e, 0x1f19a }, { 0x1f1e6, 0x1faff },
	{ 0x20000, 0x3fffd },
};

static bool in_ranges(uint32_t cp, const struct range *ranges, size_t cnt)
{
	for (size_t i = 0; i < cnt && cp >= ranges[i].first; i++)
		if (cp <= ranges[i].last)
			return true;
	return false;
}

size_t utf8_decode(const char *s, uint32_t *cp)
{
	static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned char lead = (unsigned char)s[0];
	size_t bytes = lead < 0x80 ? 1 : lead < 0xc0 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
	uint32_t value = bytes == 1 ? lead : lead & (0x7fu >> bytes);

	*cp = UTF8_INVALID;
	if (bytes == 0 || lead > 0xf4)
		return 1;
	/* The terminating NUL is no continuation byte, so this never reads past it. */
	for (size_t i = 1; i < bytes; i++) {
		if (((unsigned char)s[i] & 0xc0) != 0x80)
			return 1;
		value = value << 6 | ((unsigned char)s[i] & 0x3f);
	}
	if (value < smallest[bytes] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
		return 1;
	*cp = value;
	return bytes;
}

bool utf8_is_printable(uint32_t cp)
{
	return !in_ranges(cp, unprintable, ARRAY_SIZE(unprintable));
}

int utf8_width(uint32_t cp)
{
	if (in_ranges(cp, combining, ARRAY_SIZE(combining)))
		return 0;
	return in_ranges(cp, wide, ARRAY_SIZE(wide)) ? 2 : 1;
}
