/* SPDX-License-Identifier: BSD-2-Clause */
#include "fake_probes.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_S 10

void fake_probes_init(struct alloc_probes *probes)
{
	memset(probes, 0, sizeof(*probes));
	pthread_mutex_init(&probes->lock, NULL);
	pthread_cond_init(&probes->changed, NULL);
	probes->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	probes->attaches_left = 1000;
}

void fake_probes_deinit(struct alloc_probes *probes)
{
	close(probes->event_fd);
	pthread_mutex_destroy(&probes->lock);
	pthread_cond_destroy(&probes->changed);
}

static void wait_count(struct alloc_probes *probes, const unsigned int *count, unsigned int least)
{
	struct timespec until;
	int err = 0;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += PATIENCE_S;
	pthread_mutex_lock(&probes->lock);
	while (!err && *count < least)
		err = pthread_cond_timedwait(&probes->changed, &probes->lock, &until);
	pthread_mutex_unlock(&probes->lock);
	cr_assert(!err, "nothing happened for %d s", PATIENCE_S);
}

void fake_probes_wait_arms(struct alloc_probes *probes, unsigned int arms)
{
	wait_count(probes, &probes->arms, arms);
}

void fake_probes_wait_detaches(struct alloc_probes *probes, unsigned int detaches)
{
	wait_count(probes, &probes->detaches, detaches);
}

void fake_probes_wait_failures(struct alloc_probes *probes, unsigned int failures)
{
	wait_count(probes, &probes->failures, failures);
}

void fake_probes_hit(struct alloc_probes *probes, uint64_t hits, uint64_t spent_ns)
{
	pthread_mutex_lock(&probes->lock);
	probes->progress.hits += hits;
	probes->progress.spent_ns += spent_ns;
	if (probes->is_armed && probes->progress.spent_ns >= probes->spend_until_ns) {
		probes->is_armed = false;
		eventfd_write(probes->event_fd, 1);
	}
	pthread_mutex_unlock(&probes->lock);
}

/* ---- what windows call */

int alloc_probes_attach(struct alloc_probes *probes)
{
	int err = 0;

	pthread_mutex_lock(&probes->lock);
	if (probes->attaches_left-- > 0) {
		probes->is_attached = true;
		probes->attaches++;
	} else {
		err = probes->attach_err;
		probes->failures++;
		pthread_cond_signal(&probes->changed);
	}
	pthread_mutex_unlock(&probes->lock);
	return err;
}

void alloc_probes_detach(struct alloc_probes *probes)
{
	pthread_mutex_lock(&probes->lock);
	probes->is_attached = false;
	probes->detaches++;
	probes->progress.idle_hits += probes->late_hits;
	pthread_cond_signal(&probes->changed);
	pthread_mutex_unlock(&probes->lock);
}

bool alloc_probes_are_quick(const struct alloc_probes *probes)
{
	return !probes->is_slow;
}

int alloc_probes_arm(struct alloc_probes *probes, uint64_t allowance_ns, bool stacks)
{
	(void)stacks;
	pthread_mutex_lock(&probes->lock);
	probes->is_armed = true;
	probes->allowance_ns = allowance_ns;
	probes->spend_until_ns = probes->progress.spent_ns + allowance_ns;
	probes->arms++;
	pthread_cond_signal(&probes->changed);
	pthread_mutex_unlock(&probes->lock);
	return 0;
}

int alloc_probes_disarm(struct alloc_probes *probes)
{
	pthread_mutex_lock(&probes->lock);
	probes->is_armed = false;
	pthread_mutex_unlock(&probes->lock);
	return 0;
}

int alloc_probes_event_fd(struct alloc_probes *probes)
{
	return probes->event_fd;
}

void alloc_probes_drain(struct alloc_probes *probes)
{
	eventfd_t value;

	eventfd_read(probes->event_fd, &value);
}

const volatile struct pyleak_alloc_progress *
alloc_probes_progress(const struct alloc_probes *probes)
{
	return &probes->progress;
}

void alloc_probes_forget_live(struct alloc_probes *probes)
{
	probes->forgets++;
}
