/* SPDX-License-Identifier: BSD-2-Clause */
/* However probes on allocations end, the target's code is the file's again. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "live/alloc_subject.h"

#define ROUNDS 30

static struct criterion_test_params all_pythons(void)
{
	size_t cnt;
	struct python_param *all = live_pythons(&cnt);

	return cr_make_param_array(struct python_param, all, cnt);
}

/* A process, and the file that its CPython is from. */
struct text {
	pid_t pid;
	int file;
	char path[PATH_MAX]; /* as mapped */
};

static struct text text_of(const struct alloc_subject *subject)
{
	struct text text = { .pid = subject->program.pid,
			     .file = open(subject->python.open_path, O_RDONLY | O_CLOEXEC) };

	cr_assert_geq(text.file, 0);
	strcpy(text.path, subject->python.file);
	return text;
}

static size_t compare(const struct text *text, int memory, const struct mapping *mapping)
{
	size_t size = mapping->end - mapping->start, differ = 0;
	_cleanup_free_ unsigned char *is = malloc(size), *was = calloc(1, size);

	cr_assert_eq(pread(memory, is, size, (off_t)mapping->start), (ssize_t)size);
	cr_assert_geq(pread(text->file, was, size, (off_t)mapping->offset), 0);
	for (size_t i = 0; i < size; i++)
		differ += is[i] != was[i];
	return differ;
}

/* Bytes of its code that are not the file's. */
static size_t changed(const struct text *text)
{
	_cleanup_close_ int memory = -1;
	_cleanup_fclose_ FILE *file = NULL;
	struct mappings maps;
	size_t differ = 0, met = 0;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/mem", text->pid);
	memory = open(path, O_RDONLY | O_CLOEXEC);
	cr_assert_geq(memory, 0, "%s: %s", path, strerror(errno));
	snprintf(path, sizeof(path), "/proc/%d/maps", text->pid);
	file = fopen(path, "re");
	cr_assert(file && !mappings_parse(file, &maps));
	for (size_t i = 0; i < maps.cnt; i++) {
		if (!maps.items[i].executable || strcmp(maps.items[i].path, text->path) != 0)
			continue;
		differ += compare(text, memory, &maps.items[i]);
		met++;
	}
	cr_assert(met, "%s is not mapped in process %d", text->path, text->pid);
	mappings_deinit(&maps);
	return differ;
}

ParameterizedTestParameters(alloc_breakpoints, none_stays)
{
	return all_pythons();
}

ParameterizedTest(struct python_param *param, alloc_breakpoints, none_stays, .timeout = 120)
{
	struct alloc_subject *subject = subject_begin(param->path);
	struct text text = text_of(subject);

	cr_expect_eq(changed(&text), 0, "%s", param->path);
	subject_arm(subject);
	cr_expect_geq(changed(&text), subject->sites.cnt, "%s", param->path);
	alloc_probes_disarm(subject->probes);
	alloc_probes_detach(subject->probes);
	cr_expect_eq(changed(&text), 0, "%s", param->path);
	close(text.file);
	subject_end(subject);
}

/* It is a copy of its parent's memory. */
ParameterizedTestParameters(alloc_breakpoints, none_stays_in_a_child)
{
	return all_pythons();
}

ParameterizedTest(struct python_param *param, alloc_breakpoints, none_stays_in_a_child,
		  .timeout = 120)
{
	struct alloc_subject *subject = subject_begin(param->path);
	struct text text = text_of(subject);

	subject_arm(subject);
	text.pid = (pid_t)json_integer_value(json_object_get(subject_ask(subject, "child"), "pid"));
	alloc_probes_detach(subject->probes);
	cr_expect_eq(changed(&text), 0, "%s", param->path);
	subject_ask(subject, "reap");
	close(text.file);
	subject_end(subject);
}

ParameterizedTestParameters(alloc_breakpoints, none_stays_after_exec)
{
	return all_pythons();
}

