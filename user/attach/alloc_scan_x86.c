/* SPDX-License-Identifier: BSD-2-Clause */
/* An allocation is (gcmodule.c, _PyObject_GC_Alloc() until 3.10, _PyObject_GC_Link() since)
 *
 *	mov count(%rcx),%eax;  mov threshold(%rcx),%edx;  add $1,%eax;  mov %eax,count(%rcx);
 *	cmp %edx,%eax;  jg ...
 *
 * or `incl count(%rcx)` as clang writes it. It is probed at the jump: the store is no instruction
 * that the kernel emulates. A free (PyObject_GC_Del()) is
 *
 *	mov count(%rcx),%eax;  test %eax,%eax;  jle ...;  sub $1,%eax;  mov %eax,count(%rcx)
 *
 * and is probed at its jump too, which is passed whether the count is positive or not. Compilers
 * put copies of the test, but not of the store, into cold code, so it is the load that is looked
 * for. */
#include "attach/alloc_x86.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/* How far the parts of one such sequence lie apart, in instructions. */
#define NEAR 16
#define TEST_NEAR 6

static const int64_t not_an_immediate = INT64_MAX;

bool alloc_is_count(const struct alloc_count *count, const struct code_step *step,
		    const cs_x86_op *op, int delta)
{
	if (!op || !code_is_plain(op))
		return false;
	if (op->mem.base == X86_REG_RIP)
		return count->address && step->address + step->size + (uint64_t)op->mem.disp ==
						 count->address + delta;
	if (op->mem.base == X86_REG_INVALID)
		return count->address && (uint64_t)op->mem.disp == count->address + delta;
	return count->relative && op->mem.base != X86_REG_RSP &&
	       op->mem.disp == (int64_t)count->displacement + delta;
}

static int64_t immediate(const struct code_step *step, uint8_t operand)
{
	return operand < step->op_cnt && step->ops[operand].type == X86_OP_IMM
		       ? (int32_t)step->ops[operand].imm
		       : not_an_immediate;
}

/* By how much add, sub, inc and dec change their first operand. */
static int change_of(const struct code_step *step)
{
	switch (step->id) {
	case X86_INS_INC:
		return 1;
	case X86_INS_DEC:
		return -1;
	case X86_INS_ADD:
		return immediate(step, 1) == 1 ? 1 : immediate(step, 1) == -1 ? -1 : 0;
	case X86_INS_SUB:
		return immediate(step, 1) == 1 ? -1 : immediate(step, 1) == -1 ? 1 : 0;
	default:
		return 0;
	}
}

static bool is_register(const cs_x86_op *op, uint8_t reg)
{
	return op->type == X86_OP_REG && code_register(op->reg) == reg;
}

static bool loads_count(const struct alloc_count *count, const struct code_step *step)
{
	return step->id == X86_INS_MOV && step->op_cnt == 2 && step->ops[0].type == X86_OP_REG &&
	       alloc_is_count(count, step, &step->ops[1], 0);
}

/* By how much what `reg` holds at `end` differs from the count that was loaded before; 0: it is
 * not that. */
static int change_in_register(const struct alloc_count *count, const struct code_step *steps,
			      size_t end, uint8_t reg)
{
	int change = 0;

	for (size_t i = end; i-- > 0 && end - i <= NEAR && !steps[i].leaves;) {
		const struct code_step *step = &steps[i];

		if (!(step->writes & 1U << reg))
			continue;
		if (loads_count(count, step))
			return change;
		if (change)
			return 0;
		if (step->id == X86_INS_LEA && step->ops[1].mem.index == X86_REG_INVALID &&
		    (step->ops[1].mem.disp == 1 || step->ops[1].mem.disp == -1)) {
			change = (int)step->ops[1].mem.disp;
			reg = code_register(step->ops[1].mem.base);
			if (reg == CODE_NO_REGISTER)
				return 0;
			continue;
		}
		change = is_register(&step->ops[0], reg) ? change_of(step) : 0;
		if (!change)
			return 0;
	}
	return 0;
}

/* Is what `reg` holds at `end` something plus one? */
static bool is_counted_up(const struct code_step *steps, size_t end, uint8_t reg)
{
	for (size_t i = end; i-- > 0 && end - i <= TEST_NEAR;) {
		if (steps[i].writes & 1U << reg)
			return change_of(&steps[i]) == 1 ||
			       (steps[i].id == X86_INS_LEA && steps[i].ops[1].mem.disp == 1);
	}
	return false;
}

/* +1 or -1: the step counts; 0: it stores something else; 2: it does not change the count. */
static int count_change(const struct alloc_count *count, const struct code_step *steps, size_t at)
{
	const struct code_step *step = &steps[at];

	if (!step->op_cnt || !alloc_is_count(count, step, &step->ops[0], 0))
		return 2;
	if (change_of(step))
		return change_of(step);
	if (step->id != X86_INS_MOV)
		return 2; /* cmp, test */
	if (step->ops[1].type != X86_OP_REG)
		return 0;
	return change_in_register(count, steps, at, code_register(step->ops[1].reg));
}

