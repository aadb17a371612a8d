/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "cli/alloc_trial.h"
#include "cli/alloc_watch_state.h"

static int open_exact(struct alloc_watch *watch)
{
	struct session *session = watch->session;
	struct exact_options options = {
		.types = collector_types(session->collector),
		.remote = session->target.remote,
		.minor = session->python.minor,
		.interpreters = collector_interpreters(session->collector),
		.armed_ns = watch->begin_ns,
	};

	return exact_create(&options, &watch->exact);
}

/* Counting from here on, until the end. */
static int arm_exact(struct alloc_watch *watch)
{
	int err = alloc_probes_attach(watch->probes);

	if (!err)
		err = alloc_probes_arm(watch->probes, 0, true);
	watch->begin_ns = clock_now_ns();
	if (!err)
		err = open_exact(watch);
	return err;
}

static int open_probes(struct alloc_watch *watch, bool exact)
{
	struct session *session = watch->session;
	struct alloc_probes_options options = {
		.pid = session->target.pid,
		.python = &session->python,
		.sites = &watch->sites,
		.lists = collector_lists(session->collector),
		.mode = ALLOC_COUNT,
		.hook = collector_hook(session->collector),
		.epoch_fd = collector_epoch_fd(session->collector),
	};
	int err = alloc_price(&watch->price);

	if (err)
		return err;
	options.hit_ns = watch->price.hit_ns;
	err = alloc_probes_open(&options, &watch->probes);
	if (!err && exact)
		err = arm_exact(watch);
	return err;
}

/* Counts would be too low, and nobody could tell by how much. */
static int find_places(struct alloc_watch *watch)
{
	struct session *session = watch->session;
	struct alloc_summary summary;
	int err = alloc_sites_find(&session->python, collector_lists(session->collector),
				   &watch->sites);

	if (!err)
		err = alloc_sites_check(&watch->sites, &summary);
	if (err && err != -ENODATA) {
		pr_error("allocation probes: process %d: its code counts allocations nowhere that "
			 "is known: %s; pyleak-bpf doctor -p %d tells what works",
			 session->target.pid, strerror(-err), session->target.pid);
		return err;
	}
	alloc_sites_words(&summary, watch->words, sizeof(watch->words));
	if (err)
		pr_warn("allocation probes: process %d: %s: allocations elsewhere are not seen",
			session->target.pid, watch->words);
	return 0;
}

/* Whoever counts wants to know whether these are all. */
static int check_places(struct alloc_watch *watch)
{
	struct session *session = watch->session;
	size_t used = strlen(watch->words);
	struct alloc_trial trial;
	int err = alloc_trial(&session->target, &session->python,
			      collector_lists(session->collector), &watch->sites, &trial);

	if (err)
		return err;
	if (!trial.seen.allocs && !trial.seen.missed)
		snprintf(watch->words + used, sizeof(watch->words) - used,
			 "; not checked, the process was idle");
	else
		snprintf(watch->words + used, sizeof(watch->words) - used,
			 "; checked: %llu of %llu allocations seen",
			 (unsigned long long)trial.seen.allocs,
			 (unsigned long long)(trial.seen.allocs + trial.seen.missed));
	if (alloc_trial_failed(&trial))
		pr_warn("allocation probes: process %d: counts will be wrong, this build is not "
			"known: %s",
			session->target.pid, watch->words);
	return 0;
}

int alloc_watch_open(struct session *session, bool exact, struct alloc_watch **out)
{
	struct alloc_watch *watch = calloc(1, sizeof(*watch));
	int err;

	if (!watch)
		return -ENOMEM;
	watch->session = session;
	err = find_places(watch);
	if (!err && exact)
		err = check_places(watch);
	if (!err)
		err = open_probes(watch, exact);
	if (err) {
		alloc_watch_close(watch);
		return err;
	}
	session->allocs = watch;
	*out = watch;
	return 0;
}

void alloc_watch_close(struct alloc_watch *watch)
{
	if (!watch)
		return;
	alloc_watch_rest(watch);
	exact_destroy(watch->exact);
	alloc_probes_close(watch->probes);
	for (size_t i = 0; i < watch->name_cnt; i++)
		free(watch->names[i]);
	watch->session->allocs = NULL;
	free(watch);
}
