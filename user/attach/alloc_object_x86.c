/* SPDX-License-Identifier: BSD-2-Clause */
/* Which register holds the object where its allocation or free is counted. It is told by how the
 * code uses the object's GC head: a new one's links are zeroed, a freed one's are read or cut, at
 * a displacement from the object that nothing else has. From there to the probe it is followed
 * through copies. */
#include <string.h>

#include "attach/alloc_x86.h"

#define NEAR 20

/* Of each register: whether it is known to hold the object, and object minus register. */
struct followed {
	bool known[CODE_REGISTERS];
	int64_t bias[CODE_REGISTERS];
};

static uint8_t register_operand(const struct code_step *step, uint8_t operand)
{
	return operand < step->op_cnt && step->ops[operand].type == X86_OP_REG &&
			       step->ops[operand].size == 8
		       ? code_register(step->ops[operand].reg)
		       : CODE_NO_REGISTER;
}

/* Where `step` leaves a copy of what is followed. */
static bool copies(const struct followed *before, const struct code_step *step, uint8_t *to,
		   int64_t *bias)
{
	uint8_t from = CODE_NO_REGISTER;
	int64_t moved = 0;

	*to = register_operand(step, 0);
	if (*to == CODE_NO_REGISTER || step->op_cnt != 2)
		return false;
	if (step->id == X86_INS_MOV) {
		from = register_operand(step, 1);
	} else if (step->id == X86_INS_LEA && code_is_plain(&step->ops[1])) {
		from = code_register(step->ops[1].mem.base);
		moved = step->ops[1].mem.disp;
	} else if ((step->id == X86_INS_ADD || step->id == X86_INS_SUB) &&
		   step->ops[1].type == X86_OP_IMM) {
		from = *to;
		moved = step->id == X86_INS_ADD ? step->ops[1].imm : -step->ops[1].imm;
	}
	if (from == CODE_NO_REGISTER || !before->known[from])
		return false;
	*bias = before->bias[from] - moved;
	return *bias >= -64 && *bias <= 64;
}

static void follow(struct followed *followed, const struct code_step *step)
{
	int64_t bias = 0;
	uint8_t to;
	bool copied = copies(followed, step, &to, &bias);

	for (uint8_t i = 0; i < CODE_REGISTERS; i++) {
		if (step->writes & 1U << i)
			followed->known[i] = false;
	}
	if (copied) {
		followed->known[to] = true;
		followed->bias[to] = bias;
	}
}

/* Other registers that hold the same as `reg` when steps[from] begins: `mov %rax,%rbx` before. */
static void look_back(const struct code_window *window, size_t from, uint8_t reg, int64_t bias,
		      struct followed *out)
{
	uint16_t written = 0;

	for (size_t i = from; i-- > 0 && from - i <= NEAR && !window->steps[i].leaves;) {
		const struct code_step *step = &window->steps[i];
		uint8_t to = register_operand(step, 0), source = register_operand(step, 1);
		uint8_t twin = step->id != X86_INS_MOV ? CODE_NO_REGISTER
			       : source == reg	       ? to
			       : to == reg	       ? source
						       : CODE_NO_REGISTER;

		if (twin != CODE_NO_REGISTER && twin != CODE_RSP && !(written & 1U << twin)) {
			out->known[twin] = true;
			out->bias[twin] = bias;
		}
		written |= step->writes;
		if (step->writes & 1U << reg)
			break;
	}
}

/* `reg` + `bias` is the object when steps[from] begins. */
static bool follow_to(const struct code_window *window, size_t from, size_t probe, uint8_t reg,
		      int64_t bias, struct alloc_site *out)
{
	struct followed followed = {};

	followed.known[reg] = true;
	followed.bias[reg] = bias;
	look_back(window, from, reg, bias, &followed);
	for (size_t i = from; i < probe; i++)
		follow(&followed, &window->steps[i]);
	/* Behind the probe: still the same when it is used. */
	for (size_t i = probe; i < from; i++) {
		if (window->steps[i].writes & 1U << reg)
			return false;
	}
	for (uint8_t i = 0; i < CODE_REGISTERS; i++) {
		if (!followed.known[i] || (out->object_reg != ALLOC_NO_REGISTER && i != reg))
			continue;
		out->object_reg = i;
		out->object_bias = (int8_t)followed.bias[i];
	}
	return out->object_reg != ALLOC_NO_REGISTER;
}

