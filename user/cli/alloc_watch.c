/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/alloc_watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cli/alloc_watch_state.h"
#include "collect/alloc_stacks_build.h"
#include "collect/counts.h"
#include "collect/py_type.h"

#define CENSUS_SHARE 0.5 /* of the budget, while windows may be open */

/* ---- suspects */

static bool is_suspect(const struct alloc_watch *watch, const char *name)
{
	for (size_t i = 0; i < watch->name_cnt; i++) {
		if (py_type_is_called(name, watch->names[i]))
			return true;
	}
	return false;
}

struct search {
	struct alloc_watch *watch;
	const char *name;
	size_t found;
	int err;
};

static void suspect_counted(const struct counted_type *counted, void *context)
{
	struct search *search = context;
	struct py_types *types = collector_types(search->watch->session->collector);
	const struct py_type *type = py_types_get(types, counted->address);

	if (search->err || !type || !py_type_is_called(type->name, search->name))
		return;
	search->found++;
	search->watch->suspects++;
	search->err = alloc_probes_suspect(search->watch->probes, counted->address, true);
}

/* A class that is made anew all the time is another type each time. */
static int suspect_new(struct alloc_watch *watch)
{
	const volatile struct pyleak_alloc_type *slots = alloc_probes_types(watch->probes);
	struct py_types *types = collector_types(watch->session->collector);
	int err = 0;

	for (size_t i = 0; !err && i < PYLEAK_ALLOC_MAX_TYPES; i++) {
		const struct py_type *type;

		if (!slots[i].type || watch->met[i])
			continue;
		watch->met[i] = true;
		if (slots[i].flags & PYLEAK_ALLOC_DEAD)
			continue;
		type = py_types_get(types, slots[i].type);
		if (!type)
			return -ENOMEM;
		if (!is_suspect(watch, type->name))
			continue;
		watch->suspects++;
		err = alloc_probes_suspect(watch->probes, type->address, true);
	}
	return err == -ENOSPC ? 0 : err;
}

bool alloc_watch_has_suspects(const struct alloc_watch *watch)
{
	return watch->suspects;
}

static uint64_t censuses_spent_ns(void *context)
{
	const struct session *session = context;

	return collector_spent_ns(session->collector);
}

/* Windows open with what censuses leave of the budget, and those of a large heap leave nothing. */
static void share_budget(struct alloc_watch *watch, double share)
{
	double budget_pct = watch->session->options->budget_pct;

	if (budget_pct > 0)
		collector_set_budget(watch->session->collector, budget_pct * share);
}

static int open_windows(struct alloc_watch *watch)
{
	struct alloc_windows_options options = {
		.probes = watch->probes,
		.budget = watch->session->options->budget_pct / 100,
		.trap_ns = watch->price.trap_ns,
		.open_ns = alloc_price_window(&watch->price, watch->sites.cnt),
		.stacks = true,
		.others_ns = censuses_spent_ns,
		.context = watch->session,
	};

	if (!watch->begin_ns)
		watch->begin_ns = clock_now_ns();
	watch->end_ns = 0;
	share_budget(watch, CENSUS_SHARE);
	return alloc_windows_open(&options, &watch->windows);
}

int alloc_watch_suspect(struct alloc_watch *watch, const char *name)
{
	struct search search = { .watch = watch, .name = name };

	if (!is_suspect(watch, name)) {
		if (watch->name_cnt == ALLOC_MAX_SUSPECTS)
			return -ENOSPC;
		watch->names[watch->name_cnt] = strdup(name);
		if (!watch->names[watch->name_cnt])
			return -ENOMEM;
		watch->name_cnt++;
		memset(watch->met, 0, sizeof(watch->met));
	}
	counts_each_type(collector_counts(watch->session->collector), suspect_counted, &search);
	if (!search.err && !watch->exact && !watch->windows)
		search.err = open_windows(watch);
	return !search.err && !search.found ? -ENOENT : search.err;
}

/* ---- what was seen */

static void add_seen(struct alloc_windows_seen *sum, const struct alloc_windows_seen *more)
{
	sum->windows += more->windows;
	sum->cut_short += more->cut_short;
	sum->open_ns += more->open_ns;
	sum->spent_ns += more->spent_ns;
	sum->hits += more->hits;
	if (sum->longest_late_ns < more->longest_late_ns)
		sum->longest_late_ns = more->longest_late_ns;
}

