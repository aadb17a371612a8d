/* SPDX-License-Identifier: BSD-2-Clause */
/* By the encoding index of the Arm Architecture Reference Manual, C4.1 ("A64 instruction set
 * encoding"). What is not decoded is taken to change the register that its lowest bits name, which
 * at worst forgets one that it leaves alone. */
#include "attach/code_arm64.h"

#include <string.h>

#include "attach/insn.h"

/* x0 to x18 and x30: a call may change them. */
#define CALL_WRITES 0x4007ffffU

static uint32_t bits(uint32_t word, int low, int cnt)
{
	return word >> low & ((1U << cnt) - 1);
}

static int64_t signed_bits(uint32_t word, int low, int cnt)
{
	return (int64_t)((uint64_t)bits(word, low, cnt) << (64 - cnt)) >> (64 - cnt);
}

static void write_register(struct arm64_step *step, uint8_t reg)
{
	if (reg < ARM64_REGISTERS)
		step->writes |= 1U << reg;
}

/* add, sub, adds (cmn), subs (cmp) with an immediate. */
static void decode_add(uint32_t word, struct arm64_step *step)
{
	int64_t imm = (int64_t)bits(word, 10, 12) << (bits(word, 22, 1) ? 12 : 0);

	step->kind = ARM64_ADD;
	step->imm = bits(word, 30, 1) ? -imm : imm;
	step->sets_flags = bits(word, 29, 1);
	if (step->sets_flags && step->rd == ARM64_R31)
		step->kind = ARM64_COMPARE;
}

/* adr, adrp */
static void decode_address(uint32_t word, struct arm64_step *step)
{
	int64_t imm = signed_bits(word, 5, 19) * 4 + bits(word, 29, 2);

	step->kind = ARM64_SET;
	step->imm = bits(word, 31, 1) ? (int64_t)(step->address & ~0xfffULL) + imm * 4096
				      : (int64_t)step->address + imm;
}

/* movz, movn; movk changes a part. */
static void decode_move(uint32_t word, struct arm64_step *step)
{
	uint64_t imm = (uint64_t)bits(word, 5, 16) << 16 * bits(word, 21, 2);

	switch (bits(word, 29, 2)) {
	case 0:
		step->kind = ARM64_SET;
		step->imm = (int64_t)(bits(word, 31, 1) ? ~imm : (uint32_t)~imm);
		break;
	case 2:
		step->kind = ARM64_SET;
		step->imm = (int64_t)imm;
		break;
	default:
		break;
	}
}

static void decode_immediate(uint32_t word, struct arm64_step *step)
{
	write_register(step, step->rd);
	switch (bits(word, 23, 3)) {
	case 0:
	case 1:
		decode_address(word, step);
		break;
	case 2:
		decode_add(word, step);
		break;
	case 4:
		step->sets_flags = bits(word, 29, 2) == 3; /* ands, tst */
		break;
	case 5:
		decode_move(word, step);
		break;
	default:
		break;
	}
}

static void decode_register(uint32_t word, struct arm64_step *step)
{
	bool is_logical = (word & 0x1f000000) == 0x0a000000;

	step->sets_flags = bits(word, 29, 1) && (!is_logical || bits(word, 30, 1));
	if ((word & 0x1fe00000) == 0x1a400000)
		return; /* ccmp, ccmn: only flags */
	write_register(step, step->rd);
	step->rm = (uint8_t)bits(word, 16, 5);
	/* mov is an orr with the zero register. */
	if ((word & 0x7fe0ffe0) == 0x2a0003e0)
		step->kind = step->rm == ARM64_R31 ? ARM64_SET : ARM64_COPY;
	else if ((word & 0x5fe0fc00) == 0x0b000000 && step->rd != ARM64_R31)
		step->kind = ARM64_SUM;
	else if ((word & 0x5fe0fc00) == 0x4b000000 && step->rd != ARM64_R31)
		step->kind = ARM64_DIFF;
}

/* Some move to a general register: fmov, fcvtzs and its kind, umov, smov. */
static void decode_vector(uint32_t word, struct arm64_step *step)
{
	uint32_t operation = bits(word, 16, 3);
	bool converts = (word & 0x5f20fc00) == 0x1e200000 || (word & 0x5f200000) == 0x1e000000;

	if ((converts && (operation < 2 || (operation >= 4 && operation <= 6))) ||
	    (word & 0xbfe0fc00) == 0x0e003c00 || (word & 0xbfe0fc00) == 0x0e002c00)
		write_register(step, step->rd);
}

static void decode_branch(uint32_t word, struct arm64_step *step)
{
	if ((word & 0x7c000000) == 0x14000000) {
		step->kind = bits(word, 31, 1) ? ARM64_CALL : ARM64_JUMP;
		step->imm = (int64_t)step->address + signed_bits(word, 0, 26) * 4;
	} else if ((word & 0xff000010) == 0x54000000 || (word & 0x7e000000) == 0x34000000) {
		step->kind = ARM64_BRANCH;
		step->imm = (int64_t)step->address + signed_bits(word, 5, 19) * 4;
		if (bits(word, 24, 8) == 0x54)
			step->condition = (uint8_t)bits(word, 0, 4);
	} else if ((word & 0x7e000000) == 0x36000000) {
		step->kind = ARM64_BRANCH;
		step->imm = (int64_t)step->address + signed_bits(word, 5, 14) * 4;
	} else if ((word & 0xfe000000) == 0xd6000000) { /* br, blr, ret; braa and its kind */
		step->kind = bits(word, 21, 2) == 1 ? ARM64_CALL : ARM64_LEAVE;
		step->is_refused = bits(word, 11, 1);
	} else if ((word & 0xff000000) == 0xd4000000) { /* svc, and what ends a program: brk */
		step->kind = bits(word, 21, 3) ? ARM64_LEAVE : ARM64_CALL;
		step->is_refused = true;
	} else if ((word & 0xfff00000) == 0xd5300000 || (word & 0xfff80000) == 0xd5280000) {
		write_register(step, step->rd); /* mrs, sysl */
	}
	step->writes |= step->kind == ARM64_CALL ? CALL_WRITES : 0;
}

