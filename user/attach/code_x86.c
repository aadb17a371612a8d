/* SPDX-License-Identifier: BSD-2-Clause */
/* Instructions of x86 have no fixed length, so decoding begins where one is known to begin: at the
 * start of the function. Where that is not known it begins some hundred bytes before, and falls
 * into step by itself. */
#include "attach/code_x86.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "attach/insn.h"
#include "base/cleanup.h"

#define UNKNOWN_START_BYTES 512
/* No function of CPython is longer; a damaged table may say so. */
#define MAX_FUNCTION_BYTES (1U << 20)
/* rax, rcx, rdx, rsi, rdi, r8 to r11: a call may change them. */
#define CALL_WRITES 0x0fc7

struct code_reader {
	struct code_text text;
	csh handle;
	cs_insn *insn;
};

void code_reader_close(struct code_reader *reader)
{
	if (!reader)
		return;
	if (reader->insn)
		cs_free(reader->insn, 1);
	cs_close(&reader->handle);
	free(reader);
}

int code_reader_open(const struct code_text *text, struct code_reader **out)
{
	struct code_reader *reader = calloc(1, sizeof(*reader));

	if (!reader)
		return -ENOMEM;
	reader->text = *text;
	if (cs_open(CS_ARCH_X86, CS_MODE_64, &reader->handle) != CS_ERR_OK) {
		free(reader);
		return -ENOMEM;
	}
	cs_option(reader->handle, CS_OPT_DETAIL, CS_OPT_ON);
	cs_option(reader->handle, CS_OPT_SKIPDATA, CS_OPT_ON);
	reader->insn = cs_malloc(reader->handle);
	if (!reader->insn) {
		code_reader_close(reader);
		return -ENOMEM;
	}
	*out = reader;
	return 0;
}

const struct code_text *code_reader_text(const struct code_reader *reader)
{
	return &reader->text;
}

/* In the order of machine code. */
static const x86_reg registers[][2] = {
	{ X86_REG_RAX, X86_REG_EAX },  { X86_REG_RCX, X86_REG_ECX },  { X86_REG_RDX, X86_REG_EDX },
	{ X86_REG_RBX, X86_REG_EBX },  { X86_REG_RSP, X86_REG_ESP },  { X86_REG_RBP, X86_REG_EBP },
	{ X86_REG_RSI, X86_REG_ESI },  { X86_REG_RDI, X86_REG_EDI },  { X86_REG_R8, X86_REG_R8D },
	{ X86_REG_R9, X86_REG_R9D },   { X86_REG_R10, X86_REG_R10D }, { X86_REG_R11, X86_REG_R11D },
	{ X86_REG_R12, X86_REG_R12D }, { X86_REG_R13, X86_REG_R13D }, { X86_REG_R14, X86_REG_R14D },
	{ X86_REG_R15, X86_REG_R15D },
};

uint8_t code_register(x86_reg reg)
{
	for (uint8_t i = 0; i < CODE_REGISTERS; i++) {
		if (registers[i][0] == reg || registers[i][1] == reg)
			return i;
	}
	return CODE_NO_REGISTER;
}

const cs_x86_op *code_memory(const struct code_step *step)
{
	for (uint8_t i = 0; i < step->op_cnt; i++) {
		if (step->ops[i].type == X86_OP_MEM)
			return &step->ops[i];
	}
	return NULL;
}

bool code_is_plain(const cs_x86_op *op)
{
	return op->type == X86_OP_MEM && op->mem.index == X86_REG_INVALID &&
	       op->mem.segment == X86_REG_INVALID;
}

/* A write to a part of a register (%al) changes it too. */
static uint8_t any_register(csh handle, uint16_t reg)
{
	static const char *const parts[] = { "al ah ax", "cl ch cx", "dl dh dx", "bl bh bx",
					     "spl sp",	 "bpl bp",   "sil si",	 "dil di" };
	uint8_t number = code_register((x86_reg)reg);
	const char *name = cs_reg_name(handle, reg);

	if (number != CODE_NO_REGISTER || !name)
		return number;
	if (name[0] == 'r' && name[1] >= '0' && name[1] <= '9')
		return (uint8_t)strtoul(name + 1, NULL, 10);
	for (uint8_t i = 0; i < ARRAY_SIZE(parts); i++) {
		if (strstr(parts[i], name))
			return i;
	}
	return CODE_NO_REGISTER;
}

