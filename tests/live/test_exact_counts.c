/* SPDX-License-Identifier: BSD-2-Clause */
/* Counts by type equal what the program truly made and dropped, with every interpreter: of 50
 * kinds of objects, by threads, by other interpreters, while collections run. */
#include <bpf/bpf.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "collect/probes.h"
#include "live/alloc_subject.h"

#define MADE 3000

static struct criterion_test_params all_pythons(void)
{
	size_t cnt;
	struct python_param *all = live_pythons(&cnt);

	return cr_make_param_array(struct python_param, all, cnt);
}

static uint64_t type_of(const json_t *answer)
{
	return (uint64_t)json_integer_value(json_object_get(answer, "type"));
}

/* Nothing was lost, and each hit is in some type's count but for the one that is pending, and those
 * where nothing is allocated or freed. */
static void check_sums(struct alloc_subject *subject)
{
	struct pyleak_alloc_progress now = *alloc_probes_progress(subject->probes),
				     then = subject->then_progress;
	int64_t hits = (int64_t)(now.hits - then.hits - (now.other_hits - then.other_hits));
	int64_t counted = subject_allocs(subject, 0) + subject_frees(subject, 0) +
			  subject_pending(subject) - subject->then_pending;

	cr_expect_eq(subject_losses(subject), 0, "%s: losses", subject->program.name);
	cr_expect_eq(counted, hits, "%s: %lld of %lld hits counted", subject->program.name,
		     (long long)counted, (long long)hits);
}

struct moved {
	int64_t allocs, frees;
};

/* By the command, of one type. */
static struct moved ask_type(struct alloc_subject *subject, uint64_t type, const char *command)
{
	subject_mark(subject);
	subject_ask(subject, "%s", command);
	return (struct moved){ subject_allocs(subject, type), subject_frees(subject, type) };
}

/* Those that free lists serve, and those that wait there, are not counted. */
static void check_kind(struct alloc_subject *subject, const char *kind, const json_t *truth)
{
	int64_t bound = json_integer_value(json_object_get(truth, "bound"));
	bool is_cyclic = json_is_true(json_object_get(truth, "cyclic"));
	struct moved none, made, dropped, nothing;
	uint64_t type = type_of(truth);
	char command[64];

	snprintf(command, sizeof(command), "make %s 0", kind);
	ask_type(subject, type, command);
	none = ask_type(subject, type, command);
	snprintf(command, sizeof(command), "make %s %d", kind, MADE);
	made = ask_type(subject, type, command);
	cr_expect(made.allocs - none.allocs <= MADE && made.allocs - none.allocs >= MADE - bound,
		  "%s: %s: %lld of %d made were counted", subject->program.name, kind,
		  (long long)(made.allocs - none.allocs), MADE);
	dropped = ask_type(subject, type, is_cyclic ? "garbage" : "drop");
	if (is_cyclic) {
		ask_type(subject, type, "drop");
		dropped = ask_type(subject, type, "garbage");
	}
	nothing = ask_type(subject, type, is_cyclic ? "garbage" : "drop");
	dropped.frees -= nothing.frees;
	cr_expect(dropped.frees <= MADE + bound && dropped.frees >= MADE - bound,
		  "%s: %s: %lld of %d dropped were counted", subject->program.name, kind,
		  (long long)dropped.frees, MADE);
}

static void check_every_kind(const char *python)
{
	struct alloc_subject *subject = subject_begin(python);
	json_t *kinds, *truth;
	const char *kind;

	subject_arm(subject);
	kinds = json_deep_copy(subject_ask(subject, "truth"));
	cr_expect_geq(json_object_size(kinds), 45, "%s: %zu kinds", python,
		      json_object_size(kinds));
	json_object_foreach(kinds, kind, truth)
	{
		check_kind(subject, kind, truth);
		check_sums(subject);
	}
	json_decref(kinds);
	subject_end(subject);
}

ParameterizedTestParameters(exact_counts, every_kind)
{
	return all_pythons();
}

ParameterizedTest(struct python_param *param, exact_counts, every_kind, .timeout = 120)
{
	check_every_kind(param->path);
}

/* It overwrites what is freed, and so what a tuple leaves that is resized while it is made. */
Test(exact_counts, every_kind_of_a_debugging_allocator, .timeout = 120)
{
	setenv("PYTHONMALLOC", "debug", 1);
	check_every_kind("/usr/bin/python3");
}

