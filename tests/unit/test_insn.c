/* SPDX-License-Identifier: BSD-2-Clause */
/* Where in a function's first instructions a probe is cheap: byte sequences as compilers make
 * them. */
#include <criterion/criterion.h>

#include <errno.h>

#include "attach/insn.h"

#define ADDRESS 0x401000
#define NONE UINT32_MAX

struct code_case {
	const char *what;
	uint8_t bytes[24];
	size_t size;
	uint32_t expected;
};

#if defined(__x86_64__)
#define CODE(...) { __VA_ARGS__ }, sizeof((uint8_t[]){ __VA_ARGS__ })

static const struct code_case cases[] = {
	{ "push %rbp", CODE(0x55, 0x48, 0x89, 0xe5), 0 },
	{ "push %r15", CODE(0x41, 0x57, 0x41, 0x56), 0 },
	{ "endbr64; push %r14", CODE(0xf3, 0x0f, 0x1e, 0xfa, 0x41, 0x56), 4 },
	{ "endbr64; sub $8,%rsp; call",
	  CODE(0xf3, 0x0f, 0x1e, 0xfa, 0x48, 0x83, 0xec, 8, 0xe8, 0, 0, 0, 0), 8 },
	{ "mov 8(%rdi),%rax; test %rax,%rax; je",
	  CODE(0x48, 0x8b, 0x47, 8, 0x48, 0x85, 0xc0, 0x74, 0x10, 0x55), 7 },
	{ "cmp; a long jne", CODE(0x48, 0x39, 0xf7, 0x0f, 0x85, 0, 1, 0, 0), 3 },
	{ "nop", CODE(0x90, 0xc3), 0 },
	{ "mov; jmp", CODE(0x48, 0x89, 0xf8, 0xe9, 0, 0, 0, 0), 3 },
	{ "xor %eax,%eax; ret; push", CODE(0x31, 0xc0, 0xc3, 0x55), NONE },
	{ "mov 8(%rdi),%rax; jmp *0x30(%rax); push",
	  CODE(0x48, 0x8b, 0x47, 8, 0xff, 0x60, 0x30, 0x55), NONE },
	{ "call *%rax; push", CODE(0xff, 0xd0, 0x55), NONE },
	{ "an instruction cut in the middle", CODE(0x48, 0x8b), NONE },
	{ "bytes that are no instruction", CODE(0x06, 0x55), NONE },
};
#else
#define CODE(...) { __VA_ARGS__ }, sizeof((uint8_t[]){ __VA_ARGS__ })

static const struct code_case cases[] = {
	{ "stp; bl", CODE(0xfd, 0x7b, 0xbf, 0xa9, 0x00, 0x00, 0x00, 0x94), 4 },
	{ "nop; adrp", CODE(0x1f, 0x20, 0x03, 0xd5, 0x00, 0x00, 0x00, 0x90), 4 },
	{ "cbz x0", CODE(0x40, 0x00, 0x00, 0xb4), 0 },
	{ "ret; nop", CODE(0xc0, 0x03, 0x5f, 0xd6, 0x1f, 0x20, 0x03, 0xd5), NONE },
};
#endif

Test(insn, a_probe_goes_on_the_first_instruction_that_the_kernel_emulates)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct code_case *c = &cases[i];
		uint32_t offset = 77;
		int err = insn_cheap_probe(c->bytes, c->size, ADDRESS, &offset);

		if (c->expected == NONE) {
			cr_expect_eq(err, -ENOENT, "%s: at %u", c->what, offset);
			cr_expect_eq(offset, 77, "%s: written although there is none", c->what);
		} else {
			cr_expect_eq(err, 0, "%s", c->what);
			cr_expect_eq(offset, c->expected, "%s: at %u", c->what, offset);
		}
	}
}

#if defined(__x86_64__)
/* A long run without a branch: a probe far behind the entry would see another state. */
Test(insn, the_search_does_not_go_far)
{
	uint8_t code[256];
	uint32_t offset;

	for (size_t i = 0; i + 2 <= sizeof(code); i += 2) {
		code[i] = 0x31; /* xor %eax,%eax */
		code[i + 1] = 0xc0;
	}
	code[128] = code[129] = 0x90;
	cr_expect_eq(insn_cheap_probe(code, sizeof(code), ADDRESS, &offset), -ENOENT);
	cr_expect_eq(insn_cheap_probe(code + 64, 128, ADDRESS, &offset), 0);
	cr_expect_eq(offset, 64);
}
#endif

Test(insn, arm64_has_other_instructions_that_the_kernel_emulates)
{
	static const struct {
		const char *what;
		uint32_t word;
		bool cheap;
	} words[] = {
		{ "b", 0x14000001, true },
		{ "bl", 0x94000001, true },
		{ "b.gt", 0x5400000c, true },
		{ "cbnz x0", 0xb5000040, true },
		{ "tbz w0, #3", 0x36180040, true },
		{ "adrp", 0x90000000, true },
		{ "bc.gt", 0x5400001c, false },
		{ "retaa", 0xd65f0bff, false },
		{ "nop", 0xd503201f, false },
		{ "ldr x0, literal", 0x58000040, false },
		{ "add x0, x0, #1", 0x91000400, false },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		cr_expect_eq(insn_arm64_is_cheap(words[i].word), words[i].cheap, "%s",
			     words[i].what);
}

Test(insn, no_code_has_no_place)
{
	uint32_t offset;

	cr_expect_eq(insn_cheap_probe((const uint8_t *)"", 0, ADDRESS, &offset), -ENOENT);
}
