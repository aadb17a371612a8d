/* SPDX-License-Identifier: GPL-2.0-only */
/* The census: a walk over the GC lists of every interpreter, in the target's own thread, with
 * the interpreter's lock held, where nobody else changes them. It stops at a deadline and goes
 * on at the next hook from a cursor.
 *
 * Easily got wrong: the cursor is the last node *counted*. Between two slices that node may
 * move or die, so the walk goes on only if the node is still linked both ways, no full
 * collection reordered the lists, and it ends at the head of the list it was in. */
#ifndef PYLEAK_CENSUS_BPF_H
#define PYLEAK_CENSUS_BPF_H

#define CLOCK_PERIOD 128       /* objects between two looks at the clock */
#define SLICE_LIMIT (1U << 23) /* bpf_loop takes no more */
#define YOUNG_LIMIT (1U << 16)
#define REFILL_NS 100000 /* of less time than that, rounding would lose a good part */

enum walk_end {
	WALK_GOES_ON = 0,
	WALK_PAUSED,
	WALK_COMPLETE,
	WALK_FAULT,
	WALK_BROKEN,
	WALK_LOST,
};

/* The heads of an interpreter lie beside each other, the youngest lowest. */
#define HEADS_EXTENT 256

/* Index of the interpreter that the running thread executes; interpreter_cnt = not known. */
__noinline __u32 current_interpreter(void)
{
	__u32 i;

	for (i = 0; i < PYLEAK_MAX_INTERPRETERS && i < control.interpreter_cnt; i++) {
		if (lock_holder(i) == interpreter_at(i)->address)
			return i;
	}
	return control.interpreter_cnt;
}

/* Points the walk at the first node of a list; false: there is no such list. */
static __always_inline bool begin_list(__u32 list)
{
	if (list >= PYLEAK_LISTS)
		return false;
	walk.list = list;
	walk.head = interpreter_at(walk.interpreter)->heads[list & (PYLEAK_LISTS - 1)];
	walk.node = walk.head ? PYLEAK_LINK(read_word(walk.head)) : 0;
	walk.previous = walk.head;
	return true;
}

static __always_inline long end_walk(enum walk_end end)
{
	walk.end = end;
	return 1;
}

static long walk_step(__u32 index, void *unused)
{
	struct pyleak_node node;

	/* Never at a head: it is still there when all that would follow it has moved elsewhere. */
	if (index % CLOCK_PERIOD == CLOCK_PERIOD - 1 && walk.previous != walk.head &&
	    bpf_ktime_get_ns() >= walk.deadline_ns)
		return end_walk(WALK_PAUSED);
	if (walk.node == walk.head)
		return begin_list(walk.list + 1) ? 0 : end_walk(WALK_COMPLETE);
	/* The head of another list: the cursor was in a node that moved. */
	if (walk.node - walk.lowest_head < HEADS_EXTENT)
		return end_walk(WALK_LOST);
	if (!read_node(&node, walk.node))
		return end_walk(WALK_FAULT);
	/* Also ends every ring that does not lead back to the head. */
	if (PYLEAK_LINK(node.prev) != walk.previous)
		return end_walk(WALK_BROKEN);
	if (!walk.young_only)
		count_object(&node, walk.node + control.head_bytes);
	if (walk.young && walk.list == PYLEAK_YOUNG_LIST)
		count_young(&node, walk.node + control.head_bytes);
	walk.objects++;
	walk.previous = walk.node;
	walk.node = PYLEAK_LINK(node.next);
	return 0;
}

static __always_inline __u32 full_mark(const struct pyleak_interpreter *interpreter)
{
	__u8 mark = 0;

	if (interpreter->generation_marks[PYLEAK_GENERATIONS - 1])
		read_user(&mark, sizeof(mark),
			  interpreter->generation_marks[PYLEAK_GENERATIONS - 1]);
	return mark;
}

static __always_inline void forget_census(void)
{
	progress.serial++;
	progress.began = control.want;
	progress.visited = 0;
	progress.cursor = 0;
	progress.objects = 0;
	progress.slices = 0;
}

/* What broke it will break it again: the request is over, user space decides what comes next. */
static __always_inline int fail_census(enum pyleak_loss reason)
{
	count_loss(reason);
	progress.failed = progress.began;
	forget_census();
	return 1;
}

