// SPDX-License-Identifier: GPL-2.0-only
/* A property instead of an example: whatever collections, deaths and reuse of memory come
 * between the slices, objects that live throughout are counted exactly once. */
#include "fake_interpreter.h"

#include <criterion/criterion.h>

#define SURVIVORS 300
#define MORTALS 300
#define NODES (SURVIVORS + MORTALS)
#define ROUNDS 500
#define RESTLESS 12 /* slices of a round with changes between them */

static __u64 nodes[NODES]; /* mortals last */
static __u64 freed[MORTALS];
static unsigned int freed_cnt;
static __u64 seed = 42;

static __u32 below(__u32 limit)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (__u32)(seed >> 33) % limit;
}

/* The block freed last is used first, as the allocator does it. */
static void use_again(void)
{
	while (freed_cnt)
		fake_append(0, YOUNG, freed[--freed_cnt]);
}

static void kill_one(void)
{
	__u64 node = nodes[SURVIVORS + below(MORTALS)];

	/* The place itself dies more often than chance would have it. */
	if (progress.cursor && below(2)) {
		for (int i = SURVIVORS; i < NODES; i++)
			node = nodes[i] == progress.cursor ? nodes[i] : node;
	}
	if (!fake_word(node))
		return;
	fake_unlink(node);
	freed[freed_cnt++] = node;
}

static void change_something(void)
{
	__u32 what = below(20);

	if (what < 4)
		fake_collect(0, 0);
	else if (what < 6)
		fake_collect(0, 1);
	else if (what < 7)
		fake_collect(0, 2);
	else if (what < 14)
		kill_one();
	if (what & 1)
		use_again();
}

/* Most of them into one list: each round strains another one. */
static void shuffle(void)
{
	__u32 most = OLD + below(3);

	use_again();
	for (int i = 0; i < NODES; i++) {
		__u64 node = nodes[below(NODES)];

		fake_unlink(node);
		fake_append(0, below(8) ? most : OLD + below(3), node);
	}
}

Test(churn, objects_that_live_throughout_are_counted_exactly_once)
{
	struct fake_types types;

	fake_start(11, 16);
	fake_interpreter(LOCK_OF_ALL);
	types = fake_types();
	for (int i = 0; i < NODES; i++)
		nodes[i] = fake_add(0, OLD, i < SURVIVORS ? types.plain : types.tuple);
	cut_slices();
	for (int round = 0; round < ROUNDS; round++) {
		shuffle();
		ask();
		for (int i = 0; i < RESTLESS && !answered(); i++) {
			on_safe_point(NULL);
			shim.now_ns += SECOND;
			change_something();
		}
		if (!answered())
			pass_until_answered(on_safe_point, 10);
		cr_assert_eq(live_of(types.plain), SURVIVORS, "round %d: %llu", round,
			     live_of(types.plain));
	}
	cr_assert_gt(loss_of(PYLEAK_LOSS_CURSOR_LOST), 10);
	cr_assert_gt(loss_of(PYLEAK_LOSS_FULL_COLLECTION), 10);
	cr_assert_eq(loss_of(PYLEAK_LOSS_LIST_BROKEN), 0);
	cr_assert_eq(loss_of(PYLEAK_LOSS_READ_FAULT), 0);
}
