/* SPDX-License-Identifier: BSD-2-Clause */
/* x86-64 machine code around one place, decoded: what each instruction does to registers and
 * memory, as far as the search for counting instructions asks. */
#ifndef PYLEAK_CODE_X86_H
#define PYLEAK_CODE_X86_H

#include <capstone/capstone.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "attach/code.h"

/* General registers by their number in machine code: 0 = rax, 4 = rsp, 5 = rbp, 7 = rdi. */
#define CODE_REGISTERS 16
#define CODE_RSP 4
#define CODE_RBP 5
#define CODE_RDI 7
#define CODE_NO_REGISTER 0xff

/* One instruction. */
struct code_step {
	uint64_t address;
	uint32_t id;	 /* x86_insn of Capstone */
	uint16_t writes; /* a bit for each register that it may change */
	uint8_t size;
	uint8_t op_cnt;
	bool cheap;    /* the kernel emulates it under a probe */
	bool leaves;   /* never goes on to the next */
	bool branches; /* a conditional jump */
	cs_x86_op ops[3];
};

#define CODE_BEFORE 40
#define CODE_AFTER 24

struct code_window {
	struct code_step steps[CODE_BEFORE + 1 + CODE_AFTER];
	size_t cnt;
	size_t at;	      /* the instruction that was asked for */
	uint64_t function;    /* where decoding began */
	bool has_frame;	      /* rbp is the frame's: mov %rsp,%rbp was met */
	bool begins_function; /* steps[0] is the function's first instruction */
};

struct code_reader;

int code_reader_open(const struct code_text *text, struct code_reader **out);
void code_reader_close(struct code_reader *reader);
const struct code_text *code_reader_text(const struct code_reader *reader);

/* Decodes from the start of the function to some instructions past the one that covers
 * `address`. -ENOENT: no instruction covers it. */
int code_read_window(struct code_reader *reader, uint64_t address, struct code_window *out);
/* Decodes the straight run that begins at `address`; the number of steps. */
size_t code_read_run(struct code_reader *reader, uint64_t address, struct code_step *steps,
		     size_t max);

/* The number of a 64- or 32-bit register, else CODE_NO_REGISTER. */
uint8_t code_register(x86_reg reg);
/* Where a step writes to or reads from memory; NULL = no operand is memory. */
const cs_x86_op *code_memory(const struct code_step *step);
/* Is the operand `disp(%base)`, without index and segment? */
bool code_is_plain(const cs_x86_op *op);

#endif
