/* SPDX-License-Identifier: BSD-2-Clause */
/* Objects made by hand, as CPython lays them out: first in a buffer, one field wrong at a time;
 * then in this process's own memory, which is searched for them. */
#include <criterion/criterion.h>

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "collect/heap_object.h"
#include "collect/heap_scan.h"
#include "collect/memory.h"

#define BASE 0x7f0000000000ULL
#define DICT_TYPE 0x5ca1ab1e00d1c700ULL
#define BYTEARRAY_TYPE 0x5ca1ab1e0b17e500ULL

/* Words of the crafted memory: a head of up to 32 bytes, the object behind it, its table. */
enum { OBJECT = 4, TABLE = 16, WORDS = 64 };
#define OBJECT_AT (BASE + 8 * OBJECT)
#define TABLE_AT (BASE + 8 * TABLE)

static struct heap_layout layout_of(int minor, uint32_t head_bytes)
{
	return (struct heap_layout){
		.dict_type = DICT_TYPE,
		.bytearray_type = BYTEARRAY_TYPE,
		.dict_bytes = 48,
		.bytearray_bytes = 56,
		.head_bytes = head_bytes,
		.minor = minor,
	};
}

/* 300 entries in 512 slots, keys all str; `table` is its address. */
static void put_dict(uint64_t *words, const struct heap_layout *layout, uint64_t *keys,
		     uint64_t table)
{
	memset(words, 0, (OBJECT + 6) * 8);
	if (layout->head_bytes > 16)
		words[OBJECT - layout->head_bytes / 8 + 2] = (uint64_t)-4; /* -2 << 1 */
	words[OBJECT] = 2;
	words[OBJECT + 1] = layout->dict_type;
	words[OBJECT + 2] = 300;
	words[OBJECT + 3] = 12345; /* version tag */
	words[OBJECT + 4] = table;
	memset(keys, 0, 5 * 8);
	keys[0] = 1;
	if (layout->minor >= 11) {
		keys[1] = 9 | 10 << 8 | 1 << 16;
		keys[2] = 30;
		keys[3] = 311;
	} else {
		keys[1] = 512;
		keys[2] = 0x7f00deadb000;
		keys[3] = 30;
		keys[4] = 311;
	}
}

static void put_bytearray(uint64_t *object, uint64_t bytes)
{
	const uint64_t words[] = { 1, BYTEARRAY_TYPE, 5000, 5632, bytes, bytes + 16, 0 };

	memcpy(object, words, sizeof(words));
}

static int read_object(const struct heap_layout *layout, const uint64_t words[WORDS],
		       struct counted_container *out)
{
	struct remote *remote;
	int err;

	cr_assert_eq(remote_open_buffer(BASE, words, WORDS * 8, &remote), 0);
	err = heap_read_object(layout, remote, OBJECT_AT, out);
	remote_close(remote);
	return err;
}

Test(heap_object, an_untracked_dict_is_measured)
{
	static const struct {
		int minor;
		uint32_t head_bytes;
		uint64_t bytes; /* head, object, table */
	} cases[] = {
		{ 6, 24, 24 + 48 + 0x28 + 512 * 2 + 341 * 24 },
		{ 7, 32, 32 + 48 + 0x28 + 512 * 2 + 341 * 24 },
		{ 8, 16, 16 + 48 + 0x28 + 512 * 2 + 341 * 24 },
		{ 11, 16, 16 + 48 + 0x20 + 512 * 2 + 341 * 16 },
		{ 13, 16, 16 + 48 + 0x20 + 512 * 2 + 341 * 16 },
	};
	uint64_t words[WORDS] = {};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct heap_layout layout = layout_of(cases[i].minor, cases[i].head_bytes);
		struct counted_container found = {};

		put_dict(words, &layout, words + TABLE, TABLE_AT);
		cr_assert_eq(read_object(&layout, words, &found), 0, "3.%d", cases[i].minor);
		cr_expect_eq(found.address, OBJECT_AT);
		cr_expect_eq(found.type, DICT_TYPE);
		cr_expect_eq(found.len, 300);
		cr_expect_eq(found.bytes, cases[i].bytes, "3.%d: %zu", cases[i].minor,
			     (size_t)found.bytes);
	}
}

