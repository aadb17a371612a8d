/* SPDX-License-Identifier: BSD-2-Clause */
/* Every reference of every tracked object, against what gc.get_referents() says inside the
 * process: for every CPython on the machine, and for applications that bring much native code.
 * The table in docs/snapshot-truth.md is what these tests print. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "live/heap_truth.h"

#define PYTHON "/usr/bin/python3"
#define DUMP "/tmp/pyleak-references.truth"
/* Of objects whose layout is not known: 1 % of their references, or this many in all. */
#define GUESSES_MAX 120

/* Starts references.py, brings it into a state, and has it dump. The number of objects that
 * gc.get_objects() gave. */
static long start_and_dump(struct program *program, const char *python, const char *command,
			   struct truth *truth)
{
	char *line, *path;
	long cnt;

	live_needs_root();
	program_start_ready(program, python, "references.py", NULL);
	if (command) {
		line = program_ask(program, command);
		cr_assert_str_eq(line, "OK", "%s: %s: %s", python, command, line);
		free(line);
	}
	/* Once for what the first time leaves behind. */
	free(program_ask(program, "dump " DUMP));
	line = program_ask(program, "dump " DUMP);
	cnt = strtol(line, NULL, 10);
	free(line);
	path = path_in(program->pid, DUMP);
	truth_load(path, truth);
	unlink(path);
	free(path);
	return cnt;
}

static void check_fixed(const struct comparison *found, const char *name)
{
	cr_expect(found->fixed.objects > 10000, "%s: only %" PRIu64 " objects", name,
		  found->fixed.objects);
	cr_expect_eq(found->fixed.missing, 0, "%s: %" PRIu64 " references missing", name,
		     found->fixed.missing);
	cr_expect_eq(found->fixed.extra, 0, "%s: %" PRIu64 " references too many", name,
		     found->fixed.extra);
}

static void check_guessed(const struct comparison *found, const char *name)
{
	const struct mismatch *guessed = &found->guessed;
	uint64_t wrong = guessed->missing + guessed->extra;

	cr_expect(wrong <= GUESSES_MAX || wrong * 100 <= guessed->references,
		  "%s: %" PRIu64 " of %" PRIu64 " references wrong", name, wrong,
		  guessed->references);
}

/* gc.get_objects() does not give the permanent generation, to which 3.12 moves what is immortal. In
 * 3.6 the call in which the program waits has a tuple of arguments. */
static void check_all_are_there(const struct heap_graph *graph, const struct comparison *found,
				long objects, const char *name)
{
	long tracked = 0, more = graph->info.minor == 6;

	for (uint32_t n = 1; n < graph->node_cnt; n++)
		tracked += (graph->nodes[n].flags & NODE_TRACKED) != 0;
	cr_expect_eq(found->absent, 0, "%s: %" PRIu64 " objects are not in the graph", name,
		     found->absent);
	if (graph->info.minor == 12)
		more = (long)found->unknown;
	cr_expect_eq(tracked, objects + more, "%s: %ld objects tracked, in truth %ld", name,
		     tracked, objects);
	cr_expect_eq((long)found->unknown, more, "%s: %" PRIu64 " objects too many", name,
		     found->unknown);
}

/* Nothing is missing, so nothing is to be said. */
static void refuse_warnings(enum log_level level, const char *line)
{
	cr_expect(level > LOG_WARN, "said: %s", line);
}

static void check(const char *python, const char *command, const char *name)
{
	struct comparison found;
	struct heap_graph *graph;
	struct program program;
	struct truth truth;
	long objects = start_and_dump(&program, python, command, &truth);

	log_set_sink(refuse_warnings);
	graph = graph_of(program.pid);
	truth_compare(graph, &truth, &found);
	fprintf(stderr,
		"| %s | %ld | %" PRIu64 " | %" PRIu64 " | %" PRIu64 " | %" PRIu64 " | %" PRIu64
		" | %" PRIu64 " | %" PRIu64 " | %" PRIu64 " |\n",
		name, objects, found.fixed.objects, found.fixed.references, found.fixed.missing,
		found.fixed.extra, found.guessed.objects, found.guessed.references,
		found.guessed.missing, found.guessed.extra);
	check_all_are_there(graph, &found, objects, name);
	check_fixed(&found, name);
	check_guessed(&found, name);
	truth_free(&truth);
	graph_destroy(graph);
	program_stop(&program);
}

ParameterizedTestParameters(references, are_what_the_collector_sees)
{
	size_t cnt;
	struct python_param *all = live_pythons(&cnt);

	return cr_make_param_array(struct python_param, all, cnt);
}

ParameterizedTest(struct python_param *param, references, are_what_the_collector_sees,
		  .timeout = 120)
{
	check(param->path, NULL, param->path);
}

struct application {
	char name[32];
	char test[64]; /* imports it */
	char command[64];
};

ParameterizedTestParameters(references, of_applications)
{
	static const struct application known[] = {
		{ "django", "import django.contrib.auth", "django" },
		{ "sqlalchemy", "import sqlalchemy.orm", "import sqlalchemy.orm" },
		{ "matplotlib", "import matplotlib.pyplot", "import matplotlib.pyplot" },
		{ "numpy", "import numpy.linalg", "import numpy.linalg" },
	};
	struct application *all = cr_malloc(sizeof(known));
	size_t cnt = 0;

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		char command[400];

		snprintf(command, sizeof(command), "%s -c '%s' 2>/dev/null", PYTHON, known[i].test);
		if (!system(command))
			all[cnt++] = known[i];
		else
			fprintf(stderr, "SKIPPED: %s has no %s (apt-get install python3-%s)\n",
				PYTHON, known[i].name, known[i].name);
	}
	return cr_make_param_array(struct application, all, cnt);
}

ParameterizedTest(struct application *application, references, of_applications, .timeout = 240)
{
	check(PYTHON, application->command, application->name);
}
