/* SPDX-License-Identifier: BSD-2-Clause */
/* A uprobe replaces an instruction by a breakpoint. The kernel emulates some instructions
 * (arch/x86/kernel/uprobes.c: push of a register, nop, jmp, jcc, call; on arm64
 * decode-insn.c: branches and literal loads, nop); any other is single-stepped out of line,
 * which costs a second trap: 2.7 times on bare metal, 30 times in some virtual machines. */
#include "attach/insn.h"

#include <capstone/capstone.h>
#include <errno.h>

#define STRAIGHT_BYTES 96

#if defined(__x86_64__)
#define CODE_ARCH CS_ARCH_X86
#define CODE_MODE CS_MODE_64

bool insn_is_cheap(const uint8_t *bytes)
{
	uint8_t first = bytes[0];

	if (first >= 0x50 && first <= 0x57)
		return true; /* push %rax .. %rdi */
	if (first == 0x41 && bytes[1] >= 0x50 && bytes[1] <= 0x57)
		return true; /* push %r8 .. %r15 */
	if (first == 0x90 || first == 0xe8 || first == 0xe9 || first == 0xeb)
		return true; /* nop, call, jmp */
	return (first >= 0x70 && first <= 0x7f) ||
	       (first == 0x0f && bytes[1] >= 0x80 && bytes[1] <= 0x8f); /* jcc */
}
#else
#define CODE_ARCH CS_ARCH_ARM64
#define CODE_MODE CS_MODE_ARM

bool insn_is_cheap(const uint8_t *bytes)
{
	uint32_t word = bytes[0] | bytes[1] << 8 | bytes[2] << 16 | (uint32_t)bytes[3] << 24;

	return word == 0xd503201f ||		    /* nop */
	       (word & 0x7c000000) == 0x14000000 || /* b, bl */
	       (word & 0xff000010) == 0x54000000 || /* b.cond */
	       (word & 0x7e000000) == 0x34000000 || /* cbz, cbnz */
	       (word & 0x7e000000) == 0x36000000;   /* tbz, tbnz */
}
#endif

static bool leaves(csh handle, const cs_insn *insn)
{
	return cs_insn_group(handle, insn, CS_GRP_JUMP) ||
	       cs_insn_group(handle, insn, CS_GRP_CALL) || cs_insn_group(handle, insn, CS_GRP_RET);
}

int insn_cheap_probe(const uint8_t *code, size_t size, uint64_t address, uint32_t *offset)
{
	uint64_t entry = address;
	int err = -ENOENT;
	cs_insn *insn;
	csh handle;

	if (cs_open(CODE_ARCH, CODE_MODE, &handle) != CS_ERR_OK)
		return -ENOMEM;
	cs_option(handle, CS_OPT_DETAIL, CS_OPT_ON);
	insn = cs_malloc(handle);
	if (size > STRAIGHT_BYTES)
		size = STRAIGHT_BYTES;
	while (insn && cs_disasm_iter(handle, &code, &size, &address, insn)) {
		if (insn_is_cheap(insn->bytes)) {
			*offset = (uint32_t)(insn->address - entry);
			err = 0;
			break;
		}
		if (leaves(handle, insn))
			break;
	}
	if (insn)
		cs_free(insn, 1);
	cs_close(&handle);
	return err;
}