struct damage {
	size_t word;
	uint64_t value;
	int err;
	const char *what;
};

static void expect_refused(const struct heap_layout *layout, const uint64_t good[WORDS],
			   const struct damage *damages, size_t cnt)
{
	struct counted_container found;

	cr_assert_eq(read_object(layout, good, &found), 0);
	for (size_t i = 0; i < cnt; i++) {
		uint64_t words[WORDS];

		memcpy(words, good, sizeof(words));
		words[damages[i].word] = damages[i].value;
		cr_expect_eq(read_object(layout, words, &found), damages[i].err, "%s",
			     damages[i].what);
	}
}

Test(heap_object, a_dict_with_one_wrong_field_is_none)
{
	static const struct damage both[] = {
		{ OBJECT - 2, BASE, -EBADMSG, "tracked" },
		{ OBJECT, 0, -EBADMSG, "freed" },
		{ OBJECT, 0xa5f040, -EBADMSG, "a link into the lowest heap as count" },
		{ OBJECT, BASE + 64, -EBADMSG, "a link as count" },
		{ OBJECT, (uint64_t)-1, -EBADMSG, "a negative count" },
		{ OBJECT + 1, DICT_TYPE + 8, -EBADMSG, "another type" },
		{ OBJECT + 2, 312, -EAGAIN, "more used than entries" },
		{ OBJECT + 2, (uint64_t)-1, -EAGAIN, "negative length" },
		{ OBJECT + 4, 0, -EAGAIN, "no table" },
		{ OBJECT + 4, TABLE_AT + 4, -EAGAIN, "table not aligned" },
		{ OBJECT + 4, BASE + WORDS * 8 - 32, -EAGAIN, "table cut off" },
		{ OBJECT + 4, (uint64_t)-8, -EAGAIN, "table at the end of addresses" },
		{ OBJECT + 5, TABLE_AT, -EAGAIN, "values apart" },
		{ TABLE, 2, -EAGAIN, "shared keys" },
		{ TABLE, 0, -EAGAIN, "freed keys" },
	};
	static const struct damage old[] = {
		{ TABLE + 1, 500, -EAGAIN, "size no power of two" },
		{ TABLE + 1, 256, -EAGAIN, "more entries than slots" },
		{ TABLE + 1, 1ULL << 63, -EAGAIN, "size without limit" },
		{ TABLE + 1, 4, -EAGAIN, "size too small" },
		{ TABLE + 2, 0, -EAGAIN, "no look-up function" },
		{ TABLE + 3, 31, -EAGAIN, "more room than the size allows" },
		{ TABLE + 3, (uint64_t)-1, -EAGAIN, "negative room" },
		{ TABLE + 4, (uint64_t)-30, -EAGAIN, "negative entries" },
	};
	static const struct damage new[] = {
		{ TABLE + 1, 9 | 9 << 8 | 1 << 16, -EAGAIN, "index too short" },
		{ TABLE + 1, 9 | 10 << 8 | 2 << 16, -EAGAIN, "split keys" },
		{ TABLE + 1, 8 | 9 << 8 | 1 << 16, -EAGAIN, "more entries than slots" },
		{ TABLE + 1, 63 | 66 << 8, -EAGAIN, "size without limit" },
		{ TABLE + 1, 1 | 1 << 8, -EAGAIN, "size too small" },
		{ TABLE + 2, 31, -EAGAIN, "more room than the size allows" },
		{ TABLE + 3, (uint64_t)-30, -EAGAIN, "negative entries" },
	};
	struct heap_layout layout = layout_of(8, 16);
	uint64_t words[WORDS] = {};

	put_dict(words, &layout, words + TABLE, TABLE_AT);
	expect_refused(&layout, words, both, ARRAY_SIZE(both));
	expect_refused(&layout, words, old, ARRAY_SIZE(old));
	layout = layout_of(11, 16);
	put_dict(words, &layout, words + TABLE, TABLE_AT);
	expect_refused(&layout, words, both, ARRAY_SIZE(both));
	expect_refused(&layout, words, new, ARRAY_SIZE(new));
}

