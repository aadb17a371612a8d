/* SPDX-License-Identifier: BSD-2-Clause */
/* An instruction that is not reached from the one before it, behind a jump, is reached from a
 * branch: so all branches are looked up by where they go. Of several the first serves, as what
 * all that follows them relies on holds on every way. */
#include "attach/flow_arm64.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* No text has so many branches; more are not followed. */
#define MAX_JUMPS (1U << 23)
/* Of additions of registers that are additions themselves. */
#define MAX_DEPTH 4

struct jump {
	uint32_t to, from; /* in instructions from the start of the text */
};

struct arm64_reader {
	struct code_text text;
	struct jump *jumps;
	size_t jump_cnt;
};

static uint32_t word_at(const struct code_text *text, size_t index)
{
	const uint8_t *bytes = text->bytes + 4 * index;

	return bytes[0] | bytes[1] << 8 | bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

bool arm64_reader_word(const struct arm64_reader *reader, uint64_t address, uint32_t *out)
{
	uint64_t offset = address - reader->text.address;

	if (address < reader->text.address || offset & 3 || offset >= (reader->text.size & ~3ULL))
		return false;
	*out = word_at(&reader->text, offset / 4);
	return true;
}

static bool read_step(const struct arm64_reader *reader, uint64_t address, struct arm64_step *out)
{
	uint32_t word;

	if (!arm64_reader_word(reader, address, &word))
		return false;
	code_arm64_decode(word, address, out);
	return true;
}

bool arm64_reader_may_move(const struct arm64_reader *reader, uint64_t address, uint8_t reg)
{
	struct arm64_step step;

	for (int i = 0; i < FLOW_BEFORE && read_step(reader, address -= 4, &step); i++) {
		if (code_arm64_leaves(&step))
			return true;
		if (reg < ARM64_REGISTERS && step.writes & 1U << reg)
			return step.changes_base || (step.kind && step.kind <= ARM64_SUM);
	}
	return true;
}

static int by_target(const void *left, const void *right)
{
	const struct jump *a = left, *b = right;

	return a->to != b->to ? (a->to < b->to ? -1 : 1)
			      : (a->from > b->from) - (a->from < b->from);
}

/* With `jumps` NULL they are only counted. */
static size_t collect_jumps(const struct code_text *text, struct jump *jumps)
{
	size_t cnt = 0, words = text->size / 4;

	for (size_t i = 0; i < words && i < UINT32_MAX && cnt < MAX_JUMPS; i++) {
		struct arm64_step step;
		uint64_t to;

		code_arm64_decode(word_at(text, i), text->address + 4 * i, &step);
		if (step.kind != ARM64_JUMP && step.kind != ARM64_BRANCH)
			continue;
		to = ((uint64_t)step.imm - text->address) / 4;
		if (to >= words)
			continue;
		if (jumps)
			jumps[cnt] = (struct jump){ (uint32_t)to, (uint32_t)i };
		cnt++;
	}
	return cnt;
}

int arm64_reader_open(const struct code_text *text, struct arm64_reader **out)
{
	struct arm64_reader *reader = calloc(1, sizeof(*reader));

	if (!reader)
		return -ENOMEM;
	reader->text = *text;
	reader->jump_cnt = collect_jumps(text, NULL);
	reader->jumps = calloc(reader->jump_cnt + 1, sizeof(*reader->jumps));
	if (!reader->jumps) {
		arm64_reader_close(reader);
		return -ENOMEM;
	}
	collect_jumps(text, reader->jumps);
	qsort(reader->jumps, reader->jump_cnt, sizeof(*reader->jumps), by_target);
	*out = reader;
	return 0;
}

void arm64_reader_close(struct arm64_reader *reader)
{
	if (!reader)
		return;
	free(reader->jumps);
	free(reader);
}

/* The first branch to `address`; a function's first instruction is that of the cold part of
 * another when a condition leads there, and else where calls end up. */
static bool find_jump(const struct arm64_reader *reader, uint64_t address, bool is_start,
		      struct arm64_step *out)
{
	uint64_t to = (address - reader->text.address) / 4;
	size_t low = 0, high = reader->jump_cnt;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (reader->jumps[middle].to < to)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < reader->jump_cnt && reader->jumps[low].to == to; low++) {
		if (read_step(reader, reader->text.address + 4ULL * reader->jumps[low].from, out) &&
		    (!is_start || out->kind == ARM64_BRANCH))
			return true;
	}
	return false;
}

bool arm64_reader_is_target(const struct arm64_reader *reader, uint64_t address)
{
	struct arm64_step from;

	return find_jump(reader, address, false, &from);
}

/* What is executed before the instruction at `address`. */
static bool find_before(const struct arm64_reader *reader, uint64_t address, struct arm64_step *out,
			bool *is_start)
{
	const struct code_text *text = &reader->text;
	uint64_t start = text->address;

	*is_start = address == text->address ||
		    (text->function_start &&
		     !text->function_start(text->context, address, &start) && start == address);
	if (!*is_start && read_step(reader, address - 4, out) && !code_arm64_leaves(out))
		return true;
	return find_jump(reader, address, *is_start, out);
}

void arm64_flow_continue(struct arm64_reader *reader, uint64_t address, size_t end, size_t max,
			 struct arm64_flow *flow)
{
	size_t room = sizeof(flow->steps) / sizeof(flow->steps[0]);

