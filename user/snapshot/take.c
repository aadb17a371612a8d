/* SPDX-License-Identifier: BSD-2-Clause */
/* Takes an image: all that takes long is done before the pause, and the pause must not hit a
 * collection, which uses the links of the GC lists for counts of its own. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "snapshot/copy.h"
#include "snapshot/image.h"

#define PATIENCE_MS 2000
#define TRIES 50
#define RUNNING_TRIES 10
#define TRY_NS                                                                                     \
	200000000ULL /* to wait for the end of a collection: of a large heap it takes long         \
		      */

struct taking {
	struct target *target;
	const struct gc_lists *lists;
	const struct image_options *options;
	struct image *image;
	struct presence presence;
	struct page_runs runs;
	struct stopped *stopped;
};

static int fail(const struct taking *taking, const char *what, int err)
{
	pr_error("image: cannot %s process %d: %s", what, taking->target->pid,
		 err == -ESRCH ? "it has ended" : strerror(-err));
	return err;
}

static int check_limit(const struct taking *taking)
{
	uint64_t most = taking->options->max_memory;

	if (!most || taking->runs.bytes <= most)
		return 0;
	if (taking->options->can_search) {
		pr_warn("image: a copy of process %d needs %.1f MB of memory, over the limit of "
			"%.1f MB: searches in the running process instead; --max-memory raises it",
			taking->target->pid, (double)taking->runs.bytes / 1e6, (double)most / 1e6);
		return -E2BIG;
	}
	pr_error("image: a copy of process %d needs %.1f MB of memory, over the limit of %.1f MB: "
		 "raise the limit",
		 taking->target->pid, (double)taking->runs.bytes / 1e6, (double)most / 1e6);
	return -E2BIG;
}

static int survey(struct taking *taking)
{
	int err = copy_survey(taking->image, taking->target->pid, &taking->presence, &taking->runs);

	if (err)
		return fail(taking, "look through the memory of", err);
	err = check_limit(taking);
	if (err)
		return err;
	err = copy_place(taking->image);
	return err ? fail(taking, "find memory for a copy of", err) : 0;
}

/* Called from the thread that stops the target, too. */
static bool no_collection(void *context)
{
	const struct taking *taking = context;

	for (uint32_t i = 0; i < taking->lists->cnt; i++) {
		raddr_t collecting = taking->lists->interpreters[i].collecting;

		if (collecting && remote_word32(taking->target->remote, collecting))
			return false;
	}
	return true;
}

static void wait_for_no_collection(struct taking *taking)
{
	static const struct timespec moment = { .tv_nsec = 200000 };
	uint64_t end = clock_now_ns() + TRY_NS;

	do
		nanosleep(&moment, NULL);
	while (!no_collection(taking) && clock_now_ns() < end);
}

static int stop(struct taking *taking)
{
	int err = stop_threads(taking->target->pid, PATIENCE_MS, &taking->stopped);

	/* When the memory cannot be read that is no collection, and said later. */
	while (!err && !no_collection(taking)) {
		if (++taking->image->retries == TRIES) {
			pr_error("image: a collection ran in process %d at each of %d tries: try "
				 "again later, or do without the pause",
				 taking->target->pid, TRIES);
			return -EAGAIN;
		}
		stop_release(taking->stopped);
		taking->stopped = NULL;
		wait_for_no_collection(taking);
		err = stop_threads_when(taking->target->pid, PATIENCE_MS, no_collection, taking,
					&taking->stopped);
	}
	return err;
}

static int keep_threads(struct taking *taking)
{
	size_t cnt;
	const struct stopped_thread *threads = stopped_threads(taking->stopped, &cnt);

	taking->image->threads = calloc(cnt, sizeof(*threads));
	if (!taking->image->threads)
		return -ENOMEM;
	memcpy(taking->image->threads, threads, cnt * sizeof(*threads));
	taking->image->thread_cnt = cnt;
	return 0;
}

static int copy(struct taking *taking)
{
	int err = survey(taking);

	if (!err && taking->stopped)
		err = keep_threads(taking);
	if (!err) {
		err = copy_pages(taking->image, taking->target->pid, &taking->runs);
		if (err)
			fail(taking, "copy the memory of", err);
	}
	return err;
}

/* Changes with every collection of the oldest generation, which takes the lists apart. */
static uint64_t full_collections(const struct taking *taking)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < taking->lists->cnt; i++) {
		raddr_t mark =
			taking->lists->interpreters[i].generation_marks[PYLEAK_GENERATIONS - 1];

		sum = 31 * sum + (mark ? remote_word32(taking->target->remote, mark) & 0xff : 0);
	}
	return sum;
}

/* Without a pause: a full collection that ran meanwhile would leave most objects out. */
static int copy_running(struct taking *taking)
{
	for (int i = 0; i < RUNNING_TRIES; i++) {
		uint64_t before;
		int err;

		if (!no_collection(taking))
			wait_for_no_collection(taking);
		before = full_collections(taking);
		err = copy(taking);
		if (err || (no_collection(taking) && full_collections(taking) == before))
			return err;
		taking->image->retries++;
	}
	pr_error("image: a collection ran in process %d during each of %d copies: try again later, "
		 "or with the pause",
		 taking->target->pid, RUNNING_TRIES);
	return -EAGAIN;
}

static int take(struct taking *taking)
{
	struct image *image = taking->image;
	int err = survey(taking);

	if (err)
		return err;
	err = copy_prepare(image, &taking->runs);
	if (err)
		return fail(taking, "find memory for a copy of", err);
	if (taking->options->no_pause)
		err = copy_running(taking);
	else
		err = stop(taking);
	if (!err && taking->stopped)
		err = copy(taking);
	if (taking->stopped) {
		uint64_t since = stopped_since_ns(taking->stopped);

		stop_release(taking->stopped);
		taking->stopped = NULL;
		image->pause_s = (double)(clock_now_ns() - since) / 1e9;
		image->paused = true;
	}
	if (!err)
		copy_untouched(image, taking->target, &taking->runs);
	return err;
}

int image_take(struct target *target, const struct gc_lists *lists,
	       const struct image_options *options, struct image **out)
{
	struct taking taking = { .target = target, .lists = lists, .options = options };
	int err = image_create(target, &taking.image);

	if (err)
		return err;
	err = presence_open(target->pid, &taking.presence);
	if (!err) {
		err = take(&taking);
		presence_close(&taking.presence);
	}
	page_runs_deinit(&taking.runs);
	if (err) {
		image_destroy(taking.image);
		return err;
	}
	*out = taking.image;
	return 0;
}
