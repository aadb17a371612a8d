/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/alloc_trial.h"

#include <time.h>

#include "base/clock.h"

/* Long enough for thousands of allocations of a process that does something. */
#define WATCH_NS 300000000L

static int watch(struct alloc_probes *probes)
{
	static const struct timespec wait = { .tv_nsec = WATCH_NS };
	int err = alloc_probes_arm(probes, 0, false);

	if (err)
		return err;
	nanosleep(&wait, NULL);
	return alloc_probes_disarm(probes);
}

int alloc_trial(const struct target *target, const struct python *python,
		const struct gc_lists *lists, const struct alloc_sites *sites,
		struct alloc_trial *out)
{
	const struct alloc_probes_options options = { .pid = target->pid,
						      .python = python,
						      .sites = sites,
						      .lists = lists,
						      .mode = ALLOC_TRIAL,
						      .epoch_fd = -1 };
	struct alloc_probes *probes;
	uint64_t begin_ns;
	int err = alloc_probes_open(&options, &probes);

	if (err)
		return err;
	err = alloc_probes_attach(probes);
	begin_ns = clock_now_ns();
	if (!err)
		err = watch(probes);
	out->elapsed_s = (double)(clock_now_ns() - begin_ns) / 1e9;
	if (!err)
		err = alloc_probes_read(probes, &out->seen);
	alloc_probes_close(probes);
	return err;
}

bool alloc_trial_failed(const struct alloc_trial *trial)
{
	const struct alloc_seen *seen = &trial->seen;

	return seen->missed || seen->missed_frees || seen->others || seen->faults;
}
