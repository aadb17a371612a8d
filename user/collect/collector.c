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
#include "collect/collector.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "collect/assemble.h"
#include "collect/heap_scan.h"
#include "collect/memory.h"
#include "collect/outside.h"
#include "collect/probes.h"
#include "pyleak_object.h"

#define CONTAINER_MIN 32
#define MAX_OBJECTS (256ULL << 20)
#define PATIENCE_S 0.4	    /* first census within 1 s: leaves time for the other instruments */
#define SAFE_POINT_STEP_S 0.2 /* between adding one safe point and the next, hotter one */
#define IDLE_SHARE 0.02	      /* of a core */
#define OUTSIDE_TRIES 3
#define MEMORY_SHARE 0.002 /* of a core that looking at the memory map may take of ours */
#define FIND_TRIES 200
#define FIND_WAIT_NS 5000000L

struct collector {
	struct target *target;
	const struct python *python;
	struct collector_options options;
	struct gc_lists lists;
	struct gc_hook hook;
	struct probe_site safe_points[HOOK_MAX_SITES];
	size_t safe_point_cnt, safe_points_attached;
	struct probes *probes;
	struct py_reader reader;
	struct py_types *types;
	struct holds *holds;
	struct counts *counts;
	struct heap_scan *scan; /* NULL: not wanted */
	struct sample_store store;
	raddr_t set_types[2];
	uint64_t begin_ns;   /* of the watch */
	uint64_t request;    /* number of the newest */
	uint64_t asked_ns, asked_cpu_ns, asked_hits;
	uint64_t sample_cpu_ns; /* of the target, when the newest census was taken; 0 = none */
	uint64_t memory_due_ns;
	uint64_t container_min;
	unsigned int outside_tries;
	uint64_t losses[PYLEAK_LOSS_CNT]; /* our own */
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000ULL + (uint64_t)now.tv_nsec;
}

static double seconds_since(uint64_t ns)
{
	return (double)(now_ns() - ns) / 1e9;
}

/* A collection that runs right now hides the lists: try again. */
static int find_lists(struct collector *collector)
{
	static const struct timespec wait = { .tv_nsec = FIND_WAIT_NS };
	int err = -EAGAIN;

	for (int i = 0; i < FIND_TRIES && err == -EAGAIN; i++) {
		err = gc_lists_find(collector->python, collector->target->remote,
				    &collector->lists);
		if (err == -EAGAIN)
			nanosleep(&wait, NULL);
	}
	if (err)
		pr_error("attach: no consistent GC lists in process %d (CPython %s, %s): not "
			 "initialised, or a build that is not known",
			 collector->target->pid, collector->python->version,
			 collector->python->file);
	return err;
}

static void write_control(struct collector *collector)
{
	struct pyleak_control *control = probes_control(collector->probes);
	const struct python *python = collector->python;

	control->max_pause_ns = (uint64_t)(collector->options.max_pause_ms * 1e6);
	control->budget_ppm = (uint64_t)(collector->options.budget_pct * 1e4);
	control->max_objects = MAX_OBJECTS;
	if (python->layout.tstate_current && !python->layout.gc_is_global)
		control->current_tstate = python->runtime + python->layout.tstate_current;
	control->set_types[0] = collector->set_types[0];
	control->set_types[1] = collector->set_types[1];
	control->head_bytes = collector->lists.head_bytes;
	control->container_min = (uint32_t)collector->container_min;
	control->minor = (uint32_t)python->minor;
	control->thread_id = python->layout.tstate_thread_id;
	control->watch_young = collector->options.young;
	memcpy(control->interpreters, collector->lists.interpreters,
	       sizeof(control->interpreters));
	/* Last: the kernel side does nothing while it is 0. */
	__atomic_store_n(&control->interpreter_cnt, collector->lists.cnt, __ATOMIC_RELEASE);
}

