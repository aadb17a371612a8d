/* SPDX-License-Identifier: BSD-2-Clause */
/* The thread sleeps in poll() but for opening and closing. The kernel side ends a window by itself
 * when the allowance is used up; then a hit costs its trap alone, until the breakpoints are gone,
 * and that is what the thread is fast for. */
#include "collect/alloc_windows.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

/* A window that costs little stays, and gets what has flowed in meanwhile: probes that stay in
 * cost the target nothing. Shorter than the time that the governor's bucket needs to fill. */
#define RENEW_MS 250
/* The longest that is waited for the budget: what censuses spend is not known before. */
#define WAIT_MS 1000
#define DEFAULT_TRAP_NS 1000

struct alloc_windows {
	struct alloc_windows_options options;
	struct governor governor;
	pthread_t thread;
	bool is_running;
	int wake_fd;
	/* The thread's own. */
	uint64_t booked_spent_ns, booked_hits, booked_idle_hits, armed_ns;
	/* Shared. */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool is_started; /* the first window was tried, or there was no budget for it */
	struct alloc_windows_seen seen;
};

static bool is_closing(struct alloc_windows *windows)
{
	struct pollfd fd = { .fd = windows->wake_fd, .events = POLLIN };

	return poll(&fd, 1, 0) == 1;
}

static void say_started(struct alloc_windows *windows, int err)
{
	pthread_mutex_lock(&windows->lock);
	if (!windows->seen.err)
		windows->seen.err = err;
	windows->is_started = true;
	pthread_cond_signal(&windows->changed);
	pthread_mutex_unlock(&windows->lock);
}

/* Books what was spent since the last time. */
static void book(struct alloc_windows *windows)
{
	const volatile struct pyleak_alloc_progress *progress =
		alloc_probes_progress(windows->options.probes);
	uint64_t spent_ns = progress->spent_ns, hits = progress->hits, idle = progress->idle_hits;
	uint64_t now = clock_now_ns(), cost;

	cost = spent_ns - windows->booked_spent_ns +
	       (idle - windows->booked_idle_hits) * windows->options.trap_ns;
	governor_spend(&windows->governor, cost);
	pthread_mutex_lock(&windows->lock);
	windows->seen.spent_ns += cost;
	windows->seen.hits += hits - windows->booked_hits;
	if (windows->armed_ns)
		windows->seen.open_ns += now - windows->armed_ns;
	pthread_mutex_unlock(&windows->lock);
	windows->booked_spent_ns = spent_ns;
	windows->booked_hits = hits;
	windows->booked_idle_hits = idle;
	if (windows->armed_ns)
		windows->armed_ns = now;
}

/* After the breakpoints are gone. Only a burst shows how late that is: it traps to the end. */
static void book_close(struct alloc_windows *windows, uint64_t idle_hits)
{
	uint64_t late = (windows->booked_idle_hits - idle_hits) * windows->options.trap_ns;

	governor_closed(&windows->governor, late);
	pthread_mutex_lock(&windows->lock);
	windows->seen.cut_short++;
	if (late > windows->seen.longest_late_ns)
		windows->seen.longest_late_ns = late;
	pthread_mutex_unlock(&windows->lock);
}

/* True: the allowance was used up. */
static bool wait_window(struct alloc_windows *windows)
{
	struct pollfd fds[] = {
		{ .fd = windows->wake_fd, .events = POLLIN },
		{ .fd = alloc_probes_event_fd(windows->options.probes), .events = POLLIN },
	};

	poll(fds, 2, RENEW_MS);
	return fds[1].revents != 0;
}

/* With the probes in. */
static int watch(struct alloc_windows *windows, uint64_t allowance)
{
	struct alloc_probes *probes = windows->options.probes;
	/* Until here the probes were in and not armed; from here on, only once it is over. */
	uint64_t idle_hits = alloc_probes_progress(probes)->idle_hits;
	bool is_cut = false;
	int err = 0;

	alloc_probes_drain(probes);
	windows->armed_ns = clock_now_ns();
	while (allowance && !is_cut && !is_closing(windows)) {
		err = alloc_probes_arm(probes, allowance, windows->options.stacks);
		if (err)
			break;
		is_cut = wait_window(windows);
		book(windows);
		allowance = governor_renewal(&windows->governor, clock_now_ns(),
					     windows->options.others_ns(windows->options.context));
	}
	alloc_probes_disarm(probes);
	book(windows);
	windows->armed_ns = 0;
	alloc_probes_detach(probes);
	book(windows);
	if (is_cut)
		book_close(windows, idle_hits);
	alloc_probes_forget_live(probes);
	return err;
}

