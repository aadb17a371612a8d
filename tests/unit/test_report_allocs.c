/* SPDX-License-Identifier: BSD-2-Clause */
/* Who allocates, and exact counts, in both formats: byte for byte, and with hostile names. */
#include <criterion/criterion.h>

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "../golden/alloc_fixture.h"
#include "golden.h"
#include "hostile.h"
#include "report/report_json.h"
#include "report/stack_words.h"
#include "report/utf8.h"

static double fixed_clock(void)
{
	return FIXTURE_TIME;
}

/* columns < 0: JSON. The caller frees it. */
static char *render(const char *name, int columns, bool live)
{
	static struct alloc_fixture fixture;
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	struct report *report = columns < 0 ? report_json_create(out)
					    : report_text_create(out, columns, live, false);

	report_json_set_clock(fixed_clock);
	report->pid = 4242;
	alloc_fixture_make(&fixture, name);
	alloc_fixture_draw(report, &fixture);
	report_destroy(report);
	fclose(out);
	cr_assert_eq(strlen(text), len, "a NUL byte was printed");
	return text;
}

static void check(const char *golden, int columns, bool live)
{
	_cleanup_free_ char *text = render(NULL, columns, live);

	golden_assert(golden, text);
}

Test(report_allocs, golden_of_80_columns)
{
	check("report_allocs_80.txt", 80, false);
}

Test(report_allocs, golden_of_120_columns)
{
	check("report_allocs_120.txt", 120, false);
}

Test(report_allocs, golden_of_a_terminal)
{
	check("report_allocs_live_80.txt", 80, true);
}

Test(report_allocs, golden_as_json)
{
	check("report_allocs.jsonl", -1, false);
}

static void assert_text_is_safe(const char *name, int columns)
{
	_cleanup_free_ char *text = render(name, columns, false);
	char *save = NULL;

	for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		for (const char *p = l; *p;) {
			uint32_t cp;

			p += utf8_decode(p, &cp);
			cr_assert(cp != UTF8_INVALID && utf8_is_printable(cp), "U+%04x: %s", cp, l);
		}
		cr_assert_leq(text_width(l), columns, "%d of %d columns: %s", text_width(l),
			      columns, l);
	}
}

Test(report_allocs, hostile_names_in_text_are_printable_and_fit)
{
	static const int widths[] = { 20, 33, 40, 59, 60, 61, 80, 100, 200 };

	for (size_t i = 0; i < hostile_cnt; i++)
		for (size_t w = 0; w < ARRAY_SIZE(widths); w++)
			assert_text_is_safe(hostile_name(i), widths[w]);
}

Test(report_allocs, hostile_names_in_json_parse)
{
	for (size_t i = 0; i < hostile_cnt; i++) {
		_cleanup_free_ char *text = render(hostile_name(i), -1, false);
		char *save = NULL;
		size_t lines = 0;

		for (const unsigned char *p = (unsigned char *)text; *p; p++)
			cr_assert(*p == '\n' || (*p >= 0x20 && *p <= 0x7f), "byte %02x", *p);
		for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
			json_error_t error;
			json_t *object = json_loads(l, JSON_REJECT_DUPLICATES, &error);

			cr_assert_not_null(object, "%s: %.200s", error.text, l);
			cr_assert(json_is_string(json_object_get(object, "kind")));
			json_decref(object);
			lines++;
		}
		/* All types are one: fewer sites than in the golden file. */
		cr_assert_eq(lines, 30, "%zu lines", lines);
	}
}
