/* SPDX-License-Identifier: BSD-2-Clause */
#include "live/alloc_subject.h"

#include <sched.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "base/cleanup.h"

struct alloc_subject *subject_begin(const char *python)
{
	struct alloc_subject *subject = calloc(1, sizeof(*subject));

	live_needs_root();
	program_start_ready(&subject->program, python, "allocs.py", NULL);
	cr_assert(!target_open(subject->program.pid, &subject->target));
	cr_assert(!python_find(&subject->target, &subject->python));
	cr_assert(!gc_lists_find(&subject->python, subject->target.remote, &subject->lists));
	cr_assert(!alloc_sites_find(&subject->python, &subject->lists, &subject->sites));
	gc_hook_find(&subject->python, &subject->lists, &subject->hook);
	subject->options = (struct alloc_probes_options){
		.pid = subject->program.pid,
		.python = &subject->python,
		.sites = &subject->sites,
		.lists = &subject->lists,
		.mode = ALLOC_COUNT,
		.hook = &subject->hook,
		.epoch_fd = -1,
	};
	subject_open(subject);
	return subject;
}

void subject_open(struct alloc_subject *subject)
{
	alloc_probes_close(subject->probes);
	cr_assert(!alloc_probes_open(&subject->options, &subject->probes));
}

void subject_end(struct alloc_subject *subject)
{
	alloc_probes_close(subject->probes);
	cr_expect(program_is_running(&subject->program), "%s ended", subject->program.name);
	program_stop(&subject->program);
	python_close(&subject->python);
	target_close(&subject->target);
	free(subject);
}

void subject_arm(struct alloc_subject *subject)
{
	subject_await_rest(subject);
	cr_assert(!alloc_probes_attach(subject->probes));
	cr_assert(!alloc_probes_arm(subject->probes, 0, false));
	subject_mark(subject);
}

/* Its main thread is in read(0, ...): nothing moves any more. */
void subject_await_rest(const struct alloc_subject *subject)
{
	char path[64], line[64], wanted[32];
	bool rests = false;

	snprintf(path, sizeof(path), "/proc/%d/syscall", subject->program.pid);
	snprintf(wanted, sizeof(wanted), "%d 0x0 ", SYS_read);
	while (!rests) {
		FILE *file = fopen(path, "re");

		cr_assert(file, "%s ended", subject->program.name);
		rests = fgets(line, sizeof(line), file) && !strncmp(line, wanted, strlen(wanted));
		fclose(file);
		if (!rests)
			sched_yield();
	}
}

json_t *subject_ask(struct alloc_subject *subject, const char *format, ...)
{
	static json_t *answer;
	char command[128];
	va_list args;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	json_decref(answer);
	answer = program_ask_json(&subject->program, command);
	subject_await_rest(subject);
	return answer;
}

static struct pyleak_alloc_type slot_at(const struct alloc_subject *subject, size_t index)
{
	return alloc_probes_types(subject->probes)[index];
}

void subject_mark(struct alloc_subject *subject)
{
	for (size_t i = 0; i < PYLEAK_ALLOC_MAX_TYPES; i++)
		subject->then[i] = slot_at(subject, i);
	subject->then_pending = subject_pending(subject);
	subject->then_progress = *alloc_probes_progress(subject->probes);
}

int64_t subject_allocs(const struct alloc_subject *subject, uint64_t type)
{
	int64_t allocs = 0;

	for (size_t i = 0; i < PYLEAK_ALLOC_MAX_TYPES; i++) {
		struct pyleak_alloc_type slot = slot_at(subject, i);

		if (slot.type && (!type || slot.type == type))
			allocs += (int64_t)(slot.allocs - subject->then[i].allocs);
	}
	return allocs;
}

int64_t subject_frees(const struct alloc_subject *subject, uint64_t type)
{
	int64_t frees = 0;

	for (size_t i = 0; i < PYLEAK_ALLOC_MAX_TYPES; i++) {
		struct pyleak_alloc_type slot = slot_at(subject, i);

		if (slot.type && (!type || slot.type == type))
			frees += (int64_t)(slot.frees - subject->then[i].frees);
	}
	return frees;
}

struct pyleak_alloc_type subject_slot(const struct alloc_subject *subject, uint64_t type)
{
	for (size_t i = 0; i < PYLEAK_ALLOC_MAX_TYPES; i++) {
		struct pyleak_alloc_type slot = slot_at(subject, i);

		if (slot.type == type && !(slot.flags & PYLEAK_ALLOC_DEAD))
			return slot;
	}
	return (struct pyleak_alloc_type){};
}

int64_t subject_pending(const struct alloc_subject *subject)
{
	__u64 pending[2 * PYLEAK_ALLOC_MAX_COUNTS];

	return (int64_t)alloc_probes_pending(subject->probes, pending, ARRAY_SIZE(pending));
}

uint64_t subject_losses(const struct alloc_subject *subject)
{
	struct pyleak_alloc_progress now = *alloc_probes_progress(subject->probes);
	uint64_t losses = 0;

	for (int i = 0; i < PYLEAK_ALLOC_LOSS_CNT; i++) {
		uint64_t lost = now.losses[i] - subject->then_progress.losses[i];

		if (lost)
			cr_log_info("%s: loss %d: %llu", subject->program.name, i,
				    (unsigned long long)lost);
		losses += lost;
	}
	return losses;
}