static int open_scan(struct collector *collector)
{
	const struct python *python = collector->python;
	struct remote *remote = collector->target->remote;
	struct heap_layout layout = {
		.dict_type = python_symbol(python, "PyDict_Type"),
		.bytearray_type = python_symbol(python, "PyByteArray_Type"),
		.head_bytes = collector->lists.head_bytes,
		.minor = python->minor,
	};

	if (!collector->options.scan || !layout.dict_type || !layout.bytearray_type)
		return 0;
	layout.dict_bytes = remote_word32(remote, layout.dict_type + PYLEAK_TP_BASICSIZE);
	layout.bytearray_bytes = remote_word32(remote, layout.bytearray_type + PYLEAK_TP_BASICSIZE);
	return heap_scan_create(collector->target, &layout, &collector->scan);
}

int early_watch_open(const struct target *target, const struct python *file,
		     struct early_watch *out)
{
	int err = probes_open(false, &out->probes);

	if (err)
		return err;
	gc_hook_find(file, NULL, &out->hook);
	err = probes_attach_gc(out->probes, target->pid, file->open_path, &out->hook);
	if (err)
		early_watch_close(out);
	return err;
}

void early_watch_close(struct early_watch *early)
{
	probes_close(early->probes);
	early->probes = NULL;
}

static int attach_hook(struct collector *collector)
{
	if (collector->hook.kind != GC_HOOK_NONE)
		return 0;
	gc_hook_find(collector->python, &collector->lists, &collector->hook);
	return probes_attach_gc(collector->probes, collector->target->pid,
				collector->python->open_path, &collector->hook);
}

static int open_parts(struct collector *collector)
{
	struct early_watch *early = collector->options.early;
	int err = 0;

	if (early && early->probes) {
		collector->probes = early->probes;
		collector->hook = early->hook;
		early->probes = NULL;
	} else {
		err = probes_open(collector->options.pauses, &collector->probes);
	}
	if (!err)
		err = py_types_create(&collector->reader, &collector->lists, &collector->types);
	if (!err)
		err = holds_create(&collector->reader, collector->types, &collector->holds);
	if (!err)
		err = counts_create(&collector->counts);
	if (!err)
		err = open_scan(collector);
	return err;
}

int collector_open(struct target *target, const struct python *python,
		   const struct collector_options *options, struct collector **out)
{
	struct collector *collector = calloc(1, sizeof(*collector));
	int err;

	if (!collector)
		return -ENOMEM;
	collector->target = target;
	collector->python = python;
	collector->options = *options;
	collector->container_min = CONTAINER_MIN;
	collector->set_types[0] = python_symbol(python, "PySet_Type");
	collector->set_types[1] = python_symbol(python, "PyFrozenSet_Type");
	py_reader_init(python, target->remote, &collector->reader);
	err = find_lists(collector);
	if (!err)
		err = open_parts(collector);
	if (!err) {
		collector->safe_point_cnt =
			safe_points_find(python, collector->safe_points, HOOK_MAX_SITES);
		write_control(collector);
		err = attach_hook(collector);
	}
	if (err) {
		collector_close(collector);
		return err;
	}
	collector->begin_ns = now_ns();
	*out = collector;
	return 0;
}

