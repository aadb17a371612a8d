/* SPDX-License-Identifier: BSD-2-Clause */
/* `stat`: what the collector did, like perf stat: counters of the interpreter before and after,
 * pauses from the kernel side. */
#include "cli/verbs.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "cli/alloc_watch.h"
#include "cli/report_open.h"

_Static_assert(STAT_PAUSE_BUCKETS == PYLEAK_PAUSE_BUCKETS, "report.h follows pyleak_wire.h");

#define EXACT_ROWS 20

struct stat_run {
	struct alloc_watch *allocs; /* --exact */
	struct gc_counters first, last;
	bool begun;
};

static int on_sample(struct session *session, void *context)
{
	struct stat_run *run = context;

	int err = run->allocs ? alloc_watch_step(run->allocs) : 0;

	if (err)
		return err;
	run->last = collector_sample(session->collector)->gc;
	if (!run->begun && run->last.known) {
		run->first = run->last;
		run->begun = true;
	}
	return 0;
}

static void fill_pauses(const volatile struct pyleak_pauses *pauses, struct gc_stat *out)
{
	for (int g = 0; g < PYLEAK_GENERATIONS; g++) {
		out->pauses[g] = pauses->cnt[g];
		out->pause_total_s[g] = (double)pauses->total_ns[g] / 1e9;
		out->pause_longest_s[g] = (double)pauses->longest_ns[g] / 1e9;
		for (int b = 0; b < PYLEAK_PAUSE_BUCKETS; b++)
			out->log2_us[g][b] = pauses->log2_us[g][b];
	}
	out->unknown_pauses = pauses->unknown;
}

/* Every young collection that the hook saw is walked, or skipped for the budget. What a
 * collection of the youngest generation met and did not free has been promoted. */
static void fill_promoted(const struct session *session, struct gc_stat *out)
{
	const volatile struct pyleak_progress *progress = collector_progress(session->collector);
	uint64_t met = progress->young_objects, freed = out->collected[0];

	out->promoted_known = progress->young_walks && !progress->young_skipped;
	if (out->promoted_known && out->elapsed_s > 0)
		out->promoted_per_s = met > freed ? (double)(met - freed) / out->elapsed_s : 0;
}

static void show(struct session *session, struct stat_run *run)
{
	struct gc_stat stat = { .elapsed_s = session_elapsed(session) };
	struct status status;

	for (int g = 0; g < PYLEAK_GENERATIONS; g++) {
		stat.collections[g] = run->last.collections[g] - run->first.collections[g];
		stat.collected[g] = run->last.collected[g] - run->first.collected[g];
	}
	fill_pauses(collector_pauses(session->collector), &stat);
	fill_promoted(session, &stat);
	session_status(session, &status);
	session->report->ops->stat(session->report, &stat, &status.cost);
	if (run->allocs)
		session->report->ops->exact(session->report, stat.elapsed_s,
					    alloc_watch_counts(run->allocs),
					    report_rows(session->options, EXACT_ROWS));
}

int verb_stat(const struct options *options)
{
	const struct session_wants wants = {
		.pauses = true,
		.young = true,
		.no_census = !options->exact, /* exact counts are anchored in them */
	};
	struct stat_run run = {};
	struct session session;
	enum watch_end end;
	int err;

	if (session_open(options, options->pid, wants, 0, &session))
		return EXIT_FAILED;
	if (options->exact && alloc_watch_open(&session, true, &run.allocs)) {
		session_close(&session);
		return EXIT_FAILED; /* said there */
	}
	err = session_loop(&session, on_sample, &run, &end);
	if (!err && !collector_give_up(session.collector))
		on_sample(&session, &run);
	if (err)
		pr_error("stat: process %d: %s", session.target.pid, strerror(-err));
	else
		show(&session, &run);
	alloc_watch_close(run.allocs);
	session_close(&session);
	return err ? EXIT_FAILED : EXIT_DONE;
}
