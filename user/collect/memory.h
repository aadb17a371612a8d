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

#endif
