/* SPDX-License-Identifier: BSD-2-Clause */
/* The censuses that cost the target nothing: read from outside, of a process that sleeps, or, when
 * the heap is too large for slices, of one that runs. What they cost us is bounded. */
#include "collect/collector_state.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "collect/outside.h"

#define OUTSIDE_SHARE 0.006 /* of a core that reading from outside may take of ours */
#define CALM_S 3.0	    /* without a full collection there may be none at all */

void collector_withdraw(struct collector *collector)
{
	static const struct timespec wait = { .tv_nsec = 200000 };

	__atomic_store_n(&probes_control(collector->probes)->want, 0, __ATOMIC_RELEASE);
	for (int i = 0; i < 1000 && progress_of(collector)->busy; i++)
		nanosleep(&wait, NULL);
}

/* What looks broken in a process that ran meanwhile was only in motion. */
static enum pyleak_loss loss_of(int err, bool ran)
{
	if (err == -E2BIG)
		return PYLEAK_LOSS_OBJECT_LIMIT;
	if (ran || !err || err == -EAGAIN)
		return PYLEAK_LOSS_TORN;
	return err == -EFAULT ? PYLEAK_LOSS_READ_FAULT : PYLEAK_LOSS_LIST_BROKEN;
}

static uint64_t own_cpu_ns(void)
{
	struct timespec cpu;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
	return (uint64_t)cpu.tv_sec * 1000000000ULL + (uint64_t)cpu.tv_nsec;
}

/* Counts from outside, and books what it cost us. */
static int count_outside(struct collector *collector, struct outside_walk *walk)
{
	uint64_t begin = own_cpu_ns(), objects;
	int err = outside_count(walk, collector->counts, &objects);
	uint64_t cost = own_cpu_ns() - begin;

	collector->losses[PYLEAK_LOSS_CONTAINERS_FULL] += walk->containers_lost;
	collector->outside_due_ns = clock_now_ns() + (uint64_t)((double)cost / OUTSIDE_SHARE);
	return err;
}

static struct outside_walk make_walk(struct collector *collector)
{
	return (struct outside_walk){
		.reader = &collector->reader,
		.lists = &collector->lists,
		.set_types = { collector->set_types[0], collector->set_types[1] },
		.max_objects = COLLECTOR_MAX_OBJECTS,
		.container_min = collector->container_min,
	};
}

static void ask_again(struct collector *collector)
{
	__atomic_store_n(&probes_control(collector->probes)->want, ++collector->request,
			 __ATOMIC_RELEASE);
}

static bool is_fatal(int err)
{
	return err == -ENOMEM || err == -ESRCH || err == -EPERM;
}

/* One attempt to read everything that the kernel side has not counted yet, of a process at rest.
 * 0: it changed meanwhile, or cannot be read now. */
int collector_try_outside(struct collector *collector)
{
	const volatile struct pyleak_progress *progress = progress_of(collector);
	struct outside_walk walk = make_walk(collector);
	uint64_t cpu, mark;
	int err;

	collector_withdraw(collector);
	if (progress->began == collector->request && !progress->cursor)
		walk.skip = progress->visited;
	cpu = target_cpu_ns(collector->target);
	mark = outside_fingerprint(&walk);
	if (!walk.skip && mark == collector->sample_mark) {
		/* It woke and slept again: the lists are as they were read. */
		collector_complete_sample(collector, INSTRUMENT_UNCHANGED);
		return 1;
	}
	counts_reset(collector->counts);
	err = walk.skip ? collector_harvest(collector, progress->serial) : 0;
	if (!err)
		err = count_outside(collector, &walk);
	if (is_fatal(err))
		return err;
	if (!err && mark == outside_fingerprint(&walk) &&
	    (walk.skip || cpu == target_cpu_ns(collector->target))) {
		collector->asked_cpu_ns = cpu;
		collector->sample_mark = walk.skip ? 0 : mark;
		return collector_finish(collector, INSTRUMENT_OUTSIDE);
	}
	collector->losses[loss_of(err, mark != outside_fingerprint(&walk) ||
					       cpu != target_cpu_ns(collector->target))]++;
	ask_again(collector);
	return 0;
}

static uint64_t full_marks(const struct collector *collector)
{
	uint64_t marks = 0;

	for (uint32_t i = 0; i < collector->lists.cnt; i++) {
		raddr_t mark = collector->lists.interpreters[i].generation_marks[2];

		marks = marks * 31 + (mark ? remote_word32(collector->target->remote, mark) : 0);
	}
	return marks;
}

bool collector_is_calm(struct collector *collector)
{
	uint64_t marks = full_marks(collector);
	bool changed = marks != collector->full_marks;

	if (changed || !collector->full_marks_ns) {
		collector->full_marks = marks;
		collector->full_marks_ns = clock_now_ns();
	}
	return changed || seconds_since(collector->full_marks_ns) > CALM_S;
}

/* A heap so large that full collections come faster than slices: read while the target runs.
 * The old objects, nearly all, stay where they are between full collections; what moved under
 * the walk is counted as torn. 0: a full collection came in between. */
int collector_try_moving(struct collector *collector)
{
	struct outside_walk walk = make_walk(collector);
	uint64_t marks = full_marks(collector);
	int err;

	collector_withdraw(collector);
	counts_reset(collector->counts);
	walk.moving = true;
	err = count_outside(collector, &walk);
	if (is_fatal(err))
		return err;
	collector->losses[PYLEAK_LOSS_TORN] += walk.repairs;
	pr_debug("collect: read while it runs: %s, %llu repairs, full collection %s",
		 err ? strerror(-err) : "to the end", (unsigned long long)walk.repairs,
		 marks == full_marks(collector) ? "none" : "in between");
	if (!err && marks == full_marks(collector)) {
		collector->asked_cpu_ns = 0;
		collector->sample_mark = 0;
		return collector_finish(collector, INSTRUMENT_OUTSIDE);
	}
	collector->losses[err ? loss_of(err, true) : PYLEAK_LOSS_FULL_COLLECTION]++;
	ask_again(collector);
	return 0;
}