/* Takes up the walk where the slice before left it. False: the place is lost. */
static __always_inline bool resume_walk(const struct pyleak_interpreter *interpreter)
{
	struct {
		__u64 next, prev;
	} links, before;
	__u64 cursor = progress.cursor;

	if (full_mark(interpreter) != progress.full_mark) {
		count_loss(PYLEAK_LOSS_FULL_COLLECTION);
		return false;
	}
	walk.list = progress.cursor_list & (PYLEAK_LISTS - 1);
	walk.head = interpreter->heads[walk.list & (PYLEAK_LISTS - 1)];
	if (!read_user(&links, sizeof(links), cursor) || !PYLEAK_LINK(links.next) ||
	    !read_user(&before, sizeof(before), PYLEAK_LINK(links.prev)) ||
	    PYLEAK_LINK(before.next) != cursor || PYLEAK_LINK(links.prev) != progress.cursor_prev ||
	    (progress.cursor_next != walk.head &&
	     PYLEAK_LINK(links.next) != progress.cursor_next)) {
		count_loss(PYLEAK_LOSS_CURSOR_LOST);
		return false;
	}
	walk.node = PYLEAK_LINK(links.next);
	walk.previous = cursor;
	return true;
}

/* Books the slice. Non-zero: the census pauses, or begins again at the next hook. */
static __always_inline int end_slice(void)
{
	progress.objects += walk.objects;
	progress.counted += walk.objects;
	progress.cursor = 0;
	if (progress.objects > control.max_objects)
		return fail_census(PYLEAK_LOSS_OBJECT_LIMIT);
	switch (walk.end) {
	case WALK_COMPLETE:
		walk.young_seen |= walk.young;
		progress.visited |= 1ULL << (walk.interpreter & 63);
		return 0;
	case WALK_FAULT:
		return fail_census(PYLEAK_LOSS_READ_FAULT);
	case WALK_BROKEN:
		return fail_census(PYLEAK_LOSS_LIST_BROKEN);
	case WALK_LOST:
		/* Without a slice before, it was not the cursor that led astray. */
		if (progress.slices == 1)
			return fail_census(PYLEAK_LOSS_LIST_BROKEN);
		count_loss(PYLEAK_LOSS_CURSOR_LOST);
		forget_census();
		return 1;
	}
	/* Paused, or the loop ran out of turns. */
	progress.cursor = walk.previous;
	progress.cursor_next = walk.node;
	progress.cursor_prev = PYLEAK_LINK(read_word(walk.previous + 8));
	progress.cursor_interpreter = walk.interpreter;
	progress.cursor_list = walk.list;
	progress.full_mark = full_mark(interpreter_at(walk.interpreter));
	return 1;
}

__noinline int walk_interpreter(__u32 index, __u32 current)
{
	const struct pyleak_interpreter *interpreter = interpreter_at(index);

	walk.interpreter = index;
	walk.lowest_head = interpreter->heads[PYLEAK_YOUNG_LIST];
	walk.objects = 0;
	walk.end = WALK_GOES_ON;
	walk.young = current && control.watch_young;
	walk.young_only = 0;
	if (!progress.cursor) {
		begin_list(0);
	} else if (!resume_walk(interpreter)) {
		forget_census();
		return 1;
	}
	walk.turn++;
	bpf_loop(SLICE_LIMIT, walk_step, 0, 0);
	flush_tallies();
	return end_slice();
}

static long visit_interpreter(__u32 index, void *unused)
{
	const struct pyleak_interpreter *interpreter = interpreter_at(index);
	__u64 holder;
	bool current;
	int stop;

	if (progress.visited & (1ULL << (index & 63)))
		return 0;
	if (progress.cursor && progress.cursor_interpreter != index)
		return 0;
	holder = lock_holder(index);
	if (!holder)
		return 0;
	/* The collection that is about to begin has already set the flag of its interpreter. */
	current = walk.hook == PYLEAK_HOOK_GC && holder == interpreter->address;
	if (!current && is_collecting(interpreter))
		return 0;
	stop = walk_interpreter(index, current);
	/* The verifier wants to see 0 or 1, where clang already knows that it is. */
	__asm__ volatile("" : "+r"(stop));
	return stop ? 1 : 0;
}

/* What the budget brought since it was refilled last. The traps of all hooks come off first, but
 * half is left for censuses: without them, the probes were in for nothing. */
static __always_inline __u64 refill(__u64 now)
{
	__u64 brought = (now - progress.credit_at_ns) / 1000 * control.budget_ppm / 1000;
	__u64 hits = progress.hits[PYLEAK_HOOK_GC] + progress.hits[PYLEAK_HOOK_SAFEPOINT];
	__u64 traps = (hits - progress.credit_hits) * control.hit_ns;

	progress.credit_at_ns = now;
	progress.credit_hits = hits;
	return brought - (traps < brought / 2 ? traps : brought / 2);
}