Test(heap_object, up_to_3_7_a_tracked_dict_has_other_refs)
{
	static const struct damage narrow[] = {
		{ OBJECT - 1, (uint64_t)-6, -EBADMSG, "reachable" },
		{ OBJECT - 1, 0, -EBADMSG, "not a head" },
	};
	static const struct damage wide[] = { { OBJECT - 2, (uint64_t)-6, -EBADMSG, "reachable" } };
	struct heap_layout layout = layout_of(6, 24);
	uint64_t words[WORDS] = {};

	put_dict(words, &layout, words + TABLE, TABLE_AT);
	expect_refused(&layout, words, narrow, ARRAY_SIZE(narrow));
	layout = layout_of(7, 32);
	put_dict(words, &layout, words + TABLE, TABLE_AT);
	expect_refused(&layout, words, wide, ARRAY_SIZE(wide));
	words[OBJECT - 2] |= 1; /* finalized */
	expect_refused(&layout, words, wide, ARRAY_SIZE(wide));
}

Test(heap_object, a_cleared_dict_is_still_one)
{
	struct heap_layout layout = layout_of(11, 16);
	struct counted_container found = {};
	uint64_t words[WORDS] = {};

	put_dict(words, &layout, words + TABLE, TABLE_AT);
	words[OBJECT + 2] = 0;
	words[OBJECT + 4] = BASE - 4096;
	cr_assert_eq(read_object(&layout, words, &found), 0);
	cr_expect_eq(found.len, 0);
	cr_expect_eq(found.bytes, 64);
}

Test(heap_object, a_bytearray_is_measured_or_refused)
{
	static const struct damage damages[] = {
		{ OBJECT, 0, -EBADMSG, "freed" },
		{ OBJECT, BASE + 64, -EBADMSG, "a link as count" },
		{ OBJECT + 2, 5633, -EAGAIN, "longer than its room" },
		{ OBJECT + 2, (uint64_t)-1, -EAGAIN, "negative length" },
		{ OBJECT + 2, 5632, -EAGAIN, "ends behind its room" },
		{ OBJECT + 3, 1ULL << 62, -EAGAIN, "room without limit" },
		{ OBJECT + 4, 0, -EAGAIN, "room without bytes" },
		{ OBJECT + 5, TABLE_AT - 1, -EAGAIN, "begins before its bytes" },
		{ OBJECT + 5, TABLE_AT + 5632, -EAGAIN, "begins behind its bytes" },
		{ OBJECT + 6, (uint32_t)-1, -EAGAIN, "negative exports" },
		{ OBJECT + 6, 1U << 30, -EAGAIN, "too many exports" },
	};
	struct heap_layout layout = layout_of(14, 16);
	struct counted_container found = {};
	uint64_t words[WORDS] = {};

	put_bytearray(words + OBJECT, TABLE_AT);
	expect_refused(&layout, words, damages, ARRAY_SIZE(damages));
	words[OBJECT] |= 3ULL << 48; /* flags of 3.14 */
	cr_assert_eq(read_object(&layout, words, &found), 0);
	cr_expect_eq(found.type, BYTEARRAY_TYPE);
	cr_expect_eq(found.len, 5000);
	cr_expect_eq(found.bytes, 56 + 5632);
	layout.minor = 13;
	cr_expect_eq(read_object(&layout, words, &found), -EBADMSG);
	put_bytearray(words + OBJECT, BASE + WORDS * 8);
	cr_expect_eq(read_object(&layout, words, &found), -EAGAIN, "bytes unreadable");
	memset(words + OBJECT + 2, 0, 5 * 8);
	cr_expect_eq(read_object(&layout, words, &found), 0, "empty");
	cr_expect_eq(found.len, 0);
}

