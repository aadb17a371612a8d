/* SPDX-License-Identifier: BSD-2-Clause */
/* The loop waits on signals, the target's end, the kernel side and the clock, in one poll(). */
#include "cli/session.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "cli/report_open.h"

#define OVERDUE_S 5.0

double session_elapsed(const struct session *session)
{
	return (double)(clock_now_ns() - session->begin_ns) / 1e9;
}

static void report_target(struct session *session)
{
	struct target_info info = {
		.pid = session->target.pid,
		.program = session->target.program,
		.version = session->python.version,
		.python_file = session->python.file,
		.hook = collector_hook(session->collector)->words,
		.interpreters = collector_interpreters(session->collector),
		.interval_s = session->options->interval_s,
		.budget_pct = session->options->budget_pct,
		.max_pause_ms = session->options->max_pause_ms,
	};

	session->report->ops->target(session->report, &info);
}

/* A process that was just started maps and fills its runtime in a few milliseconds. */
static int find_python(struct session *session, double patience_s)
{
	static const struct timespec wait = { .tv_nsec = 2000000 };
	int err;

	for (;;) {
		err = python_find(&session->target, &session->python);
		if (err != -EAGAIN || session_elapsed(session) > patience_s)
			break;
		nanosleep(&wait, NULL);
		if (target_read_maps(&session->target))
			return -ESRCH;
	}
	if (err == -EAGAIN)
		python_log_too_early(&session->target);
	return err;
}

int session_open(const struct options *options, pid_t pid, struct session_wants wants,
		 double patience_s, struct session *out)
{
	struct collector_options collect = {
		.interval_s = options->interval_s,
		.budget_pct = options->budget_pct > 0 ? options->budget_pct : DEFAULT_BUDGET_PCT,
		.max_pause_ms = options->max_pause_ms,
		.pauses = wants.pauses,
		.young = wants.young,
		.no_census = wants.no_census,
		.early = wants.early,
		.scan = wants.scan,
	};
	int err;

	memset(out, 0, sizeof(*out));
	out->options = options;
	out->extra_fd = -1;
	out->begin_ns = clock_now_ns();
	err = target_open(pid, &out->target);
	if (err)
		return err;
	out->program_mark = target_program_mark(&out->target);
	err = find_python(out, patience_s);
	if (!err)
		err = collector_open(&out->target, &out->python, &collect, &out->collector);
	if (!err) {
		out->report = report_open(options);
		err = out->report ? 0 : -ENOMEM;
	}
	if (err) {
		session_close(out);
		return err;
	}
	out->report->pid = pid;
	out->report->limit = options->limit;
	out->begin_ns = clock_now_ns();
	report_target(out);
	return 0;
}

void session_close(struct session *session)
{
	report_destroy(session->report);
	collector_close(session->collector);
	python_close(&session->python);
	target_close(&session->target);
	session->report = NULL;
	session->collector = NULL;
}

static void note_children(struct session *session)
{
	unsigned int children = target_children(&session->target);
	char sentence[160];

	if (children <= session->children)
		return;
	session->children = children;
	snprintf(sentence, sizeof(sentence),
		 "the target has %u child process%s: only process %d itself is watched", children,
		 children == 1 ? "" : "es", session->target.pid);
	session->report->ops->note(session->report, session_elapsed(session), sentence);
}

/* What one turn of the loop knows. */
struct loop {
	bool pending; /* a census is asked for */
	uint64_t asked_ns;
	uint64_t next_ns; /* when the next is due */
	int signals;
};

static int wait_ms(const struct session *session, const struct loop *loop)
{
	uint64_t now = clock_now_ns(), until = loop->next_ns;
	double left_s = session->options->duration_s - session_elapsed(session);
	uint64_t ms;

	if (loop->pending)
		return COLLECTOR_TICK_MS;
	ms = until > now ? (until - now) / 1000000 + 1 : 0;
	if (session->options->duration_s > 0 && left_s * 1000 < (double)ms)
		ms = left_s > 0 ? (uint64_t)(left_s * 1000) + 1 : 0;
	return (int)(ms > 3600000 ? 3600000 : ms);
}

/* A census of a large heap, or under a small budget, may take long: meanwhile the memory is
 * looked at. */
static bool is_overdue(const struct session *session, const struct loop *loop)
{
	double waited_s = (double)(clock_now_ns() - loop->asked_ns) / 1e9;
	double limit_s = 2 * session->options->interval_s;

	return waited_s > (limit_s > OVERDUE_S ? limit_s : OVERDUE_S);
}

