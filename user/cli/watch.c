/* SPDX-License-Identifier: BSD-2-Clause */
/* The main job: collect -> detect -> report, every interval, and a summary at the end. */
#include "cli/verbs.h"

#include <string.h>

#include "base/log.h"
#include "detect/detect.h"

struct watch {
	struct detector *detector;
	bool leak_found;
};

static int judge(struct watch *watch, struct status *status)
{
	int err = detector_judge(watch->detector, &status->verdicts, &status->verdict_cnt);

	for (size_t i = 0; !err && i < status->verdict_cnt; i++) {
		enum verdict_kind kind = status->verdicts[i].kind;

		watch->leak_found |= kind == VERDICT_LEAK || kind == VERDICT_NATIVE;
	}
	return err;
}

static int on_sample(struct session *session, void *context)
{
	struct watch *watch = context;
	struct status status;
	int err;

	session_status(session, &status);
	err = detector_add(watch->detector, status.sample);
	if (!err)
		err = judge(watch, &status);
	if (!err)
		session->report->ops->status(session->report, &status);
	return err;
}

static int summarize(struct session *session, struct watch *watch, enum watch_end end)
{
	struct summary summary = {
		.end = end,
		.censuses = session->censuses,
		.children = session->children,
	};
	int err;

	memcpy(summary.censuses_by, session->censuses_by, sizeof(summary.censuses_by));
	session_status(session, &summary.status);
	/* The verdict that counts is the last one. */
	watch->leak_found = false;
	err = judge(watch, &summary.status);
	if (!err)
		session->report->ops->summary(session->report, &summary);
	return err;
}

int watch_session(struct session *session)
{
	struct watch watch = {};
	enum watch_end end = END_DURATION;
	int err = detector_create(session->options->interval_s, &watch.detector);

	if (!err)
		err = session_loop(session, on_sample, &watch, &end);
	if (!err)
		err = summarize(session, &watch, end);
	detector_destroy(watch.detector);
	if (err) {
		pr_error("watch: process %d: %s", session->target.pid, strerror(-err));
		return EXIT_FAILED;
	}
	return watch.leak_found && session->options->fail_on_leak ? EXIT_LEAK : EXIT_DONE;
}

int verb_watch(const struct options *options)
{
	struct session session;
	int status;

	if (session_open(options, options->pid,
			 (struct session_wants){ .young = true, .scan = true }, 0, &session))
		return EXIT_FAILED;
	status = watch_session(&session);
	session_close(&session);
	return status;
}
