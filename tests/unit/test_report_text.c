/* SPDX-License-Identifier: BSD-2-Clause */
/* Words, numbers, columns, and what a log leaves out. */
#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

#include "../golden/report_fixture.h"
#include "report/json_util.h"
#include "report/text_out.h"
#include "report/text_util.h"

Test(text_number, counts_have_groups_of_three)
{
	cr_assert_str_eq(text_count(0).s, "0");
	cr_assert_str_eq(text_count(999).s, "999");
	cr_assert_str_eq(text_count(1000).s, "1,000");
	cr_assert_str_eq(text_count(48129).s, "48,129");
	cr_assert_str_eq(text_count(UINT64_MAX).s, "18,446,744,073,709,551,615");
}

Test(text_number, changes_have_a_sign)
{
	cr_assert_str_eq(text_change(1593).s, "+1,593");
	cr_assert_str_eq(text_change(-4.4).s, "-4");
	cr_assert_str_eq(text_change(0).s, "+0");
	cr_assert_str_eq(text_change(0.0 / 0.0).s, "?");
	cr_assert_str_eq(text_change(1e300).s, "+1e+300");
	cr_assert_str_eq(text_change(-2.5e19).s, "-25.0 E");
}

Test(text_number, bytes_have_binary_units)
{
	cr_assert_str_eq(text_bytes(512).s, "512 B");
	cr_assert_str_eq(text_bytes(1023.99).s, "1.0 KiB");
	cr_assert_str_eq(text_bytes(1536).s, "1.5 KiB");
	cr_assert_str_eq(text_bytes(274096128).s, "261.4 MiB");
	cr_assert_str_eq(text_bytes_change(-1536).s, "-1.5 KiB");
}

Test(text_number, rates_keep_the_digits_that_matter)
{
	cr_assert_str_eq(text_rate(53.14).s, "+53.1");
	cr_assert_str_eq(text_rate(0.0131).s, "+0.013");
	cr_assert_str_eq(text_rate(-2.5).s, "-2.50");
	cr_assert_str_eq(text_rate(1204.4).s, "+1,204");
	cr_assert_str_eq(text_rate(1.0 / 0.0).s, "?");
}

Test(text_number, durations_choose_their_unit)
{
	cr_assert_str_eq(text_seconds(0).s, "0 s");
	cr_assert_str_eq(text_seconds(412e-6).s, "412 us");
	cr_assert_str_eq(text_seconds(0.0031).s, "3.1 ms");
	cr_assert_str_eq(text_seconds(0.01).s, "10 ms");
	cr_assert_str_eq(text_seconds(30.004).s, "30 s");
	cr_assert_str_eq(text_seconds(125).s, "2 min 5 s");
	cr_assert_str_eq(text_seconds(3 * 3600 + 720).s, "3 h 12 min");
	cr_assert_str_eq(text_seconds(50 * 3600).s, "2 d 2 h");
	cr_assert_str_eq(text_seconds(-1).s, "?");
}

Test(text_number, a_share_that_is_not_zero_is_not_shown_as_zero)
{
	cr_assert_str_eq(text_percent(0).s, "0 %");
	cr_assert_str_eq(text_percent(0.00004).s, "<0.01 %");
	cr_assert_str_eq(text_percent(0.0031).s, "0.31 %");
	cr_assert_str_eq(text_percent(0.97).s, "97 %");
	cr_assert_str_eq(text_percent(1).s, "100 %");
	cr_assert_str_eq(text_sure(0.97).s, "97 %");
	cr_assert_str_eq(text_sure(0.9999).s, ">99 %");
}

Test(text_util, escapes_are_visible_and_unambiguous)
{
	char buf[200];

	cr_assert_str_eq(text_escape(buf, sizeof(buf), "a\x1b[0m\n\t\\x"), "a\\x1b[0m\\n\\t\\\\x");
	cr_assert_str_eq(text_escape(buf, sizeof(buf), "\xff\xc3("), "\\xff\\xc3(");
	cr_assert_str_eq(text_escape(buf, sizeof(buf), "\xc2\x9b\xe2\x80\xae"), "\\u009b\\u202e");
	cr_assert_str_eq(text_escape(buf, sizeof(buf), "\xf3\xa0\x80\x81"), "\\U000e0001");
	cr_assert_str_eq(text_escape(buf, sizeof(buf), "\xc3\xa9t\xc3\xa9"), "\xc3\xa9t\xc3\xa9");
}

Test(text_util, escape_never_cuts_a_character)
{
	char buf[4];

	cr_assert_str_eq(text_escape(buf, sizeof(buf), "ab\xc3\xa9"), "ab");
	cr_assert_str_eq(text_escape(buf, sizeof(buf), "\x1b"), "");
}

