/* SPDX-License-Identifier: BSD-2-Clause */
/* Code that counts allocations and frees, as compilers write it, and code that only looks so. The
 * count is at 0x1d1c of the interpreter and the threshold before it, as in CPython 3.14. */
#include <criterion/criterion.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "attach/alloc_scan.h"

#if defined(__x86_64__)

#define RBX 3
#define R12 12
#define R14 14
#define R15 15

/* A function that is never run, and is read as bytes. */
#define CODE(name, text)                                                                           \
	extern const uint8_t name[], name##_end[];                                                 \
	__asm__(".pushsection .rodata\n" #name ":\n" text "\n" #name "_end:\n.popsection\n")

#define COUNT(base) "0x1d1c(%" base ")"
#define THRESHOLD(base) "0x1d18(%" base ")"
#define COUNT_UP(base)                                                                             \
	"mov " COUNT(base) ",%eax; mov " THRESHOLD(base) ",%esi; add $1,%eax;"                     \
							 "mov %eax," COUNT(                        \
								 base) "; cmp %esi,%eax;"

CODE(gcc_inlined, "pxor %xmm0,%xmm0; movups %xmm0,(%rax); movups %xmm0,-0x10(%rbx);" COUNT_UP(
			  "r12") "jg .; mov %rbp,8(%rbx); ret");
CODE(gcc_lea, "movups %xmm0,-0x10(%r12); mov " COUNT("rax") ",%ebx; mov " THRESHOLD(
		      "rax") ",%esi; lea 1(%rbx),%ecx; mov %ecx," COUNT("rax") "; cmp %esi,%ecx;"
									       "jle .; ret");
CODE(gcc_head_copied, "mov %rax,%rbx; movups %xmm0,(%rax);" COUNT_UP("rbp") "jle .; ret");
CODE(two_words, "movq $0,-0x10(%rbx); movq $0,-8(%rbx);" COUNT_UP("rcx") "jg .; ret");
CODE(zeroed_behind, COUNT_UP("rcx") "jg .; movups %xmm0,-0x10(%r14); ret");
CODE(clang_sum, "movups %xmm0,(%rax); movups %xmm0,-0x10(%r15,%r14,1); mov " THRESHOLD(
			"rax") ",%ecx; mov " COUNT("rax") ",%edx; lea 1(%rdx),%esi; mov "
							  "%esi," COUNT("rax") ";"
									       "cmp %ecx,%edx; jl "
									       ".; ret");
CODE(clang_increment, "movups %xmm0,-0x10(%rbx); mov " THRESHOLD("rax") ",%ecx; incl " COUNT(
			      "rax") "; cmp %ecx," COUNT("rax") "; jle .; ret");
CODE(add_to_memory, "movups %xmm0,-0x10(%rbx); addl $1," COUNT("rax") "; mov " COUNT(
			    "rax") ",%ecx; cmp " THRESHOLD("rax") ",%ecx; jle .; ret");
CODE(object_lost, "movups %xmm0,-0x10(%rax);" COUNT_UP("rcx") "jg .; ret");
CODE(object_moved,
     "movups %xmm0,-0x10(%rcx); lea -0x10(%rcx),%r14; xor %ecx,%ecx;" COUNT_UP("rdx") "jg .; ret");
CODE(frame_is_no_object,
     "push %rbp; mov %rsp,%rbp; movups %xmm0,-0x10(%rbp);" COUNT_UP("rcx") "jg .; ret");
CODE(probe_after_store, "movups %xmm0,-0x10(%rbx);" COUNT_UP("rcx") "nopl (%rax); jg .; ret");

CODE(search_engine, "movslq (%r10),%rdx; mov %edx,%eax; sar %eax; add $1,%eax; mov %eax," COUNT(
			    "rcx") "; mov " THRESHOLD("rcx") ",%esi; cmp %edx,%esi; jl .; ret");
CODE(some_counter, "movups %xmm0,-0x10(%rbx); addl $1," COUNT("rcx") "; jmp .");
CODE(on_the_stack, "addl $1,0x1d1c(%rsp); mov 0x1d18(%rsp),%eax; jmp .");
CODE(reset, "xor %edi,%edi; mov %edi," COUNT("r13") "; movl $0," COUNT("rcx") "; ret");
CODE(collector, "addl $1,0x1d1c(%r13,%rax,1); mov %edi,0x1d1c(%r13,%rcx,1); ret");

CODE(gcc_free, "mov %rsi,-0x10(%rdi); mov " COUNT("rcx") ",%edx; test %edx,%edx; jle 1f;"
							 "sub $1,%edx; mov %edx," COUNT(
								 "rcx") "; 1: sub %rax,%rdi; ret");
CODE(out_of_line_free, "mov " COUNT("rcx") ",%edx; test %edx,%edx; jg 2f; 1: sub %rax,%rbx; ret;"
					   "2: sub $1,%edx; mov %edx," COUNT("rcx") "; jmp 1b");
CODE(cold_free,
     "movq $0,-0x10(%rbx); mov " COUNT("rcx") ",%edx; test %edx,%edx; jle 1f; jmp 2f;"
					      "2: sub $1,%edx; mov %edx," COUNT("rcx") "; 1: ret");
CODE(clang_free,
     "movq $0,-0x10(%rbx); mov " COUNT("rax") ",%ecx; test %ecx,%ecx; jle 1f;"
					      "add $-1,%ecx; mov %ecx," COUNT("rax") "; 1: ret");
CODE(memory_free,
     "movq $0,-0x10(%rbx); cmpl $0," COUNT("rax") "; jle 1f; decl " COUNT("rax") ";"
										 "1: ret");
CODE(pool_free, "mov " COUNT("rcx") ",%edx; test %edx,%edx; jle 1f; sub $1,%edx; mov %edx," COUNT(
			"rcx") "; 1: mov %r12,%r8; and $-4096,%r8; ret");
CODE(only_a_test, "mov " COUNT("rcx") ",%edx; test %edx,%edx; jle 1f; xor %eax,%eax; 1: ret");
CODE(get_count, "mov " COUNT("rax") ",%esi; xor %eax,%eax; jmp .");

struct expected {
	const char *what;
	const uint8_t *code, *end;
	size_t places;
	enum alloc_kind kind;
	uint8_t object, index;
	int bias;
};

#define FOUND(name, kind, reg, bias)                                                               \
	{                                                                                          \
#name, name, name##_end, 1, kind, reg, ALLOC_NO_REGISTER, bias                     \
	}
#define NOTHING(name)                                                                              \
	{                                                                                          \
#name, name, name##_end, 0, 0, 0, 0, 0                                             \
	}
#define NOT_KNOWN ALLOC_NO_REGISTER

static void scan(const uint8_t *code, const uint8_t *end, const struct alloc_count *count,
		 struct alloc_sites *out)
{
	struct code_text text = { code, (size_t)(end - code), 0x401000, NULL, NULL };

	memset(out, 0, sizeof(*out));
	cr_assert_eq(alloc_scan_x86(&text, count, out), 0);
}

static const struct alloc_count modern = { true, 0x1d1c, 0, 16, 0, false };
static const struct alloc_count before_311 = { true, 0x1d1c, 0, 16, 0, true };
static struct alloc_sites sites;

static void check(const struct expected *e)
{
	const struct alloc_site *site = &sites.items[0];

	scan(e->code, e->end, &modern, &sites);
	cr_assert_eq(sites.cnt, e->places, "%s: %zu places", e->what, sites.cnt);
	if (!e->places)
		return;
	cr_expect_eq(site->kind, e->kind, "%s", e->what);
	cr_expect_eq(site->object_reg, e->object, "%s: in r%d", e->what, site->object_reg);
	cr_expect_eq(site->object_index, e->index, "%s: and r%d", e->what, site->object_index);
	if (e->object != NOT_KNOWN)
		cr_expect_eq(site->object_bias, e->bias, "%s: %d", e->what, site->object_bias);
	cr_expect(site->cheap, "%s", e->what);
	cr_expect_eq(site->count_offset, 0x1d1c, "%s", e->what);
}

Test(alloc_sites, allocations_are_found_as_compilers_write_them)
{
	static const struct expected all[] = {
		FOUND(gcc_inlined, ALLOC_NEW, RBX, 0),
		FOUND(gcc_lea, ALLOC_NEW, R12, 0),
		FOUND(gcc_head_copied, ALLOC_NEW, RBX, 16),
		FOUND(two_words, ALLOC_NEW, RBX, 0),
		FOUND(zeroed_behind, ALLOC_NEW, R14, 0),
		FOUND(clang_increment, ALLOC_NEW, RBX, 0),
		FOUND(add_to_memory, ALLOC_NEW, RBX, 0),
		FOUND(probe_after_store, ALLOC_NEW, RBX, 0),
		FOUND(object_moved, ALLOC_NEW, R14, 16),
		{ "clang_sum", clang_sum, clang_sum_end, 1, ALLOC_NEW, R15, R14, 0 },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		check(&all[i]);
}

Test(alloc_sites, a_register_that_no_longer_holds_the_object_is_not_named)
{
	static const struct expected all[] = {
		FOUND(object_lost, ALLOC_NEW, NOT_KNOWN, 0),
		FOUND(frame_is_no_object, ALLOC_NEW, NOT_KNOWN, 0),
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		check(&all[i]);
}

Test(alloc_sites, frees_are_found_at_their_test)
{
	static const struct expected all[] = {
		FOUND(gcc_free, ALLOC_FREE, 7, 0),     FOUND(out_of_line_free, ALLOC_FREE, RBX, 0),
		FOUND(clang_free, ALLOC_FREE, RBX, 0), FOUND(memory_free, ALLOC_FREE, RBX, 0),
		FOUND(cold_free, ALLOC_FREE, RBX, 0),
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		check(&all[i]);
		cr_expect(sites.items[0].is_early, "%s", all[i].what);
	}
}

/* Later the memory may begin before the head, with words of a number that is not known. */
Test(alloc_sites, what_goes_to_its_pool_is_an_object_where_heads_come_first)
{
	scan(pool_free, pool_free_end, &before_311, &sites);
	cr_assert_eq(sites.cnt, 1);
	cr_expect_eq(sites.items[0].object_reg, R12);
	cr_expect_eq(sites.items[0].object_bias, 16);
	scan(pool_free, pool_free_end, &modern, &sites);
	cr_assert_eq(sites.cnt, 1);
	cr_expect_eq(sites.items[0].object_reg, NOT_KNOWN);
}

Test(alloc_sites, what_only_looks_so_is_left_out)
{
	static const struct expected all[] = {
		NOTHING(search_engine), NOTHING(some_counter), NOTHING(on_the_stack),
		NOTHING(reset),		NOTHING(collector),    NOTHING(only_a_test),
		NOTHING(get_count),
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		check(&all[i]);
	scan(search_engine, search_engine_end, &modern, &sites);
	cr_assert_eq(sites.rejected_cnt, 1);
	cr_expect_eq(sites.rejected[0].why, ALLOC_REJECTED_SOURCE);
	scan(some_counter, some_counter_end, &modern, &sites);
	cr_assert_eq(sites.rejected_cnt, 1);
	cr_expect_eq(sites.rejected[0].why, ALLOC_REJECTED_THRESHOLD);
}

/* 3.6: a static, addressed from the instruction; a head of 32 bytes with a mark in it. */
CODE(old_new, "mov %rax,%rbx; movq $-4,0x10(%rax); mov 0x1000(%rip),%eax; mov 0xff6(%rip),%edx;"
	      "add $1,%eax; mov %eax,0xff1(%rip); cmp %edx,%eax; jle .; ret");

Test(alloc_sites, a_static_count_is_found_by_its_address)
{
	/* Behind the first load: 3 + 8 + 6 bytes. */
	const struct alloc_count old = { false, 0, 0x401000 + 17 + 0x1000, 32, 0, true };

	scan(old_new, old_new_end, &old, &sites);
	cr_assert_eq(sites.cnt, 1);
	cr_expect_eq(sites.items[0].object_reg, RBX);
	cr_expect_eq(sites.items[0].object_bias, 32);
	cr_expect_eq(sites.items[0].count_reg, ALLOC_NO_REGISTER);
	cr_expect_eq(sites.items[0].count_offset, old.address);
}

/* PyObject_GC_Del: the object is its argument, however far it was carried. */
CODE(freeing, "push %rbx; mov %rdi,%rbx; call .; mov " COUNT("rdx") ",%eax; test %eax,%eax; jle 1f;"
								    "sub $1,%eax; mov %eax," COUNT(
									    "rdx") "; 1: ret");

Test(alloc_sites, the_argument_of_the_freeing_function_is_the_object)
{
	struct alloc_count count = modern;

	scan(freeing, freeing_end, &count, &sites);
	cr_assert_eq(sites.cnt, 1);
	cr_expect_eq(sites.items[0].object_reg, NOT_KNOWN);
	count.freeing_function = 0x401000;
	scan(freeing, freeing_end, &count, &sites);
	cr_assert_eq(sites.cnt, 1);
	cr_expect_eq(sites.items[0].object_reg, RBX);
}

/* Debian's python3.11-dbg: the state is what a function returned, and the count 0x2c from there. */
CODE(freeing_of_state, "push %rbx; mov %rdi,%rbx; mov 8(%rdi),%rdx; call .; mov 0x2c(%rax),%edx;"
		       "test %edx,%edx; jle 1f; sub $1,%edx; mov %edx,0x2c(%rax); 1: ret");

Test(alloc_sites, a_count_by_the_collectors_state_is_looked_for_in_the_freeing_function_only)
{
	struct alloc_count count = modern;

	scan(freeing_of_state, freeing_of_state_end, &count, &sites);
	cr_assert_eq(sites.cnt, 0);
	count.freeing_function = 0x401000;
	scan(freeing_of_state, freeing_of_state_end, &count, &sites);
	cr_assert_eq(sites.cnt, 1);
	cr_expect_eq(sites.items[0].kind, ALLOC_FREE);
	cr_expect_eq(sites.items[0].object_reg, RBX);
	cr_expect_eq(sites.items[0].count_reg, 0);
	cr_expect_eq(sites.items[0].count_offset, 0x2c);
	count.freeing_function = 0x401001;
	scan(freeing_of_state, freeing_of_state_end, &count, &sites);
	cr_expect_eq(sites.cnt, 0);
}

/* Every cut of real code, and noise: no read past the end (AddressSanitizer tells). */
Test(alloc_sites, damaged_code_is_harmless)
{
	size_t size = (size_t)(gcc_free_end - gcc_free);

	for (size_t cut = 0; cut <= size; cut++) {
		uint8_t *copy = malloc(cut ? cut : 1);

		memcpy(copy, gcc_free, cut);
		scan(copy, copy + cut, &modern, &sites);
		cr_expect_leq(sites.cnt, 1);
		free(copy);
	}
}

Test(alloc_sites, the_summary_says_what_is_lacking)
{
	struct alloc_summary summary;
	char words[100];

	memset(&sites, 0, sizeof(sites));
	cr_expect_eq(alloc_sites_check(&sites, &summary), -ENOENT);
	sites.cnt = 2;
	sites.items[0].object_reg = ALLOC_NO_REGISTER;
	sites.items[1].kind = ALLOC_FREE;
	cr_expect_eq(alloc_sites_check(&sites, &summary), -ENODATA);
	alloc_sites_words(&summary, words, sizeof(words));
	cr_expect_str_eq(words, "1 place (0 with the object's register), 1 free place (1)");
	sites.items[0].object_reg = RBX;
	cr_expect_eq(alloc_sites_check(&sites, &summary), 0);
	cr_expect_eq(summary.dear, 2);
}

#endif
