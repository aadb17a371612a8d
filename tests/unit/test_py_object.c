/* SPDX-License-Identifier: BSD-2-Clause */
/* str and dict in the layouts of several versions, and garbage in their place. */
#include <criterion/criterion.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "collect/py_object.h"
#include "fake_heap.h"

static const char *const str_builds[] = { "3.8.18", "3.11.7", "3.12.1", "3.14.10" };

static void expect_str(const struct fake_heap *heap, raddr_t str, const char *text)
{
	char got[64];

	cr_assert_eq(py_str_read(&heap->reader, str, got, sizeof(got)), 0, "%s: %s",
		     heap->build->version, text);
	cr_expect_str_eq(got, text, "%s: %s, not %s", heap->build->version, got, text);
}

Test(py_object, a_str_of_any_kind_becomes_utf_8)
{
	const uint32_t latin[] = { 'k', 0xe9, 0xff }, han[] = { 0x5b57, 'a', 0x7ff };
	const uint32_t wide[] = { 0x1f40d, 'b', 0xffff };

	for (size_t i = 0; i < 4; i++) {
		struct fake_heap heap;

		fake_heap_init(&heap, str_builds[i]);
		expect_str(&heap, fake_str(&heap, "__main__"), "__main__");
		expect_str(&heap, fake_str(&heap, ""), "");
		expect_str(&heap, fake_wide_str(&heap, 1, latin, 3), "k\xc3\xa9\xc3\xbf");
		expect_str(&heap, fake_wide_str(&heap, 2, han, 3),
			   "\xe5\xad\x97"
			   "a\xdf\xbf");
		expect_str(&heap, fake_wide_str(&heap, 4, wide, 3),
			   "\xf0\x9f\x90\x8d"
			   "b\xef\xbf\xbf");
		fake_heap_deinit(&heap);
	}
}

