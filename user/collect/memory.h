/* SPDX-License-Identifier: BSD-2-Clause */
/* Where the memory of the process is: what Python's small objects take, and the rest. */
#ifndef PYLEAK_COLLECT_MEMORY_H
#define PYLEAK_COLLECT_MEMORY_H

#include "attach/target.h"
#include "collect/sample.h"

/* Finds the pools of pymalloc in the anonymous memory and adds up their blocks. Reads one
 * header per pool. Fills small_used, small_held and small_known of `out`. */
int memory_measure_small(struct target *target, int minor, struct memory *out);

/* Is `header`, 48 bytes at the start of a pool of `pool_bytes`, that of a pool? `used` gets the
 * bytes of its blocks in use. */
bool memory_parse_pool(const void *header, uint64_t pool_bytes, uint64_t address, uint64_t *used);

/* May Python's objects lie there? Arenas of pymalloc, and what malloc holds. */
bool memory_may_hold_arenas(const struct mapping *mapping);

/* For memory_find_present(); the caller closes it. -errno when it is forbidden. */
int memory_open_pagemap(pid_t pid);
/* Which of `cnt` units in a row have their first page in memory. A unit has `unit_bytes`, whole
 * pages; all together at most MEMORY_PRESENT_PAGES. Where `pagemap` cannot be read, all are taken
 * for present. */
#define MEMORY_PRESENT_PAGES 2048
void memory_find_present(int pagemap, uint64_t from, uint64_t unit_bytes, size_t cnt,
			 bool *present);

#endif
