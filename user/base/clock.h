/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PYLEAK_CLOCK_H
#define PYLEAK_CLOCK_H

#include <stdint.h>
#include <time.h>

/* CLOCK_MONOTONIC, as the kernel side's clock. */
static inline uint64_t clock_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000ULL + (uint64_t)now.tv_nsec;
}

#endif
