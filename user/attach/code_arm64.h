/* SPDX-License-Identifier: BSD-2-Clause */
/* arm64 machine code, one instruction: what it does to the general registers and to memory, as far
 * as the search for counting instructions asks. */
#ifndef PYLEAK_CODE_ARM64_H
#define PYLEAK_CODE_ARM64_H

#include <stdbool.h>
#include <stdint.h>

/* x0 to x30. 31 is the stack pointer or the zero register, depending on the instruction. */
#define ARM64_REGISTERS 31
#define ARM64_R31 31
#define ARM64_NO_REGISTER 0xff

enum arm64_kind {
	ARM64_OTHER,   /* changes what `writes` says, to what is not known */
	ARM64_ADD,     /* rd = rn + imm, of a subtraction negative; 31 is sp */
	ARM64_COMPARE, /* flags of rn + imm, which goes nowhere */
	ARM64_SET,     /* rd = imm: a constant, or an address */
	ARM64_COPY,    /* rd = rm */
	ARM64_SUM,     /* rd = rn + rm */
	ARM64_DIFF,    /* rd = rn - rm */
	ARM64_LOAD,    /* rd, and rd2 of a pair, from imm(rn), or imm(rn + rm) */
	ARM64_STORE,   /* them to there */
	ARM64_JUMP,    /* b, to imm */
	ARM64_CALL,
	ARM64_BRANCH, /* goes to imm, or on to the next */
	ARM64_LEAVE,  /* never goes on to the next, and where is not known */
};

enum arm64_condition { /* of b.cond */
		       ARM64_LT = 0xb,
		       ARM64_GE = 0xa,
		       ARM64_GT = 0xc,
		       ARM64_LE = 0xd,
		       ARM64_MI = 0x4,
		       ARM64_PL = 0x5,
		       ARM64_NO_CONDITION = 0xff, /* cbz, tbz and the like */
};

struct arm64_step {
	uint64_t address;
	int64_t imm;
	uint32_t writes; /* a bit for each general register that it may change */
	enum arm64_kind kind;
	uint8_t rd, rd2, rn, rm; /* ARM64_NO_REGISTER: there is none */
	uint8_t condition;
	uint8_t bytes;	   /* of memory, for each register of a pair */
	bool is_vector;	   /* rd and rd2 are vector registers */
	bool sets_flags;   /* but floating point's */
	bool changes_base; /* rn += base_change, before the access or after it */
	int16_t base_change;
	bool cheap;	 /* the kernel emulates it under a probe */
	bool is_refused; /* the kernel takes no probe here, or one would break it */
};

void code_arm64_decode(uint32_t word, uint64_t address, struct arm64_step *out);

/* It never goes on to the next. */
bool code_arm64_leaves(const struct arm64_step *step);

#endif