/* Reads the threshold: beside the count it is read nowhere else. */
static bool has_threshold(const struct alloc_count *count, const struct code_window *window)
{
	for (size_t i = window->at, n = 0; i-- > 0 && n < NEAR; n++) {
		const struct code_step *step = &window->steps[i];

		if (step->leaves)
			break;
		if ((step->id == X86_INS_MOV || step->id == X86_INS_CMP) &&
		    alloc_is_count(count, step, &step->ops[step->id == X86_INS_MOV], -4))
			return true;
	}
	for (size_t i = window->at + 1; i < window->cnt && i - window->at <= NEAR; i++) {
		const struct code_step *step = &window->steps[i];

		for (uint8_t op = 0; op < step->op_cnt; op++) {
			bool stored = step->id == X86_INS_MOV && !op;

			if (!stored && !change_of(step) &&
			    alloc_is_count(count, step, &step->ops[op], -4))
				return true;
		}
		if (step->leaves)
			break;
	}
	return false;
}

static struct alloc_site *add_site(const struct alloc_count *count,
				   const struct code_window *window, size_t probe,
				   enum alloc_kind kind, struct alloc_sites *out)
{
	const cs_x86_op *memory = code_memory(&window->steps[window->at]);
	const struct code_step *step = &window->steps[probe];
	struct alloc_site *site = alloc_scan_add(step->address, kind, step->cheap, out);

	if (!site)
		return NULL;
	site->count_reg = code_register(memory->mem.base);
	site->count_offset = site->count_reg == CODE_NO_REGISTER
				     ? count->address
				     : (uint64_t)(int64_t)count->displacement;
	return site;
}

/* The first instruction from `at` on that a probe is cheap on, as long as nothing changes the
 * register that the count is addressed by; else `at` itself. 0: there is none. */
static size_t choose_probe(const struct code_window *window, size_t at)
{
	uint8_t base = code_register(code_memory(&window->steps[window->at])->mem.base);

	for (size_t i = at; i < window->cnt && i - at < NEAR; i++) {
		const struct code_step *step = &window->steps[i];

		if (step->cheap)
			return i;
		if (step->leaves || (base < CODE_REGISTERS && step->writes & 1U << base))
			break;
	}
	return at < window->cnt && window->steps[at].id ? at : 0;
}

static void take_new(const struct alloc_count *count, const struct code_window *window,
		     struct alloc_sites *out)
{
	uint64_t address = window->steps[window->at].address;
	size_t probe = choose_probe(window, window->at + 1);
	struct alloc_site *site;

	if (!has_threshold(count, window)) {
		alloc_scan_reject(address, ALLOC_REJECTED_THRESHOLD, out);
		return;
	}
	if (!probe) {
		alloc_scan_reject(address, ALLOC_REJECTED_PROBE, out);
		return;
	}
	site = add_site(count, window, probe, ALLOC_NEW, out);
	if (site)
		alloc_decode_new(count, window, probe, site);
}

/* Does the straight run from `address` count down? */
static bool counts_down(const struct alloc_count *count, struct code_reader *reader,
			const struct code_step *load, uint64_t address)
{
	struct code_step steps[2 * TEST_NEAR] = { *load };
	size_t cnt = 1;

	/* Behind the load, so that the register is known to hold the count. A jump leads from
	 * cold code to the store. */
	for (int jumps = 0; jumps < 2; jumps++) {
		size_t more = code_read_run(reader, address, steps + cnt, TEST_NEAR - 1);
		const struct code_step *last = &steps[cnt + more - 1];

		for (size_t i = cnt; i < cnt + more; i++) {
			if (count_change(count, steps, i) == -1)
				return true;
		}
		if (!more || last->id != X86_INS_JMP || immediate(last, 0) == not_an_immediate)
			return false;
		address = (uint64_t)last->ops[0].imm;
		if (more > 1)
			return false;
	}
	return false;
}

static bool tests_loaded(const struct code_step *load, const struct code_step *step)
{
	uint8_t reg = code_register(load->ops[0].reg);

	if (step->id == X86_INS_TEST)
		return is_register(&step->ops[0], reg) && is_register(&step->ops[1], reg);
	return step->id == X86_INS_CMP && is_register(&step->ops[0], reg) &&
	       immediate(step, 1) == 0;
}