Test(text_util, long_names_lose_their_middle)
{
	char buf[TEXT_NAME_BYTES];

	cr_assert_str_eq(text_name(buf, sizeof(buf), "package.module.Class", 12), "pack...Class");
	cr_assert_str_eq(text_name(buf, sizeof(buf), "Class", 5), "Class");
	cr_assert_str_eq(text_name(buf, sizeof(buf), NULL, 12), "?");
	cr_assert_str_eq(text_name(buf, sizeof(buf), "", 12), "''");
	text_name(buf, sizeof(buf), "\xe4\xba\xba\xe4\xba\xba\xe4\xba\xba\xe4\xba\xba", 6);
	cr_assert_leq(text_width(buf), 6, "%s", buf);
}

Test(text_util, long_paths_lose_their_beginning)
{
	static char long_path[3000];
	char buf[TEXT_NAME_BYTES];

	cr_assert_str_eq(text_path(buf, sizeof(buf), "/srv/app/mq.py", 9), ".../mq.py");
	cr_assert_str_eq(text_path(buf, sizeof(buf), "/srv/mq.py", 10), "/srv/mq.py");
	cr_assert_str_eq(text_path(buf, sizeof(buf), "a\nb", 10), "a\\nb");
	cr_assert_str_eq(text_path(buf, sizeof(buf), NULL, 10), "?");
	memset(long_path, 'x', sizeof(long_path) - 1);
	strcpy(long_path + sizeof(long_path) - 7, "/mq.py");
	cr_assert_str_eq(text_path(buf, sizeof(buf), long_path, 10), "...x/mq.py");
}

Test(text_util, padding_counts_columns_not_bytes)
{
	char buf[32] = "\xe4\xba\xba\xc3\xa9";

	cr_assert_str_eq(text_pad(buf, sizeof(buf), 5), "\xe4\xba\xba\xc3\xa9  ");
}

static char *wrapped(int columns, const char *text)
{
	char *got = NULL;
	size_t len;
	FILE *out = open_memstream(&got, &len);
	struct text_out o = { .out = out, .columns = columns };

	text_line(&o, 2, "%s", text);
	fclose(out);
	return got;
}

Test(text_out, wraps_at_blanks_and_breaks_long_words)
{
	_cleanup_free_ char *blanks = wrapped(20, "one two three four five six");
	_cleanup_free_ char *word = wrapped(20, "aaaaaaaaaaaaaaaaaaaaaaaaa");

	cr_assert_str_eq(blanks, "one two three four\n  five six\n");
	cr_assert_str_eq(word, "aaaaaaaaaaaaaaaaaaaa\n  aaaaa\n");
}

Test(json_util, strings_are_valid_and_capped)
{
	static char raw[3 * JSON_STRING_MAX];
	json_t *value = json_safe_string("a\xff"
					 "b\xc3\xa9");

	cr_assert_str_eq(json_string_value(value), "a\xef\xbf\xbd"
						   "b\xc3\xa9");
	json_decref(value);
	memset(raw, '\xff', sizeof(raw) - 1);
	value = json_safe_string(raw);
	cr_assert_leq(json_string_length(value), JSON_STRING_MAX);
	cr_assert_gt(json_string_length(value), JSON_STRING_MAX - 4);
	cr_assert_str_eq(json_string_value(value) + json_string_length(value) - 3, "...");
	json_decref(value);
	cr_assert(json_is_null(json_safe_string(NULL)));
}

Test(json_util, numbers_are_exact_to_2_to_the_53_and_never_invalid)
{
	json_t *object = json_object();
	_cleanup_free_ char *line = NULL;

	json_put_u64(object, "a", 9007199254740992);
	json_put_u64(object, "b", UINT64_MAX);
	json_put_real(object, "c", 0.0 / 0.0);
	json_put_address(object, "d", 0xfffffffffffffff8);
	line = json_dumps(object, JSON_COMPACT);
	cr_assert_str_eq(line, "{\"a\":9007199254740992,\"b\":9223372036854775807,\"c\":null,"
			       "\"d\":\"0xfffffffffffffff8\"}");
	json_decref(object);
}

static size_t lines_of(const char *text)
{
	size_t cnt = 0;

	for (; *text; text++)
		cnt += *text == '\n';
	return cnt;
}

/* Renders `rounds` statuses with `verdicts`, in a pipe. */
static char *log_of(const struct verdict *verdicts, size_t cnt, int rounds)
{
	struct status status = { .sample = &fixture_sample, .verdicts = verdicts };
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	struct report *report = report_text_create(out, 0, false, false);

	status.verdict_cnt = cnt;
	for (int i = 0; i < rounds; i++)
		report->ops->status(report, &status);
	report_destroy(report);
	fclose(out);
	return text;
}

