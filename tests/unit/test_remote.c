/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads from a buffer and from this process's own memory, with the cache and without. */
#include <criterion/criterion.h>

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "attach/remote.h"

#define BASE 0x10000ULL
#define BLOCK 16384UL /* of the cache */

Test(remote, a_buffer_ends_where_it_ends)
{
	const uint8_t bytes[16] = "0123456789abcdef";
	struct remote *remote;
	char got[17] = "";

	cr_assert_eq(remote_open_buffer(BASE, bytes, sizeof(bytes), &remote), 0);
	cr_expect_eq(remote_read(remote, BASE, got, 16), 0);
	cr_expect_arr_eq(got, bytes, 16);
	cr_expect_eq(remote_read(remote, BASE + 15, got, 1), 0);
	cr_expect_eq(got[0], 'f');
	cr_expect_eq(remote_read(remote, BASE + 15, got, 2), -EFAULT);
	cr_expect_eq(remote_read(remote, BASE + 16, got, 1), -EFAULT);
	cr_expect_eq(remote_read(remote, BASE - 1, got, 2), -EFAULT);
	cr_expect_eq(remote_read(remote, BASE, got, 17), -EFAULT);
	remote_close(remote);
}

Test(remote, an_address_that_overflows_is_refused)
{
	struct remote *buffer, *process;
	char got[16] = "";

	cr_assert_eq(remote_open_buffer(BASE, got, sizeof(got), &buffer), 0);
	cr_assert_eq(remote_open(getpid(), &process), 0);
	cr_expect_eq(remote_read(buffer, UINT64_MAX - 3, got, 8), -EFAULT);
	cr_expect_eq(remote_read(buffer, BASE + 8, got, SIZE_MAX), -EFAULT);
	cr_expect_eq(remote_read(process, UINT64_MAX - 3, got, 8), -EFAULT);
	cr_assert_eq(remote_use_cache(buffer), 0);
	cr_assert_eq(remote_use_cache(process), 0);
	cr_expect_eq(remote_read(buffer, UINT64_MAX - 3, got, 8), -EFAULT);
	cr_expect_eq(remote_read(process, UINT64_MAX - 3, got, 8), -EFAULT);
	remote_close(buffer);
	remote_close(process);
}

Test(remote, words_are_0_where_nothing_can_be_read)
{
	const uint64_t words[2] = { 0x1122334455667788ULL, 0x99aabbccddeeff00ULL };
	struct remote *remote;

	cr_assert_eq(remote_open_buffer(BASE, words, sizeof(words), &remote), 0);
	cr_expect_eq(remote_word(remote, BASE + 8), words[1]);
	cr_expect_eq(remote_word32(remote, BASE), 0x55667788);
	cr_expect_eq(remote_word(remote, BASE + 9), 0);
	cr_expect_eq(remote_word32(remote, BASE + 12), 0x99aabbcc);
	cr_expect_eq(remote_word32(remote, BASE + 13), 0);
	remote_close(remote);
}

Test(remote, a_process_that_is_gone_is_no_bad_address)
{
	struct remote *remote;
	char got;

	/* Above the largest pid that Linux gives out (2^22). */
	cr_assert_eq(remote_open(1 << 30, &remote), 0);
	cr_expect_eq(remote_read(remote, BASE, &got, 1), -ESRCH);
	cr_assert_eq(remote_use_cache(remote), 0);
	cr_expect_eq(remote_read(remote, BASE, &got, 1), -ESRCH);
	remote_close(remote);
}

/* Pages with a hole behind them: `cnt` readable bytes, aligned to a block of the cache. */
static uint8_t *map_before_hole(size_t cnt, uint8_t **whole)
{
	size_t size = cnt + 3 * BLOCK;
	uint8_t *aligned;

	*whole = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	cr_assert_neq(*whole, MAP_FAILED);
	aligned = (uint8_t *)(((uintptr_t)*whole + BLOCK - 1) & ~(BLOCK - 1));
	for (size_t i = 0; i < cnt; i++)
		aligned[i] = (uint8_t)(i * 7 + i / 256);
	cr_assert_eq(mprotect(aligned + cnt, BLOCK, PROT_NONE), 0);
	return aligned;
}

Test(remote, the_cache_serves_the_bytes_that_a_plain_read_serves)
{
	uint8_t *whole, *bytes = map_before_hole(3 * BLOCK, &whole);
	struct remote *remote;
	uint8_t got[64];

	cr_assert_eq(remote_open(getpid(), &remote), 0);
	cr_assert_eq(remote_use_cache(remote), 0);
	for (size_t at = 0; at + 64 <= 3 * BLOCK; at += 61) {
		cr_assert_eq(remote_read(remote, (raddr_t)(bytes + at), got, 64), 0);
		cr_assert_arr_eq(got, bytes + at, 64, "at %zu", at);
	}
	cr_expect_eq(remote_read(remote, (raddr_t)(bytes + BLOCK - 32), got, 64), 0);
	cr_expect_arr_eq(got, bytes + BLOCK - 32, 64, "across two blocks");
	remote_close(remote);
	munmap(whole, 6 * BLOCK);
}