	flow->cnt = end;
	while (max-- && flow->cnt < room && read_step(reader, address, &flow->steps[flow->cnt])) {
		const struct arm64_step *step = &flow->steps[flow->cnt++];

		if (step->kind == ARM64_LEAVE)
			break;
		address = step->kind == ARM64_JUMP ? (uint64_t)step->imm : address + 4;
	}
}

void arm64_flow_read(struct arm64_reader *reader, uint64_t address, struct arm64_flow *out)
{
	struct arm64_step before[FLOW_BEFORE];
	uint64_t at = address;
	size_t cnt = 0;
	bool is_start = false;

	memset(out, 0, sizeof(*out));
	while (cnt < FLOW_BEFORE && find_before(reader, at, &before[cnt], &is_start))
		at = before[cnt++].address;
	if (is_start)
		out->function = at;
	for (size_t i = 0; i < cnt; i++)
		out->steps[i] = before[cnt - 1 - i];
	out->at = cnt;
	arm64_flow_continue(reader, address, cnt, 1 + FLOW_AFTER, out);
}

static struct arm64_value value_of(const struct arm64_flow *flow, size_t end, uint8_t reg,
				   int depth);

/* rn + rm; `none` if neither is a number. */
static struct arm64_value sum_of(const struct arm64_flow *flow, size_t at, int depth,
				 struct arm64_value none)
{
	const struct arm64_step *step = &flow->steps[at];
	struct arm64_value left, right;

	if (depth >= MAX_DEPTH || step->rn == ARM64_R31 || step->rm == ARM64_R31)
		return none;
	left = value_of(flow, at, step->rn, depth + 1);
	right = value_of(flow, at, step->rm, depth + 1);
	if (left.root != ARM64_ROOT_NUMBER && right.root != ARM64_ROOT_NUMBER)
		return none;
	return (struct arm64_value){
		left.root == ARM64_ROOT_NUMBER ? right.root : left.root,
		(int64_t)((uint64_t)left.offset + (uint64_t)right.offset),
	};
}

/* steps[at] writes `reg`: does what it leaves there follow from another register (`from`, `add`),
 * or else from what (`out`)? */
static bool is_moved(const struct arm64_flow *flow, size_t at, uint8_t reg, int depth,
		     uint8_t *from, int64_t *add, struct arm64_value *out)
{
	const struct arm64_step *step = &flow->steps[at];

	*out = (struct arm64_value){ ARM64_ROOT(at, reg), 0 };
	*add = 0;
	if (step->kind == ARM64_ADD || step->kind == ARM64_COPY) {
		*from = step->kind == ARM64_ADD ? step->rn : step->rm;
		*add = step->kind == ARM64_ADD ? step->imm : 0;
		return true;
	}
	if (step->changes_base && step->rn == reg) {
		*from = reg;
		*add = step->base_change;
		return true;
	}
	if (step->kind == ARM64_SET)
		*out = (struct arm64_value){ ARM64_ROOT_NUMBER, step->imm };
	else if (step->kind == ARM64_SUM)
		*out = sum_of(flow, at, depth, *out);
	return false;
}

static struct arm64_value value_of(const struct arm64_flow *flow, size_t end, uint8_t reg,
				   int depth)
{
	uint64_t offset = 0;

	for (size_t i = end; i-- > 0 && reg < ARM64_REGISTERS;) {
		struct arm64_value value;
		int64_t add;

		if (!(flow->steps[i].writes & 1U << reg))
			continue;
		if (!is_moved(flow, i, reg, depth, &reg, &add, &value)) {
			value.offset = (int64_t)((uint64_t)value.offset + offset);
			return value;
		}
		offset += (uint64_t)add;
	}
	return (struct arm64_value){
		reg < ARM64_REGISTERS ? ARM64_ROOT_START - (int)reg : ARM64_ROOT_STACK,
		(int64_t)offset,
	};
}

struct arm64_value arm64_flow_value(const struct arm64_flow *flow, size_t end, uint8_t reg)
{
	return value_of(flow, end, reg, 0);
}

struct arm64_value arm64_flow_address(const struct arm64_flow *flow, size_t at)
{
	const struct arm64_step *step = &flow->steps[at];
	/* Of a sum that is not known: no step leaves it in 31. */
	struct arm64_value unknown = { ARM64_ROOT(at, ARM64_R31), 0 };
	struct arm64_value base = step->rm == ARM64_NO_REGISTER || step->rm == ARM64_R31
					  ? value_of(flow, at, step->rn, 0)
					  : sum_of(flow, at, 0, unknown);

	base.offset = (int64_t)((uint64_t)base.offset + (uint64_t)step->imm);
	return base;
}

uint8_t arm64_flow_register(const struct arm64_flow *flow, size_t end,
			    const struct arm64_value *value, int64_t max, int64_t *out)
{
	uint8_t best = ARM64_NO_REGISTER;

	for (uint8_t reg = 0; reg < ARM64_REGISTERS; reg++) {
		struct arm64_value held = arm64_flow_value(flow, end, reg);
		int64_t apart = (int64_t)((uint64_t)value->offset - (uint64_t)held.offset);

		if (held.root != value->root || apart > max || apart < -max ||
		    (best != ARM64_NO_REGISTER && llabs(apart) >= llabs(*out)))
			continue;
		best = reg;
		*out = apart;
	}
	return best;
}