static int ask(struct session *session, struct loop *loop)
{
	uint64_t now = clock_now_ns(), interval = (uint64_t)(session->options->interval_s * 1e9);

	loop->asked_ns = now;
	loop->next_ns = loop->next_ns + interval > now ? loop->next_ns + interval : now + interval;
	loop->pending = true;
	return collector_begin(session->collector);
}

/* 1 = a sample is there. */
static int advance(struct session *session, struct loop *loop)
{
	enum instrument instrument;
	int err = collector_step(session->collector);

	if (!err && is_overdue(session, loop)) {
		collector_interim(session->collector);
		loop->asked_ns = clock_now_ns();
		session->censuses_by[INSTRUMENT_NONE]++;
		return 1;
	}
	if (err != 1)
		return err;
	loop->pending = false;
	instrument = collector_sample(session->collector)->instrument;
	session->censuses_by[instrument]++;
	session->censuses += instrument != INSTRUMENT_NONE;
	note_children(session);
	return 1;
}

enum { WAIT_SIGNAL, WAIT_TARGET, WAIT_CENSUS, WAIT_EXTRA, WAIT_CNT };

static bool is_over(struct session *session, struct pollfd *fds, enum watch_end *end)
{
	if (fds[WAIT_SIGNAL].revents)
		*end = END_INTERRUPTED;
	else if (fds[WAIT_TARGET].revents)
		*end = END_TARGET_EXITED;
	else if (target_program_mark(&session->target) != session->program_mark)
		*end = target_is_alive(&session->target) ? END_TARGET_EXECED : END_TARGET_EXITED;
	else if (session->options->duration_s > 0 &&
		 session_elapsed(session) >= session->options->duration_s)
		*end = END_DURATION;
	else
		return false;
	return true;
}

/* SIGUSR1 is a request; it leaves no trace in `fds`, so that any other signal ends the loop. */
static int serve(struct session *session, struct loop *loop, struct pollfd *fds, void *context)
{
	struct signalfd_siginfo info;
	int err = 0;

	if (fds[WAIT_SIGNAL].revents && session->on_request &&
	    read(loop->signals, &info, sizeof(info)) == sizeof(info) && info.ssi_signo == SIGUSR1) {
		fds[WAIT_SIGNAL].revents = 0;
		err = session->on_request(session, context);
	}
	if (!err && fds[WAIT_EXTRA].revents)
		err = session->on_extra(session, context);
	return err;
}

static int wait_for_more(struct session *session, struct loop *loop, struct pollfd *fds)
{
	fds[WAIT_SIGNAL] = (struct pollfd){ .fd = loop->signals, .events = POLLIN };
	fds[WAIT_TARGET] = (struct pollfd){ .fd = session->target.pidfd, .events = POLLIN };
	fds[WAIT_CENSUS] =
		(struct pollfd){ .fd = collector_event_fd(session->collector), .events = POLLIN };
	fds[WAIT_EXTRA] = (struct pollfd){ .fd = session->extra_fd, .events = POLLIN };
	return poll(fds, WAIT_CNT, wait_ms(session, loop)) < 0 && errno != EINTR ? -errno : 0;
}

static int run_loop(struct session *session, struct loop *loop,
		    int (*on_sample)(struct session *, void *), void *context, enum watch_end *end)
{
	struct pollfd fds[WAIT_CNT];
	int err;

	for (;;) {
		if (!loop->pending && clock_now_ns() >= loop->next_ns) {
			err = ask(session, loop);
			if (err)
				return err;
		}
		err = wait_for_more(session, loop, fds);
		if (!err)
			err = serve(session, loop, fds, context);
		if (err)
			return err;
		if (is_over(session, fds, end))
			return 0;
		err = loop->pending ? advance(session, loop) : 0;
		if (err == -ESRCH) {
			*end = END_TARGET_EXITED;
			return 0;
		}
		if (err == 1)
			err = on_sample(session, context);
		if (err) {
			*end = END_DURATION;
			return err < 0 ? err : 0;
		}
	}
}

int session_loop(struct session *session, int (*on_sample)(struct session *, void *), void *context,
		 enum watch_end *end)
{
	struct loop loop = { .signals = -1, .next_ns = clock_now_ns() };
	sigset_t set;
	int err;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	if (session->on_request)
		sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	loop.signals = signalfd(-1, &set, SFD_CLOEXEC);
	if (loop.signals < 0)
		return -errno;
	err = run_loop(session, &loop, on_sample, context, end);
	close(loop.signals);
	return err;
}