/* The branch on count > 0 behind the load, or the comparison in memory; 0 = there is none. */
static size_t find_guard(const struct alloc_count *count, const struct code_window *window)
{
	const struct code_step *load = &window->steps[window->at];
	bool tested = load->id == X86_INS_CMP && alloc_is_count(count, load, &load->ops[0], 0) &&
		      immediate(load, 1) == 0;

	if (!tested && !loads_count(count, load))
		return 0;
	for (size_t i = window->at + 1; i < window->cnt && i - window->at <= TEST_NEAR; i++) {
		const struct code_step *step = &window->steps[i];

		if (step->id == X86_INS_JLE || step->id == X86_INS_JG)
			return tested ? i : 0;
		if (step->leaves || step->branches)
			return 0;
		tested |= tests_loaded(load, step);
	}
	return 0;
}

static void take_freed(const struct alloc_count *count, struct code_reader *reader,
		       const struct code_window *window, struct alloc_sites *out)
{
	size_t guard = find_guard(count, window);
	const struct code_step *step = &window->steps[guard], *load = &window->steps[window->at];
	struct alloc_site *site;

	if (!guard || immediate(step, 0) == not_an_immediate)
		return;
	if (!counts_down(count, reader, load, step->address + step->size) &&
	    !counts_down(count, reader, load, (uint64_t)step->ops[0].imm))
		return;
	site = add_site(count, window, guard, ALLOC_FREE, out);
	if (!site)
		return;
	site->is_early = true;
	alloc_decode_freed(count, window, guard, site);
}

#define STATE_MAX_BYTES 0x80
#define FREEING_MAX_BYTES 256

/* A build that does not inline (--with-pydebug) asks a function for the collector's state, and the
 * count has a displacement of a byte from that. It means something only where nothing else counts:
 * in PyObject_GC_Del(), which every build exports. */
static void take_freed_of_state(const struct alloc_count *count, struct code_reader *reader,
				struct code_window *window, struct alloc_sites *out)
{
	uint64_t function = count->freeing_function, at = function;
	struct alloc_count from_state = *count;

	from_state.relative = true;
	from_state.address = 0;
	while (at - function < FREEING_MAX_BYTES && !code_read_window(reader, at, window)) {
		const struct code_step *load = &window->steps[window->at];

		if (window->function != function)
			return;
		at = load->address + load->size;
		if (load->id != X86_INS_MOV || load->ops[1].type != X86_OP_MEM ||
		    load->ops[1].mem.disp <= 0 || load->ops[1].mem.disp >= STATE_MAX_BYTES)
			continue;
		from_state.displacement = (int32_t)load->ops[1].mem.disp;
		take_freed(&from_state, reader, window, out);
	}
}

static bool has_freed(const struct alloc_sites *sites)
{
	for (size_t i = 0; i < sites->cnt; i++) {
		if (sites->items[i].kind == ALLOC_FREE)
			return true;
	}
	return false;
}

/* What is no count at all (the collector stores 0) is not worth a word. */
static void reject_store(const struct code_window *window, struct alloc_sites *out)
{
	const struct code_step *step = &window->steps[window->at];

	if (step->ops[1].type == X86_OP_REG &&
	    is_counted_up(window->steps, window->at, code_register(step->ops[1].reg)))
		alloc_scan_reject(step->address, ALLOC_REJECTED_SOURCE, out);
}

static void take_hit(const struct alloc_count *count, struct code_reader *reader, uint64_t address,
		     struct code_window *window, struct alloc_sites *out)
{
	if (code_read_window(reader, address, window))
		return;
	switch (count_change(count, window->steps, window->at)) {
	case 1:
		take_new(count, window, out);
		break;
	case 0:
		reject_store(window, out);
		break;
	case 2:
		take_freed(count, reader, window, out);
		break;
	default:
		break; /* the store of a free, which is told by its load */
	}
}

/* Could the four bytes at `at` be the displacement of the count? */
static bool is_displacement(const struct alloc_count *count, const struct code_text *text,
			    size_t at)
{
	int32_t value;
	uint64_t next = text->address + at + sizeof(value);

	memcpy(&value, text->bytes + at, sizeof(value));
	if (count->relative && value == count->displacement)
		return true;
	if (!count->address)
		return false;
	/* RIP-relative without an immediate, with one of a byte, with one of four. */
	return count->address == next + (uint64_t)(int64_t)value ||
	       count->address == next + 1 + (uint64_t)(int64_t)value ||
	       count->address == next + 4 + (uint64_t)(int64_t)value ||
	       count->address == (uint64_t)(int64_t)value;
}

int alloc_scan_x86(const struct code_text *text, const struct alloc_count *count,
		   struct alloc_sites *out)
{
	_cleanup_free_ struct code_window *window = malloc(sizeof(*window));
	struct code_reader *reader;
	int err = window ? code_reader_open(text, &reader) : -ENOMEM;

	if (err)
		return err;
	for (size_t at = 0; at + 4 <= text->size; at++) {
		if (is_displacement(count, text, at))
			take_hit(count, reader, text->address + at, window, out);
	}
	if (!has_freed(out) && count->freeing_function - text->address < text->size)
		take_freed_of_state(count, reader, window, out);
	code_reader_close(reader);
	return 0;
}
