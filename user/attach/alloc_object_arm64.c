/* SPDX-License-Identifier: BSD-2-Clause */
/* Which register holds the object where its allocation or free is counted. It is told by how the
 * code uses the object's GC head: a new one's links are zeroed, a freed one's are read or cut, at
 * a displacement from the object that nothing else has. */
#include <string.h>

#include "attach/alloc_arm64.h"

#define NEAR 32
#define TWIN_NEAR 6

/* A register that holds what `object` is when steps[probe] is reached. */
static bool take_object(const struct arm64_flow *flow, size_t probe,
			const struct arm64_value *object, struct alloc_site *out)
{
	int64_t bias = 0;
	uint8_t reg = arm64_flow_register(flow, probe, object, 64, &bias);

	if (reg == ARM64_NO_REGISTER)
		return false;
	out->object_reg = reg;
	out->object_bias = (int8_t)bias;
	return true;
}

static bool is_word(const struct arm64_step *step)
{
	return step->kind == ARM64_STORE && !step->is_vector && step->bytes == 8;
}

static bool is_zero_word(const struct arm64_step *step)
{
	return is_word(step) && step->rd == ARM64_R31 &&
	       (step->rd2 == ARM64_R31 || step->rd2 == ARM64_NO_REGISTER);
}

/* A store of the same kind to the other half of a head. */
static bool has_twin(const struct arm64_flow *flow, size_t at, const struct arm64_value *half)
{
	for (size_t i = at > TWIN_NEAR ? at - TWIN_NEAR : 0; i < flow->cnt && i <= at + TWIN_NEAR;
	     i++) {
		struct arm64_value other;

		if (i == at || !is_zero_word(&flow->steps[i]))
			continue;
		other = arm64_flow_address(flow, i);
		if (other.root == half->root && other.offset == half->offset + 8)
			return true;
	}
	return false;
}

/* How many bytes steps[at] zeroes that may be a head, and what lies before it. Vectors are taken
 * to be zero. */
static int zeroed(const struct arm64_flow *flow, size_t at, const struct arm64_value *address)
{
	const struct arm64_step *step = &flow->steps[at];

	if (step->kind == ARM64_STORE && step->is_vector && step->bytes == 16)
		return step->rd2 == ARM64_NO_REGISTER ? 16 : 32;
	if (!is_zero_word(step))
		return 0;
	return step->rd2 == ARM64_R31 || has_twin(flow, at, address) ? 16 : 0;
}

/* Up to 3.7 a head is marked by gc_refs = GC_UNTRACKED << 1 at 0x10. */
static bool is_marked(const struct arm64_flow *flow, size_t at)
{
	const struct arm64_step *step = &flow->steps[at];
	struct arm64_value stored;

	if (!is_word(step) || step->rd == ARM64_R31)
		return false;
	stored = arm64_flow_value(flow, at, step->rd);
	return stored.root == ARM64_ROOT_NUMBER && stored.offset == -4;
}

/* Does steps[at] make a head? It is told from the object (`from_object`), or lies where a register
 * points to. */
static bool makes_head(const struct alloc_count *count, const struct arm64_flow *flow, size_t at,
		       bool from_object, struct arm64_value *object)
{
	int64_t head = count->head_bytes, before = head > 16 ? head - 0x10 : head, add;
	const struct arm64_step *step = &flow->steps[at];

	if (step->kind != ARM64_STORE)
		return false;
	*object = arm64_flow_address(flow, at);
	if (object->root == ARM64_ROOT_STACK || object->root == ARM64_ROOT_NUMBER)
		return false;
	if (head > 16) {
		if (!is_marked(flow, at))
			return false;
		add = before;
	} else {
		/* Of two vectors the second is the head. */
		add = zeroed(flow, at, object);
		if (!add)
			return false;
	}
	if (from_object ? step->imm != -add && object->offset != -add
			: step->imm != (head > 16 ? 0x10 : 0))
		return false;
	object->offset += add;
	return true;
}

/* Uses the head, told from the object. */
static bool uses_head(const struct alloc_count *count, const struct arm64_flow *flow, size_t at,
		      struct arm64_value *object)
{
	const struct arm64_step *step = &flow->steps[at];

