/* SPDX-License-Identifier: BSD-2-Clause */
/* Folded stacks, as a flame graph reads them. */
#include <criterion/criterion.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../golden/alloc_fixture.h"
#include "golden.h"
#include "hostile.h"
#include "report/folded.h"
#include "report/utf8.h"

/* The caller frees it. */
static char *render(const struct alloc_stacks *stacks)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	cr_assert_eq(folded_write(out, stacks), 0);
	fclose(out);
	cr_assert_eq(strlen(text), len, "a NUL byte was written");
	return text;
}

Test(folded, several_types_are_the_innermost_frame)
{
	struct alloc_fixture fixture;
	_cleanup_free_ char *text = NULL;

	alloc_fixture_make(&fixture, NULL);
	text = render(&fixture.stacks);
	golden_assert("allocs.folded", text);
}

Test(folded, one_type_has_no_frame)
{
	struct alloc_fixture fixture;
	_cleanup_free_ char *text = NULL;

	alloc_fixture_make(&fixture, NULL);
	fixture.stacks.items += 2;
	fixture.stacks.cnt = 1;
	text = render(&fixture.stacks);
	cr_assert_str_eq(
		text,
		"<module> (/srv/app/app.py:7);"
		"Server.loop (/usr/lib/python3/dist-packages/site/of/a/deep/path/server.py:31);"
		"Connection.on_data (/srv/app/mq.py:88);Channel.receive (/srv/app/mq.py:120) "
		"1171\n");
}

Test(folded, no_stack_is_an_empty_file)
{
	const struct alloc_stacks none = { .windows = 3 };
	_cleanup_free_ char *text = render(&none);

	cr_assert_str_eq(text, "");
}

static void assert_line_is_whole(const char *line, size_t frames)
{
	const char *count = strrchr(line, ' ');
	size_t cnt = 1;

	cr_assert_not_null(count);
	cr_assert_gt(strtoull(count + 1, NULL, 10), 0, "%s", line);
	for (const char *p = line; *p;) {
		uint32_t cp;

		cnt += *p == ';';
		p += utf8_decode(p, &cp);
		cr_assert(cp != UTF8_INVALID && utf8_is_printable(cp), "U+%04x: %s", cp, line);
	}
	cr_assert_eq(cnt, frames, "%zu frames, not %zu: %s", cnt, frames, line);
}

static void assert_name_is_safe(const char *name)
{
	struct alloc_fixture fixture;
	_cleanup_free_ char *text = NULL;
	char *save = NULL, *line;
	size_t i = 0;

	alloc_fixture_make(&fixture, name);
	text = render(&fixture.stacks);
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		const struct alloc_stack *stack = &fixture.items[i++];

		assert_line_is_whole(line, stack->frame_cnt + stack->is_cut + !stack->frame_cnt);
	}
	cr_assert_eq(i, ALLOC_STACKS);
}

Test(folded, hostile_names_break_no_line_and_no_frame)
{
	for (size_t i = 0; i < hostile_cnt; i++)
		assert_name_is_safe(hostile_name(i));
	assert_name_is_safe(";a; 12\n;b 7");
}

Test(folded, a_full_disk_is_told)
{
	struct alloc_fixture fixture;
	FILE *out = fopen("/dev/full", "w");

	alloc_fixture_make(&fixture, NULL);
	cr_assert_eq(folded_write(out, &fixture.stacks), -EIO);
	fclose(out);
}
