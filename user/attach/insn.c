/* SPDX-License-Identifier: BSD-2-Clause */
/* A uprobe replaces an instruction by a breakpoint. The kernel emulates some instructions; any
 * other is single-stepped out of line, which costs a second trap: 2.7 times on bare metal, 30
 * times in some virtual machines. */
#include "attach/insn.h"

#include <capstone/capstone.h>
#include <errno.h>

#define STRAIGHT_BYTES 96

/* arch/x86/kernel/uprobes.c: push_setup_xol_ops(), branch_setup_xol_ops(). */
bool insn_x86_is_cheap(const uint8_t *bytes)
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

/* arch/arm64/kernel/probes/decode-insn.c, arm_probe_decode_insn(), of 6.1.176, 6.12.107 and 7.2.8.
 * It emulates br, blr and ret too, which nothing here is in need of, and nop in the last of these
 * only. It refuses what it can neither emulate nor step: branches that check a signature (retaa),
 * exclusive accesses, literal loads. */
bool insn_arm64_is_cheap(uint32_t word)
{
	return (word & 0x7c000000) == 0x14000000 || /* b, bl */
	       (word & 0xff000010) == 0x54000000 || /* b.cond */
	       (word & 0x7e000000) == 0x34000000 || /* cbz, cbnz */
	       (word & 0x7e000000) == 0x36000000 || /* tbz, tbnz */
	       (word & 0x1f000000) == 0x10000000;   /* adr, adrp */
}

#if defined(__x86_64__)
#define CODE_ARCH CS_ARCH_X86
#define CODE_MODE CS_MODE_64

static bool is_cheap(const uint8_t *bytes)
{
	return insn_x86_is_cheap(bytes);
}
#else
#define CODE_ARCH CS_ARCH_ARM64
#define CODE_MODE CS_MODE_ARM

static bool is_cheap(const uint8_t *bytes)
{
	return insn_arm64_is_cheap(bytes[0] | bytes[1] << 8 | bytes[2] << 16 |
				   (uint32_t)bytes[3] << 24);
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
		if (is_cheap(insn->bytes)) {
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
