/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames are where we think they are, with every interpreter: a walk from outside meets what
 * sys._current_frames() says, function, file and line, in all kinds of frames; and the kernel side
 * takes the same stacks. */
#include <stdlib.h>
#include <string.h>

#include "attach/alloc_sites.h"
#include "attach/hooks.h"
#include "base/cleanup.h"
#include "collect/alloc_frames.h"
#include "collect/alloc_stacks_build.h"
#include "collect/py_lines.h"
#include "live/harness.h"
#include "pyleak_stack.h"

#define TSTATE_NEXT 8
#define MADE 500

static struct criterion_test_params all_pythons(void)
{
	size_t cnt;
	struct python_param *all = live_pythons(&cnt);

	return cr_make_param_array(struct python_param, all, cnt);
}

struct subject {
	struct program program;
	struct target target;
	struct python python;
	struct gc_lists lists;
	struct pyleak_frames frames;
	struct py_reader reader;
};

static void begin(struct subject *subject, const char *python)
{
	live_needs_root();
	program_start_ready(&subject->program, python, "frames.py", NULL);
	cr_assert(!target_open(subject->program.pid, &subject->target));
	cr_assert(!python_find(&subject->target, &subject->python));
	cr_assert(!gc_lists_await(&subject->python, subject->target.remote, 1000, &subject->lists));
	py_reader_init(&subject->python, subject->target.remote, &subject->reader);
}

static void end(struct subject *subject)
{
	cr_expect(program_is_running(&subject->program), "%s ended", subject->program.name);
	program_stop(&subject->program);
	python_close(&subject->python);
	target_close(&subject->target);
}

static uint32_t line_of(const struct subject *subject, const struct pyleak_frame *frame)
{
	struct remote *remote = subject->target.remote;
	const struct pyleak_frames *frames = &subject->frames;
	raddr_t table = remote_word(remote, frame->code + frames->code_lines);
	size_t size = remote_word(remote, table + PYLEAK_BYTES_SIZE);
	_cleanup_free_ uint8_t *bytes = malloc(size + 1);

	cr_assert(bytes && !remote_read(remote, table + PYLEAK_BYTES_DATA, bytes, size));
	return py_line((int)frames->minor, bytes, size,
		       remote_word32(remote, frame->code + frames->code_first_line), frame->at);
}

/* Are these the frames that Python says? `wrong`: what differs. */
static bool is_equal(const struct subject *subject, const struct pyleak_stack *stack,
		     const json_t *said, char *wrong, size_t size)
{
	struct remote *remote = subject->target.remote;
	size_t cnt = json_array_size(said);

	if (stack->cnt != (cnt < PYLEAK_STACK_FRAMES ? cnt : PYLEAK_STACK_FRAMES) ||
	    stack->is_cut != (cnt > PYLEAK_STACK_FRAMES)) {
		snprintf(wrong, size, "%u frames of %zu, cut: %u", stack->cnt, cnt, stack->is_cut);
		return false;
	}
	for (uint32_t i = 0; i < stack->cnt; i++) {
		const struct pyleak_frame *frame = &stack->frames[i];
		const json_t *wanted = json_array_get(said, i);
		const char *name = json_string_value(json_array_get(wanted, 0));
		const char *file = json_string_value(json_array_get(wanted, 1));
		char got_name[256] = "", got_file[512] = "";

		py_str_read(&subject->reader,
			    remote_word(remote, frame->code + subject->frames.code_name), got_name,
			    sizeof(got_name));
		py_str_read(&subject->reader,
			    remote_word(remote, frame->code + subject->frames.code_file), got_file,
			    sizeof(got_file));
		if (!strcmp(name, got_name) && !strcmp(file, got_file) &&
		    line_of(subject, frame) == json_integer_value(json_array_get(wanted, 2)))
			continue;
		snprintf(wrong, size, "frame %u: %s %s:%u, not %s %s:%d", i, got_name, got_file,
			 line_of(subject, frame), name, file,
			 (int)json_integer_value(json_array_get(wanted, 2)));
		return false;
	}
	return true;
}

/* A thread that runs another interpreter has a state there too, up to 3.12 under the number of the
 * thread that made it: told as 0. */
static void check_thread(const struct subject *subject, const json_t *thread)
{
	struct remote *remote = subject->target.remote;
	const struct py_layout *layout = &subject->python.layout;
	uint64_t id = (uint64_t)json_integer_value(json_object_get(thread, "id"));
	raddr_t interpreter = subject->lists.newest_interpreter;
	char wrong[1200] = "it has no state";
	bool found = false;

	while (interpreter && !found) {
		raddr_t tstate = remote_word(remote, interpreter + layout->interpreter_threads);

		for (; tstate && !found; tstate = remote_word(remote, tstate + TSTATE_NEXT)) {
			struct pyleak_stack stack;

			if ((!id || remote_word(remote, tstate + layout->tstate_thread_id) == id) &&
			    !alloc_frames_walk(remote, &subject->frames, tstate, &stack))
				found = is_equal(subject, &stack, json_object_get(thread, "frames"),
						 wrong, sizeof(wrong));
		}
		interpreter = remote_word(remote, interpreter + layout->interpreter_next);
	}
	cr_expect(found, "%s: %s", subject->program.name, wrong);
}

