/* SPDX-License-Identifier: BSD-2-Clause */
#include "live/moment.h"

#include <criterion/criterion.h>
#include <time.h>

#include "base/clock.h"
#include "live/harness.h"
#include "snapshot/task.h"

#define DEADLINE_NS 20e9

void moment_pass(uint64_t *deadline, const char *what)
{
	static const struct timespec moment = { .tv_nsec = 200000 };

	if (!*deadline)
		*deadline = clock_now_ns() + (uint64_t)(DEADLINE_NS * live_slowness());
	cr_assert(clock_now_ns() < *deadline, "%s", what);
	nanosleep(&moment, NULL);
}

void moment_wait_rest(pid_t pid)
{
	uint64_t deadline = 0;

	while (task_status(pid, pid).state != 'S')
		moment_pass(&deadline, "the program does not rest");
}
