/* SPDX-License-Identifier: BSD-2-Clause */
/* What the target calls its classes must not hurt the reader: every output of both formats is
 * rendered with hostile names in every place where a name can stand.
 */
#include <criterion/criterion.h>

#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../golden/report_fixture.h"
#include "report/text_util.h"
#include "report/utf8.h"

static char ten_kb[10 * 1024 + 1];
static char wide_kb[3 * 1024 + 1];

static const char *const hostile_names[] = {
	"\x1b[2J\x1b]0;owned\x07",
	"two\nlines\r\ttab",
	"\xc3\x28 \xff\xfe \xed\xa0\x80 \xc0\xaf \xf4\x90\x80\x80 cut\xe2\x82",
	"\xc2\x9b"
	"31m c1 \xe2\x80\xae rtl \xef\xbb\xbf bom \xe2\x80\xa8 line",
	"\x7f\\x1b back\\slash",
	"",
	NULL,
	"\xe4\xba\xba\xe4\xba\xba.\xe7\xb1\xbb e\xcc\x81 \xf0\x9f\x90\x8d",
	ten_kb,
	wide_kb,
};

static void fill_long_names(void)
{
	for (size_t i = 0; i + 1 < sizeof(ten_kb); i++)
		ten_kb[i] = i % 7 ? 'x' : '\x1b';
	for (size_t i = 0; i + 3 < sizeof(wide_kb); i += 3)
		memcpy(wide_kb + i, "\xe4\xba\xba", 3);
}

/* The fixture with `name` wherever the target may choose it, and with extreme numbers. */
struct hostile_watch {
	struct target_info target;
	struct type_count types[3];
	struct container containers[1];
	struct sample sample;
	struct verdict verdicts[ARRAY_SIZE(fixture_verdicts)];
	struct loss loss;
	struct type_growth growth[1];
	struct check check;
	struct summary summary;
};

static void make_hostile(struct hostile_watch *w, const char *name)
{
	*w = (struct hostile_watch){
		.target = { 42, name, name, name, name, 1, 0.0 / 0.0, 1, 1e300 },
		.types = { { name, true, UINT64_MAX, UINT64_MAX, 1 },
			   { name, false, 1, 1, 1 },
			   { name, false, 0, 0, 0 } },
		.containers = { { UINT64_MAX, name, name, true, 3, 4 } },
		.sample = fixture_sample,
		.loss = { name, name, UINT64_MAX },
		.growth = { { name, UINT64_MAX, INT64_MAX, UINT64_MAX, INT64_MIN } },
		.check = { CHECK_BAD, name, "", "" },
		.summary = fixture_summary,
	};
	memcpy(w->verdicts, fixture_verdicts, sizeof(w->verdicts));
	for (size_t i = 0; i < ARRAY_SIZE(w->verdicts); i++) {
		w->verdicts[i].name = name;
		w->verdicts[i].holds = i % 2 ? name : NULL;
		if (name)
			snprintf(w->verdicts[i].why, sizeof(w->verdicts[i].why), "%s", name);
	}
	w->verdicts[0].live = UINT64_MAX;
	w->verdicts[0].growth = 1e300;
	w->verdicts[0].slope_per_s = -1.0 / 0.0;
	w->verdicts[3].slope_hi = 1e30;
	if (name) {
		snprintf(w->check.found, sizeof(w->check.found), "%s", name);
		snprintf(w->check.advice, sizeof(w->check.advice), "%s", name);
	}
	w->sample.types = w->types;
	w->sample.type_cnt = ARRAY_SIZE(w->types);
	w->sample.containers = w->containers;
	w->sample.container_cnt = 1;
	w->summary.status.sample = &w->sample;
	w->summary.status.verdicts = w->verdicts;
	w->summary.status.losses = &w->loss;
	w->summary.status.loss_cnt = 1;
}

/* Everything that a report can print. Takes the report. */
static void draw_all(struct report *report, const struct hostile_watch *w, const char *name)
{
	const struct status empty = { .sample = NULL };
	const struct summary nothing = { .status = empty };

	report->ops->target(report, &w->target);
	report->ops->status(report, &empty);
	report->ops->status(report, &w->summary.status);
	report->ops->note(report, 1.5, name ? name : "note");
	report->ops->status(report, &empty);
	report->ops->summary(report, &w->summary);
	report->ops->summary(report, &nothing);
	report->ops->types(report, &w->summary.status, 0);
	report->ops->types(report, &empty, 0);
	report->ops->growth(report, &w->summary.status, w->growth, 1, 0);
	report->ops->growth(report, &empty, NULL, 0, 0);
	report->ops->stat(report, &fixture_gc_stat, &fixture_status.cost);
	report->ops->stat(report, &(struct gc_stat){ 0 }, &fixture_status.cost);
	report->ops->doctor(report, &w->check, 1);
	report_destroy(report);
}