Test(heap_object, any_bytes_are_read_without_harm)
{
	uint64_t words[WORDS], random = 88172645463325252ULL;
	struct counted_container found;

	for (int round = 0; round < 200000; round++) {
		struct heap_layout layout = layout_of(6 + round % 10, 16 + 8 * (round % 3));

		for (size_t i = 0; i < WORDS; i++) {
			random ^= random << 13;
			random ^= random >> 7;
			random ^= random << 17;
			words[i] = random >> (random & 63);
		}
		words[OBJECT] = 1 + random % 3;
		words[OBJECT + 1] = round % 2 ? DICT_TYPE : BYTEARRAY_TYPE;
		if (random % 2)
			words[OBJECT + 4] = TABLE_AT;
		if (!read_object(&layout, words, &found))
			cr_assert_lt(found.bytes, 1ULL << 48);
	}
}

Test(heap_object, the_cheap_look_passes_what_may_be_large)
{
	struct heap_layout layout = layout_of(11, 16);
	uint64_t words[WORDS] = {};

	put_dict(words, &layout, words + TABLE, TABLE_AT);
	cr_expect(heap_may_be_large(&layout, words, WORDS, OBJECT + 1));
	cr_expect(heap_may_be_large(&layout, words, OBJECT + 2, OBJECT + 1), "ends there");
	cr_expect(heap_may_be_large(&layout, words + OBJECT + 1, 1, 0), "only the type");
	words[OBJECT + 2] = HEAP_DICT_MIN - 1;
	cr_expect_not(heap_may_be_large(&layout, words, WORDS, OBJECT + 1));
	words[OBJECT + 2] = HEAP_DICT_MIN;
	cr_expect(heap_may_be_large(&layout, words, WORDS, OBJECT + 1));
	words[OBJECT - 2] = BASE;
	cr_expect_not(heap_may_be_large(&layout, words, WORDS, OBJECT + 1), "tracked");
	cr_expect(heap_may_be_large(&layout, words + OBJECT, WORDS - OBJECT, 1), "head unseen");
	put_bytearray(words + OBJECT, TABLE_AT);
	cr_expect(heap_may_be_large(&layout, words, WORDS, OBJECT + 1));
	words[OBJECT + 2] = HEAP_BYTEARRAY_MIN - 1;
	cr_expect_not(heap_may_be_large(&layout, words, WORDS, OBJECT + 1));
	words[OBJECT + 2] = 5000;
	words[OBJECT] = 0;
	cr_expect_not(heap_may_be_large(&layout, words, WORDS, OBJECT + 1), "freed");
}

/* ---- this process as the target ---- */

#define CHUNK (256UL * 1024)
#define ROOM (4 * CHUNK)

struct own {
	struct target target;
	struct heap_layout layout;
	struct heap_scan *scan;
	uint64_t *memory; /* aligned to a chunk */
};