ParameterizedTestParameters(stacks, a_walk_from_outside_meets_what_python_says)
{
	return all_pythons();
}

ParameterizedTest(struct python_param *param, stacks, a_walk_from_outside_meets_what_python_says,
		  .timeout = 60)
{
	struct subject *subject = calloc(1, sizeof(*subject));
	json_t *threads, *thread;
	size_t i;

	begin(subject, param->path);
	cr_assert_eq(alloc_frames_fill(&subject->python, &subject->frames), 0);
	cr_expect_eq(alloc_frames_check(&subject->python, subject->target.remote, &subject->lists,
					&subject->frames),
		     0, "%s", subject->program.name);
	threads = program_ask_json(&subject->program, "frames");
	cr_expect_geq(json_array_size(threads), 9);
	json_array_foreach(threads, i, thread) check_thread(subject, thread);
	json_decref(threads);
	end(subject);
	free(subject);
}

/* ---- what the kernel side takes */

static struct alloc_probes *open_probes(struct subject *subject, struct alloc_sites *sites,
					struct gc_hook *hook)
{
	struct alloc_probes_options options = {
		.pid = subject->program.pid,
		.python = &subject->python,
		.sites = sites,
		.lists = &subject->lists,
		.mode = ALLOC_COUNT,
		.hook = hook,
		.epoch_fd = -1,
	};
	struct alloc_probes *probes;

	cr_assert(!alloc_sites_find(&subject->python, &subject->lists, sites));
	gc_hook_find(&subject->python, &subject->lists, hook);
	cr_assert(!alloc_probes_open(&options, &probes));
	cr_assert(!alloc_probes_attach(probes));
	return probes;
}

static uint64_t make(struct subject *subject, int cnt)
{
	char command[32];
	json_t *answer;
	uint64_t type;

	snprintf(command, sizeof(command), "make %d", cnt);
	answer = program_ask_json(&subject->program, command);
	type = (uint64_t)json_integer_value(json_object_get(answer, "type"));
	json_decref(answer);
	return type;
}

static void check_makers(const struct subject *subject, const struct alloc_stacks *stacks)
{
	static const char *const names[] = { "make_one", "make", "main", "<module>" };
	const struct alloc_stack *stack = &stacks->items[0];

	cr_assert_eq(stacks->cnt, 1, "%s: %zu stacks", subject->program.name, stacks->cnt);
	cr_expect_str_eq(stack->type, "__main__.Made");
	cr_expect_eq(stack->frame_cnt, ARRAY_SIZE(names));
	for (size_t i = 0; i < ARRAY_SIZE(names) && i < stack->frame_cnt; i++) {
		cr_expect_str_eq(stack->frames[i].function, names[i]);
		cr_expect_not_null(strstr(stack->frames[i].file, "tests/programs/frames.py"), "%s",
				   stack->frames[i].file);
		cr_expect_gt(stack->frames[i].line, stack->frames[i].first_line - (i == 3));
	}
	/* One or two are needed to learn that stacks are to be taken there; one is not committed.
	 */
	cr_expect(stack->allocs >= MADE - 4 && stack->allocs <= MADE, "%s: %d",
		  subject->program.name, (int)stack->allocs);
	cr_expect_eq(stack->alive, stack->allocs);
	for (size_t i = 0; i < stacks->loss_cnt; i++)
		cr_expect_str_eq(stacks->losses[i].name, "NO_STACK", "%s: %s",
				 subject->program.name, stacks->losses[i].words);
}

ParameterizedTestParameters(stacks, the_kernel_side_sees_who_makes_objects)
{
	return all_pythons();
}

ParameterizedTest(struct python_param *param, stacks, the_kernel_side_sees_who_makes_objects,
		  .timeout = 60)
{
	struct subject *subject = calloc(1, sizeof(*subject));
	struct alloc_sites *sites = calloc(1, sizeof(*sites));
	struct gc_hook hook = {};
	struct alloc_stacks stacks;
	struct alloc_probes *probes;
	struct py_types *types;

	begin(subject, param->path);
	probes = open_probes(subject, sites, &hook);
	cr_assert(!alloc_probes_suspect(probes, make(subject, 1), true));
	cr_assert(!alloc_probes_arm(probes, 0, true));
	make(subject, MADE);
	cr_assert(!alloc_probes_disarm(probes));
	cr_assert(!py_types_create(&subject->reader, &subject->lists, &types));
	cr_assert(!alloc_stacks_read(probes, &subject->python, subject->target.remote, types,
				     &stacks));
	check_makers(subject, &stacks);
	alloc_stacks_deinit(&stacks);
	py_types_destroy(types);
	alloc_probes_close(probes);
	end(subject);
	free(sites);
	free(subject);
}
