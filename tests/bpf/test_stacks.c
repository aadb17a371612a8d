// SPDX-License-Identifier: GPL-2.0-only
/* Walks over the frames of a thread, in every family of layouts, and in memory that lies. */
#include "stack_side.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdint.h>
#include <string.h>

#define MS 1000000ULL

static __u64 push(const char *name, __u32 at)
{
	return push_frame(make_function(name), at, OWNER_THREAD);
}

static void expect_frame(__u32 index, const char *name, __u32 at)
{
	const struct pyleak_frame *frame = &thread_state.stack.frames[index];
	const struct pyleak_code *code = code_of(frame);

	cr_assert_lt(index, thread_state.stack.cnt);
	cr_assert_not_null(code, "no code of frame %u", index);
	cr_expect_eq(code->name_len, strlen(name));
	cr_expect_arr_eq(code->name, name, strlen(name));
	cr_expect_eq(frame->at, at);
	cr_expect_eq(code->first_line, 7);
	cr_expect_eq(code->lines_bytes, 4);
	cr_expect_arr_eq(code->file, "file.py", 7);
}

/* Runs in a process of its own for each family. */
static struct criterion_test_params each_minor(void)
{
	return cr_make_param_array(__u32, (void *)minors, minor_cnt);
}

ParameterizedTestParameters(stacks, the_innermost_frame_comes_first)
{
	return each_minor();
}

ParameterizedTest(__u32 *minor, stacks, the_innermost_frame_comes_first)
{
	start_thread(*minor);
	push("main", 20);
	push("middle", 4);
	push("inner", 64);
	cr_assert(take());
	cr_expect_eq(thread_state.stack.cnt, 3);
	cr_expect_eq(thread_state.stack.is_cut, 0);
	expect_frame(0, "inner", 64);
	expect_frame(1, "middle", 4);
	expect_frame(2, "main", 20);
	cr_expect_eq(lost_all(), 0);
}

ParameterizedTestParameters(stacks, frames_beyond_the_room_are_cut)
{
	return each_minor();
}

ParameterizedTest(__u32 *minor, stacks, frames_beyond_the_room_are_cut)
{
	__u64 code;

	start_thread(*minor);
	code = make_function("again");
	for (__u32 i = 0; i < PYLEAK_STACK_FRAMES; i++)
		push_frame(code, 2 * i, OWNER_THREAD);
	cr_assert(take());
	cr_expect_eq(thread_state.stack.cnt, PYLEAK_STACK_FRAMES);
	cr_expect_eq(thread_state.stack.is_cut, 0);
	cr_expect_eq(codes_known(), 1);
	push_frame(code, 200, OWNER_THREAD);
	cr_assert(take());
	cr_expect_eq(thread_state.stack.cnt, PYLEAK_STACK_FRAMES);
	cr_expect_eq(thread_state.stack.is_cut, 1);
	cr_expect_eq(thread_state.stack.frames[0].at, 200);
	cr_expect_eq(thread_state.stack.frames[PYLEAK_STACK_FRAMES - 1].at, 2);
	cr_expect_eq(lost_all(), 0);
}

ParameterizedTestParameters(stacks, a_chain_without_an_end_is_cut)
{
	return each_minor();
}

ParameterizedTest(__u32 *minor, stacks, a_chain_without_an_end_is_cut)
{
	__u64 first, last;

	start_thread(*minor);
	first = push("one", 2);
	last = push("two", 4);
	set_previous(first, last);
	cr_assert(take());
	cr_expect_eq(thread_state.stack.cnt, PYLEAK_STACK_FRAMES);
	cr_expect_eq(thread_state.stack.is_cut, 1);
	set_previous(last, last);
	cr_assert(take());
	cr_expect_eq(thread_state.stack.cnt, PYLEAK_STACK_FRAMES);
	cr_expect_eq(codes_known(), 2);
}

ParameterizedTestParameters(stacks, what_cannot_be_read_loses_the_stack)
{
	return each_minor();
}

