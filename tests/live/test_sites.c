/* SPDX-License-Identifier: BSD-2-Clause */
/* Who allocates: `sites` against a program that knows where it does, in every version, for every
 * way in which Python and C make objects. */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "live/sites_truth.h"

#define OBJECTS 120 /* of a case; what some cases divide is not lost */
#define LOST_MAX 6
#define WINDOW_ROUNDS 4
#define FREE_LIST_MAX 2000 /* objects of a type that an interpreter keeps for later use */

static struct criterion_test_params all_pythons(void)
{
	size_t cnt;
	struct python_param *all = live_pythons(&cnt);

	return cr_make_param_array(struct python_param, all, cnt);
}

/* {type: [case, ...]} */
static json_t *cases_by_type(struct program *program)
{
	json_t *all = program_ask_json(program, "cases"), *types = json_object(), *one;
	size_t i;

	json_array_foreach(all, i, one)
	{
		const char *type = json_string_value(json_object_get(one, "type"));
		json_t *names = json_object_get(types, type);

		if (!names) {
			names = json_array();
			json_object_set_new(types, type, names);
		}
		json_array_append(names, json_object_get(one, "case"));
	}
	json_decref(all);
	return types;
}

static void print_case(const json_t *one, const char *type)
{
	static const char *keys[] = { "told", "seen", "full", "alive" };
	json_int_t numbers[4];

	for (int i = 0; i < 4; i++)
		numbers[i] = json_integer_value(json_object_get(one, keys[i]));
	cr_log_info("%-28s %-26s made %5lld, right line %5lld, right callers %5lld, alive %5lld",
		    json_string_value(json_object_get(one, "case")), type, (long long)numbers[0],
		    (long long)numbers[1], (long long)numbers[2], (long long)numbers[3]);
}

/* No way to make objects is wrong altogether, few as they may be among all. */
static void check_case(const json_t *one, const char *python)
{
	json_int_t seen = json_integer_value(json_object_get(one, "seen"));
	json_int_t full = json_integer_value(json_object_get(one, "full"));

	cr_expect(full * 10 >= seen * 9, "%s: %s: %lld of %lld have the right callers", python,
		  json_string_value(json_object_get(one, "case")), (long long)full,
		  (long long)seen);
}

/* One run of the tool over all cases of a type. */
static void run_type(struct program *program, const char *type, const json_t *names, bool keep,
		     int n, struct sites_score *out, char *wrong, size_t wrong_size)
{
	struct tool tool;
	json_t *cases, *one;
	size_t i;

	free(program_ask(program, keep ? "keep 1" : "keep 0"));
	json_decref(sites_ask(program, names, "learn", n));
	sites_start(&tool, program, type, "--exact");
	cases = sites_ask(program, names, "run", n);
	sites_end(&tool);
	cr_expect_eq(tool.status, 0, "%s: %s: %s", program->name, type, tool.errors);
	sites_compare(cases, &tool, out, wrong, wrong_size);
	json_array_foreach(cases, i, one)
	{
		print_case(one, type);
		check_case(one, program->name);
	}
	json_decref(cases);
	tool_free(&tool);
	free(program_ask(program, "drop"));
}

static void check_lines(const struct program *program, const char *type,
			const struct sites_score *score, const char *wrong)
{
	cr_log_info("%s: %s: %lld made, %lld seen, %lld with the right line, %lld and callers",
		    program->name, type, (long long)score->told, (long long)score->seen,
		    (long long)score->right, (long long)score->callers);
	cr_expect(score->right * 100 >= score->seen * 99 && score->right > 0,
		  "%s: %s: %lld of %lld have the right line\n%s", program->name, type,
		  (long long)score->right, (long long)score->seen, wrong);
	cr_expect(score->callers * 100 >= score->right * 99,
		  "%s: %s: %lld of %lld have the right callers\n%s", program->name, type,
		  (long long)score->callers, (long long)score->right, wrong);
}

static void check_type(struct program *program, const char *type, const json_t *names, bool keep)
{
	struct sites_score score;
	static char wrong[4000];

	run_type(program, type, names, keep, OBJECTS, &score, wrong, sizeof(wrong));
	check_lines(program, type, &score, wrong);
	cr_expect(score.seen <= score.told && score.seen >= score.told - score.lost,
		  "%s: %s: %lld of %lld seen, %lld lost", program->name, type,
		  (long long)score.seen, (long long)score.told, (long long)score.lost);
	/* The first object of each place that makes some is not seen. */
	cr_expect(score.lost <= LOST_MAX, "%s: %s: %lld lost", program->name, type,
		  (long long)score.lost);
	cr_expect(score.alive <= score.kept && score.alive >= score.kept - score.lost,
		  "%s: %s: %lld of %lld alive", program->name, type, (long long)score.alive,
		  (long long)score.kept);
}

/* The long ones: two interpreters, or all with PYLEAK_ALL_TYPES. */
static struct criterion_test_params some_pythons(void)
{
	size_t cnt;
	struct python_param *all = live_pythons(&cnt);