	if ((step->kind != ARM64_LOAD && step->kind != ARM64_STORE) || step->bytes < 8)
		return false;
	*object = arm64_flow_address(flow, at);
	object->offset += count->head_bytes;
	return object->root != ARM64_ROOT_STACK && object->root != ARM64_ROOT_NUMBER &&
	       (step->imm == -(int64_t)count->head_bytes || object->offset == 0);
}

/* Cuts a head that a register points to: next = 0, and of prev what is no link is left. */
static bool cuts_head(const struct alloc_count *count, const struct arm64_flow *flow, size_t at,
		      struct arm64_value *object)
{
	const struct arm64_step *step = &flow->steps[at];

	if (!is_word(step) || step->imm || step->rd != ARM64_R31 || step->rd2 >= ARM64_REGISTERS ||
	    count->head_bytes != 16)
		return false;
	*object = arm64_flow_address(flow, at);
	object->offset += count->head_bytes;
	return object->root != ARM64_ROOT_STACK && object->root != ARM64_ROOT_NUMBER;
}

/* Tells where the object's head begins, or, behind the count, its memory (`sub object,presize`,
 * 3.11 and later). */
static bool leaves_object(const struct alloc_count *count, const struct arm64_flow *flow, size_t at,
			  struct arm64_value *object)
{
	const struct arm64_step *step = &flow->steps[at];
	bool is_head = step->kind == ARM64_ADD && step->imm == -(int64_t)count->head_bytes;

	if (step->rn == ARM64_R31 || (!is_head && (step->kind != ARM64_DIFF || at < flow->at)))
		return false;
	*object = arm64_flow_value(flow, at, step->rn);
	return object->root != ARM64_ROOT_STACK;
}

enum sign { MADE_FROM_OBJECT = 1, MADE_AT_POINTER = 2, USED = 4, CUT = 8, LEFT = 16 };

/* Does steps[at] show by one of `signs` what the object is, and is that in a register? */
static bool try_signs(const struct alloc_count *count, const struct arm64_flow *flow, size_t at,
		      size_t probe, unsigned int signs, struct alloc_site *out)
{
	struct arm64_value object;
	bool is_sign = (signs & MADE_FROM_OBJECT && makes_head(count, flow, at, true, &object)) ||
		       (signs & MADE_AT_POINTER && makes_head(count, flow, at, false, &object)) ||
		       (signs & USED && uses_head(count, flow, at, &object)) ||
		       (signs & CUT && cuts_head(count, flow, at, &object)) ||
		       (signs & LEFT && leaves_object(count, flow, at, &object));

	return is_sign && take_object(flow, probe, &object, out);
}

/* The nearest before the count, then the nearest behind it. */
static bool find_sign(const struct alloc_count *count, const struct arm64_flow *flow, size_t probe,
		      unsigned int signs, struct alloc_site *out)
{
	for (size_t i = flow->at; i-- > 0 && flow->at - i <= NEAR;) {
		if (try_signs(count, flow, i, probe, signs, out))
			return true;
	}
	for (size_t i = flow->at + 1; i < flow->cnt && i - flow->at <= NEAR; i++) {
		if (try_signs(count, flow, i, probe, signs, out))
			return true;
	}
	return false;
}

/* A head told from the object goes first: words before it (3.11 and later: the dict, weak
 * references) are zeroed in the same way, at no displacement. 3.14.0 to 3.14.4 count an object when
 * it is put in a list (_PyObject_GC_TRACK()), and what they write is not zero. */
bool alloc_arm64_decode_new(const struct alloc_count *count, const struct arm64_flow *flow,
			    size_t probe, struct alloc_site *out)
{
	return find_sign(count, flow, probe, MADE_FROM_OBJECT, out) ||
	       find_sign(count, flow, probe, MADE_AT_POINTER | USED, out);
}

bool alloc_arm64_decode_freed(const struct alloc_count *count, const struct arm64_flow *flow,
			      size_t probe, struct alloc_site *out)
{
	struct arm64_value argument = { ARM64_ROOT_START, 0 }; /* x0 */

	if (count->freeing_function && flow->function == count->freeing_function &&
	    take_object(flow, probe, &argument, out))
		return true;
	return find_sign(count, flow, probe, USED, out) ||
	       find_sign(count, flow, probe, CUT, out) || find_sign(count, flow, probe, LEFT, out);
}