Test(remote, a_block_that_crosses_the_end_of_a_mapping_is_read_in_part)
{
	uint8_t *whole, *bytes = map_before_hole(BLOCK + 4096, &whole);
	struct remote *remote;
	uint8_t got[64];

	cr_assert_eq(remote_open(getpid(), &remote), 0);
	cr_assert_eq(remote_use_cache(remote), 0);
	cr_expect_eq(remote_read(remote, (raddr_t)(bytes + BLOCK + 4032), got, 64), 0);
	cr_expect_arr_eq(got, bytes + BLOCK + 4032, 64, "the last bytes");
	cr_expect_eq(remote_read(remote, (raddr_t)(bytes + BLOCK + 4033), got, 64), -EFAULT);
	cr_expect_eq(remote_read(remote, (raddr_t)(bytes + BLOCK - 32), got, 64), 0);
	cr_expect_arr_eq(got, bytes + BLOCK - 32, 64, "from a whole block into a cut one");
	remote_close(remote);
	munmap(whole, BLOCK + 4096 + 3 * BLOCK);
}

Test(remote, the_cache_is_a_picture_until_it_is_taken_anew)
{
	uint8_t *whole;
	volatile uint64_t *value = (uint64_t *)map_before_hole(BLOCK, &whole);
	struct remote *remote;

	*value = 1;
	cr_assert_eq(remote_open(getpid(), &remote), 0);
	cr_assert_eq(remote_use_cache(remote), 0);
	cr_expect_eq(remote_word(remote, (raddr_t)value), 1);
	*value = 2;
	cr_expect_eq(remote_word(remote, (raddr_t)value), 1);
	cr_assert_eq(remote_use_cache(remote), 0);
	cr_expect_eq(remote_word(remote, (raddr_t)value), 2);
	*value = 3;
	remote_drop_cache(remote);
	cr_expect_eq(remote_word(remote, (raddr_t)value), 3);
	remote_close(remote);
	munmap(whole, 4 * BLOCK);
}

Test(remote, addresses_that_share_a_slot_of_the_cache_are_kept_apart)
{
	/* 1024 slots of 16 KiB: a multiple of 16 MiB apart, some meet in one slot. */
	static uint8_t far_apart[(48U << 20) + 8];
	struct remote *remote;

	cr_assert_eq(remote_open(getpid(), &remote), 0);
	cr_assert_eq(remote_use_cache(remote), 0);
	for (size_t i = 0; i < 4; i++)
		far_apart[i << 24] = (uint8_t)(i + 1);
	for (size_t at = 0; at < 3 * BLOCK; at += BLOCK) {
		far_apart[at + 8] = 0x40;
		far_apart[at + (1024 - 1) * BLOCK + 8] = 0x41;
	}
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < 4; i++)
			cr_expect_eq(remote_word32(remote, (raddr_t)&far_apart[i << 24]) & 0xff,
				     i + 1);
		for (size_t at = 0; at < 3 * BLOCK; at += BLOCK) {
			cr_expect_eq(remote_word32(remote, (raddr_t)&far_apart[at + 8]), 0x40);
			cr_expect_eq(
				remote_word32(remote, (raddr_t)&far_apart[at + 1023 * BLOCK + 8]),
				0x41);
		}
	}
	remote_close(remote);
}

Test(remote, a_string_is_cut_and_always_terminated)
{
	const char text[] = "collections.deque";
	struct remote *remote;
	char got[32];

	cr_assert_eq(remote_open_buffer(BASE, text, sizeof(text), &remote), 0);
	memset(got, 'x', sizeof(got));
	cr_expect_eq(remote_string(remote, BASE, got, 12), 11);
	cr_expect_str_eq(got, "collections");
	cr_expect_eq(got[12], 'x', "written behind its room");
	cr_expect_eq(remote_string(remote, BASE + 12, got, 6), 5);
	cr_expect_str_eq(got, "deque");
	cr_expect_eq(remote_string(remote, BASE, got, 1), -EFAULT, "no room for any byte");
	cr_expect_str_empty(got);
	cr_expect_eq(remote_string(remote, BASE - 1, got, sizeof(got)), -EFAULT);
	cr_expect_str_empty(got);
	cr_expect_eq(remote_string(remote, BASE + 17, got, 2), 0, "the empty string");
	remote_close(remote);
}

Test(remote, a_string_that_ends_on_the_last_byte_before_a_hole_is_read)
{
	uint8_t *whole, *bytes = map_before_hole(BLOCK, &whole);
	char *text = (char *)bytes + BLOCK - 300;
	struct remote *remote;
	char got[1024];

	memset(text, 'n', 299);
	text[299] = '\0';
	cr_assert_eq(remote_open(getpid(), &remote), 0);
	for (int cached = 0; cached < 2; cached++) {
		cr_expect_eq(remote_string(remote, (raddr_t)text, got, sizeof(got)), 299);
		cr_expect_str_eq(got, text);
		cr_assert_eq(remote_use_cache(remote), 0);
	}
	/* Without its end: what lies before the hole. */
	text[299] = 'n';
	cr_expect_eq(remote_string(remote, (raddr_t)(text + 44), got, sizeof(got)), 256);
	cr_expect_eq(strspn(got, "n"), strlen(got));
	remote_close(remote);
	munmap(whole, 4 * BLOCK);
}
