/* SPDX-License-Identifier: BSD-2-Clause */
/* `types` and `growth`: one census, or the difference between the first and the last. */
#include "cli/verbs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "cli/report_open.h"

#define DEFAULT_ROWS 20

static int fail(const struct session *session, int err)
{
	pr_error("%s: process %d: %s", session->options->verb == VERB_TYPES ? "types" : "growth",
		 session->target.pid, strerror(-err));
	return EXIT_FAILED;
}

static int show_types(struct session *session, void *context)
{
	bool *shown = context;
	struct status status;

	session_status(session, &status);
	if (status.sample->instrument == INSTRUMENT_NONE)
		return 0;
	session->report->ops->types(session->report, &status,
				    report_rows(session->options, DEFAULT_ROWS));
	*shown = true;
	return 1;
}

int verb_types(const struct options *options)
{
	struct session session;
	enum watch_end end;
	bool shown = false;
	int err, status = EXIT_DONE;

	if (options->all || options->files[0])
		return verb_all_types(options);
	if (session_open(options, options->pid, (struct session_wants){}, 0, &session))
		return EXIT_FAILED;
	err = session_loop(&session, show_types, &shown, &end);
	if (err || !shown)
		status = fail(&session, err ? err : -ESRCH);
	session_close(&session);
	return status;
}

/* The counts of the first census, sorted by name as samples are. */
struct baseline {
	struct type_growth *rows; /* name and live are those of the first census */
	size_t cnt;
};

static void baseline_deinit(struct baseline *baseline)
{
	for (size_t i = 0; i < baseline->cnt; i++)
		free((char *)baseline->rows[i].name);
	free(baseline->rows);
}

static int keep_baseline(const struct sample *sample, struct baseline *out)
{
	out->rows = calloc(sample->type_cnt + 1, sizeof(*out->rows));
	if (!out->rows)
		return -ENOMEM;
	for (size_t i = 0; i < sample->type_cnt; i++) {
		out->rows[i].name = strdup(sample->types[i].name);
		if (!out->rows[i].name)
			return -ENOMEM;
		out->rows[i].live = sample->types[i].live;
		out->rows[i].bytes = sample->types[i].bytes;
		out->cnt++;
	}
	return 0;
}

/* From here on what the target does is seen: a script may begin its test. */
static void tell_baseline(struct session *session)
{
	struct status status;
	char sentence[80];

	session_status(session, &status);
	if (session->options->format == FORMAT_JSON) {
		session->report->ops->status(session->report, &status);
		return;
	}
	snprintf(sentence, sizeof(sentence), "growth counts from here: %llu objects of %zu types",
		 (unsigned long long)status.sample->objects, status.sample->type_cnt);
	session->report->ops->note(session->report, status.sample->time_s, sentence);
}

static int keep_first(struct session *session, void *context)
{
	struct baseline *baseline = context;
	const struct sample *sample = collector_sample(session->collector);
	int err;

	if (sample->instrument == INSTRUMENT_NONE || baseline->rows)
		return 0;
	err = keep_baseline(sample, baseline);
	if (!err)
		tell_baseline(session);
	return err;
}

static int by_name(const void *name, const void *row)
{
	return strcmp(name, ((const struct type_growth *)row)->name);
}

static int by_growth(const void *a, const void *b)
{
	const struct type_growth *left = a, *right = b;

	if (left->growth != right->growth)
		return left->growth < right->growth ? 1 : -1;
	return strcmp(left->name, right->name);
}

static int show_growth(struct session *session, const struct baseline *baseline)
{
	const struct sample *sample = collector_sample(session->collector);
	_cleanup_free_ struct type_growth *rows = calloc(sample->type_cnt + 1, sizeof(*rows));
	struct status status;

	if (!rows)
		return -ENOMEM;
	for (size_t i = 0; i < sample->type_cnt; i++) {
		const struct type_count *type = &sample->types[i];
		const struct type_growth *before =
			bsearch(type->name, baseline->rows, baseline->cnt, sizeof(*rows), by_name);

		rows[i].name = type->name;
		rows[i].live = type->live;
		rows[i].bytes = type->bytes;
		rows[i].growth = (int64_t)type->live - (before ? (int64_t)before->live : 0);
		rows[i].bytes_growth = (int64_t)type->bytes - (before ? (int64_t)before->bytes : 0);
	}
	qsort(rows, sample->type_cnt, sizeof(*rows), by_growth);
	session_status(session, &status);
	session->report->ops->growth(session->report, &status, rows, sample->type_cnt,
				     report_rows(session->options, DEFAULT_ROWS));
	return 0;
}

int verb_growth(const struct options *options)
{
	struct baseline baseline = {};
	struct session session;
	enum watch_end end;
	int err, status = EXIT_DONE;

	if (session_open(options, options->pid, (struct session_wants){}, 0, &session))
		return EXIT_FAILED;
	err = session_loop(&session, keep_first, &baseline, &end);
	if (!err)
		err = baseline.rows ? show_growth(&session, &baseline) : -ESRCH;
	if (err)
		status = fail(&session, err);
	baseline_deinit(&baseline);
	session_close(&session);
	return status;
}
