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

/* The summary of one leak with these stacks. The caller frees it. */
static char *summary_of(const struct alloc_stacks *stacks, const struct verdict *verdicts,
			size_t cnt)
{
	struct summary summary = fixture_summary;
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	struct report *report = report_text_create(out, 120, false, false);

	summary.status.verdicts = verdicts;
	summary.status.verdict_cnt = cnt;
	summary.stacks = stacks;
	report->ops->summary(report, &summary);
	report_destroy(report);
	fclose(out);
	return text;
}

Test(report_allocs, the_maker_of_a_leak_makes_what_stays)
{
	const struct stack_frame for_a_moment = { "parse", "mq.py", 10, 1 };
	const struct stack_frame to_stay = { "keep", "mq.py", 20, 15 };
	const struct stack_frame seldom = { "once", "mq.py", 30, 25 };
	struct alloc_stack items[] = {
		{ "mq.Message", &for_a_moment, 1, false, 5000, 0, 0, 0 },
		{ "mq.Message", &to_stay, 1, false, 40, 0, 40, 0 },
		{ "mq.Message", &seldom, 1, false, 3, 0, 3, 0 },
	};
	const struct alloc_stacks stacks = { .items = items, .cnt = ARRAY_SIZE(items) };
	_cleanup_free_ char *text = summary_of(&stacks, fixture_verdicts, 1);

	cr_assert(strstr(text, "made by  mq.py:20 in keep (0.79 % of 5,043 seen; all alive)"), "%s",
		  text);
	cr_assert(!strstr(text, "also by"), "%s", text);
	items[2].alive = items[2].allocs = 10;
	free(text);
	text = summary_of(&stacks, fixture_verdicts, 1);
	cr_assert(strstr(text, "also by  mq.py:30 in once (0.20 % of 5,050 seen; all alive)"), "%s",
		  text);
}

Test(report_allocs, another_of_the_group_is_named_with_its_maker)
{
	const struct stack_frame frame = { "open", "mq.py", 10, 1 };
	struct alloc_stack item = { "mq.Channel", &frame, 1, false, 4, 0, 0, 0 };
	const struct alloc_stacks stacks = { .items = &item, .cnt = 1 };
	_cleanup_free_ char *text = summary_of(&stacks, fixture_verdicts, 3);

	cr_assert(strstr(text, "made by  mq.py:10 in open (mq.Channel: all of 4 seen; none"), "%s",
		  text);
	item.type = "mq.Other";
	free(text);
	text = summary_of(&stacks, fixture_verdicts, 3);
	cr_assert(!strstr(text, "made by"), "%s", text);
}

Test(report_allocs, a_leak_that_nobody_was_seen_to_make_says_so)
{
	const struct alloc_stacks none = { .elapsed_s = 30, .open_s = 0.1, .windows = 7 };
	_cleanup_free_ char *text = summary_of(&none, fixture_verdicts, 1);

	cr_assert(strstr(text, "made by  ? (none was seen to be made in 7 windows, open for 100 ms "
			       "of 30 s"),
		  "%s", text);
	free(text);
	text = summary_of(&none, &fixture_verdicts[4], 1);
	cr_assert(!strstr(text, "made by"), "native memory has no maker: %s", text);
}

/* Whoever scrolls the screen loses the line that the next block goes up to. */
Test(report_allocs, a_block_with_exact_counts_fits_a_screen)
{
	struct alloc_fixture fixture;
	_cleanup_free_ char *text = NULL;
	size_t len, lines = 0;
	FILE *out = open_memstream(&text, &len);
	struct report *report = report_text_create(out, 80, true, false);
	struct exact_type types[20];

	alloc_fixture_make(&fixture, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		types[i] = fixture.types[0];
	fixture.counts.types = types;
	fixture.counts.cnt = ARRAY_SIZE(types);
	report->ops->exact(report, 30, &fixture.counts, 10);
	report->ops->status(report, &fixture_status);
	fflush(out);
	for (const char *p = text; *p; p++)
		lines += *p == '\n';
	cr_assert_lt(lines, 24, "%s", text);
	cr_assert(!strchr(text, '\x1b'), "the status took the exact counts away");
	report->ops->exact(report, 31, &fixture.counts, 10);
	report->ops->status(report, &fixture_status);
	report_destroy(report);
	fclose(out);
	cr_assert_eq(strtoul(strchr(text, '\x1b') + 2, NULL, 10), lines, "%s", text);
	cr_assert(!strchr(strchr(text, '\x1b') + 10, '\x1b'), "%s", text);
}