static void own_open(struct own *own)
{
	uint8_t *whole = mmap(NULL, ROOM + CHUNK, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	cr_assert_neq(whole, MAP_FAILED);
	own->memory = (uint64_t *)(((uintptr_t)whole + CHUNK - 1) & ~(CHUNK - 1));
	own->layout = layout_of(11, 16);
	cr_assert_eq(target_open(getpid(), &own->target), 0);
	cr_assert_eq(heap_scan_create(&own->target, &own->layout, &own->scan), 0);
}

static void own_close(struct own *own)
{
	heap_scan_destroy(own->scan);
	target_close(&own->target);
}

static void update(struct own *own, double time_s)
{
	int err = heap_scan_update(own->scan, time_s);

#ifdef __SANITIZE_ADDRESS__
	/* Its shadow is a mapping of 14 TiB, which no look goes through. */
	err = err == -E2BIG ? 0 : err;
#endif
	cr_assert_eq(err, 0);
}

static const struct counted_container *found_at(struct own *own, const uint64_t *words)
{
	size_t cnt;
	const struct counted_container *found = heap_scan_found(own->scan, &cnt);

	for (size_t i = 0; i < cnt; i++) {
		cr_assert(!i || found[i - 1].address < found[i].address, "not in order");
		if (found[i].address == (raddr_t)(words + OBJECT))
			return &found[i];
	}
	return NULL;
}

Test(heap_scan, a_look_finds_what_is_there_and_the_next_samples_follow_it)
{
	struct own own;
	uint64_t *dict, *keys, *edge, *array;

	own_open(&own);
	dict = own.memory + 1000;
	keys = own.memory + 2000;
	put_dict(dict, &own.layout, keys, (uint64_t)keys);
	/* Its type is the last word of a page, its length in the next. */
	edge = own.memory + CHUNK / 8 - OBJECT - 2;
	put_dict(edge, &own.layout, keys + 100, (uint64_t)(keys + 100));
	array = own.memory + 3 * CHUNK / 8;
	put_bytearray(array + OBJECT, (uint64_t)(array + 64));
	update(&own, 0.1);
	cr_expect_null(found_at(&own, dict), "before it is due");
	update(&own, 1.1);
	cr_assert_not_null(found_at(&own, dict));
	cr_expect_not_null(found_at(&own, edge));
	cr_expect_not_null(found_at(&own, array));
	dict[OBJECT + 2] = 305;
	edge[OBJECT] = 0;
	array[OBJECT + 2] = 10; /* known ones may shrink */
	update(&own, 2.1);
	cr_assert_not_null(found_at(&own, dict));
	cr_expect_eq(found_at(&own, dict)->len, 305);
	cr_expect_null(found_at(&own, edge));
	cr_assert_not_null(found_at(&own, array));
	cr_expect_eq(found_at(&own, array)->len, 10);
	own_close(&own);
}

Test(heap_scan, a_container_in_the_middle_of_a_change_stays_for_two_samples)
{
	struct own own;
	uint64_t *dict;

	own_open(&own);
	dict = own.memory;
	put_dict(dict, &own.layout, dict + 64, (uint64_t)(dict + 64));
	update(&own, 1);
	dict[64 + 3] = 0; /* a new table, its entries not yet copied */
	for (int i = 0; i < 2; i++) {
		update(&own, 1.1);
		cr_assert_not_null(found_at(&own, dict));
		cr_expect_eq(found_at(&own, dict)->len, 300);
	}
	dict[64 + 3] = 311;
	update(&own, 1.1);
	dict[64 + 3] = 0;
	for (int i = 0; i < 3; i++)
		update(&own, 1.1);
	cr_expect_null(found_at(&own, dict));
	own_close(&own);
}

Test(heap_scan, the_biggest_are_kept)
{
	struct own own;
	const struct counted_container *found;
	size_t cnt;

	own_open(&own);
	for (size_t i = 0; i < 600; i++) {
		uint64_t *array = own.memory + 16 * i;

		put_bytearray(array + OBJECT, (uint64_t)own.memory);
		/* A mixed order: 7 has no divisor in common with 600. */
		array[OBJECT + 3] = 6000 + i * 7 % 600;
	}
	update(&own, 1);
	found = heap_scan_found(own.scan, &cnt);
	cr_expect_eq(cnt, HEAP_SCAN_MAX);
	for (size_t i = 0; i < cnt; i++) {
		cr_expect_geq(found[i].bytes, 56 + 6600 - HEAP_SCAN_MAX);
		cr_expect(!i || found[i - 1].address < found[i].address);
	}
	own_close(&own);
}

Test(heap_scan, a_look_leaves_absent_pages_absent)
{
	bool present[CHUNK / 4096];
	struct own own;
	int pagemap;

	own_open(&own);
	own.memory[2 * 512] = 1;
	own.memory[5 * 512] = 1;
	update(&own, 1);
	pagemap = memory_open_pagemap(getpid());
	cr_assert_geq(pagemap, 0);
	memory_find_present(pagemap, (uint64_t)own.memory, 4096, CHUNK / 4096, present);
	for (size_t i = 0; i < CHUNK / 4096; i++)
		cr_expect_eq(present[i], i == 2 || i == 5, "page %zu", i);
	close(pagemap);
	own_close(&own);
}