static uint16_t written(csh handle, const cs_insn *insn)
{
	cs_regs reads, writes;
	uint8_t read_cnt, write_cnt;
	uint16_t bits = insn->id == X86_INS_CALL || insn->id == X86_INS_SYSCALL ? CALL_WRITES : 0;

	if (cs_regs_access(handle, insn, reads, &read_cnt, writes, &write_cnt) != CS_ERR_OK)
		return bits;
	for (uint8_t i = 0; i < write_cnt; i++) {
		uint8_t number = any_register(handle, writes[i]);

		if (number < CODE_REGISTERS)
			bits |= (uint16_t)(1U << number);
	}
	return bits;
}

/* What SKIPDATA skips has id 0: it is nothing that runs on. */
static void describe(csh handle, const cs_insn *insn, struct code_step *step)
{
	memset(step, 0, sizeof(*step));
	step->address = insn->address;
	step->size = (uint8_t)insn->size;
	step->id = insn->id;
	step->leaves = insn->id == 0 || insn->id == X86_INS_UD2;
	if (!insn->id)
		return;
	step->cheap = insn_x86_is_cheap(insn->bytes);
	step->writes = written(handle, insn);
	step->leaves |= insn->id == X86_INS_JMP || cs_insn_group(handle, insn, CS_GRP_RET);
	step->branches = !step->leaves && cs_insn_group(handle, insn, CS_GRP_JUMP);
	for (; step->op_cnt < insn->detail->x86.op_count && step->op_cnt < 3; step->op_cnt++)
		step->ops[step->op_cnt] = insn->detail->x86.operands[step->op_cnt];
}

static uint64_t start_of(const struct code_text *text, uint64_t address)
{
	uint64_t start = text->address;

	if (!text->function_start)
		return start;
	if (!text->function_start(text->context, address, &start) && start >= text->address &&
	    start <= address && address - start < MAX_FUNCTION_BYTES)
		return start;
	return address - text->address < UNKNOWN_START_BYTES ? text->address
							     : address - UNKNOWN_START_BYTES;
}

static bool sets_frame(const struct code_step *step)
{
	return step->id == X86_INS_MOV && step->op_cnt == 2 && step->ops[0].type == X86_OP_REG &&
	       step->ops[1].type == X86_OP_REG && step->ops[0].reg == X86_REG_RBP &&
	       step->ops[1].reg == X86_REG_RSP;
}

/* `ring` ends before index `total` (counted without end). */
static void unroll(const struct code_step *ring, size_t total, struct code_window *out)
{
	size_t cnt = total < CODE_BEFORE ? total : CODE_BEFORE;

	for (size_t i = 0; i < cnt; i++)
		out->steps[i] = ring[(total - cnt + i) % CODE_BEFORE];
	out->cnt = cnt;
	out->at = cnt;
	out->begins_function = cnt == total;
}

int code_read_window(struct code_reader *reader, uint64_t address, struct code_window *out)
{
	const struct code_text *text = &reader->text;
	_cleanup_free_ struct code_step *ring = calloc(CODE_BEFORE, sizeof(*ring));
	uint64_t at = start_of(text, address);
	const uint8_t *code = text->bytes + (at - text->address);
	size_t size = text->size - (at - text->address), total = 0;
	bool found = false;

	if (!ring)
		return -ENOMEM;
	memset(out, 0, sizeof(*out));
	out->function = at;
	while (cs_disasm_iter(reader->handle, &code, &size, &at, reader->insn)) {
		struct code_step step;

		describe(reader->handle, reader->insn, &step);
		if (!found && step.address + step.size > address) {
			if (step.address > address || !step.id)
				return -ENOENT;
			unroll(ring, total, out);
			found = true;
		}
		if (!found) {
			out->has_frame |= sets_frame(&step);
			ring[total++ % CODE_BEFORE] = step;
			continue;
		}
		out->steps[out->cnt++] = step;
		if (out->cnt == out->at + 1 + CODE_AFTER)
			break;
	}
	return found ? 0 : -ENOENT;
}

size_t code_read_run(struct code_reader *reader, uint64_t address, struct code_step *steps,
		     size_t max)
{
	const struct code_text *text = &reader->text;
	const uint8_t *code;
	size_t size, cnt = 0;

	if (address < text->address || address - text->address >= text->size)
		return 0;
	code = text->bytes + (address - text->address);
	size = text->size - (address - text->address);
	while (cnt < max && cs_disasm_iter(reader->handle, &code, &size, &address, reader->insn)) {
		describe(reader->handle, reader->insn, &steps[cnt]);
		if (steps[cnt++].leaves)
			break;
	}
	return cnt;
}