static char *render_text(const char *name, int columns, bool live)
{
	static struct hostile_watch watch;
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	make_hostile(&watch, name);
	draw_all(report_text_create(out, columns, live, false), &watch, name);
	fclose(out);
	cr_assert_eq(strlen(text), len, "a NUL byte was printed");
	return text;
}

static void assert_line_is_safe(const char *line, int columns, const char *name)
{
	const char *p = line;

	while (*p) {
		uint32_t cp;

		p += utf8_decode(p, &cp);
		cr_assert(cp != UTF8_INVALID && utf8_is_printable(cp),
			  "U+%04x printed for a hostile name %.20s: %s", cp, name, line);
	}
	cr_assert_leq(text_width(line), columns, "%d of %d columns: %s", text_width(line), columns,
		      line);
}

static void assert_text_is_safe(const char *name, int columns)
{
	_cleanup_free_ char *text = render_text(name, columns, false);
	char *save = NULL;

	for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save))
		assert_line_is_safe(l, columns, name ? name : "NULL");
}

Test(report_safety, hostile_names_in_text_are_printable_and_fit)
{
	static const int widths[] = { 20, 33, 40, 60, 79, 80, 81, 100, 120, 200 };

	fill_long_names();
	for (size_t i = 0; i < ARRAY_SIZE(hostile_names); i++)
		for (size_t w = 0; w < ARRAY_SIZE(widths); w++)
			assert_text_is_safe(hostile_names[i], widths[w]);
}

Test(report_safety, plain_fixture_fits_80_columns)
{
	assert_text_is_safe("mq.Message", 80);
}

/* On a terminal the only escape sequences are ours: up, return, clear. */
Test(report_safety, live_block_moves_the_cursor_by_what_it_wrote_only)
{
	fill_long_names();
	for (size_t i = 0; i < ARRAY_SIZE(hostile_names); i++) {
		_cleanup_free_ char *text = render_text(hostile_names[i], 80, true);

		for (char *p = strchr(text, '\x1b'); p; p = strchr(p + 1, '\x1b')) {
			unsigned int up = 0, lines = 0;
			int end = 0;

			if (strncmp(p, "\x1b[J", 3) == 0)
				continue;
			cr_assert_eq(sscanf(p, "\x1b[%uA\r\x1b[J%n", &up, &end), 1, "%s", p);
			cr_assert_gt(end, 0, "not our sequence: %s", p);
			for (char *q = text; q < p; q++)
				lines += *q == '\n';
			cr_assert_leq(up, lines);
		}
	}
}

static void assert_json_is_safe(const char *name)
{
	static struct hostile_watch watch;
	_cleanup_free_ char *text = NULL;
	char *save = NULL;
	size_t len, lines = 0;
	FILE *out = open_memstream(&text, &len);

	make_hostile(&watch, name);
	draw_all(report_json_create(out), &watch, name);
	fclose(out);
	cr_assert_eq(strlen(text), len);
	for (const unsigned char *p = (unsigned char *)text; *p; p++)
		cr_assert(*p == '\n' || (*p >= 0x20 && *p <= 0x7f), "byte %02x printed", *p);
	for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		json_error_t error;
		json_t *object = json_loads(l, JSON_REJECT_DUPLICATES, &error);

		cr_assert_not_null(object, "%s: %.200s", error.text, l);
		cr_assert_eq(json_integer_value(json_object_get(object, "schema")), 1);
		cr_assert(json_is_string(json_object_get(object, "kind")));
		cr_assert_gt(json_real_value(json_object_get(object, "time")), 1.6e9);
		cr_assert_eq(json_integer_value(json_object_get(object, "pid")), 42);
		json_decref(object);
		lines++;
	}
	cr_assert_eq(lines, 20, "%zu lines for %.20s", lines, name ? name : "NULL");
}

Test(report_safety, hostile_names_in_json_parse)
{
	fill_long_names();
	for (size_t i = 0; i < ARRAY_SIZE(hostile_names); i++)
		assert_json_is_safe(hostile_names[i]);
}