/* A register that may hold an object: not the stack's, nor rbp where it is the frame's. */
static uint8_t object_base(const struct code_window *window, const cs_x86_op *op)
{
	uint8_t base = op && code_is_plain(op) ? code_register(op->mem.base) : CODE_NO_REGISTER;

	return base == CODE_RSP || (base == CODE_RBP && window->has_frame) ? CODE_NO_REGISTER
									   : base;
}

static bool stores_vector(const struct code_step *step)
{
	switch (step->id) {
	case X86_INS_MOVUPS:
	case X86_INS_MOVAPS:
	case X86_INS_MOVUPD:
	case X86_INS_MOVDQU:
	case X86_INS_MOVDQA:
	case X86_INS_VMOVUPS:
	case X86_INS_VMOVAPS:
	case X86_INS_VMOVUPD:
	case X86_INS_VMOVDQU:
	case X86_INS_VMOVDQA:
		return step->ops[0].type == X86_OP_MEM && step->ops[1].type == X86_OP_REG;
	default:
		return false;
	}
}

static bool stores_word(const struct code_step *step, int64_t value)
{
	return step->id == X86_INS_MOV && step->op_cnt == 2 && step->ops[0].type == X86_OP_MEM &&
	       step->ops[0].size == 8 && step->ops[1].type == X86_OP_IMM &&
	       step->ops[1].imm == value;
}

/* A store of the same kind to the other half of a head. */
static bool has_twin(const struct code_window *window, size_t at, int64_t displacement)
{
	const cs_x86_op *half = &window->steps[at].ops[0];

	for (size_t i = at > 6 ? at - 6 : 0; i < window->cnt && i <= at + 6; i++) {
		const struct code_step *step = &window->steps[i];

		if (i != at && stores_word(step, 0) && code_is_plain(&step->ops[0]) &&
		    step->ops[0].mem.base == half->mem.base &&
		    step->ops[0].mem.disp == displacement)
			return true;
	}
	return false;
}

/* -1: this step does not make a head; else what to add to its base for the object. Up to 3.7 a
 * head is marked by gc_refs = GC_UNTRACKED << 1 at 0x10, later both links are zeroed. */
static int head_made(const struct alloc_count *count, const struct code_window *window, size_t at)
{
	int64_t head = count->head_bytes;
	const struct code_step *step = &window->steps[at];
	const cs_x86_op *to = &step->ops[0];

	if (!step->op_cnt || object_base(window, to) == CODE_NO_REGISTER)
		return -1;
	if (head > 16) {
		if (!stores_word(step, -4))
			return -1;
		return to->mem.disp == 0x10 ? (int)head : to->mem.disp == 0x10 - head ? 0 : -1;
	}
	if (!stores_vector(step) &&
	    !(stores_word(step, 0) && has_twin(window, at, to->mem.disp + 8)))
		return -1;
	return to->mem.disp == -16 ? 0 : to->mem.disp == 0 ? (int)head : -1;
}

/* movups %xmm0,-0x10(%memory,%presize): the object itself is in no register yet (clang). */
static bool try_sum(const struct alloc_count *count, const struct code_window *window, size_t at,
		    size_t probe, struct alloc_site *out)
{
	const struct code_step *step = &window->steps[at];
	const cs_x86_op *to = &step->ops[0];
	uint8_t base, index;

	if (count->head_bytes != 16 || !step->op_cnt || !stores_vector(step) ||
	    to->mem.disp != -16 || to->mem.scale != 1 || to->mem.segment != X86_REG_INVALID)
		return false;
	base = code_register(to->mem.base);
	index = code_register(to->mem.index);
	if (base == CODE_NO_REGISTER || index == CODE_NO_REGISTER || base == CODE_RSP)
		return false;
	for (size_t i = at < probe ? at : probe; i < (at < probe ? probe : at); i++) {
		if (window->steps[i].writes & (1U << base | 1U << index))
			return false;
	}
	out->object_reg = base;
	out->object_index = index;
	out->object_bias = 0;
	return true;
}

static bool try_head(const struct alloc_count *count, const struct code_window *window, size_t at,
		     size_t probe, int wanted, struct alloc_site *out)
{
	int bias = head_made(count, window, at);

	if (!wanted && try_sum(count, window, at, probe, out))
		return true;
	return bias == wanted &&
	       follow_to(window, at, probe, code_register(window->steps[at].ops[0].mem.base), bias,
			 out);
}

