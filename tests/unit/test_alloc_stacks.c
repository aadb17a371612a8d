/* SPDX-License-Identifier: BSD-2-Clause */
/* From stacks and code objects as the kernel side leaves them to a table for people. */
#include <criterion/criterion.h>

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "collect/alloc_frames.h"
#include "collect/alloc_stacks_build.h"
#include "fake_heap.h"
#include "pyleak_stack.h"

#define MAX_FAKES 16

/* What the kernel side's maps hold. */
struct fake_stack {
	struct pyleak_stack_key key;
	struct pyleak_stack_value value;
};

struct fake_code {
	struct pyleak_code_key key;
	struct pyleak_code code;
};

static struct fake_stack stacks[MAX_FAKES];
static size_t stack_cnt;
static struct fake_code codes[MAX_FAKES];
static size_t code_cnt;
static __u64 losses[PYLEAK_ALLOC_LOSS_CNT];

static struct fake_heap heap;
static struct gc_lists lists;
static struct py_types *types;
static struct pyleak_frames frames;
static struct alloc_stacks table;

static int each_stack(struct alloc_probes *probes,
		      int (*visit)(const struct pyleak_stack_key *key,
				   const struct pyleak_stack_value *value, void *context),
		      void *context)
{
	(void)probes;
	for (size_t i = 0; i < stack_cnt; i++) {
		int err = visit(&stacks[i].key, &stacks[i].value, context);

		if (err)
			return err;
	}
	return 0;
}

static int code_of(struct alloc_probes *probes, const struct pyleak_frame *frame,
		   struct pyleak_code *out)
{
	(void)probes;
	for (size_t i = 0; i < code_cnt; i++) {
		if (codes[i].key.code == frame->code && codes[i].key.check == frame->check) {
			*out = codes[i].code;
			return 0;
		}
	}
	return -ENOENT;
}

static void begin(const char *version)
{
	fake_heap_init(&heap, version);
	fake_interpreter(&heap);
	cr_assert_eq(py_types_create(&heap.reader, &lists, &types), 0);
	frames = (struct pyleak_frames){ .minor = (__u32)heap.build->minor };
}

static int build(void)
{
	const struct alloc_stacks_source source = {
		.each_stack = each_stack,
		.code = code_of,
		.losses = losses,
		.frames = &frames,
		.remote = heap.reader.remote,
		.types = types,
	};

	return alloc_stacks_build(&source, &table);
}

static void end(void)
{
	alloc_stacks_deinit(&table);
	cr_expect_null(table.memory);
	py_types_destroy(types);
	fake_heap_deinit(&heap);
}

#define ASCII (PYLEAK_STR_COMPACT | PYLEAK_STR_ASCII | 1 << 2)

static struct pyleak_code *add_code(__u64 address, const char *name, const char *file)
{
	struct fake_code *fake = &codes[code_cnt++];
	size_t name_len = strlen(name), file_len = strlen(file);

	cr_assert_leq(code_cnt, MAX_FAKES);
	fake->key = (struct pyleak_code_key){ address, address };
	fake->code.first_line = 10;
	fake->code.name_state = fake->code.file_state = ASCII;
	fake->code.name_len = (__u32)name_len;
	fake->code.file_len = (__u32)file_len;
	memcpy(fake->code.name, name, name_len < 128 ? name_len : 128);
	if (file_len > PYLEAK_CODE_FILE)
		memcpy(fake->code.file, file + file_len - PYLEAK_CODE_FILE, PYLEAK_CODE_FILE);
	else
		memcpy(fake->code.file, file, file_len);
	/* 3.8: four bytes of code for each line. */
	fake->code.lines_bytes = 8;
	memcpy(fake->code.lines, (uint8_t[]){ 4, 1, 4, 1, 4, 1, 4, 1 }, 8);
	return &fake->code;
}

/* Of `cnt` frames, each at the same byte of its code. */
static struct pyleak_stack_value *add_stack(raddr_t type, __u64 allocs, const __u64 *called,
					    size_t cnt, __u32 at)
{
	struct fake_stack *fake = &stacks[stack_cnt++];

	cr_assert_leq(stack_cnt, MAX_FAKES);
	fake->key.type = type;
	fake->key.hash = stack_cnt;
	fake->value.allocs = allocs;
	fake->value.bytes = 16 * allocs;
	fake->value.stack.cnt = (__u32)cnt;
	for (size_t i = 0; i < cnt; i++)
		fake->value.stack.frames[i] =
			(struct pyleak_frame){ called[i], at, (__u32)called[i] };
	return &fake->value;
}

static void expect_frame(const struct alloc_stack *stack, size_t index, const char *function,
			 const char *file, uint32_t line)
{
	cr_assert_lt(index, stack->frame_cnt);
	cr_expect_str_eq(stack->frames[index].function, function);
	cr_expect_str_eq(stack->frames[index].file, file);
	cr_expect_eq(stack->frames[index].line, line, "%s: line %u, not %u", function,
		     stack->frames[index].line, line);
}

