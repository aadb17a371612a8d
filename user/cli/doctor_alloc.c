/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether allocations and frees could be counted one by one in a process: where its code counts
 * them itself, whether these places are all, which is tried, and what it would cost. */
#include "cli/doctor.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "attach/alloc_sites.h"
#include "base/cleanup.h"
#include "cli/alloc_trial.h"

#define FIND_TRIES 20
#define FIND_WAIT_NS 5000000L
#define NAME "allocation probes"

/* Time that the probes add to a second of the process, if their hits cost only the trap. The trial
 * itself slowed it down: that time is taken off. */
static double share_of(const struct alloc_trial *trial, double hit_s)
{
	double hits = (double)(trial->seen.allocs + trial->seen.frees);
	double own_s = trial->elapsed_s - hits * hit_s - (double)trial->seen.spent_ns / 1e9;

	if (own_s < trial->elapsed_s / 20)
		own_s = trial->elapsed_s / 20;
	return hits * hit_s / own_s;
}

static void advise_incomplete(struct check *check, const struct alloc_seen *seen)
{
	check->state = CHECK_NOTE;
	if (seen->others)
		check_advise(check,
			     "at %llu hits the register held no object: not a build that is "
			     "known; report it with this output",
			     (unsigned long long)seen->others);
	else
		check_advise(check, "what is counted one by one would be too low: not a build that "
				    "is known; report it with this output");
}

static void describe_trial(struct checks *checks, const char *places,
			   const struct alloc_trial *trial, double hit_s)
{
	const struct alloc_seen *seen = &trial->seen;
	double share = share_of(trial, hit_s);
	struct check *check;

	if (!seen->allocs && !seen->frees) {
		check = checks_add(checks, CHECK_OK, NAME, "%s; not checked: idle; %.2f us per hit",
				   places, hit_s * 1e6);
		check_advise(check, "to see that these are all, ask again while it is busy");
		return;
	}
	check = checks_add(checks, CHECK_OK, NAME,
			   "%s; checked: %llu of %llu allocations seen; %.2f us per hit, now +%.*f "
			   "%% time",
			   places, (unsigned long long)seen->allocs,
			   (unsigned long long)(seen->allocs + seen->missed), hit_s * 1e6,
			   share < 0.1, 100 * share);
	if (alloc_trial_failed(trial))
		advise_incomplete(check, seen);
}

static void describe_gap(struct check *check, const struct alloc_sites *sites,
			 const struct alloc_summary *summary)
{
	check->state = CHECK_NOTE;
	if (summary->decoded[ALLOC_NEW] < summary->places[ALLOC_NEW] ||
	    summary->decoded[ALLOC_FREE] < summary->places[ALLOC_FREE])
		check_advise(check, "at the others it is not known which object it is; report this "
				    "build with this output");
	else if (sites->rejected_cnt)
		check_advise(check, "%#llx was left out: %s",
			     (unsigned long long)sites->rejected[0].address,
			     alloc_rejection_words(sites->rejected[0].why));
}

/* A collection that runs while the lists are looked for can show them where they are not, from
 * 3.14 on; no code counts there then. */
static int find_places(const struct target *target, const struct python *python,
		       struct gc_lists *lists, struct alloc_sites *sites,
		       struct alloc_summary *summary)
{
	static const struct timespec wait = { .tv_nsec = FIND_WAIT_NS };
	int err = -ENOENT;

	for (int i = 0; i < FIND_TRIES && err == -ENOENT; i++) {
		if (i) {
			nanosleep(&wait, NULL);
			if (gc_lists_find(python, target->remote, lists))
				continue;
		}
		err = alloc_sites_find(python, lists, sites);
		if (!err)
			err = alloc_sites_check(sites, summary);
	}
	return err;
}

void doctor_check_allocs(struct checks *checks, const struct target *target,
			 const struct python *python, const struct gc_lists *found, bool try_them,
			 double hit_s)
{
	_cleanup_free_ struct alloc_sites *sites = malloc(sizeof(*sites));
	_cleanup_free_ struct gc_lists *lists = malloc(sizeof(*lists));
	struct alloc_summary summary;
	struct alloc_trial trial = {};
	struct check *check;
	char places[80];
	int err = sites && lists ? 0 : -ENOMEM;

	if (!err) {
		*lists = *found;
		err = find_places(target, python, lists, sites, &summary);
	}
	if (err && err != -ENODATA) {
		checks_add(checks, CHECK_NOTE, NAME, "no places found: %s",
			   err == -ENOENT ? "not a build that is known" : strerror(-err));
		return;
	}
	alloc_sites_words(&summary, places, sizeof(places));
	if (!try_them) {
		check = checks_add(checks, CHECK_OK, NAME, "%s; not tried", places);
		check_advise(check, "doctor --exact tries whether these are all, which slows the "
				    "process for seconds");
		return;
	}
	if (alloc_trial(target, python, lists, sites, &trial)) {
		check = checks_add_logged(checks, NAME, "they cannot be set");
		check->state = CHECK_NOTE; /* nothing else needs them */
		return;
	}
	describe_trial(checks, places, &trial, hit_s);
	check = &checks->items[checks->cnt - 1];
	if (err && !check->advice[0])
		describe_gap(check, sites, &summary);
}
