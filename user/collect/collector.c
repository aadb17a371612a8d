/* SPDX-License-Identifier: BSD-2-Clause */
/* Which instrument takes a census:
 *  - none ran since the census before: the old one still holds (unchanged);
 *  - a collection begins: the kernel side counts there;
 *  - none begins within the patience, and the target hardly runs: it is read from outside, and
 *    believed if nothing changed between before and after;
 *  - else probes at safe points are added, the least hot first, and taken out when it is done.
 *
 * The kernel side works only while a request stands (control.want), and user space touches the
 * maps and the control block only while none does. */
#include "collect/collector_state.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "collect/outside.h"

#define PATIENCE_S 0.4	      /* first census within 1 s: leaves time for the other instruments */
#define SAFE_POINT_STEP_S 0.2 /* between adding one safe point and the next, hotter one */
#define SAFE_POINT_HITS 2000  /* passed so often without a census, they do not help */
#define SAFE_POINT_REST_NS 1000000000ULL
#define SLICE_WAIT_S 1.0      /* without a hook passed, a census in slices is stuck */
#define IDLE_SHARE 0.02	      /* of a core */
#define OUTSIDE_TRIES 3
#define OUTSIDE_SHARE 0.008 /* of a core that reading from outside may take of ours */
#define RESTARTS 2	    /* of a census in slices, then it is read while the target runs */
#define CALM_S 3.0	    /* without a full collection there may be none at all */
#define SLICES_WAIT_S 8.0   /* for a census in slices, then likewise */

static double seconds_since(uint64_t ns)
{
	return (double)(collector_now_ns() - ns) / 1e9;
}

static const volatile struct pyleak_progress *progress_of(const struct collector *collector)
{
	return probes_progress(collector->probes);
}

static uint64_t hits_of(const struct collector *collector)
{
	const volatile struct pyleak_progress *progress = progress_of(collector);

	return progress->hits[PYLEAK_HOOK_GC] + progress->hits[PYLEAK_HOOK_SAFEPOINT];
}

static uint64_t restarts_of(const struct collector *collector)
{
	const volatile struct pyleak_progress *progress = progress_of(collector);

	return progress->losses[PYLEAK_LOSS_FULL_COLLECTION] +
	       progress->losses[PYLEAK_LOSS_CURSOR_LOST];
}

/* Interpreters come and go; a collection that runs hides them for this once. */
static void refresh_lists(struct collector *collector)
{
	struct gc_lists fresh;

	if (gc_lists_find(collector->python, collector->target->remote, &fresh))
		return;
	if (fresh.cnt == collector->lists.cnt &&
	    !memcmp(fresh.interpreters, collector->lists.interpreters,
		    sizeof(fresh.interpreters)))
		return;
	collector->lists = fresh;
}

int collector_begin(struct collector *collector)
{
	struct pyleak_control *control = probes_control(collector->probes);

	refresh_lists(collector);
	collector_write_control(collector);
	collector->outside_tries = 0;
	collector->asked_ns = collector_now_ns();
	collector->patient_ns = collector->asked_ns;
	collector->asked_cpu_ns = target_cpu_ns(collector->target);
	collector->asked_hits = hits_of(collector);
	collector->last_hits = collector->asked_hits;
	collector->asked_restarts = restarts_of(collector);
	collector->last_hit_ns = collector->asked_ns;
	if (collector->options.no_census)
		return 0;
	if (collector->sample_cpu_ns && collector->asked_cpu_ns == collector->sample_cpu_ns)
		return 0; /* nothing ran: collector_step() says so */
	__atomic_store_n(&control->want, ++collector->request, __ATOMIC_RELEASE);
	return 0;
}

/* From here on the kernel side takes no slice; one that is under way ends within max_pause. */
static void withdraw_request(struct collector *collector)
{
	static const struct timespec wait = { .tv_nsec = 200000 };

	__atomic_store_n(&probes_control(collector->probes)->want, 0, __ATOMIC_RELEASE);
	for (int i = 0; i < 1000 && progress_of(collector)->busy; i++)
		nanosleep(&wait, NULL);
}