Test(alloc_stacks, nothing_makes_an_empty_table)
{
	begin("3.8.18");
	cr_assert_eq(build(), 0);
	cr_expect_eq(table.cnt, 0);
	cr_expect_eq(table.loss_cnt, 0);
	end();
}

Test(alloc_stacks, frames_have_function_file_and_line_innermost_first)
{
	struct pyleak_stack_value *value;

	begin("3.8.18");
	add_code(0x100, "make", "/app/model.py");
	add_code(0x200, "<module>", "/app/main.py");
	value = add_stack(fake_heap_type(&heap, "Node", "app"), 7, (__u64[]){ 0x100, 0x200 }, 2, 5);
	value->frees = 3;
	value->freed_bytes = 48;
	value->stack.is_cut = 1;
	cr_assert_eq(build(), 0);
	cr_assert_eq(table.cnt, 1);
	cr_expect_str_eq(table.items[0].type, "app.Node");
	cr_expect_eq(table.items[0].frame_cnt, 2);
	cr_expect(table.items[0].is_cut);
	expect_frame(&table.items[0], 0, "make", "/app/model.py", 11);
	expect_frame(&table.items[0], 1, "<module>", "/app/main.py", 11);
	cr_expect_eq(table.items[0].frames[0].first_line, 10);
	cr_expect_eq(table.items[0].allocs, 7);
	cr_expect_eq(table.items[0].bytes, 112);
	cr_expect_eq(table.items[0].alive, 4);
	cr_expect_eq(table.items[0].alive_bytes, 64);
	end();
}

Test(alloc_stacks, stacks_that_read_the_same_are_one)
{
	raddr_t type;

	begin("3.8.18");
	type = fake_static_type(&heap, "list", 40, 0, 0);
	/* Code that exec() made twice; and two instructions of one line. */
	add_code(0x100, "make", "<string>");
	add_code(0x300, "make", "<string>");
	add_stack(type, 1, (__u64[]){ 0x100 }, 1, 4)->frees = 1;
	add_stack(type, 2, (__u64[]){ 0x300 }, 1, 4);
	add_stack(type, 4, (__u64[]){ 0x300 }, 1, 6);
	add_stack(type, 8, (__u64[]){ 0x300 }, 1, 8);
	/* One that is just being made; and another type of the same name. */
	add_stack(type, 0, (__u64[]){ 0x300 }, 1, 4);
	add_stack(fake_static_type(&heap, "list", 48, 0, 0), 16, (__u64[]){ 0x100 }, 1, 8);
	cr_assert_eq(build(), 0);
	cr_assert_eq(table.cnt, 2);
	expect_frame(&table.items[0], 0, "make", "<string>", 12);
	cr_expect_eq(table.items[0].allocs, 24);
	expect_frame(&table.items[1], 0, "make", "<string>", 11);
	cr_expect_eq(table.items[1].allocs, 7);
	cr_expect_eq(table.items[1].alive, 6);
	end();
}

Test(alloc_stacks, by_type_and_then_most_allocations_first)
{
	raddr_t dict, list;

	begin("3.8.18");
	dict = fake_static_type(&heap, "dict", 40, 0, 0);
	list = fake_static_type(&heap, "list", 40, 0, 0);
	add_code(0x100, "f", "a.py");
	add_stack(list, 5, (__u64[]){ 0x100 }, 1, 0);
	add_stack(dict, 1, (__u64[]){ 0x100 }, 1, 0);
	add_stack(list, 9, (__u64[]){ 0x100, 0x100 }, 2, 0);
	add_stack(dict, 3, NULL, 0, 0);
	cr_assert_eq(build(), 0);
	cr_assert_eq(table.cnt, 4);
	cr_expect_str_eq(table.items[0].type, "dict");
	cr_expect_eq(table.items[0].allocs, 3);
	cr_expect_eq(table.items[0].frame_cnt, 0);
	cr_expect_eq(table.items[1].allocs, 1);
	cr_expect_str_eq(table.items[2].type, "list");
	cr_expect_eq(table.items[2].allocs, 9);
	cr_expect_eq(table.items[3].allocs, 5);
	end();
}

Test(alloc_stacks, of_a_long_file_name_the_end_is_shown)
{
	char file[400], name[200], want[PYLEAK_CODE_FILE + 4];

	memset(file, 'd', sizeof(file));
	memcpy(file + 390, "/model.py", 10);
	memset(name, 'n', 199);
	name[199] = '\0';
	begin("3.8.18");
	add_code(0x100, name, file);
	add_stack(fake_static_type(&heap, "dict", 40, 0, 0), 1, (__u64[]){ 0x100 }, 1, 0);
	cr_assert_eq(build(), 0);
	snprintf(want, sizeof(want), "...%s", file + 399 - PYLEAK_CODE_FILE);
	cr_expect_str_eq(table.items[0].frames[0].file, want);
	name[PYLEAK_CODE_NAME] = '\0';
	memcpy(name + PYLEAK_CODE_NAME, "...", 4);
	cr_expect_str_eq(table.items[0].frames[0].function, name);
	end();
}