ParameterizedTest(__u32 *minor, stacks, what_cannot_be_read_loses_the_stack)
{
	__u64 frame, tstate_at;

	start_thread(*minor);
	cr_assert(take(), "a thread that runs no Python code");
	cr_expect_eq(thread_state.stack.cnt, 0);
	push("main", 20);
	frame = push("inner", 2);
	set_previous(frame, 0x1000);
	cr_expect_not(take());
	cr_expect_eq(thread_state.stack.cnt, 0);
	cr_expect_eq(lost(PYLEAK_ALLOC_LOSS_NO_FRAME), 1);
	push_frame(0x2000, 2, OWNER_THREAD);
	cr_expect_not(take(), "a code object");
	cr_expect_eq(lost(PYLEAK_ALLOC_LOSS_NO_FRAME), 2);
	tstate_at = thread_state.tstate_at;
	thread_state.tstate_at = 0;
	cr_expect_not(take());
	thread_state.tstate_at = 0x3000;
	cr_expect_not(take());
	cr_expect_eq(lost(PYLEAK_ALLOC_LOSS_NO_THREAD), 2);
	thread_state.tstate_at = tstate_at;
	put_word(tstate_at, 0x4000);
	cr_expect_not(take(), "a thread's state");
	cr_expect_eq(lost(PYLEAK_ALLOC_LOSS_NO_FRAME), 3);
	cr_expect_eq(lost_all(), 5);
}

ParameterizedTestParameters(stacks, frames_of_c_are_passed_over)
{
	return each_minor();
}

ParameterizedTest(__u32 *minor, stacks, frames_of_c_are_passed_over)
{
	__u64 code, shim_frame;

	if (*minor <= 11)
		return; /* there are none */
	start_thread(*minor);
	push_frame(0, 0, OWNER_SHIM);
	push("main", 20);
	/* What its code would be is no address at all. */
	push_frame(0x1000, 0, OWNER_SHIM_TOO);
	push_frame(make_function("generator"), 8, OWNER_GENERATOR);
	push_frame(0, 0, OWNER_SHIM);
	cr_assert(take());
	cr_expect_eq(thread_state.stack.cnt, 2);
	cr_expect_eq(thread_state.stack.is_cut, 0);
	expect_frame(0, "generator", 8);
	expect_frame(1, "main", 20);
	code = make_function("again");
	for (__u32 i = 0; i < PYLEAK_STACK_FRAMES - 2; i++)
		push_frame(code, 2 * i, OWNER_THREAD);
	cr_assert(take());
	cr_expect_eq(thread_state.stack.cnt, PYLEAK_STACK_FRAMES);
	cr_expect_eq(thread_state.stack.is_cut, 0, "behind the last there is none but one of C");
	shim_frame = push_frame(0, 0, OWNER_SHIM);
	set_previous(shim_frame, shim_frame);
	cr_assert(take());
	cr_expect_eq(thread_state.stack.cnt, 0);
	cr_expect_eq(thread_state.stack.is_cut, 1);
	cr_expect_eq(lost_all(), 0);
}

Test(stacks, a_frame_that_has_not_begun_says_so)
{
	start_thread(9);
	push_frame(make_function("fresh"), UINT32_MAX, OWNER_THREAD);
	cr_assert(take());
	expect_frame(0, "fresh", PYLEAK_NOT_BEGUN);
}

/* ---- code objects */

Test(stacks, another_code_object_at_the_address_of_one_is_told_apart)
{
	__u32 check;
	__u64 code;

	start_thread(12);
	code = make_function("old");
	push_frame(code, 2, OWNER_THREAD);
	cr_assert(take());
	check = thread_state.stack.frames[0].check;
	rename_code(code, make_str("new"));
	cr_assert(take());
	cr_expect_neq(thread_state.stack.frames[0].check, check);
	expect_frame(0, "new", 2);
	cr_expect_eq(codes_known(), 2, "the old one's name is kept");
}

Test(stacks, up_to_3_11_its_name_may_even_have_the_address_of_the_other)
{
	__u64 name, code, hash = 0x1234;
	__u32 check;

	start_thread(11);
	name = make_str("fn_1");
	code = make_code(name, make_str("file.py"), make_bytes(0x80, 4));
	push_frame(code, 2, OWNER_THREAD);
	cr_assert(take());
	check = thread_state.stack.frames[0].check;
	put_word(name + PYLEAK_STR_HASH, hash);
	put_bytes(name + 0x30, "fn_2", 4);
	cr_assert(take());
	cr_expect_neq(thread_state.stack.frames[0].check, check);
	expect_frame(0, "fn_2", 2);
}

Test(stacks, up_to_3_11_its_lines_may_be_all_that_differs)
{
	__u64 lines, code;
	__u32 check;

	start_thread(11);
	lines = make_bytes(0x80, 4);
	code = make_code(make_str("<module>"), make_str("file.py"), lines);
	push_frame(code, 2, OWNER_THREAD);
	cr_assert(take());
	check = thread_state.stack.frames[0].check;
	put_bytes(lines + PYLEAK_BYTES_DATA, "\x81", 1);
	cr_assert(take());
	cr_expect_neq(thread_state.stack.frames[0].check, check);
}

