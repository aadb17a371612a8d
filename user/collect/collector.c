/* SPDX-License-Identifier: BSD-2-Clause */
/* Which instrument takes a census:
 *  - none ran since the census before: the old one still holds (unchanged);
 *  - a collection begins: the kernel side counts there;
 *  - none begins within the patience, and the target hardly runs: it is read from outside, and
 *    believed if nothing changed between before and after;
 *  - else probes at safe points are added, the least hot first, and taken out when it is done;
 *  - on a kernel that cannot count, or cannot read what is there, it is read from outside while it
 *    runs.
 *
 * The kernel side works only while a request stands (control.want), and user space touches the
 * maps and the control block only while none does. */
#include "collect/collector_state.h"

#include <errno.h>
#include <string.h>

#define PATIENCE_S 0.4	      /* first census within 1 s: leaves time for the other instruments */
#define SAFE_POINT_STEP_S 0.2 /* between adding one safe point and the next, hotter one */
#define SLICE_WAIT_S 1.0      /* without a hook passed, a census in slices is stuck */
#define IDLE_SHARE 0.02	      /* of a core */
#define OUTSIDE_TRIES 3
#define RESTARTS 2	  /* of a census in slices, then it is read while the target runs */
#define SLICES_WAIT_S 8.0 /* for a census in slices, then likewise */

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
	    !memcmp(fresh.interpreters, collector->lists.interpreters, sizeof(fresh.interpreters)))
		return;
	collector->lists = fresh;
}

void collector_set_budget(struct collector *collector, double pct)
{
	collector->options.budget_pct = pct;
}

int collector_begin(struct collector *collector)
{
	struct pyleak_control *control = probes_control(collector->probes);

	refresh_lists(collector);
	collector_write_control(collector);
	collector->outside_tries = 0;
	collector->asked_ns = clock_now_ns();
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

static uint64_t faults_of(const struct collector *collector)
{
	return progress_of(collector)->losses[PYLEAK_LOSS_READ_FAULT];
}

static int finish_from_kernel(struct collector *collector)
{
	const volatile struct pyleak_progress *progress = progress_of(collector);
	enum instrument instrument =
		progress->done_hook == PYLEAK_HOOK_GC ? INSTRUMENT_GC : INSTRUMENT_SAFEPOINT;
	int err;

	probes_drain(collector->probes);
	collector->past_faults = faults_of(collector);
	/* The target may have run on since: what is unchanged later is judged from now. */
	collector->asked_cpu_ns = 0;
	collector->sample_mark = 0;
	err = collector_harvest(collector, progress->serial);
	return err ? err : collector_finish(collector, instrument);
}

/* Do slices fail to make a census? */
static bool is_too_large(const struct collector *collector, double waited_s)
{
	const volatile struct pyleak_progress *progress = progress_of(collector);

	return restarts_of(collector) >= collector->asked_restarts + RESTARTS ||
	       (waited_s > SLICES_WAIT_S && progress->slices);
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

/* Is there no way left but to read it while it runs? */
static bool must_read_moving(const struct collector *collector, double waited_s)
{
	if (probes_can_count(collector->probes))
		return is_too_large(collector, waited_s);
	return waited_s > PATIENCE_S &&
	       (collector->outside_tries == OUTSIDE_TRIES || !is_idle(collector, waited_s));
}

/* A census in slices goes on at the next hook: to read from outside would throw it away. */
static bool is_slicing(struct collector *collector)
{
	const volatile struct pyleak_progress *progress = progress_of(collector);
	uint64_t hits = hits_of(collector);

	if (hits != collector->last_hits) {
		collector->last_hits = hits;
		collector->last_hit_ns = clock_now_ns();
	}
	return progress->began == collector->request && progress->cursor &&
	       seconds_since(collector->last_hit_ns) < SLICE_WAIT_S;
}

static bool is_outside_due(const struct collector *collector)
{
	return clock_now_ns() >= collector->outside_due_ns;
}

/* Does the kernel side fail to read what pages there are? Where arm64 has no access flag in
 * hardware, a page that the process has not used for long is not there for the kernel side. */
static bool is_unreadable(const struct collector *collector, double waited_s)
{
	return faults_of(collector) > collector->past_faults + OUTSIDE_TRIES &&
	       !is_idle(collector, waited_s);
}

/* The kernel side met memory that is not there, or lists that are none. From outside, pages come
 * back from swap; else this interval has no census. */
static int recover(struct collector *collector, double waited_s)
{
	bool must_move = is_unreadable(collector, waited_s);

	if (must_move && is_outside_due(collector) && collector_is_calm(collector))
		return collector_try_moving(collector);
	if (!must_move && collector->outside_tries < OUTSIDE_TRIES) {
		collector->outside_tries++;
		return collector_try_outside(collector);
	}
	collector_give_up(collector);
	return 1;
}

int collector_step(struct collector *collector)
{
	const volatile struct pyleak_progress *progress = progress_of(collector);
	double waited_s = seconds_since(collector->asked_ns), patient_s;
	double patience_s = collector->hook.kind == GC_HOOK_NONE ? 0.05 : PATIENCE_S;
	uint64_t wanted = probes_control(collector->probes)->want;

	if (!wanted) {
		collector_complete_sample(collector, collector->options.no_census
							     ? INSTRUMENT_NONE
							     : INSTRUMENT_UNCHANGED);
		return 1;
	}
	if (progress->answered >= wanted)
		return finish_from_kernel(collector);
	probes_drain(collector->probes);
	collector_govern_safe_points(collector);
	if (progress->failed == wanted)
		return recover(collector, waited_s);
	patient_s = seconds_since(collector->patient_ns);
	if (patient_s < patience_s)
		return 0;
	if (must_read_moving(collector, waited_s) && is_outside_due(collector) &&
	    collector_is_calm(collector))
		return collector_try_moving(collector);
	if (is_slicing(collector))
		return 0;
	if (collector->outside_tries < OUTSIDE_TRIES && is_outside_due(collector) &&
	    (is_partly_counted(collector) || is_idle(collector, waited_s))) {
		collector->outside_tries++;
		return collector_try_outside(collector);
	}
	/* Hits without a census wait for the budget, or are slices: more probes would not help. */
	if (hits_of(collector) != collector->asked_hits && !is_partly_counted(collector))
		return 0;
	if (collector_safe_point_due(collector) &&
	    patient_s >= patience_s + SAFE_POINT_STEP_S * (double)collector->safe_points_attached)
		return collector_add_safe_point(collector);
	return 0;
}

int collector_give_up(struct collector *collector)
{
	collector_withdraw(collector);
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

const struct gc_lists *collector_lists(const struct collector *collector)
{
	return &collector->lists;
}

struct py_types *collector_types(const struct collector *collector)
{
	return collector->types;
}

struct counts *collector_counts(const struct collector *collector)
{
	return collector->counts;
}

uint64_t collector_epoch(const struct collector *collector)
{
	return probes_epoch(collector->probes);
}

int collector_epoch_fd(const struct collector *collector)
{
	return probes_epoch_fd(collector->probes);
}

unsigned int collector_interpreters(const struct collector *collector)
{
	return collector->lists.total;
}

uint64_t collector_spent_ns(const struct collector *collector)
{
	return progress_of(collector)->spent_ns +
	       hits_of(collector) * probes_control(collector->probes)->hit_ns;
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

	for (int i = 0; i < PYLEAK_LOSS_CNT; i++)
		out[i] = progress->losses[i] + collector->losses[i];
}
