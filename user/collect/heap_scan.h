/* SPDX-License-Identifier: BSD-2-Clause */
/* Finds containers that are on no GC list by looking through the memory of the target: large
 * bytearrays, and large dicts that the GC does not track. */
#ifndef PYLEAK_COLLECT_HEAP_SCAN_H
#define PYLEAK_COLLECT_HEAP_SCAN_H

#include "attach/target.h"
#include "collect/counts.h"
#include "collect/heap_object.h"

#define HEAP_SCAN_MAX 256 /* containers kept, the biggest */

struct heap_scan;

/* `target` stays the caller's and must outlive the scan. 0 or -ENOMEM. */
int heap_scan_create(struct target *target, const struct heap_layout *layout,
		     struct heap_scan **out);
void heap_scan_destroy(struct heap_scan *scan);

/* Reads the containers found before again, and looks through the memory when that is due at
 * `time_s`, seconds of watching. The distance of these looks keeps their cost to 0.5 % of a
 * core. 0, or -E2BIG when a look left memory out; the next one goes on where it ended. */
int heap_scan_update(struct heap_scan *scan, double time_s);

/* What was found, by address. Valid until the next update. */
const struct counted_container *heap_scan_found(const struct heap_scan *scan, size_t *cnt);

#endif
