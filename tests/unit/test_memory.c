/* SPDX-License-Identifier: BSD-2-Clause */
/* Headers of pymalloc pools: what they say, and what does not pass for one. */
#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

#include "collect/memory.h"

#define POOL 0x7f1200004000ULL

struct header {
	uint64_t used_blocks, free_block, next_pool, prev_pool;
	uint32_t arena_index, size_index, next_offset, max_next_offset;
};

/* A pool of 64-byte blocks, 5 in use. */
static struct header good_pool(uint32_t pool_bytes)
{
	return (struct header){ .used_blocks = 5,
				.free_block = POOL + 48 + 2 * 64,
				.next_pool = POOL + pool_bytes,
				.prev_pool = POOL - pool_bytes,
				.arena_index = 1,
				.size_index = 3,
				.next_offset = 48 + 6 * 64,
				.max_next_offset = pool_bytes - 64 };
}

Test(memory, a_pool_of_either_size_tells_the_bytes_in_use)
{
	struct header pool = good_pool(4096);
	uint64_t used = 0;

	cr_expect(memory_parse_pool(&pool, 4096, POOL, &used));
	cr_expect_eq(used, 5 * 64);
	cr_expect_not(memory_parse_pool(&pool, 16384, POOL, &used), "of the other size");
	pool = good_pool(16384);
	cr_expect(memory_parse_pool(&pool, 16384, POOL, &used));
	cr_expect_eq(used, 5 * 64);
	cr_expect_not(memory_parse_pool(&pool, 4096, POOL, &used), "of the other size");
}

/* Up to CPython 3.7.3 blocks were multiples of 8 bytes (bpo-27987). */
Test(memory, blocks_of_8_byte_classes_are_understood)
{
	struct header pool = good_pool(4096);
	uint64_t used = 0;

	pool.size_index = 4; /* 40 bytes */
	pool.max_next_offset = 4096 - 40;
	cr_expect(memory_parse_pool(&pool, 4096, POOL, &used));
	cr_expect_eq(used, 5 * 40);
}

Test(memory, a_full_pool_and_an_empty_one_are_pools)
{
	struct header pool = good_pool(4096);
	uint64_t used = 0;

	pool.used_blocks = (4096 - 48) / 64;
	pool.free_block = 0;
	cr_expect(memory_parse_pool(&pool, 4096, POOL, &used));
	cr_expect_eq(used, 63 * 64);
	pool.used_blocks = 0;
	cr_expect(memory_parse_pool(&pool, 4096, POOL, &used));
	cr_expect_eq(used, 0);
	/* The count is half of a union with a pointer: what is above it is rubbish. */
	pool.used_blocks = 0xdead00000005ULL;
	cr_expect(memory_parse_pool(&pool, 4096, POOL, &used));
	cr_expect_eq(used, 5 * 64);
}

static void expect_refused(const struct header *pool, const char *why)
{
	uint64_t used = 77;

	cr_expect_not(memory_parse_pool(pool, 4096, POOL, &used), "%s", why);
	cr_expect_eq(used, 77, "%s", why);
}

#define REFUSED(field, value)                                                                      \
	do {                                                                                       \
		struct header pool = good_pool(4096);                                              \
		pool.field = (value);                                                              \
		expect_refused(&pool, #field " = " #value);                                        \
	} while (0)

Test(memory, a_header_with_one_wrong_field_is_none)
{
	REFUSED(used_blocks, 64);
	REFUSED(used_blocks, 0xffffffff);
	REFUSED(free_block, POOL + 47);
	REFUSED(free_block, POOL + 4096);
	REFUSED(free_block, 1);
	REFUSED(next_pool, 0);
	REFUSED(next_pool, POOL + 4);
	REFUSED(prev_pool, POOL + 1);
	REFUSED(size_index, 64);
	REFUSED(size_index, 4);
	REFUSED(size_index, 0xffffffff);
	REFUSED(next_offset, 47);
	REFUSED(next_offset, 4097);
	REFUSED(max_next_offset, 4096);
	REFUSED(max_next_offset, 0);
}

Test(memory, pages_of_zeros_text_and_noise_are_no_pools)
{
	uint8_t page[48] = { 0 };
	uint64_t used;

	cr_expect_not(memory_parse_pool(page, 4096, POOL, &used));
	memset(page, 0xff, sizeof(page));
	cr_expect_not(memory_parse_pool(page, 4096, POOL, &used));
	memcpy(page, "def leak(self):\n\tself.everything.append(self)\n\t", 48);
	cr_expect_not(memory_parse_pool(page, 4096, POOL, &used));
	srand(1);
	for (int round = 0; round < 100000; round++) {
		for (size_t i = 0; i < sizeof(page); i++)
			page[i] = (uint8_t)(rand() >> 7);
		cr_assert_not(memory_parse_pool(page, 4096, POOL, &used), "round %d", round);
	}
}