ParameterizedTest(struct python_param *param, alloc_breakpoints, none_stays_after_exec,
		  .timeout = 120)
{
	struct alloc_subject *subject = subject_begin(param->path);
	struct text text = text_of(subject);
	char *ready;

	subject_arm(subject);
	ready = program_ask(&subject->program, "exec");
	cr_assert(!strncmp(ready, "READY", 5), "%s", ready);
	free(ready);
	subject_await_rest(subject);
	alloc_probes_detach(subject->probes);
	cr_expect_eq(changed(&text), 0, "%s", param->path);
	subject_ask(subject, "make slots 1000");
	close(text.file);
	subject_end(subject);
}

/* In a process of its own: puts them in, says so, and never takes them out. */
static pid_t start_other(struct alloc_subject *subject)
{
	int ends[2];
	char word;
	pid_t pid;

	cr_assert(!pipe(ends));
	pid = fork();
	cr_assert_geq(pid, 0);
	if (!pid) {
		word = alloc_probes_open(&subject->options, &subject->probes) ||
				       alloc_probes_attach(subject->probes) ||
				       alloc_probes_arm(subject->probes, 0, false)
			       ? 'n'
			       : 'y';
		if (write(ends[1], &word, 1) == 1)
			pause();
		_exit(1);
	}
	close(ends[1]);
	cr_assert_eq(read(ends[0], &word, 1), 1);
	cr_assert_eq(word, 'y');
	close(ends[0]);
	return pid;
}

ParameterizedTestParameters(alloc_breakpoints, none_stays_of_a_tool_that_was_killed)
{
	return all_pythons();
}

ParameterizedTest(struct python_param *param, alloc_breakpoints,
		  none_stays_of_a_tool_that_was_killed, .timeout = 120)
{
	struct alloc_subject *subject = subject_begin(param->path);
	struct text text = text_of(subject);
	pid_t other = start_other(subject);

	cr_expect_geq(changed(&text), subject->sites.cnt, "%s", param->path);
	kill(other, SIGKILL);
	cr_assert_eq(waitpid(other, NULL, 0), other);
	/* Its keeper takes them out. */
	while (changed(&text))
		sched_yield();
	close(text.file);
	subject_end(subject);
}

/* Each sees all, and those of the one stay when the other goes. */
Test(alloc_breakpoints, two_tools_at_once, .timeout = 120)
{
	struct alloc_subject *subject;
	struct alloc_probes *probes[2];
	struct text text;
	uint64_t slots;

	subject = subject_begin("/usr/bin/python3");
	text = text_of(subject);
	slots = (uint64_t)json_integer_value(
		json_object_get(json_object_get(subject_ask(subject, "truth"), "slots"), "type"));
	subject_arm(subject);
	probes[0] = subject->probes;
	cr_assert(!alloc_probes_open(&subject->options, &probes[1]));
	subject->probes = probes[1];
	subject_arm(subject);
	for (int i = 0; i < 2; i++) {
		subject->probes = probes[i];
		subject_mark(subject);
		subject_ask(subject, "make slots 500");
		cr_expect_eq(subject_allocs(subject, slots), 500, "tool %d", i);
		subject_ask(subject, "drop");
	}
	alloc_probes_close(probes[0]);
	cr_expect_geq(changed(&text), subject->sites.cnt);
	subject_mark(subject);
	subject_ask(subject, "make slots 500");
	cr_expect_eq(subject_allocs(subject, slots), 500);
	alloc_probes_detach(probes[1]);
	cr_expect_eq(changed(&text), 0);
	close(text.file);
	subject_end(subject);
}

Test(alloc_breakpoints, rounds_in_a_busy_target, .timeout = 300)
{
	struct alloc_subject *subject = subject_begin("/usr/bin/python3");
	struct text text = text_of(subject);

	subject_ask(subject, "busy 4");
	for (int i = 0; i < ROUNDS; i++) {
		cr_assert(!alloc_probes_attach(subject->probes));
		cr_assert(!alloc_probes_arm(subject->probes, 0, false));
		subject_mark(subject);
		while (alloc_probes_progress(subject->probes)->hits <
		       subject->then_progress.hits + 100)
			sched_yield();
		alloc_probes_disarm(subject->probes);
		alloc_probes_detach(subject->probes);
		cr_expect_eq(changed(&text), 0, "round %d", i);
		cr_expect_eq(subject_losses(subject), 0, "round %d", i);
	}
	close(text.file);
	subject_end(subject);
}