Test(stacks, a_code_object_that_stays_is_not_read_each_time)
{
	__u64 first, later, code;

	start_thread(12);
	code = make_function("stays");
	push_frame(code, 2, OWNER_THREAD);
	cr_assert(take());
	shim.now_ns += 1000 * MS;
	first = shim.reads;
	cr_assert(take());
	first = shim.reads - first;
	later = shim.reads;
	cr_assert(take());
	later = shim.reads - later;
	cr_expect_eq(later, first - 1);
	/* But it is not trusted for long. */
	rename_code(code, make_str("moved"));
	shim.now_ns += 10 * MS;
	cr_assert(take());
	expect_frame(0, "moved", 2);
}

static const struct pyleak_code *only_code(__u64 name, __u64 file, __u64 lines)
{
	push_frame(make_code(name, file, lines), 2, OWNER_THREAD);
	cr_assert(take());
	return code_of(&thread_state.stack.frames[0]);
}

Test(stacks, of_a_long_name_the_beginning_is_kept_and_of_a_file_the_end)
{
	char name[200], file[600];
	const struct pyleak_code *code;

	for (size_t i = 0; i < sizeof(name); i++)
		name[i] = 'a' + (char)(i % 26);
	for (size_t i = 0; i < sizeof(file); i++)
		file[i] = 'a' + (char)(i % 26);
	name[199] = file[599] = '\0';
	start_thread(13);
	code = only_code(make_str(name), make_str(file), make_bytes(0x81, 5000));
	cr_expect_eq(code->name_len, 199);
	cr_expect_arr_eq(code->name, name, PYLEAK_CODE_NAME);
	cr_expect_eq(code->file_len, 599);
	cr_expect_arr_eq(code->file, file + 599 - PYLEAK_CODE_FILE, PYLEAK_CODE_FILE);
	cr_expect_eq(code->lines_bytes, 5000);
	cr_expect_eq(code->lines[PYLEAK_CODE_LINES - 1], 0x81);
	cr_expect_eq(lost_all(), 0);
}

Test(stacks, characters_of_any_width_are_copied_as_they_are)
{
	for (size_t i = 0; i < minor_cnt; i++) {
		for (__u32 kind = 1; kind <= 4; kind *= 2) {
			const struct pyleak_code *code;

			start_thread(minors[i]);
			code = only_code(make_wide_str(kind, 0x41, 5),
					 make_wide_str(kind, 0x42, 300), make_bytes(0, 0));
			cr_expect_eq(code->name_len, 5);
			cr_expect_eq(code->name_state >> 2 & 7, kind);
			cr_expect_eq(code->name[5 * kind - 1], 0x41);
			cr_expect_eq(code->name[5 * kind], 0);
			cr_expect_eq(code->file_len, 300);
			cr_expect_eq(code->file[PYLEAK_CODE_FILE - 1], 0x42);
			shim_unmap_memory(0x7f1300000000ULL);
			shim.now_ns += 1000 * MS;
		}
	}
	cr_expect_eq(lost_all(), 0);
}

Test(stacks, names_that_are_garbage_are_a_loss_but_the_stack_is_not)
{
	__u64 endless, no_str;
	const struct pyleak_code *code;

	start_thread(12);
	endless = make_str("endless");
	put_word(endless + PYLEAK_STR_LENGTH, 1ULL << 31);
	code = only_code(make_str("fn"), endless, make_bytes(0, 2));
	cr_expect_eq(code->file_state, 0);
	no_str = make_room(64);
	code = only_code(no_str, make_str("file.py"), make_bytes(0, 2));
	cr_expect_eq(code->name_state, 0);
	code = only_code(0x1000, 0x2000, 0x3000);
	cr_expect_eq(code->lines_bytes, 0);
	cr_expect_eq(lost(PYLEAK_ALLOC_LOSS_FAULT), 3);
	cr_expect_eq(lost_all(), 3);
}

Test(stacks, more_functions_than_there_is_room_for)
{
	start_thread(12);
	fill_codes(1);
	push("main", 2);
	push("inner", 4);
	cr_assert(take());
	cr_expect_eq(thread_state.stack.cnt, 2);
	cr_expect_eq(lost(PYLEAK_ALLOC_LOSS_CODES_FULL), 1);
	cr_assert(take());
	cr_expect_eq(lost(PYLEAK_ALLOC_LOSS_CODES_FULL), 1, "once for each");
}
