/* SPDX-License-Identifier: BSD-2-Clause */
/* The inside of a collector, shared by the files that make it up and by nobody else:
 * collector_open.c (attach), collector.c (which instrument), collector_complete.c (a census is
 * there: make the sample). */
#ifndef PYLEAK_COLLECTOR_STATE_H
#define PYLEAK_COLLECTOR_STATE_H

#include "base/clock.h"
#include "collect/assemble.h"
#include "collect/collector.h"
#include "collect/heap_scan.h"
#include "collect/probes.h"

/* An object list longer than this is no list. */
#define COLLECTOR_MAX_OBJECTS (256ULL << 20)

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
	uint64_t begin_ns;			   /* of the watch */
	uint64_t request;			   /* number of the newest */
	uint64_t safe_point_hits[PYLEAK_HOOK_CNT]; /* when the first safe point was put in */
	uint64_t safe_point_due_ns;		   /* none before */
	uint64_t asked_ns, asked_cpu_ns, asked_hits;
	uint64_t patient_ns; /* since when no hook helped: asked, or the safe points were removed */
	uint64_t last_hits, last_hit_ns; /* when the kernel side last passed a hook */
	uint64_t sample_cpu_ns; /* of the target, when the newest census was taken; 0 = none */
	uint64_t memory_due_ns;
	uint64_t container_min;
	uint64_t containers_full; /* lost to full tables when container_min was set */
	unsigned int outside_tries;
	uint64_t outside_due_ns; /* not before: our own CPU is bounded too */
	uint64_t sample_mark;	 /* fingerprint of the lists when they were read from outside */
	uint64_t full_marks, full_marks_ns; /* full collections seen, and since when no other */
	uint64_t past_faults;	 /* reads that had failed when the kernel side last made a census */
	uint64_t asked_restarts; /* how often censuses in slices had begun again, when asked */
	uint64_t losses[PYLEAK_LOSS_CNT]; /* our own */
};

static inline double seconds_since(uint64_t ns)
{
	return (double)(clock_now_ns() - ns) / 1e9;
}

static inline const volatile struct pyleak_progress *progress_of(const struct collector *collector)
{
	return probes_progress(collector->probes);
}

/* Hooks passed so far, of both kinds. */
static inline uint64_t hits_of(const struct collector *collector)
{
	const volatile struct pyleak_progress *progress = progress_of(collector);

	return progress->hits[PYLEAK_HOOK_GC] + progress->hits[PYLEAK_HOOK_SAFEPOINT];
}

/* Tells the kernel side what to walk. Only while no census is asked for. */
void collector_write_control(struct collector *collector);

/* collector_safe_points.c: probes that are in only while nothing else helps. */
int collector_add_safe_point(struct collector *collector);
void collector_remove_safe_points(struct collector *collector);
/* Takes them out when they cost and do not help. */
void collector_govern_safe_points(struct collector *collector);
/* May one be put in now: is there budget for a slice, and a rest behind? */
bool collector_safe_point_due(const struct collector *collector);

/* collector_outside.c: 1 = there is a sample, 0 = try again or otherwise, or -errno. */
int collector_try_outside(struct collector *collector);
int collector_try_moving(struct collector *collector);
/* Right after a full collection there is most time before the next. */
bool collector_is_calm(struct collector *collector);
/* From here on the kernel side takes no slice; one that is under way ends within max_pause. */
void collector_withdraw(struct collector *collector);

/* Takes what the kernel side counted in the census `serial` out of the maps, in place of what
 * was counted before. */
int collector_harvest(struct collector *collector, uint64_t serial);
/* Makes the sample of what was counted. 1, as collector_step(), or -errno. */
int collector_finish(struct collector *collector, enum instrument instrument);
/* The sample's part that needs no census. */
void collector_complete_sample(struct collector *collector, enum instrument instrument);

#endif