Test(alloc_stacks, characters_of_any_width_become_utf_8)
{
	const uint16_t two[] = { 'f', 0x5b57 };
	const uint32_t four[] = { 0x1f40d, '.', 'p' };
	struct pyleak_code *code;

	begin("3.8.18");
	code = add_code(0x100, "", "");
	code->name_state = PYLEAK_STR_COMPACT | 2 << 2;
	code->name_len = 2;
	memcpy(code->name, two, sizeof(two));
	code->file_state = PYLEAK_STR_COMPACT | 4 << 2;
	code->file_len = 3;
	memcpy(code->file, four, sizeof(four));
	code = add_code(0x200, "caf", "");
	code->name_state = PYLEAK_STR_COMPACT | 1 << 2;
	code->name_len = 4;
	code->name[3] = 0xe9;
	/* The end of a file of 100 characters. */
	code->file_state = PYLEAK_STR_COMPACT | 4 << 2;
	code->file_len = 100;
	for (size_t i = 0; i < PYLEAK_CODE_FILE; i += 4)
		code->file[i] = 'x';
	add_stack(fake_static_type(&heap, "dict", 40, 0, 0), 1, (__u64[]){ 0x100, 0x200 }, 2, 4);
	cr_assert_eq(build(), 0);
	expect_frame(&table.items[0], 0, "f\xe5\xad\x97", "\xf0\x9f\x90\x8d.p", 11);
	cr_expect_str_eq(table.items[0].frames[1].function, "caf\xc3\xa9");
	cr_expect_eq(strlen(table.items[0].frames[1].file), 3 + PYLEAK_CODE_FILE / 4);
	end();
}

Test(alloc_stacks, functions_whose_code_was_lost_are_a_question_mark_and_a_loss)
{
	begin("3.8.18");
	add_code(0x100, "kept", "a.py");
	add_code(0x300, "gone", "a.py")->name_state = 0;
	add_code(0x400, "garbage", "a.py")->name_state = PYLEAK_STR_COMPACT | 7 << 2;
	add_stack(fake_static_type(&heap, "dict", 40, 0, 0), 1,
		  (__u64[]){ 0x100, 0x200, 0x300, 0x400 }, 4, 4);
	losses[PYLEAK_ALLOC_LOSS_STACKS_FULL] = 5;
	cr_assert_eq(build(), 0);
	expect_frame(&table.items[0], 0, "kept", "a.py", 11);
	expect_frame(&table.items[0], 1, "?", "", 0);
	expect_frame(&table.items[0], 2, "?", "a.py", 0);
	cr_expect_str_eq(table.items[0].frames[3].function, "?");
	cr_assert_eq(table.loss_cnt, 2);
	cr_expect_str_eq(table.losses[0].name, "STACKS_FULL");
	cr_expect_eq(table.losses[0].cnt, 5);
	cr_expect_str_eq(table.losses[1].name, "NO_CODE");
	cr_expect_eq(table.losses[1].cnt, 2);
	end();
}

Test(alloc_stacks, more_frees_than_allocations_leave_none_alive)
{
	struct pyleak_stack_value *value;

	begin("3.8.18");
	value = add_stack(fake_static_type(&heap, "dict", 40, 0, 0), 1, NULL, 0, 0);
	value->frees = 2;
	value->freed_bytes = 100;
	cr_assert_eq(build(), 0);
	cr_expect_eq(table.items[0].alive, 0);
	cr_expect_eq(table.items[0].alive_bytes, 0);
	end();
}

/* A code object in the target whose table of lines has more than the kernel side copies. */
static raddr_t put_code(uint32_t lines_bytes, uint8_t delta)
{
	raddr_t code = fake_alloc(&heap, 0xb0), name = fake_str(&heap, "long");
	raddr_t lines = fake_alloc(&heap, 0x20 + lines_bytes);

	fake_put(&heap, code + frames.code_name, name);
	fake_put(&heap, code + frames.code_lines, lines);
	fake_put32(&heap, code + frames.code_first_line, 10);
	fake_put(&heap, lines + 0x10, lines_bytes);
	for (uint32_t i = 0; i < lines_bytes; i += 8)
		fake_put(&heap, lines + 0x20 + i, 0x0101010101010101ULL * delta);
	return code;
}

Test(alloc_stacks, a_long_table_of_lines_is_read_in_the_target_while_its_code_is_there)
{
	struct pyleak_code *code;
	raddr_t address;

	begin("3.8.18");
	cr_assert_eq(alloc_frames_fill(&heap.python, &frames), 0);
	address = put_code(8000, 1);
	code = add_code(address, "long", "a.py");
	code->lines_bytes = 8000;
	codes[0].key.check = alloc_frames_code_check(heap.reader.remote, &frames, address);
	add_stack(fake_static_type(&heap, "dict", 40, 0, 0), 1, (__u64[]){ address }, 1, 3000);
	stacks[0].value.stack.frames[0].check = (__u32)codes[0].key.check;
	cr_assert_eq(build(), 0);
	expect_frame(&table.items[0], 0, "long", "a.py", 3010);
	alloc_stacks_deinit(&table);
	fake_put32(&heap, address + frames.code_first_line, 11);
	cr_assert_eq(build(), 0);
	expect_frame(&table.items[0], 0, "long", "a.py", 0);
	end();
}
