/* SPDX-License-Identifier: BSD-2-Clause */
/* Who allocates, and exact counts, of the same session as report_fixture.h. A name that is given
 * replaces all that the target chooses. */
#ifndef PYLEAK_ALLOC_FIXTURE_H
#define PYLEAK_ALLOC_FIXTURE_H

#include <string.h>

#include "base/cleanup.h"
#include "collect/alloc_stacks.h"
#include "collect/exact.h"
#include "report_fixture.h"

#define ALLOC_DEEP 22
#define ALLOC_STACKS 7
#define ALLOC_TYPES 5

struct alloc_fixture {
	struct stack_frame frames[5];
	struct stack_frame deep[ALLOC_DEEP];
	struct alloc_stack items[ALLOC_STACKS];
	struct alloc_stacks stacks;
	struct exact_type types[ALLOC_TYPES];
	struct exact_counts counts;
	struct loss loss;
};

static inline void alloc_fixture_frames(struct alloc_fixture *f)
{
	static const struct stack_frame frames[] = {
		{ "Channel.receive", "/srv/app/mq.py", 120, 104 },
		{ "Connection.on_data", "/srv/app/mq.py", 88, 80 },
		{ "Server.loop", "/usr/lib/python3/dist-packages/site/of/a/deep/path/server.py", 31,
		  20 },
		{ "<module>", "/srv/app/app.py", 7, 1 },
		{ "JSONDecoder.raw_decode.<locals>.make_every_object_of_a_page", "", 0, 0 },
	};

	memcpy(f->frames, frames, sizeof(frames));
	for (uint32_t i = 0; i < ALLOC_DEEP; i++)
		f->deep[i] = (struct stack_frame){ i < 4   ? "walk"
						   : i % 2 ? "visit"
							   : "visit_child",
						   "/srv/app/tree.py", i < 4 ? 12 : 20 + i, 10 };
}

static inline void alloc_fixture_stacks(struct alloc_fixture *f)
{
	const struct alloc_stack items[] = {
		{ "dict", f->frames, 1, false, 20, 4640, 0, 0 },
		{ "dict", NULL, 0, false, 2, 464, 1, 232 },
		{ "mq.Message", f->frames, 4, false, 1171, 65576, 1168, 65408 },
		{ "mq.Message", f->deep, ALLOC_DEEP, true, 30, 1680, 2, 112 },
		{ "mq.Message", f->deep + 2, 3, false, 2, 112, 0, 0 },
		{ "mq.Message", f->frames + 4, 1, false, 1, 56, 0, 0 },
		{ "str", f->frames + 3, 1, false, 4321, 250000, 4321, 250000 },
	};

	memcpy(f->items, items, sizeof(items));
	f->stacks = (struct alloc_stacks){
		.items = f->items,
		.cnt = ALLOC_STACKS,
		.elapsed_s = 10,
		.open_s = 0.3,
		.windows = 41,
		.cut_short = 12,
		.hits = 361204,
		.target_share = 0.0049,
		.losses = &f->loss,
		.loss_cnt = 1,
	};
}

static inline void alloc_fixture_counts(struct alloc_fixture *f)
{
	static const struct exact_type types[] = {
		{ "dict", false, true, 61204, 180220, 179900, 6012.5, 6000.5, 11, 80, false },
		{ "list", false, true, 20110, 90110, 90111, 3004, 3005, -1, 80, false },
		{ "mq.Message", true, true, 48129, 12040, 10447, 401.3, 348.2, 0, 0, false },
		{ "job_41.Task", true, false, 12, 412, 400, 14, 13, 0, 0, false },
		{ "a.package.with.a.very.long.name.of.modules.inside.it.Gone", true, true, 0, 4, 9,
		  0, 0.25, -3, 0, true },
	};

	memcpy(f->types, types, sizeof(types));
	f->counts = (struct exact_counts){
		.types = f->types,
		.cnt = ALLOC_TYPES,
		.elapsed_s = 30,
		.interval_s = 1,
		.allocs = 282786,
		.frees = 280867,
		.alloc_per_s = 9431.8,
		.free_per_s = 9366.95,
		.censuses = 30,
		.drift = 15,
		.anchored_live = 1204331,
		.target_share = 0.118,
		.losses = &f->loss,
		.loss_cnt = 1,
	};
}

static inline void alloc_fixture_rename(struct alloc_fixture *f, const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(f->frames); i++)
		f->frames[i].function = f->frames[i].file = name;
	for (size_t i = 0; i < ALLOC_DEEP; i++)
		f->deep[i].function = f->deep[i].file = name;
	for (size_t i = 0; i < ALLOC_STACKS; i++)
		f->items[i].type = name;
	for (size_t i = 0; i < ALLOC_TYPES; i++)
		f->types[i].name = name;
	f->loss = (struct loss){ name, name, UINT64_MAX };
	f->items[1].allocs = f->items[1].alive = UINT64_MAX / 4;
	f->types[1].live = INT64_MIN;
	f->types[1].alloc_per_s = 1e300;
	f->types[2].free_per_s = 0.0 / 0.0;
	f->types[3].free_list = UINT64_MAX;
	f->counts.alloc_per_s = 1.0 / 0.0;
	f->counts.drift = UINT64_MAX;
}

static inline void alloc_fixture_make(struct alloc_fixture *f, const char *name)
{
	f->loss = (struct loss){ "STACKS_FULL", "the table of stacks was full", 3 };
	alloc_fixture_frames(f);
	alloc_fixture_stacks(f);
	alloc_fixture_counts(f);
	if (name)
		alloc_fixture_rename(f, name);
}

/* All that is told of allocations: in a watch, at its end, and by the verbs. */
static inline void alloc_fixture_draw(struct report *report, const struct alloc_fixture *f)
{
	struct alloc_stacks seen_none = { .elapsed_s = 10, .open_s = 0.3, .windows = 41 };
	const struct alloc_stacks no_window = { .elapsed_s = 10 };
	struct exact_counts first = { .elapsed_s = 1, .interval_s = 1 };
	struct summary summary = fixture_summary;

	report->ops->exact(report, 1, &first, 10);
	report->ops->status(report, &fixture_first_status);
	report->ops->exact(report, 30, &f->counts, 10);
	report->ops->status(report, &fixture_status);
	report->ops->stacks(report, &f->stacks, 2);
	summary.stacks = &f->stacks;
	summary.status.cost.target_share = 0.0081;
	summary.status.cost.probes_share = 0.005;
	report->ops->summary(report, &summary);
	report->ops->exact(report, 30, &f->counts, 0);
	report->ops->exact(report, 1, &first, 10);
	report->ops->stacks(report, &no_window, 0);
	report->ops->stacks(report, &seen_none, 0);
	seen_none.hits = 361204;
	report->ops->stacks(report, &seen_none, 0);
}

#endif
