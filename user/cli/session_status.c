/* SPDX-License-Identifier: BSD-2-Clause */
/* What a session knows at one moment: the newest sample, what watching cost, what was lost. */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/alloc_watch.h"
#include "cli/session.h"

static double own_cpu_s(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static uint64_t own_rss(void)
{
	_cleanup_fclose_ FILE *file = fopen("/proc/self/statm", "re");
	unsigned long pages = 0;

	if (!file || fscanf(file, "%*u %lu", &pages) != 1)
		return 0;
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void read_cost(struct session *session, struct cost *out)
{
	const volatile struct pyleak_progress *progress = collector_progress(session->collector);
	double spent_s = (double)collector_spent_ns(session->collector) / 1e9, probes_s;

	out->elapsed_s = session_elapsed(session);
	out->gc_hits = progress->hits[PYLEAK_HOOK_GC];
	out->safepoint_hits = progress->hits[PYLEAK_HOOK_SAFEPOINT];
	probes_s = (double)alloc_watch_spent_ns(session->allocs) / 1e9;
	out->target_share = out->elapsed_s > 0 ? (spent_s + probes_s) / out->elapsed_s : 0;
	out->probes_share = out->elapsed_s > 0 ? probes_s / out->elapsed_s : 0;
	out->longest_pause_s = (double)progress->longest_ns / 1e9;
	out->tool_share = out->elapsed_s > 0 ? own_cpu_s() / out->elapsed_s : 0;
	out->tool_rss = own_rss();
	out->ns_per_object =
		progress->counted ? (double)progress->spent_ns / (double)progress->counted : 0;
}

static size_t read_losses(struct session *session)
{
	static const struct loss words[] = {
#define LOSS_WORDS(name_, words_) { .name = #name_, .words = words_ },
		PYLEAK_LOSSES(LOSS_WORDS)
	};
	uint64_t counts[PYLEAK_LOSS_CNT];
	size_t cnt = 0;

	collector_losses(session->collector, counts);
	for (size_t i = 0; i < PYLEAK_LOSS_CNT; i++) {
		if (!counts[i])
			continue;
		session->losses[cnt] = words[i];
		session->losses[cnt++].cnt = counts[i];
	}
	return cnt;
}

void session_status(struct session *session, struct status *out)
{
	memset(out, 0, sizeof(*out));
	out->sample = collector_sample(session->collector);
	read_cost(session, &out->cost);
	out->losses = session->losses;
	out->loss_cnt = read_losses(session);
}