static void seen_so_far(const struct alloc_watch *watch, struct alloc_windows_seen *out)
{
	struct alloc_windows_seen now = {};

	*out = watch->seen;
	if (watch->exact) {
		const volatile struct pyleak_alloc_progress *progress =
			alloc_probes_progress(watch->probes);

		now.windows = 1;
		now.open_ns = clock_now_ns() - watch->begin_ns;
		now.spent_ns = progress->spent_ns;
		now.hits = progress->hits;
	} else if (watch->windows) {
		alloc_windows_seen(watch->windows, &now);
	}
	add_seen(out, &now);
}

uint64_t alloc_watch_spent_ns(const struct alloc_watch *watch)
{
	struct alloc_windows_seen seen;

	if (!watch)
		return 0;
	seen_so_far(watch, &seen);
	return seen.spent_ns;
}

static int add_allocs(const struct pyleak_stack_key *key, const struct pyleak_stack_value *value,
		      void *context)
{
	uint64_t *sum = context;

	(void)key;
	*sum += value->allocs;
	return 0;
}

uint64_t alloc_watch_seen(const struct alloc_watch *watch)
{
	uint64_t sum = 0;

	alloc_probes_each_stack(watch->probes, add_allocs, &sum);
	return sum;
}

void alloc_watch_rest(struct alloc_watch *watch)
{
	struct alloc_windows_seen seen;

	if (!watch->windows)
		return;
	alloc_windows_stop(watch->windows);
	alloc_windows_seen(watch->windows, &seen);
	alloc_windows_close(watch->windows);
	watch->windows = NULL;
	share_budget(watch, 1);
	watch->end_ns = clock_now_ns();
	add_seen(&watch->seen, &seen);
}

int alloc_watch_stacks(struct alloc_watch *watch, struct alloc_stacks *out)
{
	const struct session *session = watch->session;
	uint64_t end_ns = watch->end_ns ? watch->end_ns : clock_now_ns();
	struct alloc_windows_seen seen;
	int err = alloc_stacks_read(watch->probes, &session->python, session->target.remote,
				    collector_types(session->collector), out);

	if (err)
		return err;
	seen_so_far(watch, &seen);
	out->elapsed_s = (double)(end_ns - watch->begin_ns) / 1e9;
	out->open_s = (double)seen.open_ns / 1e9;
	out->windows = seen.windows;
	out->cut_short = seen.cut_short;
	out->hits = seen.hits;
	out->target_share = out->elapsed_s > 0 ? (double)seen.spent_ns / 1e9 / out->elapsed_s : 0;
	return 0;
}

/* The sample is of a census of its own, or repeats the one before. */
static bool has_census(enum instrument instrument)
{
	return instrument == INSTRUMENT_GC || instrument == INSTRUMENT_SAFEPOINT ||
	       instrument == INSTRUMENT_OUTSIDE;
}

static int step_exact(struct alloc_watch *watch)
{
	struct collector *collector = watch->session->collector;
	enum instrument instrument = collector_sample(collector)->instrument;
	bool inside = instrument == INSTRUMENT_GC || instrument == INSTRUMENT_SAFEPOINT;
	struct exact_census census = {
		.counts = collector_counts(collector),
		.epoch = inside ? collector_epoch(collector) : 0,
		.approximate = !inside || collector_progress(collector)->slices > 1,
	};
	__u64 pending[PYLEAK_ALLOC_MAX_COUNTS];
	struct exact_input input = {
		.now_ns = clock_now_ns(),
		.slots = alloc_probes_types(watch->probes),
		.slot_cnt = PYLEAK_ALLOC_MAX_TYPES,
		.progress = alloc_probes_progress(watch->probes),
		.pending = pending,
	};

	if (instrument == INSTRUMENT_OUTSIDE || instrument == INSTRUMENT_UNCHANGED)
		input.pending_cnt =
			alloc_probes_pending(watch->probes, pending, PYLEAK_ALLOC_MAX_COUNTS);
	return exact_step(watch->exact, &input, has_census(instrument) ? &census : NULL);
}

int alloc_watch_step(struct alloc_watch *watch)
{
	int err = watch->name_cnt ? suspect_new(watch) : 0;

	return !err && watch->exact ? step_exact(watch) : err;
}

const struct exact_counts *alloc_watch_counts(const struct alloc_watch *watch)
{
	return exact_counts(watch->exact);
}

const char *alloc_watch_words(const struct alloc_watch *watch)
{
	return watch->words;
}
