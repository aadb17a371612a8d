/* SPDX-License-Identifier: BSD-2-Clause */
/* Where frames are, version by version; the walk and its check, on threads made of bytes. */
#include <criterion/criterion.h>

#include <errno.h>
#include <string.h>

#include "attach/py_layout.h"
#include "base/cleanup.h"
#include "collect/alloc_frames.h"
#include "fake_heap.h"

#define NONE PYLEAK_NO_REGISTER

/* From DWARF of these builds. */
static const struct {
	const char *version;
	struct pyleak_frames frames;
} builds[] = {
	{ "3.7.16",
	  { 7, 0x18, NONE, 0x20, 0x18, 0x68, NONE, 3, 0x6c, 0, 0x68, 0x60, 0x70, 0x24, 0x30,
	    0x48 } },
	{ "3.8.18",
	  { 8, 0x18, NONE, 0x20, 0x18, 0x68, NONE, 3, 0x6c, 0, 0x70, 0x68, 0x78, 0x28, 0x30,
	    0x48 } },
	{ "3.10.13",
	  { 10, 0x18, NONE, 0x20, 0x18, 0x60, NONE, 3, 0x64, 0, 0x70, 0x68, 0x78, 0x28, 0x30,
	    0x48 } },
	{ "3.11.7",
	  { 11, 0x38, 8, 0x20, 0x30, 0x38, 0x45, 3, 0x46, 0xb8, 0x80, 0x70, 0x88, 0x48, 0x30,
	    0x48 } },
	{ "3.12.1",
	  { 12, 0x38, 0, 0, 8, 0x38, 0x46, 3, 0x47, 0xc0, 0x80, 0x70, 0x88, 0x44, 0x28, 0x38 } },
	{ "3.13.0",
	  { 13, 0x48, NONE, 0, 8, 0x38, 0x46, 3, 0x47, 0xc8, 0x80, 0x70, 0x88, 0x44, 0x28, 0x38 } },
	{ "3.14.10",
	  { 14, 0x48, NONE, 0, 8, 0x38, 0x4a, 3, 0x4b, 0xd0, 0x80, 0x70, 0x88, 0x44, 0x28, 0x38 } },
	{ "3.15.2",
	  { 15, 0x48, NONE, 0, 8, 0x38, 0x4a, 3, 0x4b, 0xd0, 0x80, 0x70, 0x88, 0x44, 0x28, 0x38 } },
};

/* Slots of _Py_DebugOffsets: current_frame, previous, executable, instr_ptr, owner, filename,
 * qualname, linetable, firstlineno, co_code_adaptive. */
static const uint32_t slots[][10] = {
	{ 0xb8, 0xe8, 0xf0, 0xf8, 0x108, 0x118, 0x128, 0x130, 0x138, 0x158 },
	{ 0xd0, 0x100, 0x108, 0x110, 0x120, 0x140, 0x150, 0x158, 0x160, 0x180 },
	{ 0xd0, 0x140, 0x148, 0x150, 0x160, 0x180, 0x190, 0x198, 0x1a0, 0x1c0 },
};

static struct fake_heap heap;

static int reload(void)
{
	return py_layout_load(heap.build->minor, heap.build->micro, heap.reader.remote,
			      heap.python.runtime, &heap.python.layout);
}

static void begin(size_t build)
{
	const struct pyleak_frames *f = &builds[build].frames;
	const uint32_t values[] = { f->tstate_frame,	  f->frame_previous, f->frame_code,
				    f->frame_instruction, f->frame_owner,    f->code_file,
				    f->code_name,	  f->code_lines,     f->code_first_line,
				    f->code_bytecode };

	fake_heap_init(&heap, builds[build].version);
	for (size_t i = 0; f->minor >= 13 && i < ARRAY_SIZE(values); i++)
		fake_put(&heap, heap.python.runtime + slots[f->minor - 13][i], values[i]);
	cr_assert_eq(reload(), 0);
}

Test(alloc_frames, every_version_has_its_layout)
{
	for (size_t i = 0; i < ARRAY_SIZE(builds); i++) {
		struct pyleak_frames frames;

		begin(i);
		cr_assert_eq(alloc_frames_fill(&heap.python, &frames), 0, "%s", builds[i].version);
		cr_expect_arr_eq(&frames, &builds[i].frames, sizeof(frames), "%s",
				 builds[i].version);
		fake_heap_deinit(&heap);
	}
}

Test(alloc_frames, offsets_that_make_no_sense_are_refused)
{
	static const uint64_t nonsense[] = { 0x2001, 0x10000, 1ULL << 32, UINT64_MAX };

	begin(5);
	for (size_t slot = 0; slot < 10; slot++) {
		raddr_t at = heap.python.runtime + slots[0][slot];
		uint64_t right = fake_get(&heap, at);
		struct pyleak_frames frames;

		for (size_t i = 0; i < ARRAY_SIZE(nonsense); i++) {
			fake_put(&heap, at, nonsense[i]);
			cr_assert_eq(reload(), 0, "the rest works without frames");
			cr_expect_eq(alloc_frames_fill(&heap.python, &frames), -EOPNOTSUPP,
				     "slot %zu: %#lx", slot, (unsigned long)nonsense[i]);
		}
		fake_put(&heap, at, right);
	}
	fake_heap_deinit(&heap);
}

Test(alloc_frames, versions_that_are_not_known_are_refused)
{
	struct pyleak_frames frames;

	begin(0);
	heap.python.minor = 5;
	cr_expect_eq(alloc_frames_fill(&heap.python, &frames), -EOPNOTSUPP);
	heap.python.minor = 16;
	cr_expect_eq(alloc_frames_fill(&heap.python, &frames), -EOPNOTSUPP);
	fake_heap_deinit(&heap);
}