/* The nearest before the count, then the nearest behind it. A head told from the object goes
 * first: words before it (3.11 and later: the dict, weak references) are zeroed in the same way,
 * at no displacement. */
bool alloc_decode_new(const struct alloc_count *count, const struct code_window *window,
		      size_t probe, struct alloc_site *out)
{
	const int wanted[] = { 0, (int)count->head_bytes };

	for (size_t kind = 0; kind < 2; kind++) {
		for (size_t i = window->at; i-- > 0 && window->at - i <= NEAR;) {
			if (window->steps[i].leaves)
				break;
			if (try_head(count, window, i, probe, wanted[kind], out))
				return true;
		}
		for (size_t i = window->at + 1; i < window->cnt && i - window->at <= NEAR; i++) {
			if (window->steps[i].leaves)
				break;
			if (try_head(count, window, i, probe, wanted[kind], out))
				return true;
		}
	}
	return false;
}

/* A link of the head, addressed from the object. */
static uint8_t uses_head(const struct alloc_count *count, const struct code_window *window,
			 const struct code_step *step)
{
	const cs_x86_op *op = code_memory(step);

	return op && op->size == 8 && op->mem.disp == -(int64_t)count->head_bytes
		       ? object_base(window, op)
		       : CODE_NO_REGISTER;
}

/* `sub presize,object`: where the object's memory begins (3.11 and later). */
static uint8_t leaves_object(const struct code_window *window, const struct code_step *step)
{
	uint8_t reg = step->id == X86_INS_SUB && register_operand(step, 1) != CODE_NO_REGISTER
			      ? register_operand(step, 0)
			      : CODE_NO_REGISTER;

	return reg == CODE_RSP || (reg == CODE_RBP && window->has_frame) ? CODE_NO_REGISTER : reg;
}

/* `mov memory,copy; and $-4096,copy`: the pool that the memory is freed to (address_in_range() of
 * obmalloc.c, inlined; pools of 16 KiB since 3.10). */
static uint8_t seeks_pool(const struct code_window *window, size_t at, size_t probe)
{
	const struct code_step *step = &window->steps[at];
	uint8_t copy = step->id == X86_INS_AND && step->op_cnt == 2 &&
				       step->ops[1].type == X86_OP_IMM &&
				       (step->ops[1].imm == -4096 || step->ops[1].imm == -16384)
			       ? register_operand(step, 0)
			       : CODE_NO_REGISTER;

	for (size_t i = at; copy != CODE_NO_REGISTER && i-- > probe + 1;) {
		const struct code_step *before = &window->steps[i];

		if (before->writes & 1U << copy)
			return before->id == X86_INS_MOV && register_operand(before, 0) == copy
				       ? register_operand(before, 1)
				       : CODE_NO_REGISTER;
	}
	return CODE_NO_REGISTER;
}

static bool try_use(const struct alloc_count *count, const struct code_window *window, size_t at,
		    size_t probe, struct alloc_site *out)
{
	uint8_t reg = uses_head(count, window, &window->steps[at]);
	int64_t bias = 0;

	if (reg == CODE_NO_REGISTER && at > probe)
		reg = leaves_object(window, &window->steps[at]);
	if (reg == CODE_NO_REGISTER && at > probe && count->begins_with_head) {
		reg = seeks_pool(window, at, probe);
		bias = count->head_bytes;
	}
	return reg != CODE_NO_REGISTER && follow_to(window, at, probe, reg, bias, out);
}

bool alloc_decode_freed(const struct alloc_count *count, const struct code_window *window,
			size_t probe, struct alloc_site *out)
{
	if (window->begins_function && count->freeing_function &&
	    window->function == count->freeing_function &&
	    follow_to(window, 0, probe, CODE_RDI, 0, out))
		return true;
	for (size_t i = probe; i-- > 0 && probe - i <= NEAR && !window->steps[i].leaves;) {
		if (try_use(count, window, i, probe, out))
			return true;
	}
	for (size_t i = probe + 1; i < window->cnt && i - probe <= NEAR; i++) {
		if (window->steps[i].leaves)
			break;
		if (try_use(count, window, i, probe, out))
			return true;
	}
	return false;
}