ParameterizedTestParameters(exact_counts, threads)
{
	return all_pythons();
}

ParameterizedTest(struct python_param *param, exact_counts, threads, .timeout = 60)
{
	struct alloc_subject *subject = subject_begin(param->path);
	uint64_t worker;

	subject_arm(subject);
	worker = type_of(subject_ask(subject, "threads 8 2000"));
	cr_expect_eq(subject_allocs(subject, worker), 8 * 4000, "%s: %lld", param->path,
		     (long long)subject_allocs(subject, worker));
	cr_expect_eq(subject_frees(subject, worker), 8 * 4000, "%s: %lld", param->path,
		     (long long)subject_frees(subject, worker));
	check_sums(subject);
	subject_end(subject);
}

/* Those of a name in the answer: [type, how many were made]. */
static void check_made(struct alloc_subject *subject, const json_t *answer, const char *name)
{
	const json_t *pair = json_object_get(answer, name);
	uint64_t type = (uint64_t)json_integer_value(json_array_get(pair, 0));
	int64_t made = json_integer_value(json_array_get(pair, 1));
	int64_t seen = subject_allocs(subject, type);

	cr_expect_eq(seen, made, "%s: %s: %lld of %lld", subject->program.name, name,
		     (long long)seen, (long long)made);
}

/* As on kernels before 6.11. */
Test(exact_counts, a_perf_event_per_place, .timeout = 60)
{
	struct alloc_subject *subject = subject_begin("/usr/bin/python3");
	json_t *answer;

	subject->options.per_place = true;
	subject_open(subject);
	cr_expect(!alloc_probes_are_quick(subject->probes));
	subject_arm(subject);
	answer = subject_ask(subject, "collect 1000");
	check_made(subject, answer, "worker");
	check_made(subject, answer, "slots");
	check_sums(subject);
	subject_end(subject);
}

ParameterizedTestParameters(exact_counts, a_child_is_another_process)
{
	return all_pythons();
}

ParameterizedTest(struct python_param *param, exact_counts, a_child_is_another_process,
		  .timeout = 60)
{
	struct alloc_subject *subject = subject_begin(param->path);
	uint64_t worker;

	subject_arm(subject);
	worker = type_of(subject_ask(subject, "fork 2000"));
	cr_expect_eq(subject_allocs(subject, worker), 0, "%s: %lld", param->path,
		     (long long)subject_allocs(subject, worker));
	cr_expect_eq(subject_frees(subject, worker), 0);
	check_sums(subject);
	subject_end(subject);
}

/* Up to 3.11 they begin inside allocations, whose objects have no type until they end. */
ParameterizedTestParameters(exact_counts, while_collections_run)
{
	return all_pythons();
}

ParameterizedTest(struct python_param *param, exact_counts, while_collections_run, .timeout = 60)
{
	struct alloc_subject *subject = subject_begin(param->path);
	json_t *answer;

	subject_arm(subject);
	answer = subject_ask(subject, "collect 3000");
	cr_expect_geq(json_integer_value(json_object_get(answer, "collections")), 50);
	check_made(subject, answer, "worker");
	check_made(subject, answer, "slots");
	check_made(subject, answer, "garbage");
	check_made(subject, answer, "generator");
	check_sums(subject);
	subject_end(subject);
}

ParameterizedTestParameters(exact_counts, a_class_that_is_gone_has_no_heir)
{
	return all_pythons();
}

ParameterizedTest(struct python_param *param, exact_counts, a_class_that_is_gone_has_no_heir,
		  .timeout = 60)
{
	const volatile struct pyleak_alloc_type *types;
	struct alloc_subject *subject = subject_begin(param->path);
	uint64_t metatype;
	int64_t dead = 0;

	subject_arm(subject);
	metatype = type_of(subject_ask(subject, "classes 10"));
	cr_expect_eq(subject_allocs(subject, metatype), 10);
	cr_expect_eq(subject_frees(subject, metatype), 10);
	types = alloc_probes_types(subject->probes);
	for (size_t i = 0; i < PYLEAK_ALLOC_MAX_TYPES; i++) {
		if (!(types[i].flags & PYLEAK_ALLOC_DEAD))
			continue;
		dead++;
		cr_expect(types[i].allocs == 1 && types[i].frees == 1, "%s: %llu and %llu",
			  param->path, (unsigned long long)types[i].allocs,
			  (unsigned long long)types[i].frees);
	}
	cr_expect_eq(dead, 10, "%s: %lld", param->path, (long long)dead);
	check_sums(subject);
	subject_end(subject);
}

