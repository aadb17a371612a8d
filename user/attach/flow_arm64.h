/* SPDX-License-Identifier: BSD-2-Clause */
/* arm64 machine code around one place, along a way that runs through it, and what its registers
 * hold. Compilers split what belongs together over jumps, and address a member of a structure by
 * way of another, so neither the nearest bytes nor one displacement are enough. */
#ifndef PYLEAK_FLOW_ARM64_H
#define PYLEAK_FLOW_ARM64_H

#include <stddef.h>

#include "attach/code.h"
#include "attach/code_arm64.h"

#define FLOW_BEFORE 256
#define FLOW_AFTER 32

/* In the order of execution, not of addresses: where a step does not go on to the next address,
 * the one before or behind is the other end of a jump. */
struct arm64_flow {
	struct arm64_step steps[FLOW_BEFORE + 1 + FLOW_AFTER];
	size_t cnt;
	size_t at;	   /* the instruction that was asked for */
	uint64_t function; /* steps[0] is the first instruction of this one; 0: of none */
};

struct arm64_reader;

int arm64_reader_open(const struct code_text *text, struct arm64_reader **out);
void arm64_reader_close(struct arm64_reader *reader);

/* The word at `address`; false: no code is there. */
bool arm64_reader_word(const struct arm64_reader *reader, uint64_t address, uint32_t *out);

/* Could what x`reg` holds at `address` be a number, or lie apart from what another holds? A quick
 * look before one that is dear; false is certain. */
bool arm64_reader_may_move(const struct arm64_reader *reader, uint64_t address, uint8_t reg);

/* Does a branch lead to `address`? */
bool arm64_reader_is_target(const struct arm64_reader *reader, uint64_t address);

void arm64_flow_read(struct arm64_reader *reader, uint64_t address, struct arm64_flow *out);
/* Goes on at `address` behind steps[end - 1], in place of what follows there; at most `max`. */
void arm64_flow_continue(struct arm64_reader *reader, uint64_t address, size_t end, size_t max,
			 struct arm64_flow *flow);

/* What a register holds: what `root` is, plus `offset`. */
struct arm64_value {
	int root; /* what a step left in a register, or one of the others */
	int64_t offset;
};

#define ARM64_ROOT(step, reg) ((int)(step) << 5 | (reg))
#define ARM64_ROOT_STEP(root) ((size_t)(root) >> 5)
#define ARM64_ROOT_REGISTER(root) ((root)&31)
#define ARM64_ROOT_NUMBER -1 /* a number or an address, which `offset` is */
#define ARM64_ROOT_STACK -2
#define ARM64_ROOT_START -3 /* minus the register's number: as it is before steps[0] */

/* Of x`reg` (31: sp) when steps[end] begins. */
struct arm64_value arm64_flow_value(const struct arm64_flow *flow, size_t end, uint8_t reg);
/* The address that steps[at] accesses first. */
struct arm64_value arm64_flow_address(const struct arm64_flow *flow, size_t at);
/* A register that holds `value`, give or take `max` bytes, when steps[end] begins; if there are
 * several, the nearest. `out` is what is to be added to it. ARM64_NO_REGISTER. */
uint8_t arm64_flow_register(const struct arm64_flow *flow, size_t end,
			    const struct arm64_value *value, int64_t max, int64_t *out);

#endif
