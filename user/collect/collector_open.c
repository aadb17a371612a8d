/* SPDX-License-Identifier: BSD-2-Clause */
/* From a process with a known CPython to probes that are in. Nothing is left behind when it
 * fails: the kernel takes out what belongs to closed file descriptors. */
#include "collect/collector_state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "collect/py_lists.h"
#include "pyleak_object.h"

#define CONTAINER_MIN 32
#define YOUNG_PART 8 /* of the budget, one in so many goes to the youngest generation */
#define LISTS_PATIENCE_MS 1000
/* What the trap of a hook costs amid a program's work, about; less on bare metal. The kernel side
 * measures only what is behind it. `pyleak-bpf -vv sites` measures it on this machine. */
#define HIT_NS 1400

void collector_write_control(struct collector *collector)
{
	struct pyleak_control *control = probes_control(collector->probes);
	const struct python *python = collector->python;

	control->max_pause_ns = (uint64_t)(collector->options.max_pause_ms * 1e6);
	control->budget_ppm = (uint64_t)(collector->options.budget_pct * 1e4);
	control->hit_ns = HIT_NS;
	control->max_objects = COLLECTOR_MAX_OBJECTS;
	if (python->layout.tstate_current && !python->layout.gc_is_global)
		control->current_tstate = python->runtime + python->layout.tstate_current;
	control->set_types[0] = collector->set_types[0];
	control->set_types[1] = collector->set_types[1];
	control->head_bytes = collector->lists.head_bytes;
	control->container_min = (uint32_t)collector->container_min;
	control->minor = (uint32_t)python->minor;
	control->thread_id = python->layout.tstate_thread_id;
	control->watch_young = !collector->options.young      ? 0
			       : collector->options.no_census ? 1
							      : YOUNG_PART;
	memcpy(control->interpreters, collector->lists.interpreters, sizeof(control->interpreters));
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

/* Where the kernel lacks what counting needs, all is read from outside. */
static int open_probes(bool pauses, struct probes **out)
{
	int err = probes_open(pauses, out);

	return err == -EOPNOTSUPP ? probes_open_none(out) : err;
}

static int find_and_attach(struct probes *probes, pid_t pid, const struct python *python,
			   const struct gc_lists *lists, struct gc_hook *hook)
{
	if (!probes_can_count(probes)) {
		snprintf(hook->words, sizeof(hook->words), "none on this kernel");
		return 0;
	}
	gc_hook_find(python, lists, hook);
	return probes_attach_gc(probes, pid, python->open_path, hook);
}

int early_watch_open(const struct target *target, const struct python *file,
		     struct early_watch *out)
{
	int err = open_probes(false, &out->probes);

	if (err)
		return err;
	err = find_and_attach(out->probes, target->pid, file, NULL, &out->hook);
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
	return find_and_attach(collector->probes, collector->target->pid, collector->python,
			       &collector->lists, &collector->hook);
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
		err = open_probes(collector->options.pauses, &collector->probes);
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
	err = py_lists_open(python, target, LISTS_PATIENCE_MS, &collector->lists);
	if (!err)
		err = open_parts(collector);
	if (!err) {
		if (probes_can_count(collector->probes))
			collector->safe_point_cnt =
				safe_points_find(python, collector->safe_points, HOOK_MAX_SITES);
		collector_write_control(collector);
		err = attach_hook(collector);
	}
	if (err) {
		collector_close(collector);
		return err;
	}
	collector->begin_ns = clock_now_ns();
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
