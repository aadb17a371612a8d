/* SPDX-License-Identifier: BSD-2-Clause */
/* Exact counts over a table that the test fills as the kernel side would. */
#ifndef PYLEAK_TEST_EXACT_BENCH_H
#define PYLEAK_TEST_EXACT_BENCH_H

#include "collect/exact.h"
#include "fake_heap.h"

#define BENCH_SECOND 1000000000ULL
#define BENCH_SLOTS 64

struct bench {
	struct fake_heap heap;
	struct gc_lists lists;
	struct py_types *types;
	struct counts *census;
	struct pyleak_alloc_type slots[BENCH_SLOTS];
	struct pyleak_alloc_progress progress;
	struct exact *exact;
	uint64_t now_ns, epoch;
	__u64 pending[2];
	size_t pending_cnt;
};

void bench_init(struct bench *bench);
void bench_deinit(struct bench *bench);

/* What the kernel side does; a census that was completed since the last hit is noted first. */
void bench_hit(struct bench *bench, size_t slot, raddr_t type, uint64_t allocs, uint64_t frees);
/* A second later. */
void bench_step(struct bench *bench, const struct exact_census *census);
/* The census: what it counts, its end (what is hit from now on is after it), our reading of it. */
void bench_count(struct bench *bench, raddr_t type, uint64_t live);
void bench_complete(struct bench *bench);
void bench_anchor(struct bench *bench);

/* Aborts the test when there is none. */
const struct exact_type *bench_row(const struct bench *bench, const char *name);
void bench_expect(const struct bench *bench, const char *name, int64_t live, int64_t drift);

#endif
