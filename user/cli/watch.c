/* SPDX-License-Identifier: BSD-2-Clause */
/* The main job: collect -> detect -> report, every interval; when a leak is called, a snapshot says
 * who holds it; a summary at the end. */
#include "cli/verbs.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/log.h"
#include "cli/leak_job.h"
#include "cli/makers.h"
#include "cli/report_open.h"
#include "detect/detect.h"

/* A leak is looked into again when it has doubled since, but not sooner than this. */
#define AGAIN_S 60.0
#define MAX_LOOKED_INTO 256
#define MAX_AT_ONCE 8
#define STACKS_SHOWN 3
#define EXACT_ROWS 10
/* At the end: how long a snapshot under way is waited for. */
#define PATIENCE_MS 20000
#define PATIENCE_INTERRUPTED_MS 3000

/* A leak that a snapshot was taken for. */
struct looked_into {
	char *name;
	uint64_t address;
	uint64_t live;
	double time_s;
};

struct watch {
	struct detector *detector;
	bool leak_found;
	struct makers makers;
	struct leak_job *job;	/* under way */
	struct leak_job *found; /* the last that ended: the summary repeats it */
	struct looked_into done[MAX_LOOKED_INTO];
	size_t done_cnt;
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

static struct looked_into *find_done(struct watch *watch, const struct verdict *verdict)
{
	for (size_t i = 0; i < watch->done_cnt; i++) {
		if (watch->done[i].address == verdict->address &&
		    !strcmp(watch->done[i].name, verdict->name))
			return &watch->done[i];
	}
	return NULL;
}

/* Is it worth a snapshot now? Remembers it then. */
static bool take_note(struct watch *watch, const struct verdict *verdict, double now_s)
{
	struct looked_into *done = find_done(watch, verdict);

	if (verdict->kind != VERDICT_LEAK || (verdict->group && !verdict->head))
		return false;
	if (done && (verdict->live < 2 * done->live || now_s < done->time_s + AGAIN_S))
		return false;
	if (!done) {
		if (watch->done_cnt == MAX_LOOKED_INTO)
			return false;
		done = &watch->done[watch->done_cnt];
		done->name = strdup(verdict->name);
		if (!done->name)
			return false;
		done->address = verdict->address;
		watch->done_cnt++;
	}
	done->live = verdict->live;
	done->time_s = now_s;
	return true;
}

static void start_job(struct session *session, struct watch *watch, const struct verdict *leaks,
		      size_t cnt)
{
	if (leak_job_start(session, leaks, cnt, &watch->job))
		return;
	session->extra_fd = leak_job_fd(watch->job);
}

static void look_into(struct session *session, struct watch *watch, const struct status *status)
{
	struct verdict leaks[MAX_AT_ONCE];
	double now_s = session_elapsed(session);
	size_t cnt = 0;

	if (watch->job)
		return;
	for (size_t i = 0; i < status->verdict_cnt && cnt < MAX_AT_ONCE; i++) {
		if (!take_note(watch, &status->verdicts[i], now_s))
			continue;
		makers_ask(&watch->makers, &status->verdicts[i]);
		leaks[cnt++] = status->verdicts[i];
	}
	if (cnt)
		start_job(session, watch, leaks, cnt);
}

static void show_exact(struct session *session, const struct watch *watch)
{
	session->report->ops->exact(session->report, session_elapsed(session),
				    alloc_watch_counts(watch->makers.watch),
				    report_rows(session->options, EXACT_ROWS));
}

/* What the probes on allocations tell, if there are any. */
static void show_allocations(struct session *session, struct watch *watch)
{
	const struct report_ops *ops = session->report->ops;

	if (makers_step(&watch->makers))
		ops->stacks(session->report, &watch->makers.stacks, STACKS_SHOWN);
	if (session->options->exact)
		show_exact(session, watch);
}

static int on_sample(struct session *session, void *context)
{
	struct watch *watch = context;
	struct status status;
	int err;

	show_allocations(session, watch);
	session_status(session, &status);
	err = detector_add(watch->detector, status.sample);
	if (!err)
		err = judge(watch, &status);
	if (!err) {
		session->report->ops->status(session->report, &status);
		look_into(session, watch, &status);
	}
	return err;
}

static int on_extra(struct session *session, void *context)
{
	struct watch *watch = context;
	int done = leak_job_take(watch->job);
	const char *text;
	size_t len;

	if (!done)
		return 0;
	text = leak_job_text(watch->job, &len);
	if (done > 0 && len) {
		session->report->ops->insert(session->report, text, len);
		leak_job_close(watch->found);
		watch->found = watch->job;
	} else {
		leak_job_close(watch->job);
	}
	watch->job = NULL;
	session->extra_fd = -1;
	return 0;
}

/* SIGUSR1: a snapshot of what leaks now, or of the whole heap. */
static int on_request(struct session *session, void *context)
{
	struct verdict leaks[MAX_AT_ONCE];
	struct watch *watch = context;
	struct status status;
	size_t cnt = 0;
	int err;

	if (watch->job)
		return 0;
	session_status(session, &status);
	err = judge(watch, &status);
	for (size_t i = 0; !err && i < status.verdict_cnt && cnt < MAX_AT_ONCE; i++) {
		const struct verdict *verdict = &status.verdicts[i];

		if (verdict->kind == VERDICT_LEAK && (!verdict->group || verdict->head))
			leaks[cnt++] = *verdict;
	}
	if (!err)
		start_job(session, watch, leaks, cnt);
	return err;
}

/* A snapshot under way is part of the result. */
static void await_job(struct session *session, struct watch *watch, enum watch_end end)
{
	uint64_t patience = end == END_INTERRUPTED ? PATIENCE_INTERRUPTED_MS : PATIENCE_MS;
	uint64_t until = clock_now_ns() + patience * 1000000;

	while (watch->job) {
		struct pollfd fd = { .fd = leak_job_fd(watch->job), .events = POLLIN };
		uint64_t now = clock_now_ns();

		if (now >= until || poll(&fd, 1, (int)((until - now) / 1000000) + 1) < 0)
			break;
		if (fd.revents)
			on_extra(session, watch);
	}
	if (watch->job)
		session->report->ops->note(session->report, session_elapsed(session),
					   "the snapshot was not waited for");
}

/* For a person the summary is what counts, and the snapshot may be hours above it. */
static void repeat_found(struct session *session, struct watch *watch)
{
	const char *text;
	size_t len;

	if (!watch->found || session->options->format == FORMAT_JSON)
		return;
	session->report->ops->insert(session->report, "\n", 1);
	text = leak_job_text(watch->found, &len);
	session->report->ops->insert(session->report, text, len);
}

static int summarize(struct session *session, struct watch *watch, enum watch_end end)
{
	struct summary summary = {
		.end = end,
		.censuses = session->censuses,
		.children = session->children,
	};
	int err;

	summary.stacks = makers_answer(&watch->makers);
	memcpy(summary.censuses_by, session->censuses_by, sizeof(summary.censuses_by));
	session_status(session, &summary.status);
	/* The verdict that counts is the last one. */
	watch->leak_found = false;
	err = judge(watch, &summary.status);
	if (err)
		return err;
	session->report->ops->summary(session->report, &summary);
	if (session->options->exact && session->options->format != FORMAT_JSON)
		show_exact(session, watch);
	repeat_found(session, watch);
	return 0;
}

static void deinit(struct watch *watch)
{
	for (size_t i = 0; i < watch->done_cnt; i++)
		free(watch->done[i].name);
	leak_job_close(watch->job);
	leak_job_close(watch->found);
	makers_close(&watch->makers);
	detector_destroy(watch->detector);
}

/* The folder for pictures, made when it is missing. */
static int make_folder(const char *path)
{
	struct stat info;

	if (!path || (!stat(path, &info) && S_ISDIR(info.st_mode)) || !mkdir(path, 0755))
		return 0;
	pr_error("watch: the folder %s cannot be made: %s; name another with -o", path,
		 strerror(errno));
	return -errno;
}

int watch_session(struct session *session)
{
	struct watch watch = {};
	enum watch_end end = END_DURATION;
	int err;

	if (make_folder(session->options->output))
		return EXIT_FAILED;
	session->on_extra = on_extra;
	session->on_request = on_request;
	err = detector_create(session->options->interval_s, &watch.detector);
	if (!err && makers_open(session, session->options->exact, &watch.makers)) {
		deinit(&watch);
		return EXIT_FAILED; /* said there */
	}
	if (!err)
		err = session_loop(session, on_sample, &watch, &end);
	if (!err) {
		await_job(session, &watch, end);
		err = summarize(session, &watch, end);
	}
	deinit(&watch);
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