ParameterizedTestParameters(exact_counts, another_interpreter)
{
	return all_pythons();
}

ParameterizedTest(struct python_param *param, exact_counts, another_interpreter, .timeout = 60)
{
	struct alloc_subject *subject = subject_begin(param->path);
	uint64_t type;

	subject_arm(subject);
	type = type_of(subject_ask(subject, "interpreter 2000"));
	if (subject->python.minor >= 8) {
		cr_assert(type, "%s: no interpreter", param->path);
		cr_expect_eq(subject_allocs(subject, type), 2000, "%s: %lld", param->path,
			     (long long)subject_allocs(subject, type));
		cr_expect_eq(subject_frees(subject, type), 2000);
	}
	cr_expect_eq(subject_losses(subject), 0, "%s: losses", param->path);
	subject_end(subject);
}

/* The number of censuses is in a map that both share. */
Test(exact_counts, as_they_stood_when_a_census_was_complete, .timeout = 60)
{
	struct alloc_subject *subject = subject_begin("/usr/bin/python3");
	const __u32 zero = 0;
	const __u64 one = 1;
	struct pyleak_alloc_type slot;
	struct probes *probes;
	uint64_t type;

	cr_assert(!probes_open(false, &probes));
	subject->options.epoch_fd = probes_epoch_fd(probes);
	subject_open(subject);
	subject_arm(subject);
	type = type_of(json_object_get(subject_ask(subject, "truth"), "slots"));
	subject_mark(subject);
	subject_ask(subject, "make slots 100");
	cr_assert(!bpf_map_update_elem(probes_epoch_fd(probes), &zero, &one, BPF_ANY));
	subject_ask(subject, "make slots 50");
	slot = subject_slot(subject, type);
	cr_expect_eq(subject_allocs(subject, type), 150);
	cr_expect_eq(subject_frees(subject, type), 100);
	cr_expect_eq(slot.epoch, 1);
	cr_expect_eq(slot.allocs - slot.allocs_at, 50);
	cr_expect_eq(slot.frees - slot.frees_at, 100);
	probes_close(probes);
	subject_end(subject);
}

/* The kernel side says so, at once, and a hit later counts nothing more. */
Test(exact_counts, the_allowance_closes_the_window, .timeout = 60)
{
	struct alloc_subject *subject = subject_begin("/usr/bin/python3");
	struct pollfd event = { .events = POLLIN };
	uint64_t hits;

	subject->options.hit_ns = 1000;
	subject_open(subject);
	event.fd = alloc_probes_event_fd(subject->probes);
	cr_assert(!alloc_probes_attach(subject->probes));
	cr_assert(!alloc_probes_arm(subject->probes, 500 * 1000, false));
	cr_expect_eq(poll(&event, 1, 0), 0);
	subject_ask(subject, "churn slots 100");
	/* Renewed before it is used up. */
	cr_assert(!alloc_probes_arm(subject->probes, 500 * 1000, false));
	hits = alloc_probes_progress(subject->probes)->hits;
	subject_ask(subject, "churn slots 1000");
	cr_expect_eq(poll(&event, 1, 10000), 1);
	alloc_probes_drain(subject->probes);
	cr_expect_eq(poll(&event, 1, 0), 0);
	cr_expect_eq(alloc_probes_progress(subject->probes)->hits, hits + 501);
	cr_assert(!alloc_probes_arm(subject->probes, 0, false));
	subject_mark(subject);
	subject_ask(subject, "churn slots 1000");
	cr_expect_geq(subject_allocs(subject, 0), 999);
	check_sums(subject);
	subject_end(subject);
}

Test(exact_counts, a_hit_has_its_price, .timeout = 60)
{
	struct alloc_price price = {};

	live_needs_root();
	cr_assert(!alloc_price(&price));
	cr_log_info("trap %llu ns, hit %llu ns", (unsigned long long)price.trap_ns,
		    (unsigned long long)price.hit_ns);
	cr_expect(price.trap_ns > 50 && price.trap_ns < 100000);
	cr_expect(price.hit_ns > 50 && price.hit_ns < 100000);
}