/* True while the budget has something left; refills it first. */
static __always_inline bool in_credit(__u64 now)
{
	__s64 most = control.max_pause_ns;
	__s64 credit = progress.credit_ns;

	if (!progress.credit_at_ns)
		progress.credit_at_ns = now;
	if (now >= progress.credit_at_ns + REFILL_NS)
		credit += refill(now);
	progress.credit_ns = credit < most ? credit : most;
	return progress.credit_ns >= 0;
}

static __always_inline void spend(__u64 begin_ns)
{
	__u64 cost = bpf_ktime_get_ns() - begin_ns;

	progress.spent_ns += cost;
	progress.credit_ns -= cost;
	if (cost > progress.longest_ns)
		progress.longest_ns = cost;
}

/* Wakes user space: a census is complete, or a safe point has done what it could for now. */
static __always_inline void notify(void)
{
	struct pyleak_event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	if (!event)
		return;
	event->serial = progress.serial;
	bpf_ringbuf_submit(event, 0);
}

__noinline int complete_census(__u32 hook)
{
	__u32 zero = 0;
	__u64 *epoch = bpf_map_lookup_elem(&census_epoch, &zero);

	if (epoch)
		__sync_fetch_and_add(epoch, 1);
	progress.done_hook = hook;
	__sync_lock_test_and_set(&progress.answered, progress.began);
	return 0;
}

static __always_inline bool all_visited(void)
{
	__u32 cnt = control.interpreter_cnt;

	return cnt && progress.visited == (cnt >= 64 ? ~0ULL : (1ULL << cnt) - 1);
}

__noinline int take_slice(__u32 hook, __u64 now)
{
	bool complete;

	if (progress.began != control.want)
		forget_census();
	progress.slices++;
	walk.young_seen = 0;
	walk.hook = hook;
	walk.deadline_ns = now + control.max_pause_ns;
	bpf_loop(control.interpreter_cnt, visit_interpreter, 0, 0);
	if (control.watch_young && hook == PYLEAK_HOOK_GC && !walk.young_seen)
		progress.young_skipped++;
	complete = all_visited();
	if (complete)
		complete_census(hook);
	spend(now);
	if (complete || hook == PYLEAK_HOOK_SAFEPOINT)
		notify();
	return 0;
}

/* The youngest generation of the interpreter that is about to collect: what has come since the
 * collection before, cheap because it holds a few thousand objects at most. */
__noinline int walk_young(__u64 now)
{
	__u32 index = current_interpreter();

	if (index >= control.interpreter_cnt)
		return 0;
	walk.interpreter = index;
	walk.lowest_head = interpreter_at(index)->heads[PYLEAK_YOUNG_LIST];
	walk.deadline_ns = now + control.max_pause_ns;
	walk.objects = 0;
	walk.young = 1;
	walk.young_only = 1;
	walk.end = WALK_GOES_ON;
	begin_list(PYLEAK_YOUNG_LIST);
	walk.turn++;
	bpf_loop(YOUNG_LIMIT, walk_step, 0, 0);
	flush_tallies();
	if (walk.end == WALK_COMPLETE)
		progress.young_walks++;
	else
		progress.young_skipped++;
	if (walk.end == WALK_FAULT)
		count_loss(PYLEAK_LOSS_READ_FAULT);
	if (walk.end == WALK_BROKEN)
		count_loss(PYLEAK_LOSS_LIST_BROKEN);
	progress.young_objects += walk.objects;
	progress.counted += walk.objects;
	spend(now);
	if (control.watch_young > 1 && control.budget_ppm)
		progress.young_due_ns = now + (bpf_ktime_get_ns() - now) * 1000000 /
						      control.budget_ppm * control.watch_young;
	return 0;
}

static __always_inline bool is_asked(void)
{
	return control.want > progress.answered && control.want != progress.failed;
}

/* One pass through a hook. The lock keeps threads of interpreters with different locks apart. */
static __always_inline void pass_hook(__u32 hook)
{
	__u64 now;
	bool asked;

	__sync_fetch_and_add(&progress.hits[hook], 1);
	asked = is_asked();
	if (!control.interpreter_cnt ||
	    (!asked && !(control.watch_young && hook == PYLEAK_HOOK_GC)))
		return;
	if (__sync_lock_test_and_set(&progress.busy, 1))
		return;
	now = bpf_ktime_get_ns();
	asked = is_asked();
	if (in_credit(now)) {
		if (asked)
			take_slice(hook, now);
		else if (control.watch_young && hook == PYLEAK_HOOK_GC &&
			 now >= progress.young_due_ns)
			walk_young(now);
	} else if (asked && progress.waiting != control.want) {
		progress.waiting = control.want;
		count_loss(PYLEAK_LOSS_OVER_BUDGET);
	} else if (!asked) {
		progress.young_skipped++;
	}
	__sync_lock_test_and_set(&progress.busy, 0);
}

#endif
