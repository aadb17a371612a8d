/* SPDX-License-Identifier: BSD-2-Clause */
/* A census is complete: takes it out of the kernel maps, and adds what needs no census (memory,
 * the collector's counters, containers that the GC does not track). */
#include "collect/collector_state.h"

#include <errno.h>
#include <string.h>

#include "collect/memory.h"
#include "pyleak_object.h"

#define MEMORY_SHARE 0.002 /* of a core that looking at the memory map may take of ours */

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

int collector_harvest(struct collector *collector, uint64_t serial)
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
	uint64_t begin = clock_now_ns();

	memory->rss = target_rss(collector->target);
	if (begin < collector->memory_due_ns)
		return;
	if (memory_measure_small(collector->target, collector->python->minor, memory))
		memory->small_known = false;
	collector->memory_due_ns =
		clock_now_ns() + (uint64_t)((double)(clock_now_ns() - begin) / MEMORY_SHARE);
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

void collector_complete_sample(struct collector *collector, enum instrument instrument)
{
	struct sample *sample = &collector->store.sample;

	sample->time_s = (double)(clock_now_ns() - collector->begin_ns) / 1e9;
	sample->instrument = instrument;
	read_memory(collector, &sample->memory);
	read_gc_counters(collector, &sample->gc);
	if (collector->scan && instrument != INSTRUMENT_UNCHANGED)
		take_untracked(collector);
	if (instrument != INSTRUMENT_NONE)
		collector->sample_cpu_ns = collector->asked_cpu_ns;
}

int collector_finish(struct collector *collector, enum instrument instrument)
{
	const volatile struct pyleak_progress *progress = probes_progress(collector->probes);
	uint64_t full = progress->losses[PYLEAK_LOSS_CONTAINERS_FULL] +
			collector->losses[PYLEAK_LOSS_CONTAINERS_FULL];
	int err;

	collector_remove_safe_points(collector);
	if (full > collector->containers_full)
		collector->container_min *= 2;
	collector->containers_full = full;
	err = assemble_sample(collector->counts, collector->types, collector->holds,
			      &collector->store);
	if (err)
		return err;
	if (probes_can_count(collector->probes))
		counts_each_type(collector->counts, teach_kind, collector);
	collector_complete_sample(collector, instrument);
	return 1;
}
