/* SPDX-License-Identifier: BSD-2-Clause */
/* The places where allocations and frees are counted: as many as the builds that are known have,
 * each with the object's register, and together all: what passes them is what the interpreter's
 * own count moves by. */
#include <stdlib.h>
#include <string.h>

#include "attach/alloc_sites.h"
#include "collect/alloc_probes.h"
#include "live/harness.h"
#include "live/moment.h"

#define MADE 20000

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
	struct alloc_sites sites;
	struct alloc_probes *probes;
};

static void begin(struct subject *subject, const char *python)
{
	live_needs_root();
	program_start_ready(&subject->program, python, "allocs.py", NULL);
	cr_assert(!target_open(subject->program.pid, &subject->target));
	cr_assert(!python_find(&subject->target, &subject->python));
	cr_assert(!gc_lists_find(&subject->python, subject->target.remote, &subject->lists));
	cr_assert(!alloc_sites_find(&subject->python, &subject->lists, &subject->sites));
}

static void end(struct subject *subject)
{
	alloc_probes_close(subject->probes);
	cr_expect(program_is_running(&subject->program), "%s ended", subject->program.name);
	program_stop(&subject->program);
	python_close(&subject->python);
	target_close(&subject->target);
	free(subject);
}

ParameterizedTestParameters(alloc_sites, all_places_have_the_object)
{
	return all_pythons();
}

ParameterizedTest(struct python_param *param, alloc_sites, all_places_have_the_object,
		  .timeout = 60)
{
	struct subject *subject = calloc(1, sizeof(*subject));
	struct alloc_summary summary;
	char words[160];

	begin(subject, param->path);
	cr_expect_eq(alloc_sites_check(&subject->sites, &summary), 0);
	alloc_sites_words(&summary, words, sizeof(words));
	cr_log_info("%s %s: %s", param->path, subject->python.version, words);
	/* Builds that inline nothing have the function, or two up to 3.10; others have dozens. */
	cr_expect(summary.places[ALLOC_NEW] <= 2 || summary.places[ALLOC_NEW] >= 4, "%s", words);
	cr_expect_leq(summary.places[ALLOC_NEW], 200, "%s", words);
	cr_expect_geq(summary.places[ALLOC_FREE], 1, "%s", words);
	cr_expect_eq(summary.decoded[ALLOC_NEW], summary.places[ALLOC_NEW], "%s", words);
	cr_expect_eq(summary.decoded[ALLOC_FREE], summary.places[ALLOC_FREE], "%s", words);
	cr_expect_eq(summary.dear, 0, "%s: %zu places are single-stepped", param->path,
		     summary.dear);
	end(subject);
}

struct state {
	struct alloc_seen seen;
	int32_t count; /* what the interpreter counts */
};

static void read_state(struct subject *subject, struct state *out)
{
	raddr_t young = subject->lists.interpreters[0].heads[PYLEAK_YOUNG_LIST];

	cr_assert(!alloc_probes_read(subject->probes, &out->seen));
	out->count = (int32_t)remote_word32(subject->target.remote,
					    young + subject->lists.head_bytes + 4);
}

/* An answer is written some instructions before the program rests in its next read. */
static void state_at_rest(struct subject *subject, struct state *out)
{
	moment_wait_rest(subject->program.pid);
	read_state(subject, out);
}

/* What a command allocated. */
static uint64_t check_command(struct subject *subject, const char *command)
{
	struct state before = {}, after = {};
	int64_t moved;

	state_at_rest(subject, &before);
	free(program_ask(&subject->program, command));
	state_at_rest(subject, &after);
	moved = (int64_t)(after.seen.allocs - before.seen.allocs) -
		(int64_t)(after.seen.decrements - before.seen.decrements);
	cr_expect_eq(moved, after.count - before.count, "%s: %s: seen %lld, truly %d",
		     subject->program.name, command, (long long)moved, after.count - before.count);
	return after.seen.allocs - before.seen.allocs;
}

static void check_kind(struct subject *subject, const char *kind)
{
	uint64_t none, made;
	char command[64];

	/* The first makes what stays, a frame up to 3.10. */
	snprintf(command, sizeof(command), "make %s 1", kind);
	check_command(subject, command);
	snprintf(command, sizeof(command), "make %s 0", kind);
	none = check_command(subject, command);
	snprintf(command, sizeof(command), "make %s %d", kind, MADE);
	made = check_command(subject, command) - none;
	/* Each makes one object; free lists serve up to 2000, and some kinds consist of several. */
	cr_expect(made >= MADE - 2000, "%s: %d %s, seen %llu", subject->program.name, MADE, kind,
		  (unsigned long long)made);
	if (!strcmp(kind, "slots") || !strcmp(kind, "plain") || !strcmp(kind, "function"))
		cr_expect_eq(made, MADE, "%s: %d %s, seen %llu", subject->program.name, MADE, kind,
			     (unsigned long long)made);
	check_command(subject, "drop");
}

ParameterizedTestParameters(alloc_sites, every_allocation_is_seen)
{
	return all_pythons();
}

ParameterizedTest(struct python_param *param, alloc_sites, every_allocation_is_seen, .timeout = 300)
{
	struct subject *subject = calloc(1, sizeof(*subject));
	struct alloc_probes_options options = { .mode = ALLOC_TRIAL, .epoch_fd = -1 };
	struct state state = {};
	json_t *kinds, *kind;
	size_t i;

	begin(subject, param->path);
	options.pid = subject->program.pid;
	options.python = &subject->python;
	options.sites = &subject->sites;
	options.lists = &subject->lists;
	cr_assert(!alloc_probes_open(&options, &subject->probes));
	cr_assert(!alloc_probes_attach(subject->probes));
	cr_assert(!alloc_probes_arm(subject->probes, 0, false));
	kinds = program_ask_json(&subject->program, "kinds");
	json_array_foreach(kinds, i, kind) check_kind(subject, json_string_value(kind));
	check_command(subject, "churn slots 1000");
	cr_assert(!alloc_probes_disarm(subject->probes));
	state_at_rest(subject, &state);
	cr_log_info("%s: %llu allocations, %llu frees, %llu objects", subject->python.version,
		    (unsigned long long)state.seen.allocs, (unsigned long long)state.seen.frees,
		    (unsigned long long)state.seen.objects);
	cr_expect_eq(state.seen.missed, 0, "%s", param->path);
	cr_expect_eq(state.seen.missed_frees, 0, "%s", param->path);
	cr_expect_eq(state.seen.faults, 0, "%s", param->path);
	cr_expect_eq(state.seen.others, 0, "%s: %llu are no objects", param->path,
		     (unsigned long long)state.seen.others);
	cr_expect_eq(state.seen.interpreters, 1);
	/* But for the newest, each was looked at. */
	cr_expect_geq(state.seen.objects + 1, state.seen.allocs + state.seen.frees);
	json_decref(kinds);
	end(subject);
}
