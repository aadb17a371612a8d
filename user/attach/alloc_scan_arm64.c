/* SPDX-License-Identifier: BSD-2-Clause */
/* An allocation is (gcmodule.c, _PyObject_GC_Alloc() until 3.10, _PyObject_GC_Link() since)
 *
 *	add x1,x2,#gc; ldp w3,w0,[x1,#threshold]; add w0,w0,#1; str w0,[x1,#count];
 *	cmp w0,w3; b.gt ...
 *
 * where gc and count add up to the displacement that is known. The interpreter's address and a
 * constant may as well come together in an addition of two registers, or the displacement stand
 * in the load itself. It is probed at the branch. A free (PyObject_GC_Del()) is
 *
 *	ldr w0,[x1,#count]; cmp w0,#0; b.le ...; sub w0,w0,#1; str w0,[x1,#count]
 *
 * and is probed at its branch, which is passed whether the count is positive or not. Compilers
 * put copies of the test, but not of the store, into cold code, so it is the load that is looked
 * for. */
#include "attach/alloc_arm64.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"

/* How far the parts of one such sequence lie apart, in instructions. */
#define NEAR 24
#define TEST_NEAR 8
#define STORE_NEAR 12

struct scan {
	const struct alloc_count *count;
	struct arm64_reader *reader;
	struct arm64_flow flow;
	struct arm64_flow way; /* on from a branch of it */
	struct alloc_sites *out;
};

/* Reads the threshold: beside the count it is read nowhere else. */
static bool has_threshold(const struct alloc_count *count, const struct arm64_flow *flow)
{
	size_t first = flow->at > NEAR ? flow->at - NEAR : 0;

	for (size_t i = first; i < flow->cnt && i <= flow->at + NEAR; i++) {
		if (alloc_arm64_is_int(&flow->steps[i], ARM64_LOAD) &&
		    alloc_arm64_accesses(count, flow, i, -4))
			return true;
	}
	return false;
}

/* Where the count is when steps[probe] is reached; false: in no register. */
static bool place_count(const struct arm64_flow *flow, size_t probe,
			const struct arm64_value *address, uint8_t *reg, uint64_t *offset)
{
	int64_t apart = 0;

	*reg = ARM64_NO_REGISTER;
	*offset = (uint64_t)address->offset;
	if (address->root == ARM64_ROOT_NUMBER)
		return true;
	*reg = arm64_flow_register(flow, probe, address, INT32_MAX, &apart);
	*offset = (uint64_t)apart;
	return *reg != ARM64_NO_REGISTER;
}

/* Is steps[at] followed by the next in the text on every way, and reached from nowhere else? */
static bool goes_straight(const struct scan *scan, size_t at)
{
	const struct arm64_step *step = &scan->flow.steps[at];

	return step->kind != ARM64_CALL && step->kind != ARM64_BRANCH && !code_arm64_leaves(step) &&
	       !arm64_reader_is_target(scan->reader, step->address + 4);
}

/* The last one before the store, or the store, where both the object and the count's place are in
 * registers: behind it one is in none. False: there is none. */
static bool find_early(const struct scan *scan, const struct arm64_value *address, size_t *probe,
		       struct alloc_site *out)
{
	const struct arm64_flow *flow = &scan->flow;

	for (size_t i = flow->at; flow->at - i < STORE_NEAR; i--) {
		struct alloc_site found = *out;

		if (!flow->steps[i].is_refused &&
		    alloc_arm64_decode_new(scan->count, flow, i, &found) &&
		    place_count(flow, i, address, &found.count_reg, &found.count_offset)) {
			*out = found;
			*probe = i;
			return true;
		}
		if (!i || !goes_straight(scan, i - 1))
			return false;
	}
	return false;
}

/* Probes steps[probe], or, where the object is in no register any more, one from `first` on that
 * it still is in, or one before the store: the kernel steps that, but what is counted has a type.
 */