/* ---- the walk */

static struct pyleak_frames frames;
static raddr_t interpreter, tstate, cframe, newest, code_type;

static raddr_t push(raddr_t code, uint32_t at, uint8_t owner)
{
	raddr_t frame = fake_alloc(&heap, 0x180);

	fake_put(&heap, frame + frames.frame_code, frames.minor >= 14 ? code | 1 : code);
	fake_put(&heap, frame + frames.frame_previous, newest);
	if (frames.minor >= 11)
		fake_put(&heap, frame + frames.frame_instruction, code + frames.code_bytecode + at);
	else
		fake_put32(&heap, frame + frames.frame_instruction,
			   frames.minor == 10 ? at / 2 : at);
	if (frames.frame_owner != NONE)
		fake_put32(&heap, frame + (frames.frame_owner & ~3U),
			   (uint32_t)owner << (frames.frame_owner & 3) * 8);
	newest = frame;
	fake_put(&heap,
		 frames.cframe_frame == NONE ? tstate + frames.tstate_frame
					     : cframe + frames.cframe_frame,
		 frame);
	return frame;
}

static raddr_t make_code(void)
{
	raddr_t code = fake_alloc(&heap, 0xe0);

	fake_put(&heap, code + 8, code_type);
	return code;
}

static void begin_thread(size_t build)
{
	begin(build);
	cr_assert_eq(alloc_frames_fill(&heap.python, &frames), 0);
	interpreter = fake_interpreter(&heap);
	tstate = fake_alloc(&heap, 0x100);
	cframe = fake_alloc(&heap, 0x20);
	newest = 0;
	code_type = fake_static_type(&heap, "code", 0xb0, 0, 0);
	fake_put(&heap, interpreter + heap.python.layout.interpreter_threads, tstate);
	if (frames.cframe_frame != NONE)
		fake_put(&heap, tstate + frames.tstate_frame, cframe);
}

static int check(void)
{
	const struct gc_lists lists = { .newest_interpreter = interpreter };

	return alloc_frames_check(&heap.python, heap.reader.remote, &lists, &frames);
}

Test(alloc_frames, a_walk_meets_every_frame_but_those_of_c)
{
	for (size_t i = 0; i < ARRAY_SIZE(builds); i++) {
		struct pyleak_stack stack;
		raddr_t main, inner;

		begin_thread(i);
		cr_expect_eq(check(), -EAGAIN, "no thread runs Python code");
		main = make_code();
		inner = make_code();
		push(main, 6, 0);
		if (frames.minor >= 12)
			push(0, 0, 3);
		push(inner, 30, 1);
		cr_assert_eq(alloc_frames_walk(heap.reader.remote, &frames, tstate, &stack), 0,
			     "%s", builds[i].version);
		cr_expect_eq(stack.cnt, 2);
		cr_expect_eq(stack.is_cut, 0);
		cr_expect_eq(stack.frames[0].code, inner);
		cr_expect_eq(stack.frames[0].at, 30, "%s: %u", builds[i].version,
			     stack.frames[0].at);
		cr_expect_eq(stack.frames[1].code, main);
		cr_expect_eq(stack.frames[1].at, 6);
		cr_expect_eq(check(), 0);
		for (int n = 0; n < PYLEAK_STACK_FRAMES; n++)
			push(inner, 8, 0);
		cr_assert_eq(alloc_frames_walk(heap.reader.remote, &frames, tstate, &stack), 0);
		cr_expect_eq(stack.cnt, PYLEAK_STACK_FRAMES);
		cr_expect_eq(stack.is_cut, 1);
		fake_heap_deinit(&heap);
	}
}

Test(alloc_frames, frames_that_run_no_code_objects_are_not_where_we_think)
{
	for (size_t i = 0; i < ARRAY_SIZE(builds); i++) {
		raddr_t second;

		begin_thread(i);
		push(make_code(), 6, 0);
		cr_expect_eq(check(), 0);
		code_type = fake_static_type(&heap, "coder", 0xb0, 0, 0);
		push(make_code(), 6, 0);
		cr_expect_eq(check(), -EBADMSG, "%s", builds[i].version);
		/* Nor are they in another thread. */
		second = fake_alloc(&heap, 0x100);
		fake_put(&heap, second + 8, tstate);
		fake_put(&heap, interpreter + heap.python.layout.interpreter_threads, second);
		cr_expect_eq(check(), -EBADMSG, "%s", builds[i].version);
		push(0x1000, 6, 0);
		cr_expect_eq(check(), -EBADMSG);
		fake_put(&heap, newest + frames.frame_previous, 0x2000);
		cr_expect_eq(check(), -EBADMSG);
		fake_heap_deinit(&heap);
	}
}

Test(alloc_frames, a_chain_without_an_end_is_cut)
{
	struct pyleak_stack stack;

	begin_thread(4);
	push(make_code(), 6, 0);
	fake_put(&heap, newest + frames.frame_previous, newest);
	cr_assert_eq(alloc_frames_walk(heap.reader.remote, &frames, tstate, &stack), 0);
	cr_expect_eq(stack.cnt, PYLEAK_STACK_FRAMES);
	cr_expect_eq(stack.is_cut, 1);
	fake_put(&heap, tstate + 8, tstate);
	cr_expect_eq(check(), 0);
	fake_heap_deinit(&heap);
}
