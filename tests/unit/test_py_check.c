/* SPDX-License-Identifier: BSD-2-Clause */
/* What is tried at the attach, on memory that leads nowhere. */
#include <criterion/criterion.h>

#include <string.h>

#include "attach/remote.h"
#include "collect/py_check_frame.h"

#define TSTATE 0x7f1200000000ULL
#define READS_MOST 50000

static uint64_t reads;

/* Each word is the address of more. */
static int read_endless(void *context, raddr_t from, void *to, size_t size)
{
	const uint64_t word = from + 0x1000;

	(void)context;
	reads++;
	memset(to, 0, size);
	memcpy(to, &word, size < sizeof(word) ? size : sizeof(word));
	return 0;
}

Test(py_check, chains_of_frames_that_do_not_end_are_left)
{
	for (int minor = 6; minor <= 15; minor++) {
		struct py_reader reader = { .minor = minor };

		reads = 0;
		cr_assert_eq(remote_open_reader(read_endless, NULL, &reader.remote), 0);
		py_check_frames(&reader, TSTATE);
		cr_expect_leq(reads, READS_MOST, "3.%d: %llu reads", minor,
			      (unsigned long long)reads);
		remote_close(reader.remote);
	}
}