static void add_site(struct scan *scan, enum alloc_kind kind, size_t first, size_t probe,
		     bool (*decode)(const struct alloc_count *, const struct arm64_flow *, size_t,
				    struct alloc_site *))
{
	const struct arm64_flow *flow = &scan->flow;
	struct arm64_value address = arm64_flow_address(flow, flow->at);
	struct alloc_site object = { .object_reg = ALLOC_NO_REGISTER }, *site;
	bool is_early = kind == ALLOC_FREE;

	if (alloc_arm64_accesses(scan->count, flow, flow->at, 0) == 2)
		address.offset += 4;
	for (size_t i = probe + 1; i-- > first && object.object_reg == ALLOC_NO_REGISTER;) {
		if (!flow->steps[i].is_refused && decode(scan->count, flow, i, &object))
			probe = i;
	}
	if (!is_early && object.object_reg == ALLOC_NO_REGISTER)
		is_early = find_early(scan, &address, &probe, &object);
	if (!place_count(flow, probe, &address, &object.count_reg, &object.count_offset)) {
		alloc_scan_reject(flow->steps[probe].address, ALLOC_REJECTED_PROBE, scan->out);
		return;
	}
	site = alloc_scan_add(flow->steps[probe].address, kind, flow->steps[probe].cheap,
			      scan->out);
	if (!site)
		return;
	site->is_early = is_early;
	site->object_reg = object.object_reg;
	site->object_bias = object.object_bias;
	site->count_reg = object.count_reg;
	site->count_offset = object.count_offset;
}

/* The first instruction behind the store that a probe is cheap on, else the one behind it. 0:
 * there is none. */
static size_t choose_probe(const struct arm64_flow *flow)
{
	size_t first = flow->at + 1;

	for (size_t i = first; i < flow->cnt && i - first < NEAR; i++) {
		const struct arm64_step *step = &flow->steps[i];

		if (step->cheap)
			return i;
		if (step->is_refused || step->kind == ARM64_CALL || step->kind == ARM64_LEAVE)
			break;
	}
	return first < flow->cnt && !flow->steps[first].is_refused ? first : 0;
}

static void take_new(struct scan *scan)
{
	uint64_t address = scan->flow.steps[scan->flow.at].address;
	size_t probe = choose_probe(&scan->flow);

	if (!has_threshold(scan->count, &scan->flow))
		alloc_scan_reject(address, ALLOC_REJECTED_THRESHOLD, scan->out);
	else if (!probe)
		alloc_scan_reject(address, ALLOC_REJECTED_PROBE, scan->out);
	else
		add_site(scan, ALLOC_NEW, scan->flow.at + 1, probe, alloc_arm64_decode_new);
}

/* Does the way that begins at `address` count down what `loaded` is, within some instructions? */
static bool counts_down(struct scan *scan, size_t guard, const struct arm64_value *loaded,
			uint64_t address)
{
	scan->way = scan->flow;
	arm64_flow_continue(scan->reader, address, guard + 1, STORE_NEAR, &scan->way);
	for (size_t i = guard + 1; i < scan->way.cnt; i++) {
		struct arm64_value stored;

		if (alloc_arm64_stored(scan->count, &scan->way, i, &stored) &&
		    stored.root == loaded->root && stored.offset == -1)
			return true;
	}
	return false;
}

/* Does the branch, behind a comparison with `against`, tell positive ones from the others? */
static bool asks_positive(uint8_t condition, int64_t against)
{
	switch (condition) {
	case ARM64_GT:
	case ARM64_LE:
		return against == 0;
	case ARM64_GE:
	case ARM64_LT:
	case ARM64_PL:
	case ARM64_MI:
		return against == 1; /* clang: of count - 1 */
	default:
		return false;
	}
}

