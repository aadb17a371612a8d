/* SPDX-License-Identifier: BSD-2-Clause */
#include "exact_bench.h"

#include <criterion/criterion.h>

#include <string.h>

void bench_init(struct bench *bench)
{
	struct exact_options options = { .minor = 11, .interpreters = 1, .armed_ns = BENCH_SECOND };

	memset(bench, 0, sizeof(*bench));
	fake_heap_init(&bench->heap, "3.11.7");
	bench->lists.newest_interpreter = fake_interpreter(&bench->heap);
	cr_assert_eq(py_types_create(&bench->heap.reader, &bench->lists, &bench->types), 0);
	cr_assert_eq(counts_create(&bench->census), 0);
	options.types = bench->types;
	options.remote = bench->heap.reader.remote;
	cr_assert_eq(exact_create(&options, &bench->exact), 0);
	bench->now_ns = BENCH_SECOND;
}

void bench_deinit(struct bench *bench)
{
	exact_destroy(bench->exact);
	counts_destroy(bench->census);
	py_types_destroy(bench->types);
	fake_heap_deinit(&bench->heap);
}

void bench_hit(struct bench *bench, size_t slot, raddr_t type, uint64_t allocs, uint64_t frees)
{
	struct pyleak_alloc_type *of = &bench->slots[slot];

	of->type = type;
	if (of->epoch != bench->epoch) {
		of->allocs_at = of->allocs;
		of->frees_at = of->frees;
		of->epoch = bench->epoch;
	}
	of->allocs += allocs;
	of->frees += frees;
}

void bench_step(struct bench *bench, const struct exact_census *census)
{
	const struct exact_input input = {
		.now_ns = bench->now_ns += BENCH_SECOND,
		.slots = bench->slots,
		.slot_cnt = BENCH_SLOTS,
		.progress = &bench->progress,
		.pending = bench->pending,
		.pending_cnt = bench->pending_cnt,
	};

	cr_assert_eq(exact_step(bench->exact, &input, census), 0);
}

void bench_count(struct bench *bench, raddr_t type, uint64_t live)
{
	counts_type(bench->census, type)->live = live;
}

void bench_complete(struct bench *bench)
{
	bench->epoch++;
}

void bench_anchor(struct bench *bench)
{
	const struct exact_census census = { .counts = bench->census, .epoch = bench->epoch };

	bench_step(bench, &census);
	counts_reset(bench->census);
}

const struct exact_type *bench_row(const struct bench *bench, const char *name)
{
	const struct exact_counts *counts = exact_counts(bench->exact);

	for (size_t i = 0; i < counts->cnt; i++)
		if (!strcmp(counts->types[i].name, name))
			return &counts->types[i];
	cr_assert_fail("no row %s", name);
	return NULL;
}

void bench_expect(const struct bench *bench, const char *name, int64_t live, int64_t drift)
{
	cr_expect_eq(bench_row(bench, name)->live, live, "%s: %lld live", name,
		     (long long)bench_row(bench, name)->live);
	cr_expect_eq(bench_row(bench, name)->drift, drift, "%s: drift %lld", name,
		     (long long)bench_row(bench, name)->drift);
}