static void access(struct arm64_step *step, bool is_load, unsigned int bytes, int64_t imm)
{
	step->kind = is_load ? ARM64_LOAD : ARM64_STORE;
	step->bytes = (uint8_t)bytes;
	step->imm = imm;
	if (!is_load || step->is_vector)
		return;
	write_register(step, step->rd);
	if (step->rd2 != ARM64_NO_REGISTER)
		write_register(step, step->rd2);
}

/* [x0, #imm]! and [x0], #imm */
static void change_base(struct arm64_step *step, bool is_before)
{
	step->changes_base = true;
	step->base_change = (int16_t)step->imm;
	if (!is_before)
		step->imm = 0;
	write_register(step, step->rn);
}

static void decode_pair(uint32_t word, struct arm64_step *step)
{
	uint32_t size = bits(word, 30, 2), way = bits(word, 23, 2);
	unsigned int bytes = step->is_vector ? 4U << size : size & 2 ? 8 : 4;
	bool is_load = bits(word, 22, 1), is_tag = !step->is_vector && size == 1 && !is_load;

	step->rd2 = (uint8_t)bits(word, 10, 5);
	access(step, is_load, bytes, signed_bits(word, 15, 7) * (is_tag ? 16 : bytes));
	if (way == 1 || way == 3)
		change_base(step, way == 3);
	/* ldpsw fills all of its registers; stgp writes tags, too. */
	if (!step->is_vector && size & 1)
		step->kind = ARM64_OTHER;
}

/* ldr, str, their kind of bytes and halves, and of vectors. */
static void decode_single(uint32_t word, struct arm64_step *step)
{
	uint32_t size = bits(word, 30, 2), operation = bits(word, 22, 2);
	uint32_t scale = step->is_vector && operation & 2 ? 4 : size;
	bool is_load = step->is_vector ? operation & 1 : operation != 0;
	uint32_t way = bits(word, 10, 2);

	if (!step->is_vector && size == 3 && operation == 2 && !(bits(word, 21, 1) && way != 2)) {
		return; /* prfm */
	} else if (bits(word, 24, 1)) {
		access(step, is_load, 1U << scale, (int64_t)bits(word, 10, 12) << scale);
	} else if (!bits(word, 21, 1)) {
		access(step, is_load, 1U << scale, signed_bits(word, 12, 9));
		if (way & 1)
			change_base(step, way == 3);
	} else if (way == 2) {
		access(step, is_load, 1U << scale, 0);
		step->rm = (uint8_t)bits(word, 16, 5);
		/* A shifted or extended index: where, is not followed. */
		if (bits(word, 12, 4) != 6)
			step->kind = ARM64_OTHER;
	} else { /* atomic ones, those that check a signature */
		write_register(step, step->rd);
		if (way & 1)
			write_register(step, step->rn);
	}
	/* ldrsw and its kind widen. */
	if (!step->is_vector && operation & 2)
		step->kind = ARM64_OTHER;
}

static void decode_access(uint32_t word, struct arm64_step *step)
{
	step->is_vector = bits(word, 26, 1);
	step->rn = (uint8_t)bits(word, 5, 5);
	if ((word & 0x3a000000) == 0x28000000) {
		decode_pair(word, step);
	} else if ((word & 0x3a000000) == 0x38000000) {
		decode_single(word, step);
	} else if ((word & 0xbe000000) == 0x0c000000) { /* several vectors */
		if (bits(word, 23, 1))
			write_register(step, step->rn);
	} else if ((word & 0x3b000000) == 0x18000000) { /* a literal */
		if (!step->is_vector && bits(word, 30, 2) != 3)
			write_register(step, step->rd);
		step->is_refused = true;
	} else { /* exclusive, ordered, of tags, of memory blocks */
		write_register(step, step->rd);
		write_register(step, step->rn);
		write_register(step, (uint8_t)bits(word, 10, 5));
		write_register(step, (uint8_t)bits(word, 16, 5));
		step->is_refused = true;
	}
}

void code_arm64_decode(uint32_t word, uint64_t address, struct arm64_step *out)
{
	memset(out, 0, sizeof(*out));
	out->address = address;
	out->rd = (uint8_t)bits(word, 0, 5);
	out->rn = (uint8_t)bits(word, 5, 5);
	out->rd2 = out->rm = ARM64_NO_REGISTER;
	out->condition = ARM64_NO_CONDITION;
	out->cheap = insn_arm64_is_cheap(word);
	switch (bits(word, 25, 4)) {
	case 0x8:
	case 0x9:
		decode_immediate(word, out);
		break;
	case 0xa:
	case 0xb:
		decode_branch(word, out);
		break;
	case 0x4:
	case 0x6:
	case 0xc:
	case 0xe:
		decode_access(word, out);
		break;
	case 0x5:
	case 0xd:
		decode_register(word, out);
		break;
	case 0x7:
	case 0xf:
		decode_vector(word, out);
		break;
	default: /* scalable vectors; udf, which is also what nothing is */
		write_register(out, out->rd);
		if (!bits(word, 16, 16))
			out->kind = ARM64_LEAVE;
	}
}

bool code_arm64_leaves(const struct arm64_step *step)
{
	return step->kind == ARM64_JUMP || step->kind == ARM64_LEAVE;
}