void collector_close(struct collector *collector)
{
	if (!collector)
		return;
	probes_close(collector->probes);
	holds_destroy(collector->holds);
	py_types_destroy(collector->types);
	counts_destroy(collector->counts);
	heap_scan_destroy(collector->scan);
	sample_store_deinit(&collector->store);
	free(collector);
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
	write_control(collector);
	collector->outside_tries = 0;
	collector->asked_ns = now_ns();
	collector->asked_cpu_ns = target_cpu_ns(collector->target);
	collector->asked_hits = hits_of(collector);
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

struct harvest {
	struct collector *collector;
	uint64_t serial;
};

static int harvest_type(__u64 type, const struct pyleak_type_count *count, void *context)
{
	struct harvest *harvest = context;
	struct counted_type *counted;

	if (count->census != harvest->serial) {
		/* No object of it is left. Another type may get the address. */
		probes_forget_type(harvest->collector->probes, type);
		py_types_forget(harvest->collector->types, type);
		return 0;
	}
	counted = counts_type(harvest->collector->counts, type);
	if (!counted)
		return -ENOMEM;
	counted->live = count->live;
	counted->bytes = count->bytes;
	counted->young = count->young;
	counted->basic_bytes = count->basic_bytes;
	counted->item_bytes = count->item_bytes;
	counted->kind = count->kind;
	return 0;
}

static int harvest_container(__u64 object, const struct pyleak_container *container, void *context)
{
	struct harvest *harvest = context;
	struct counted_container counted = {
		.address = object,
		.type = container->type,
		.len = container->len,
		.bytes = container->bytes,
	};

	if (container->census != harvest->serial) {
		probes_forget_container(harvest->collector->probes, object);
		return 0;
	}
	return counts_add_container(harvest->collector->counts, &counted);
}

/* Takes what the kernel side counted in the census `serial` out of the maps. */
static int harvest_maps(struct collector *collector, uint64_t serial)
{
	struct harvest harvest = { collector, serial };
	int err;

	counts_reset(collector->counts);
	err = probes_each_type(collector->probes, harvest_type, &harvest);
	if (!err)
		err = probes_each_container(collector->probes, harvest_container, &harvest);
	return err;
}

/* Sets and deques have no flag that the kernel side could tell them by. */
static void teach_kind(const struct counted_type *counted, void *context)
{
	struct collector *collector = context;
	const struct py_type *type = py_types_get(collector->types, counted->address);

	if (type && type->kind != counted->kind)
		probes_set_kind(collector->probes, counted->address, type->kind);
}

static void read_memory(struct collector *collector, struct memory *memory)
{
	uint64_t begin = now_ns();

	memory->rss = target_rss(collector->target);
	if (begin < collector->memory_due_ns)
		return;
	if (memory_measure_small(collector->target, collector->python->minor, memory))
		memory->small_known = false;
	collector->memory_due_ns =
		now_ns() + (uint64_t)((double)(now_ns() - begin) / MEMORY_SHARE);
}

static void read_gc_counters(struct collector *collector, struct gc_counters *out)
{
	struct gc_totals totals;

	out->known = !gc_lists_totals(&collector->lists, collector->python->minor,
				      collector->target->remote, &totals);
	if (!out->known)
		return;
	memcpy(out->collections, totals.collections, sizeof(out->collections));
	memcpy(out->collected, totals.collected, sizeof(out->collected));
	out->enabled = totals.enabled;
}

static void take_untracked(struct collector *collector)
{
	const struct counted_container *found;
	size_t cnt;

	if (heap_scan_update(collector->scan, collector->store.sample.time_s) == -E2BIG)
		collector->losses[PYLEAK_LOSS_SCAN_LIMIT]++;
	found = heap_scan_found(collector->scan, &cnt);
	assemble_untracked(found, cnt, collector->types, collector->holds, &collector->store);
}

static void complete_sample(struct collector *collector, enum instrument instrument)
{
	struct sample *sample = &collector->store.sample;

	sample->time_s = seconds_since(collector->begin_ns);
	sample->instrument = instrument;
	read_memory(collector, &sample->memory);
	read_gc_counters(collector, &sample->gc);
	if (collector->scan && instrument != INSTRUMENT_UNCHANGED)
		take_untracked(collector);
	if (instrument != INSTRUMENT_NONE)
		collector->sample_cpu_ns = collector->asked_cpu_ns;
}

static int finish(struct collector *collector, enum instrument instrument)
{
	const volatile struct pyleak_progress *progress = progress_of(collector);
	uint64_t full = progress->losses[PYLEAK_LOSS_CONTAINERS_FULL];
	int err;

	probes_detach_safe_points(collector->probes);
	collector->safe_points_attached = 0;
	if (full > collector->losses[PYLEAK_LOSS_CONTAINERS_FULL])
		collector->container_min *= 2;
	collector->losses[PYLEAK_LOSS_CONTAINERS_FULL] = full;
	err = assemble_sample(collector->counts, collector->types, collector->holds,
			      &collector->store);
	if (err)
		return err;
	counts_each_type(collector->counts, teach_kind, collector);
	complete_sample(collector, instrument);
	return 1;
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
	err = harvest_maps(collector, progress->serial);
	return err ? err : finish(collector, instrument);
}

/* One attempt to read everything that the kernel side has not counted yet. 0: it changed
 * meanwhile, or cannot be read now. */
static int try_outside(struct collector *collector)
{
	const volatile struct pyleak_progress *progress = progress_of(collector);
	struct outside_walk walk = {
		.reader = &collector->reader,
		.lists = &collector->lists,
		.set_types = { collector->set_types[0], collector->set_types[1] },
		.max_objects = MAX_OBJECTS,
		.container_min = collector->container_min,
	};
	uint64_t cpu, mark, objects;
	int err;

	withdraw_request(collector);
	if (progress->began == collector->request && !progress->cursor)
		walk.skip = progress->visited;
	counts_reset(collector->counts);
	err = walk.skip ? harvest_maps(collector, progress->serial) : 0;
	if (err)
		return err;
	cpu = target_cpu_ns(collector->target);
	mark = outside_fingerprint(&walk);
	err = outside_count(&walk, collector->counts, &objects);
	if (err == -ENOMEM || err == -ESRCH || err == -EPERM)
		return err;
	if (!err && mark == outside_fingerprint(&walk) &&
	    (walk.skip || cpu == target_cpu_ns(collector->target))) {
		collector->asked_cpu_ns = cpu;
		return finish(collector, INSTRUMENT_OUTSIDE);
	}
	collector->losses[err == -E2BIG	   ? PYLEAK_LOSS_OBJECT_LIMIT
			  : err == -EFAULT ? PYLEAK_LOSS_READ_FAULT
			  : err == -EBADMSG ? PYLEAK_LOSS_LIST_BROKEN
					    : PYLEAK_LOSS_TORN]++;
	__atomic_store_n(&probes_control(collector->probes)->want, ++collector->request,
			 __ATOMIC_RELEASE);
	return 0;
}

static int add_safe_point(struct collector *collector)
{
	const struct probe_site *site = &collector->safe_points[collector->safe_points_attached];
	int err = probes_attach_safe_point(collector->probes, collector->target->pid,
					   collector->python->open_path, site);

	if (!err)
		collector->safe_points_attached++;
	return err;
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

int collector_step(struct collector *collector)
{
	const volatile struct pyleak_progress *progress = progress_of(collector);
	double waited_s = seconds_since(collector->asked_ns);
	double patience_s = collector->hook.kind == GC_HOOK_NONE ? 0.05 : PATIENCE_S;
	uint64_t wanted = probes_control(collector->probes)->want;

	if (!wanted) {
		complete_sample(collector, collector->options.no_census ? INSTRUMENT_NONE
									: INSTRUMENT_UNCHANGED);
		return 1;
	}
	if (progress->answered >= wanted)
		return finish_from_kernel(collector);
	if (progress->failed == wanted)
		return recover(collector);
	if (waited_s < patience_s)
		return 0;
	if (collector->outside_tries < OUTSIDE_TRIES &&
	    (is_partly_counted(collector) || is_idle(collector, waited_s))) {
		collector->outside_tries++;
		return try_outside(collector);
	}
	/* Hits without a census wait for the budget, or are slices: more probes would not help. */
	if (hits_of(collector) != collector->asked_hits && !is_partly_counted(collector))
		return 0;
	if (collector->safe_points_attached < collector->safe_point_cnt &&
	    waited_s >= patience_s + SAFE_POINT_STEP_S * (double)collector->safe_points_attached)
		return add_safe_point(collector);
	return 0;
}

int collector_give_up(struct collector *collector)
{
	withdraw_request(collector);
	probes_detach_safe_points(collector->probes);
	collector->safe_points_attached = 0;
	complete_sample(collector, INSTRUMENT_NONE);
	return 0;
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
