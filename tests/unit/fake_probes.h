/* SPDX-License-Identifier: BSD-2-Clause */
/* Probes on allocations without a kernel: what windows do with them is kept, and the test plays
 * the target. */
#ifndef PYLEAK_TEST_FAKE_PROBES_H
#define PYLEAK_TEST_FAKE_PROBES_H

#include <pthread.h>

#include "collect/alloc_probes.h"

struct alloc_probes {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int event_fd;
	struct pyleak_alloc_progress progress;
	/* What it does. */
	int attach_err;
	int attaches_left; /* then attach_err */
	bool is_slow;
	uint64_t late_hits; /* while it is detached */
	/* What was done to it. */
	unsigned int attaches, failures, detaches, arms, forgets;
	bool is_attached, is_armed;
	uint64_t allowance_ns, spend_until_ns;
};

void fake_probes_init(struct alloc_probes *probes);
void fake_probes_deinit(struct alloc_probes *probes);
/* Waits until a window was armed so often. */
void fake_probes_wait_arms(struct alloc_probes *probes, unsigned int arms);
void fake_probes_wait_detaches(struct alloc_probes *probes, unsigned int detaches);
void fake_probes_wait_failures(struct alloc_probes *probes, unsigned int failures);
/* The target allocates: costs `spent_ns`, and the kernel side disarms if that is the allowance. */
void fake_probes_hit(struct alloc_probes *probes, uint64_t hits, uint64_t spent_ns);

#endif
