// SPDX-License-Identifier: GPL-2.0-only
/* Lists that are not lists: a census of them ends, says why, and is not taken for an answer. */
#include "fake_interpreter.h"

#include <criterion/criterion.h>

static struct fake_types types;
static __u64 nodes[300];

static void start(void)
{
	fake_start(11, 16);
	fake_interpreter(LOCK_OF_ALL);
	types = fake_types();
	for (int i = 0; i < 300; i++)
		nodes[i] = fake_add(0, i < 100 ? OLD : i < 200 ? MIDDLE : YOUNG, types.plain);
}

/* One loss, no answer, and no second try before it is asked for. */
static void expect_loss(enum pyleak_loss reason)
{
	ask();
	on_safe_point(NULL);
	cr_assert_eq(loss_of(reason), 1);
	cr_assert_eq(losses(), 1);
	cr_assert_not(answered());
	cr_assert_eq(live_of(types.plain), 0, "counts of a broken census are void");
	shim.now_ns += SECOND;
	on_safe_point(NULL);
	cr_assert_eq(loss_of(reason), 1, "it tried again unasked");
	cr_assert_eq(progress.failed, control.want);
	ask();
	on_safe_point(NULL);
	cr_assert_eq(loss_of(reason), 2);
	cr_assert_not(answered());
	cr_assert_eq(shim.events, 2, "user space decides what comes next");
	cr_assert_eq(progress.busy, 0);
}

static void expect_recovery(void)
{
	shim.now_ns += SECOND;
	ask();
	pass_until_answered(on_safe_point, 1);
	cr_assert_eq(live_of(types.plain), 300);
	cr_assert_eq(progress.objects, 300);
}

Test(hostile, a_node_that_cannot_be_read_is_a_fault)
{
	__u64 next;

	start();
	next = fake_word(nodes[150]);
	fake_set_word(nodes[150], 0x1000);
	expect_loss(PYLEAK_LOSS_READ_FAULT);
	fake_set_word(nodes[150], next);
	expect_recovery();
}

Test(hostile, a_head_that_cannot_be_read_is_a_fault)
{
	start();
	control.interpreters[0].heads[MIDDLE] = 0x1000;
	expect_loss(PYLEAK_LOSS_READ_FAULT);
}

Test(hostile, a_link_of_zero_is_a_fault)
{
	start();
	fake_set_word(nodes[299], 0);
	expect_loss(PYLEAK_LOSS_READ_FAULT);
}

Test(hostile, a_node_that_is_not_linked_back_breaks_the_list)
{
	start();
	fake_set_word(nodes[150] + 8, nodes[100]);
	expect_loss(PYLEAK_LOSS_LIST_BROKEN);
	fake_set_word(nodes[150] + 8, nodes[149]);
	expect_recovery();
}

Test(hostile, a_ring_that_does_not_lead_back_to_the_head_ends)
{
	start();
	fake_set_word(nodes[180], nodes[120]);
	expect_loss(PYLEAK_LOSS_LIST_BROKEN);
	cr_assert_lt(progress.counted, 600);
}

Test(hostile, a_node_that_is_its_own_next_ends)
{
	start();
	fake_set_word(nodes[0], nodes[0]);
	expect_loss(PYLEAK_LOSS_LIST_BROKEN);
}

Test(hostile, the_head_of_another_list_is_no_object)
{
	start();
	/* The last of the old list leads into the middle one. */
	fake_set_word(nodes[99], fake_head(0, MIDDLE));
	expect_loss(PYLEAK_LOSS_LIST_BROKEN);
	fake_set_word(nodes[99], fake_head(0, OLD));
	expect_recovery();
}

Test(hostile, a_link_in_between_two_words_is_followed_without_harm)
{
	start();
	fake_set_word(nodes[50], nodes[51] + 4);
	expect_loss(PYLEAK_LOSS_LIST_BROKEN);
}

Test(hostile, a_lock_that_cannot_be_read_opens_nothing)
{
	fake_start(12, 16);
	fake_interpreter(LOCK_OWN);
	control.interpreters[0].gil = 0x1000;
	ask();
	on_safe_point(NULL);
	on_gc_start(NULL);
	cr_assert_eq(progress.counted, 0);
	cr_assert_not(answered());
}

Test(hostile, objects_without_a_type_do_no_harm)
{
	start();
	fake_set_word(fake_address(nodes[10]) + 8, 0);
	fake_set_word(fake_address(nodes[11]) + 8, 0x1000);
	ask();
	on_safe_point(NULL);
	cr_assert_eq(live_of(types.plain), 298);
}