	return cr_make_param_array(struct python_param, all,
				   cnt > 2 && !getenv("PYLEAK_ALL_TYPES") ? 2 : cnt);
}

ParameterizedTestParameters(sites, the_program_knows_its_own_places)
{
	return some_pythons();
}

ParameterizedTest(struct python_param *param, sites, the_program_knows_its_own_places,
		  .timeout = 120)
{
	struct program program;
	char *line, *last = strdup("");

	program_start(&program, param->path, NULL, "sites.py", "--self", NULL);
	for (line = program_line(&program); !strstr(line, " wrong");
	     line = program_line(&program)) {
		cr_expect(!strstr(line, "WRONG"), "%s: %s", param->path, line);
		free(last);
		last = line;
	}
	cr_expect(strstr(line, " 0 wrong"), "%s: %s, after %s", param->path, line, last);
	free(line);
	free(last);
	program_stop(&program);
}

/* The class that most cases make. */
ParameterizedTestParameters(sites, every_place_is_told)
{
	return all_pythons();
}

ParameterizedTest(struct python_param *param, sites, every_place_is_told, .timeout = 300)
{
	struct program program;
	json_t *types;

	live_needs_root();
	program_start_ready(&program, param->path, "sites.py", NULL);
	types = cases_by_type(&program);
	check_type(&program, "sites_core.Marked", json_object_get(types, "sites_core.Marked"),
		   false);
	check_type(&program, "sites_core.Marked", json_object_get(types, "sites_core.Marked"),
		   true);
	cr_expect(program_is_running(&program), "%s ended", param->path);
	json_decref(types);
	program_stop(&program);
}

/* Of built-in types others make some as well, and free lists serve a part. */
static void check_builtin(struct program *program, const char *type, const json_t *names)
{
	static char wrong[4000];
	struct sites_score score;
	int n = FREE_LIST_MAX + OBJECTS;

	run_type(program, type, names, true, n, &score, wrong, sizeof(wrong));
	cr_expect(score.right >= score.told - FREE_LIST_MAX - 1 && score.right <= score.told,
		  "%s: %s: %lld of %lld have the right line\n%s", program->name, type,
		  (long long)score.right, (long long)score.told, wrong);
	cr_expect(score.callers == score.right, "%s: %s: %lld of %lld have the right callers\n%s",
		  program->name, type, (long long)score.callers, (long long)score.right, wrong);
}

/* A run takes a second, and they are 40 types: each version tries a fourth of them, another one
 * each, and all try those in whose making versions differ. */
static bool is_tried(const char *python, const char *type, unsigned int number)
{
	static const char *const always[] = { "generator",
					      "coroutine",
					      "function",
					      "struct.error",
					      "sites_types.MarkedInit",
					      "sites_types.MarkedPair",
					      "sites_threads.MarkedSub" };

	for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++) {
		if (!strcmp(type, always[i]))
			return true;
	}
	while (*python)
		number += (unsigned char)*python++;
	return number % 4 == 0 || getenv("PYLEAK_ALL_TYPES");
}

ParameterizedTestParameters(sites, all_kinds_of_types_are_told)
{
	return some_pythons();
}

ParameterizedTest(struct python_param *param, sites, all_kinds_of_types_are_told, .timeout = 600)
{
	struct program program;
	const char *type;
	json_t *types, *names;
	unsigned int number = 0;

	live_needs_root();
	program_start_ready(&program, param->path, "sites.py", NULL);
	types = cases_by_type(&program);
	json_object_del(types, "sites_core.Marked");
	json_object_foreach(types, type, names)
	{
		if (!is_tried(param->path, type, number++))
			continue;
		if (strncmp(type, "sites_", 6))
			check_builtin(&program, type, names);
		else
			check_type(&program, type, names, true);
	}
	cr_expect(program_is_running(&program), "%s ended", param->path);
	json_decref(types);
	program_stop(&program);
}

/* Without --exact: a part is seen, and that is right. */
ParameterizedTestParameters(sites, what_windows_see_is_right)
{
	return all_pythons();
}

ParameterizedTest(struct python_param *param, sites, what_windows_see_is_right, .timeout = 120)
{
	static char wrong[4000];
	struct sites_score score;
	struct program program;
	json_t *types, *names, *cases = NULL;
	struct tool tool;

	live_needs_root();
	program_start_ready(&program, param->path, "sites.py", NULL);
	types = cases_by_type(&program);
	names = json_object_get(types, "sites_core.Marked");
	json_decref(sites_ask(&program, names, "learn", OBJECTS));
	sites_start(&tool, &program, "sites_core.Marked", "--budget=20");
	for (int i = 0; i < WINDOW_ROUNDS; i++) {
		json_decref(cases);
		cases = sites_ask(&program, names, "run", OBJECTS);
	}
	sites_end(&tool);
	cr_expect_eq(tool.status, 0, "%s: %s", param->path, tool.errors);
	sites_compare(cases, &tool, &score, wrong, sizeof(wrong));
	check_lines(&program, "sites_core.Marked", &score, wrong);
	json_decref(cases);
	json_decref(types);
	tool_free(&tool);
	program_stop(&program);
}