/* The branch on count > 0 behind the load; 0 = there is none. */
static size_t find_guard(const struct arm64_flow *flow, const struct arm64_value *loaded)
{
	int64_t against = INT64_MAX;

	for (size_t i = flow->at + 1; i < flow->cnt && i - flow->at <= TEST_NEAR; i++) {
		const struct arm64_step *step = &flow->steps[i];

		if (step->kind == ARM64_BRANCH)
			return asks_positive(step->condition, against) ? i : 0;
		if (step->kind == ARM64_CALL || step->kind == ARM64_LEAVE)
			return 0;
		if (!step->sets_flags)
			continue;
		against = INT64_MAX;
		if (step->kind == ARM64_COMPARE || step->kind == ARM64_ADD) {
			struct arm64_value value = arm64_flow_value(flow, i, step->rn);

			if (value.root == loaded->root && value.offset == 0)
				against = -step->imm;
		}
	}
	return 0;
}

static void take_freed(struct scan *scan, const struct arm64_value *loaded)
{
	size_t guard = find_guard(&scan->flow, loaded);
	const struct arm64_step *step = &scan->flow.steps[guard];

	if (guard && (counts_down(scan, guard, loaded, step->address + 4) ||
		      counts_down(scan, guard, loaded, (uint64_t)step->imm)))
		add_site(scan, ALLOC_FREE, scan->flow.at, guard, alloc_arm64_decode_freed);
}

/* The last store to the count before steps[flow->at]: compilers go on with what they stored, and
 * do not load it again. */
static bool find_stored(const struct scan *scan, struct arm64_value *out)
{
	for (size_t i = scan->flow.at; i-- > 0 && scan->flow.at - i <= NEAR;) {
		if (alloc_arm64_stored(scan->count, &scan->flow, i, out))
			return true;
	}
	return false;
}

/* What is no count at all (the collector stores 0) is not worth a word. */
static void take_stored(struct scan *scan)
{
	const struct arm64_flow *flow = &scan->flow;
	struct arm64_value stored, before;
	int64_t change;

	if (!alloc_arm64_stored(scan->count, flow, flow->at, &stored) ||
	    stored.root == ARM64_ROOT_NUMBER)
		return;
	if (!find_stored(scan, &before) || before.root != stored.root)
		before = (struct arm64_value){ stored.root, 0 };
	change = stored.offset - before.offset;
	if (change == 1 && alloc_arm64_is_loaded(scan->count, flow, &stored))
		take_new(scan);
	else if (change == 1)
		alloc_scan_reject(flow->steps[flow->at].address, ALLOC_REJECTED_SOURCE, scan->out);
}

static void take_loaded(struct scan *scan)
{
	const struct arm64_flow *flow = &scan->flow;
	const struct arm64_step *step = &flow->steps[flow->at];
	int which = alloc_arm64_accesses(scan->count, flow, flow->at, 0);
	struct arm64_value loaded = { ARM64_ROOT(flow->at, which == 2 ? step->rd2 : step->rd), 0 };

	if (which)
		take_freed(scan, &loaded);
}

/* Most loads and stores are told apart without a look at what is around them. */
static bool may_access(const struct scan *scan, const struct arm64_step *step)
{
	int64_t wanted = scan->count->displacement;

	if (!alloc_arm64_is_int(step, ARM64_STORE) && !alloc_arm64_is_int(step, ARM64_LOAD))
		return false;
	return step->rm != ARM64_NO_REGISTER || step->imm == wanted || step->imm == wanted - 4 ||
	       arm64_reader_may_move(scan->reader, step->address, step->rn);
}

int alloc_scan_arm64(const struct code_text *text, const struct alloc_count *count,
		     struct alloc_sites *out)
{
	_cleanup_free_ struct scan *scan = calloc(1, sizeof(*scan));
	int err = scan ? arm64_reader_open(text, &scan->reader) : -ENOMEM;
	uint32_t word;

	if (err)
		return err;
	scan->count = count;
	scan->out = out;
	for (uint64_t at = text->address; arm64_reader_word(scan->reader, at, &word); at += 4) {
		struct arm64_step step;

		code_arm64_decode(word, at, &step);
		if (!may_access(scan, &step))
			continue;
		arm64_flow_read(scan->reader, at, &scan->flow);
		if (step.kind == ARM64_STORE)
			take_stored(scan);
		else
			take_loaded(scan);
	}
	arm64_reader_close(scan->reader);
	return 0;
}