static int finish_from_kernel(struct collector *collector)
{
	const volatile struct pyleak_progress *progress = progress_of(collector);
	enum instrument instrument = progress->done_hook == PYLEAK_HOOK_GC ? INSTRUMENT_GC
									   : INSTRUMENT_SAFEPOINT;
	int err;

	probes_drain(collector->probes);
	/* The target may have run on since: what is unchanged later is judged from now. */
	collector->asked_cpu_ns = 0;
	collector->sample_mark = 0;
	err = collector_harvest(collector, progress->serial);
	return err ? err : collector_finish(collector, instrument);
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

	collector->outside_due_ns =
		collector_now_ns() + (uint64_t)((double)cost / OUTSIDE_SHARE);
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
static int try_outside(struct collector *collector)
{
	const volatile struct pyleak_progress *progress = progress_of(collector);
	struct outside_walk walk = make_walk(collector);
	uint64_t cpu, mark;
	int err;

	withdraw_request(collector);
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

/* Right after a full collection there is most time before the next. */
static bool is_calm(struct collector *collector)
{
	uint64_t marks = full_marks(collector);
	bool changed = marks != collector->full_marks;

	if (changed || !collector->full_marks_ns) {
		collector->full_marks = marks;
		collector->full_marks_ns = collector_now_ns();
	}
	return changed || seconds_since(collector->full_marks_ns) > CALM_S;
}

/* A heap so large that full collections come faster than slices: read while the target runs.
 * The old objects, nearly all, stay where they are between full collections; what moved under
 * the walk is counted as torn. 0: a full collection came in between. */
static int try_moving(struct collector *collector)
{
	struct outside_walk walk = make_walk(collector);
	uint64_t marks = full_marks(collector);
	int err;

	withdraw_request(collector);
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

/* Do slices fail to make a census? */
static bool is_too_large(const struct collector *collector, double waited_s)
{
	const volatile struct pyleak_progress *progress = progress_of(collector);

	return restarts_of(collector) >= collector->asked_restarts + RESTARTS ||
	       (waited_s > SLICES_WAIT_S && progress->slices);
}

void collector_remove_safe_points(struct collector *collector)
{
	probes_detach_safe_points(collector->probes);
	collector->safe_points_attached = 0;
}

static int add_safe_point(struct collector *collector)
{
	const volatile struct pyleak_progress *progress = progress_of(collector);
	const struct probe_site *site = &collector->safe_points[collector->safe_points_attached];
	int err;

	if (!collector->safe_points_attached) {
		for (int i = 0; i < PYLEAK_HOOK_CNT; i++)
			collector->safe_point_hits[i] = progress->hits[i];
	}
	err = probes_attach_safe_point(collector->probes, collector->target->pid,
				       collector->python->open_path, site);
	if (!err)
		collector->safe_points_attached++;
	return err;
}

/* How long until the budget allows a slice; 0 = now. The kernel side refills it at hooks only. */
static uint64_t until_credit_ns(const struct collector *collector)
{
	const volatile struct pyleak_progress *progress = progress_of(collector);
	double share = collector->options.budget_pct / 100;
	double credit_ns = (double)progress->credit_ns;

	if (progress->credit_at_ns)
		credit_ns += share * (double)(collector_now_ns() - progress->credit_at_ns);
	return credit_ns < 0 ? (uint64_t)(-credit_ns / share) : 0;
}

/* A safe point may be passed a million times a second, and each time costs the target a trap: it
 * goes out when collections come after all, when the budget has nothing left for a slice, or
 * when it was passed often and to no purpose. */
static void govern_safe_points(struct collector *collector)
{
	const volatile struct pyleak_progress *progress = progress_of(collector);
	uint64_t wait_ns = until_credit_ns(collector);

	if (!collector->safe_points_attached)
		return;
	if (!wait_ns && progress->hits[PYLEAK_HOOK_GC] == collector->safe_point_hits[PYLEAK_HOOK_GC] &&
		 progress->hits[PYLEAK_HOOK_SAFEPOINT] <
			 collector->safe_point_hits[PYLEAK_HOOK_SAFEPOINT] + SAFE_POINT_HITS)
		return;
	if (!wait_ns)
		wait_ns = SAFE_POINT_REST_NS;
	collector_remove_safe_points(collector);
	collector->safe_point_due_ns = collector_now_ns() + wait_ns;
	/* What the probes did is done: they are needed again if no other hook is passed. */
	collector->asked_hits = hits_of(collector);
	collector->patient_ns = collector_now_ns();
}

/* Is some interpreter behind a lock of its own, which this one's collections cannot serve? */
static bool is_partly_counted(const struct collector *collector)
{
	const volatile struct pyleak_progress *progress = progress_of(collector);

	return collector->lists.cnt > 1 && progress->began == collector->request &&
	       progress->visited && !progress->cursor;
}

static bool is_idle(const struct collector *collector, double waited_s)
{
	uint64_t cpu = target_cpu_ns(collector->target);

	return (double)(cpu - collector->asked_cpu_ns) < IDLE_SHARE * waited_s * 1e9;
}

/* A census in slices goes on at the next hook: to read from outside would throw it away. */
static bool is_slicing(struct collector *collector)
{
	const volatile struct pyleak_progress *progress = progress_of(collector);
	uint64_t hits = hits_of(collector);

	if (hits != collector->last_hits) {
		collector->last_hits = hits;
		collector->last_hit_ns = collector_now_ns();
	}
	return progress->began == collector->request && progress->cursor &&
	       seconds_since(collector->last_hit_ns) < SLICE_WAIT_S;
}

/* The kernel side met memory that is not there, or lists that are none. From outside, pages come
 * back from swap; else this interval has no census. */
static int recover(struct collector *collector)
{
	if (collector->outside_tries < OUTSIDE_TRIES) {
		collector->outside_tries++;
		return try_outside(collector);
	}
	collector_give_up(collector);
	return 1;
}

static bool is_outside_due(const struct collector *collector)
{
	return collector_now_ns() >= collector->outside_due_ns;
}

int collector_step(struct collector *collector)
{
	const volatile struct pyleak_progress *progress = progress_of(collector);
	double waited_s = seconds_since(collector->asked_ns), patient_s;
	double patience_s = collector->hook.kind == GC_HOOK_NONE ? 0.05 : PATIENCE_S;
	uint64_t wanted = probes_control(collector->probes)->want;

	if (!wanted) {
		collector_complete_sample(collector, collector->options.no_census ? INSTRUMENT_NONE
									: INSTRUMENT_UNCHANGED);
		return 1;
	}
	if (progress->answered >= wanted)
		return finish_from_kernel(collector);
	probes_drain(collector->probes);
	govern_safe_points(collector);
	if (progress->failed == wanted)
		return recover(collector);
	patient_s = seconds_since(collector->patient_ns);
	if (patient_s < patience_s)
		return 0;
	if (is_too_large(collector, waited_s) && is_outside_due(collector) && is_calm(collector))
		return try_moving(collector);
	if (is_slicing(collector))
		return 0;
	if (collector->outside_tries < OUTSIDE_TRIES && is_outside_due(collector) &&
	    (is_partly_counted(collector) || is_idle(collector, waited_s))) {
		collector->outside_tries++;
		return try_outside(collector);
	}
	/* Hits without a census wait for the budget, or are slices: more probes would not help. */
	if (hits_of(collector) != collector->asked_hits && !is_partly_counted(collector))
		return 0;
	if (collector->safe_points_attached < collector->safe_point_cnt &&
	    collector_now_ns() >= collector->safe_point_due_ns &&
	    patient_s >= patience_s + SAFE_POINT_STEP_S * (double)collector->safe_points_attached)
		return add_safe_point(collector);
	return 0;
}

int collector_give_up(struct collector *collector)
{
	withdraw_request(collector);
	collector_remove_safe_points(collector);
	collector_complete_sample(collector, INSTRUMENT_NONE);
	return 0;
}

void collector_interim(struct collector *collector)
{
	collector_complete_sample(collector, INSTRUMENT_NONE);
}

int collector_event_fd(struct collector *collector)
{
	return probes_event_fd(collector->probes);
}

const struct sample *collector_sample(const struct collector *collector)
{
	return &collector->store.sample;
}

const struct gc_hook *collector_hook(const struct collector *collector)
{
	return &collector->hook;
}

unsigned int collector_interpreters(const struct collector *collector)
{
	return collector->lists.total;
}

const volatile struct pyleak_progress *collector_progress(const struct collector *collector)
{
	return progress_of(collector);
}

const volatile struct pyleak_pauses *collector_pauses(const struct collector *collector)
{
	return probes_pauses(collector->probes);
}

void collector_losses(const struct collector *collector, uint64_t out[PYLEAK_LOSS_CNT])
{
	const volatile struct pyleak_progress *progress = progress_of(collector);

	for (int i = 0; i < PYLEAK_LOSS_CNT; i++) {
		out[i] = progress->losses[i];
		if (i != PYLEAK_LOSS_CONTAINERS_FULL)
			out[i] += collector->losses[i];
	}
}