Test(py_object, what_utf_8_cannot_say_becomes_a_replacement)
{
	const uint32_t chars[] = { 0xd800, 0x110000, 0xffffffff };
	struct fake_heap heap;

	fake_heap_init(&heap, "3.11.7");
	expect_str(&heap, fake_wide_str(&heap, 4, chars, 3),
		   "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
	fake_heap_deinit(&heap);
}

Test(py_object, a_str_is_cut_at_a_character)
{
	const uint32_t chars[] = { 'a', 0x1f40d, 'b' };
	struct fake_heap heap;
	char got[8] = "xxxxxxx";
	raddr_t str;

	fake_heap_init(&heap, "3.12.1");
	str = fake_wide_str(&heap, 4, chars, 3);
	cr_expect_eq(py_str_read(&heap.reader, str, got, 5), 0);
	cr_expect_str_eq(got, "a");
	cr_expect_eq(py_str_read(&heap.reader, str, got, 6), 0);
	cr_expect_str_eq(got, "a\xf0\x9f\x90\x8d");
	cr_expect_eq(got[6], 'x');
	cr_expect_eq(py_str_read(&heap.reader, str, got, 1), 0);
	cr_expect_str_empty(got);
	cr_expect_eq(py_str_read(&heap.reader, str, got, 0), -EFAULT);
	fake_heap_deinit(&heap);
}

Test(py_object, a_length_that_is_garbage_is_bounded)
{
	struct fake_heap heap;
	raddr_t str;
	char got[16];

	fake_heap_init(&heap, "3.11.7");
	str = fake_str(&heap, "name");
	fake_put(&heap, str + 0x10, UINT64_MAX);
	cr_expect_eq(py_str_read(&heap.reader, str, got, sizeof(got)), 0);
	cr_expect_eq(strncmp(got, "name", 4), 0);
	cr_expect_lt(strlen(got), sizeof(got));
	/* Near the end of memory: what is asked for is not there. */
	fake_alloc(&heap, FAKE_BYTES - heap.used - 0x60);
	str = fake_str(&heap, "name");
	fake_put(&heap, str + 0x10, 1ULL << 63);
	cr_expect_eq(py_str_read(&heap.reader, str, (char[4096]){ 0 }, 4096), -EFAULT);
	fake_heap_deinit(&heap);
}

Test(py_object, what_is_no_compact_str_is_refused)
{
	struct fake_heap heap;
	raddr_t str;
	char got[16];

	fake_heap_init(&heap, "3.11.7");
	str = fake_str(&heap, "name");
	fake_put32(&heap, str + 0x20, 3U << 2 | 3U << 5);
	cr_expect_eq(py_str_read(&heap.reader, str, got, sizeof(got)), -EBADMSG, "kind 3");
	fake_put32(&heap, str + 0x20, 1U << 2 | 1U << 6);
	cr_expect_eq(py_str_read(&heap.reader, str, got, sizeof(got)), -EBADMSG, "not compact");
	fake_put32(&heap, str + 0x20, 1U << 2 | 3U << 5);
	cr_expect_eq(py_str_read(&heap.reader, str, got, sizeof(got)), 0);
	fake_put(&heap, str + 8, heap.type_type);
	cr_expect_eq(py_str_read(&heap.reader, str, got, sizeof(got)), -EBADMSG, "another type");
	cr_expect_eq(py_str_read(&heap.reader, 0, got, sizeof(got)), -EFAULT);
	fake_heap_deinit(&heap);
}

struct seen {
	size_t cnt;
	raddr_t keys, values; /* sums */
};

static int see(raddr_t key, raddr_t value, void *context)
{
	struct seen *seen = context;

	seen->cnt++;
	seen->keys += key;
	seen->values += value;
	return 0;
}

/* Keys 1.., values 1001..; the third entry is deleted. */
static raddr_t dict_of(struct fake_heap *heap, size_t cnt, bool unicode)
{
	struct fake_pair pairs[300];

	for (size_t i = 0; i < cnt; i++)
		pairs[i] = (struct fake_pair){ i + 1, i == 2 ? 0 : 1001 + i };
	return fake_dict(heap, pairs, cnt, unicode);
}

static void expect_dict(struct fake_heap *heap, size_t cnt, bool unicode)
{
	struct seen seen = {};
	size_t sum = cnt * (cnt + 1) / 2 - 3;

	cr_assert_eq(py_dict_each(&heap->reader, dict_of(heap, cnt, unicode), 1000, see, &seen), 0);
	cr_expect_eq(seen.cnt, cnt - 1, "%s", heap->build->version);
	cr_expect_eq(seen.keys, sum, "%s", heap->build->version);
	cr_expect_eq(seen.values, sum + 1000 * (cnt - 1), "%s", heap->build->version);
}

Test(py_object, every_layout_of_a_dict_gives_its_entries)
{
	for (size_t i = 0; i < 4; i++) {
		struct fake_heap heap;

		fake_heap_init(&heap, str_builds[i]);
		expect_dict(&heap, 5, false);
		expect_dict(&heap, 5, true);
		/* More than one read. */
		expect_dict(&heap, 300, false);
		expect_dict(&heap, 300, true);
		fake_heap_deinit(&heap);
	}
}

static int stop(raddr_t key, raddr_t value, void *context)
{
	(void)value;
	(void)context;
	return (int)key * 10;
}

Test(py_object, a_walk_over_a_dict_ends_at_its_limit_or_when_told)
{
	struct fake_heap heap;
	struct seen seen = {};
	raddr_t dict;

	fake_heap_init(&heap, "3.13.0");
	dict = dict_of(&heap, 300, true);
	cr_expect_eq(py_dict_each(&heap.reader, dict, 200, see, &seen), 0);
	cr_expect_eq(seen.cnt, 199);
	cr_expect_eq(py_dict_each(&heap.reader, dict, 200, stop, NULL), 10);
	fake_heap_deinit(&heap);
}

Test(py_object, a_dict_that_makes_no_sense_is_refused)
{
	struct fake_heap heap;
	struct seen seen = {};
	raddr_t dict, keys;

	fake_heap_init(&heap, "3.11.7");
	dict = dict_of(&heap, 5, true);
	keys = fake_get(&heap, dict + 0x20);
	fake_put(&heap, dict + 0x28, 0x7000);
	cr_expect_eq(py_dict_each(&heap.reader, dict, 9, see, &seen), -EBADMSG, "a split table");
	fake_put(&heap, dict + 0x28, 0);
	fake_put(&heap, keys + 0x18, 9);
	cr_expect_eq(py_dict_each(&heap.reader, dict, 9, see, &seen), -EBADMSG, "9 of 8 slots");
	fake_put(&heap, keys + 0x18, 5);
	fake_put(&heap, keys + 8, 0x103ff);
	cr_expect_eq(py_dict_each(&heap.reader, dict, 9, see, &seen), -EBADMSG, "2^255 slots");
	fake_put(&heap, keys + 8, 0x1ff03);
	cr_expect_eq(py_dict_each(&heap.reader, dict, 9, see, &seen), -EBADMSG, "index of 2^255");
	fake_put(&heap, dict + 0x20, 0);
	cr_expect_eq(py_dict_each(&heap.reader, dict, 9, see, &seen), -EBADMSG, "no keys");
	fake_put(&heap, dict + 0x20, 8);
	cr_expect_eq(py_dict_each(&heap.reader, dict, 9, see, &seen), -EFAULT);
	cr_expect_eq(seen.cnt, 0);
	fake_heap_deinit(&heap);
	fake_heap_init(&heap, "3.8.18");
	dict = dict_of(&heap, 5, false);
	fake_put(&heap, fake_get(&heap, dict + 0x20) + 8, UINT64_MAX);
	cr_expect_eq(py_dict_each(&heap.reader, dict, 9, see, &seen), -EBADMSG);
	fake_heap_deinit(&heap);
}

Test(py_object, a_value_is_found_by_its_key)
{
	struct fake_heap heap;
	struct fake_pair pairs[3];
	raddr_t dict;

	fake_heap_init(&heap, "3.12.1");
	/* A key that is no str is passed over. */
	pairs[0] = (struct fake_pair){ heap.type_type, 1 };
	pairs[1] = (struct fake_pair){ fake_str(&heap, "__modul"), 2 };
	pairs[2] = (struct fake_pair){ fake_str(&heap, "__module__"), 3 };
	dict = fake_dict(&heap, pairs, 3, false);
	cr_expect_eq(py_dict_get(&heap.reader, dict, "__module__"), 3);
	cr_expect_eq(py_dict_get(&heap.reader, dict, "__module"), 0);
	cr_expect_eq(py_dict_get(&heap.reader, 0, "__module__"), 0);
	fake_heap_deinit(&heap);
}
