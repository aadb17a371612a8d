/* SPDX-License-Identifier: BSD-2-Clause */
/* JSON lines: one object per line, flushed, keys in the order of docs/json.md. The lines are
 * pure ASCII (all else is \uXXXX): a class name with a control character of 8 bits in it must
 * not reach the terminal of a person who looks at the stream. What a census takes at most is
 * not cut; names over 4 KiB are.
 */
#include "report/report_json.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "report/json_util.h"

/* 15 digits: 53.1 stays 53.1, and a time keeps 10 us. */
#define DUMP_FLAGS (JSON_COMPACT | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(15))

static double clock_real(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static report_clock clock_now = clock_real;

void report_json_set_clock(report_clock clock)
{
	clock_now = clock ? clock : clock_real;
}

double json_time_now(void)
{
	return clock_now();
}

json_t *json_object_begin(const struct report *report, const char *kind, double time_s)
{
	json_t *object = json_object();
	int err = 0;

	err |= json_put_u64(object, "schema", JSON_SCHEMA);
	err |= json_put_string(object, "kind", kind);
	err |= json_put_real(object, "time", time_s);
	/* `doctor` may look at the machine only. */
	if (report->pid > 0)
		err |= json_put_i64(object, "pid", report->pid);
	else
		err |= json_object_set_new_nocheck(object, "pid", json_null());
	if (err) {
		json_decref(object);
		return NULL;
	}
	return object;
}

void json_object_end(struct report *report, json_t *object, int err)
{
	char *line = object && !err ? json_dumps(object, DUMP_FLAGS) : NULL;

	if (line)
		fprintf(report->out, "%s\n", line);
	else
		pr_warn("report: out of memory, a line of JSON is missing");
	/* Whether the reader is still there is the caller's question: ferror(out). */
	fflush(report->out);
	free(line);
	json_decref(object);
}

bool json_line_open(struct report *report, json_t *object, int err)
{
	char *line = object && !err ? json_dumps(object, DUMP_FLAGS) : NULL;

	json_decref(object);
	if (!line) {
		pr_warn("report: out of memory, a line of JSON is missing");
		return false;
	}
	/* Without the brace that ends the object. */
	fwrite(line, 1, strlen(line) - 1, report->out);
	free(line);
	return true;
}

void json_line_array(struct report *report, const char *key)
{
	fprintf(report->out, ",\"%s\":[", key);
}

void json_line_row(struct report *report, json_t *row, int err, size_t *cnt)
{
	char *text = row && !err ? json_dumps(row, DUMP_FLAGS) : NULL;

	json_decref(row);
	if (text)
		fprintf(report->out, "%s%s", (*cnt)++ ? "," : "", text);
	else
		pr_warn("report: out of memory, a row of JSON is missing");
	free(text);
}

void json_line_array_end(struct report *report)
{
	fputc(']', report->out);
}

void json_line_close(struct report *report)
{
	fputs("}\n", report->out);
	fflush(report->out);
}

static void json_write_target(struct report *report, const struct target_info *target)
{
	json_t *object;
	int err = 0;

	if (report->pid == 0)
		report->pid = target->pid;
	object = json_object_begin(report, "target", json_time_now());
	err |= json_put_string(object, "program", target->program);
	err |= json_put_string(object, "version", target->version);
	err |= json_put_string(object, "python_file", target->python_file);
	err |= json_put_string(object, "hook", target->hook);
	err |= json_put_u64(object, "interpreters", target->interpreters);
	err |= json_put_real(object, "interval_s", target->interval_s);
	err |= json_put_real(object, "budget_pct", target->budget_pct);
	err |= json_put_real(object, "max_pause_ms", target->max_pause_ms);
	json_object_end(report, object, err);
}

static void json_write_note(struct report *report, double time_s, const char *sentence)
{
	json_t *object = json_object_begin(report, "note", json_time_now());
	int err = 0;

	err |= json_put_real(object, "watch_s", time_s);
	err |= json_put_string(object, "text", sentence);
	json_object_end(report, object, err);
}

static void json_destroy(struct report *report)
{
	free(report);
}

static void json_insert(struct report *report, const char *text, size_t len)
{
	fwrite(text, 1, len, report->out);
	fflush(report->out);
}

static const struct report_ops json_ops = {
	.target = json_write_target,
	.status = json_write_status,
	.note = json_write_note,
	.summary = json_write_summary,
	.insert = json_insert,
	.types = json_write_types,
	.growth = json_write_growth,
	.stat = json_write_stat,
	.doctor = json_write_doctor,
	.snapshot = json_write_snapshot,
	.paths = json_write_paths,
	.cycles = json_write_cycles,
	.holders = json_write_holders,
	.audit = json_write_audit,
	.diff = json_write_diff,
	.stacks = json_write_stacks,
	.exact = json_write_exact,
	.all_types = json_write_all_types,
	.destroy = json_destroy,
};

struct report *report_json_create(FILE *out)
{
	struct report *report = calloc(1, sizeof(*report));

	if (!report)
		return NULL;
	report->ops = &json_ops;
	report->out = out;
	return report;
}
