/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of layouts, and the offsets that newer targets publish about themselves. */
#include <criterion/criterion.h>

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "attach/py_layout.h"
#include "fake_heap.h"

Test(py_layout, every_minor_version_has_a_table_or_is_refused)
{
	struct fake_heap heap;
	struct py_layout layout;

	fake_heap_init(&heap, "3.8.18");
	for (int minor = -1; minor <= 40; minor++) {
		int err =
			py_layout_load(minor, 0, heap.reader.remote, heap.python.runtime, &layout);

		if (minor < 6 || minor > 15) {
			cr_expect_eq(err, -EOPNOTSUPP, "3.%d", minor);
		} else if (minor >= 13) {
			cr_expect_eq(err, -EBADMSG, "3.%d without its offsets", minor);
		} else {
			cr_expect_eq(err, 0, "3.%d", minor);
			cr_expect(layout.ht_name && layout.string_data && layout.tstate_thread_id &&
					  layout.interpreter_modules,
				  "3.%d is not complete", minor);
			cr_expect(minor == 6 || (layout.interpreters_head && layout.gc), "3.%d",
				  minor);
			cr_expect_eq(layout.gc_is_global, minor <= 8, "3.%d", minor);
		}
	}
	fake_heap_deinit(&heap);
}

Test(py_layout, the_thread_state_moved_inside_3_7)
{
	struct py_layout old, new;

	cr_assert_eq(py_layout_load(7, 3, NULL, 0, &old), 0);
	cr_assert_eq(py_layout_load(7, 4, NULL, 0, &new), 0);
	/* Behind two mutexes, which are larger on arm64. */
	cr_expect_eq(old.tstate_current, 0x570 + 2 * (sizeof(pthread_mutex_t) - 40));
	cr_expect_eq(new.tstate_current, 0x5c8 + 2 * (sizeof(pthread_mutex_t) - 40));
}

Test(py_layout, offsets_come_from_the_target_itself_from_3_13_on)
{
	struct fake_heap heap;

	fake_heap_init(&heap, "3.14.10");
	cr_expect_eq(heap.python.layout.interpreters_head, 0x328);
	cr_expect_eq(heap.python.layout.interpreter_next, 0x1c68);
	cr_expect_eq(heap.python.layout.gc, 0x1cf0);
	cr_expect_eq(heap.python.layout.gc_extent, 0x108);
	cr_expect_eq(heap.python.layout.interpreter_modules, 0x1e08);
	cr_expect_eq(heap.python.layout.interpreter_gil, 0x10);
	fake_heap_deinit(&heap);
}

static int load_again(struct fake_heap *heap, int minor)
{
	struct py_layout layout;

	return py_layout_load(minor, 0, heap->reader.remote, heap->python.runtime, &layout);
}

Test(py_layout, offsets_that_make_no_sense_are_refused)
{
	static const uint64_t nonsense[] = { 1ULL << 20, UINT64_MAX, 1ULL << 32, 0x1ce9 };
	struct fake_heap heap;
	raddr_t gc;

	fake_heap_init(&heap, "3.13.0");
	gc = heap.python.runtime + 0x50;
	for (size_t i = 0; i < 4; i++) {
		fake_put(&heap, gc, nonsense[i]);
		cr_expect_eq(load_again(&heap, 13), -EBADMSG, "%#lx", (long)nonsense[i]);
	}
	fake_put(&heap, gc, 0x1ce8);
	cr_expect_eq(load_again(&heap, 13), 0);
	cr_expect_eq(load_again(&heap, 14), -EBADMSG, "offsets of another minor version");
	fake_put(&heap, heap.python.runtime, 0);
	cr_expect_eq(load_again(&heap, 13), -EBADMSG, "no cookie");
	fake_heap_deinit(&heap);
}

Test(py_layout, a_free_threaded_build_is_refused)
{
	struct fake_heap heap;
	uint32_t hex;
	bool free_threaded;

	fake_heap_init(&heap, "3.13.0");
	fake_put(&heap, heap.python.runtime + 0x10, 1);
	cr_expect_eq(load_again(&heap, 13), -EOPNOTSUPP);
	cr_expect(py_layout_debug_version(heap.reader.remote, heap.python.runtime, &hex,
					  &free_threaded));
	cr_expect(free_threaded);
	cr_expect_eq(hex, 0x030d00f0);
	cr_expect_not(py_layout_debug_version(heap.reader.remote, 0, &hex, &free_threaded));
	fake_heap_deinit(&heap);
}

Test(py_layout, offsets_cut_short_by_the_end_of_memory_are_refused)
{
	uint8_t bytes[0x200] = "xdebugpy";
	const uint64_t hex = 0x030d00f0;
	struct py_layout layout;
	struct remote *remote;

	memcpy(bytes + 8, &hex, sizeof(hex));
	cr_assert_eq(remote_open_buffer(FAKE_BASE, bytes, sizeof(bytes), &remote), 0);
	cr_expect_eq(py_layout_load(13, 0, remote, FAKE_BASE, &layout), -EBADMSG);
	remote_close(remote);
}