Test(report_text, a_log_tells_a_verdict_once)
{
	_cleanup_free_ char *once = log_of(fixture_verdicts, 3, 1);
	_cleanup_free_ char *often = log_of(fixture_verdicts, 3, 50);

	cr_assert_eq(lines_of(once), 2, "%s", once);
	cr_assert_eq(lines_of(often), 51);
	cr_assert_not_null(strstr(once, "leak  mq.Message  48,129 live"));
	cr_assert_not_null(strstr(once, "with mq.Channel, mq.NonBlockingConnection"));
}

Test(report_text, a_log_is_silent_about_what_is_explained)
{
	struct verdict sawtooth = fixture_verdicts[7];
	_cleanup_free_ char *text = NULL;

	sawtooth.kind = VERDICT_SAWTOOTH;
	text = log_of(&sawtooth, 1, 3);
	cr_assert_eq(lines_of(text), 3, "%s", text);
}

Test(report_text, a_change_of_mind_is_told)
{
	struct verdict v = fixture_verdicts[0];
	struct status status = { .sample = &fixture_sample, .verdicts = &v, .verdict_cnt = 1 };
	_cleanup_free_ char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	struct report *report = report_text_create(out, 120, false, false);

	v.kind = VERDICT_SUSPECT;
	report->ops->status(report, &status);
	v.kind = VERDICT_LEAK;
	report->ops->status(report, &status);
	status.verdict_cnt = 0;
	report->ops->status(report, &status);
	report->ops->status(report, &status);
	report_destroy(report);
	fclose(out);
	cr_assert_eq(lines_of(text), 7, "%s", text);
	cr_assert_not_null(strstr(text, "sure, was suspect"));
	cr_assert_not_null(strstr(text, "stable  mq.Message, was leak"));
}

Test(report_text, a_live_table_has_at_most_limit_rows)
{
	static struct verdict verdicts[30];
	struct status status = { .sample = &fixture_sample, .verdicts = verdicts };
	_cleanup_free_ char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	struct report *report = report_text_create(out, 80, true, false);

	for (size_t i = 0; i < ARRAY_SIZE(verdicts); i++)
		verdicts[i] = fixture_verdicts[3];
	status.verdict_cnt = ARRAY_SIZE(verdicts);
	report->limit = 4;
	report->ops->status(report, &status);
	report_destroy(report);
	fclose(out);
	/* Totals, heads of the columns, 4 rows, "26 more". */
	cr_assert_eq(lines_of(text), 7, "%s", text);
	cr_assert_not_null(strstr(text, "26 more"));
}

Test(report_text, no_census_is_not_a_clean_bill_of_health)
{
	const struct summary blind = { .status = { .cost = { .elapsed_s = 30 } } };
	_cleanup_free_ char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	struct report *report = report_text_create(out, 80, false, false);

	report->ops->summary(report, &blind);
	report_destroy(report);
	fclose(out);
	cr_assert_null(strstr(text, "no leak found"), "%s", text);
	cr_assert_not_null(strstr(text, "nothing can be said: no census was taken in 30 s"));
}

/* The last head has no room for the line of its group. */
Test(report_text, a_group_does_not_outgrow_the_limit)
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	struct report *report = report_text_create(out, 80, true, false);

	report->limit = 1;
	report->ops->status(report, &fixture_status);
	report_destroy(report);
	fclose(out);
	cr_assert_not_null(strstr(text, "mq.Message"));
	cr_assert_null(strstr(text, "mq.Channel"), "%s", text);
	cr_assert_not_null(strstr(text, "5 more"), "%s", text);
}

Test(report_text, a_summary_tells_every_leak)
{
	static struct verdict verdicts[25];
	struct summary summary = fixture_summary;
	_cleanup_free_ char *text = NULL;
	size_t len, paragraphs = 0, lines = 0;
	FILE *out = open_memstream(&text, &len);
	struct report *report = report_text_create(out, 100, false, false);

	for (size_t i = 0; i < ARRAY_SIZE(verdicts); i++)
		verdicts[i] = fixture_verdicts[3];
	summary.status.verdicts = verdicts;
	summary.status.verdict_cnt = ARRAY_SIZE(verdicts);
	report->ops->summary(report, &summary);
	report_destroy(report);
	fclose(out);
	for (char *p = text; (p = strstr(p, "\nLEAK  ")); p++)
		paragraphs++;
	for (char *p = text; (p = strstr(p, "\nleak  ")); p++)
		lines++;
	cr_assert_eq(paragraphs, 10);
	cr_assert_eq(lines, 15);
}