static int run_window(struct alloc_windows *windows, uint64_t allowance)
{
	struct alloc_probes *probes = windows->options.probes;
	uint64_t begin_ns = clock_now_ns(), spent_ns = windows->seen.spent_ns;
	int err = alloc_probes_are_quick(probes) ? alloc_probes_attach(probes) : -EOPNOTSUPP;

	if (err)
		return err;
	governor_opened(&windows->governor);
	pthread_mutex_lock(&windows->lock);
	windows->seen.windows++;
	windows->seen.spent_ns += windows->options.open_ns;
	pthread_mutex_unlock(&windows->lock);
	say_started(windows, 0);
	err = watch(windows, allowance);
	/* `make bench` compares it with what a target lost between these moments. */
	pr_debug("window: from %llu to %llu, price %llu", (unsigned long long)begin_ns,
		 (unsigned long long)clock_now_ns(),
		 (unsigned long long)(windows->seen.spent_ns - spent_ns));
	return err;
}

static void wait_budget(struct alloc_windows *windows)
{
	struct pollfd fd = { .fd = windows->wake_fd, .events = POLLIN };
	uint64_t now = clock_now_ns(), due = governor_due_ns(&windows->governor);
	uint64_t ms = due > now ? (due - now) / 1000000 + 1 : 1;

	if (due == UINT64_MAX)
		poll(&fd, 1, -1);
	else
		poll(&fd, 1, ms < WAIT_MS ? (int)ms : WAIT_MS);
}

static void *run(void *argument)
{
	struct alloc_windows *windows = argument;
	const struct alloc_windows_options *options = &windows->options;
	int err = 0;

	while (!err && !is_closing(windows)) {
		uint64_t allowance = governor_allowance(&windows->governor, clock_now_ns(),
							options->others_ns(options->context));

		if (allowance) {
			err = run_window(windows, allowance);
		} else {
			say_started(windows, 0);
			wait_budget(windows);
		}
	}
	say_started(windows, err);
	return NULL;
}

/* A burst runs on while this thread waits for a processor: 3 to 7 ms on a machine whose
 * processors are all busy. It computes 1 ms per window. Where that is not allowed, it does
 * without. */
static int set_urgent(pthread_attr_t *attributes)
{
	const struct sched_param first = { .sched_priority = sched_get_priority_min(SCHED_FIFO) };
	int err = pthread_attr_setinheritsched(attributes, PTHREAD_EXPLICIT_SCHED);

	if (!err)
		err = pthread_attr_setschedpolicy(attributes, SCHED_FIFO);
	return err ? err : pthread_attr_setschedparam(attributes, &first);
}

static int start_thread(struct alloc_windows *windows)
{
	pthread_attr_t attributes;
	sigset_t all, before;
	int err = pthread_attr_init(&attributes);

	if (err)
		return -err;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = set_urgent(&attributes);
	if (!err)
		err = pthread_create(&windows->thread, &attributes, run, windows);
	if (err)
		err = pthread_create(&windows->thread, NULL, run, windows);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	windows->is_running = !err;
	return -err;
}

static int wait_started(struct alloc_windows *windows)
{
	int err;

	pthread_mutex_lock(&windows->lock);
	while (!windows->is_started)
		pthread_cond_wait(&windows->changed, &windows->lock);
	err = windows->seen.err;
	pthread_mutex_unlock(&windows->lock);
	return err;
}

int alloc_windows_open(const struct alloc_windows_options *options, struct alloc_windows **out)
{
	struct alloc_windows *windows = calloc(1, sizeof(*windows));
	const volatile struct pyleak_alloc_progress *progress =
		alloc_probes_progress(options->probes);
	int err;

	if (!windows)
		return -ENOMEM;
	windows->options = *options;
	if (!windows->options.trap_ns)
		windows->options.trap_ns = DEFAULT_TRAP_NS;
	windows->booked_spent_ns = progress->spent_ns;
	windows->booked_hits = progress->hits;
	windows->booked_idle_hits = progress->idle_hits;
	governor_init(&windows->governor, options->budget, options->open_ns, clock_now_ns(),
		      options->others_ns(options->context));
	pthread_mutex_init(&windows->lock, NULL);
	pthread_cond_init(&windows->changed, NULL);
	windows->wake_fd = eventfd(0, EFD_CLOEXEC);
	err = windows->wake_fd < 0 ? -errno : start_thread(windows);
	if (!err)
		err = wait_started(windows);
	if (err) {
		alloc_windows_close(windows);
		return err;
	}
	*out = windows;
	return 0;
}

void alloc_windows_stop(struct alloc_windows *windows)
{
	if (!windows->is_running)
		return;
	eventfd_write(windows->wake_fd, 1);
	pthread_join(windows->thread, NULL);
	windows->is_running = false;
}

void alloc_windows_close(struct alloc_windows *windows)
{
	if (!windows)
		return;
	alloc_windows_stop(windows);
	if (windows->wake_fd >= 0)
		close(windows->wake_fd);
	pthread_mutex_destroy(&windows->lock);
	pthread_cond_destroy(&windows->changed);
	free(windows);
}

void alloc_windows_seen(struct alloc_windows *windows, struct alloc_windows_seen *out)
{
	pthread_mutex_lock(&windows->lock);
	*out = windows->seen;
	pthread_mutex_unlock(&windows->lock);
}
