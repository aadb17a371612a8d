/* SPDX-License-Identifier: BSD-2-Clause */
/* Reports byte for byte against tests/golden. GOLDEN_UPDATE=1 rewrites the files, and the tests
 * fail in that run so that nobody takes it for a check.
 */
#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

#include "../golden/report_fixture.h"
#include "golden.h"
#include "report/report_json.h"

static double fixed_clock(void)
{
	return FIXTURE_TIME;
}

typedef void (*render)(struct report *report);

/* Renders into memory and compares. */
static void check_text(const char *name, int columns, bool live, bool colour, render draw)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	struct report *report = report_text_create(out, columns, live, colour);

	cr_assert_not_null(report);
	draw(report);
	report_destroy(report);
	fclose(out);
	golden_assert(name, text);
	free(text);
}

static void check_json(const char *name, int pid, render draw)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	struct report *report = report_json_create(out);

	cr_assert_not_null(report);
	report_json_set_clock(fixed_clock);
	report->pid = pid;
	draw(report);
	report_destroy(report);
	fclose(out);
	golden_assert(name, text);
	free(text);
}

static void draw_watch(struct report *report)
{
	report->ops->target(report, &fixture_target);
	report->ops->status(report, &fixture_first_status);
	report->ops->note(report, 12.5,
			  "the target has 1 child process: only process 4242 itself is watched");
	report->ops->status(report, &fixture_status);
	report->ops->status(report, &fixture_status);
	report->ops->status(report, &fixture_first_status);
	report->ops->summary(report, &fixture_summary);
}

static void draw_healthy(struct report *report)
{
	report->ops->summary(report, &fixture_healthy_summary);
}

static void draw_tables(struct report *report)
{
	report->ops->types(report, &fixture_status, 5);
	report->ops->growth(report, &fixture_status, fixture_growth, ARRAY_SIZE(fixture_growth), 2);
	report->ops->stat(report, &fixture_gc_stat, &fixture_status.cost);
	report->ops->doctor(report, fixture_checks, ARRAY_SIZE(fixture_checks));
}

Test(report_golden, watch_in_a_pipe_of_80_columns)
{
	check_text("report_watch_80.txt", 80, false, false, draw_watch);
}

Test(report_golden, watch_in_a_pipe_of_120_columns)
{
	check_text("report_watch_120.txt", 120, false, false, draw_watch);
}

Test(report_golden, watch_on_a_terminal_of_80_columns)
{
	check_text("report_live_80.txt", 80, true, false, draw_watch);
}

Test(report_golden, watch_on_a_terminal_of_120_columns_with_colour)
{
	check_text("report_live_120.txt", 120, true, true, draw_watch);
}

Test(report_golden, healthy_program)
{
	check_text("report_healthy_80.txt", 80, false, false, draw_healthy);
}

Test(report_golden, tables_of_80_columns)
{
	check_text("report_tables_80.txt", 80, false, false, draw_tables);
}

Test(report_golden, tables_of_120_columns)
{
	check_text("report_tables_120.txt", 120, false, false, draw_tables);
}

Test(report_golden, watch_as_json)
{
	check_json("report_watch.jsonl", 4242, draw_watch);
}

Test(report_golden, tables_as_json)
{
	check_json("report_tables.jsonl", 4242, draw_tables);
}
