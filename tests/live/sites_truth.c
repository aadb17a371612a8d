/* SPDX-License-Identifier: BSD-2-Clause */
#include "live/sites_truth.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "attach/python.h"
#include "attach/target.h"
#include "live/text_pages.h"

#define STACK_FRAMES 48 /* PYLEAK_STACK_FRAMES */
#define NAME_BYTES 120	/* of a name or a file at least so much is told */

static bool is_armed(const json_t *line)
{
	const char *words = json_string_value(json_object_get(line, "text"));

	return words && strstr(words, "are seen from");
}

void sites_await(struct tool *tool)
{
	json_t *line;

	do {
		line = tool_read(tool, "note");
	} while (line && !is_armed(line));
	if (!line) {
		tool_wait(tool);
		cr_assert(false, "no probes: %s", tool->errors);
	}
}

void sites_start(struct tool *tool, const struct program *program, const char *type,
		 const char *option)
{
	tool_start(tool, "sites", "-p", pid_text(program->pid), "-t", type, "--format", "json",
		   "-d", "300", "-i", "0.1", option, NULL);
	sites_await(tool);
}

void sites_end(struct tool *tool)
{
	kill(tool->pid, SIGINT);
	tool_wait(tool);
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static json_int_t number_of(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static void add_number(json_t *object, const char *key, json_int_t by)
{
	json_object_set_new(object, key, json_integer(number_of(object, key) + by));
}

/* The beginning of a long name is told. */
static bool is_name(const char *truth, const char *found)
{
	size_t len = strlen(found);

	if (len > 3 && !strcmp(found + len - 3, "..."))
		return len - 3 >= NAME_BYTES && !strncmp(truth, found, len - 3);
	return !strcmp(truth, found);
}

/* The end of a long file name is told. */
static bool is_file(const char *truth, const char *found)
{
	size_t len = strlen(truth), end;

	if (strncmp(found, "...", 3))
		return !strcmp(truth, found);
	end = strlen(found + 3);
	return end >= NAME_BYTES && end <= len && !strcmp(truth + len - end, found + 3);
}

static bool is_frame(const json_t *truth, const json_t *found)
{
	return number_of(truth, "line") == number_of(found, "line") &&
	       is_name(text_of(truth, "qualname"), text_of(found, "function")) &&
	       is_file(text_of(truth, "file"), text_of(found, "file"));
}

static bool are_callers(const json_t *place, const json_t *frames)
{
	const json_t *callers = json_object_get(place, "callers");
	size_t cnt = json_array_size(callers) + 1;

	if (cnt > STACK_FRAMES)
		cnt = STACK_FRAMES;
	if (json_array_size(frames) != cnt)
		return false;
	for (size_t i = 1; i < cnt; i++) {
		if (!is_frame(json_array_get(callers, i - 1), json_array_get(frames, i)))
			return false;
	}
	return true;
}

/* The case that has a place with this innermost frame, best with these callers, too; NULL = none
 * has. */
static json_t *find_case(const json_t *cases, const json_t *frames, bool *is_full)
{
	json_t *found = NULL, *one, *place;
	size_t i, j;

	*is_full = false;
	json_array_foreach(cases, i, one)
	{
		json_array_foreach(json_object_get(one, "places"), j, place)
		{
			if (!is_frame(place, json_array_get(frames, 0)))
				continue;
			found = one;
			*is_full = json_is_true(json_object_get(one, "varies")) ||
				   are_callers(place, frames);
			if (*is_full)
				return found;
		}
	}
	return found;
}

static void write_wrong(const json_t *site, const char *what, char *wrong, size_t size)
{
	size_t used = strlen(wrong);
	char *text = json_dumps(site, JSON_COMPACT | JSON_ENSURE_ASCII);

	if (used + 40 < size)
		snprintf(wrong + used, size - used, "%s: %.400s\n", what, text);
	free(text);
}

static void count_site(json_t *cases, const json_t *site, struct sites_score *score, char *wrong,
		       size_t wrong_size)
{
	json_int_t allocs = number_of(site, "allocs");
	bool is_full;
	json_t *one = find_case(cases, json_object_get(site, "frames"), &is_full);

	score->seen += allocs;
	score->alive += number_of(site, "alive");
	if (!one) {
		write_wrong(site, "no such place", wrong, wrong_size);
		return;
	}
	score->right += allocs;
	add_number(one, "seen", allocs);
	add_number(one, "alive", number_of(site, "alive"));
	if (is_full) {
		score->callers += allocs;
		add_number(one, "full", allocs);
	} else {
		write_wrong(site, "other callers", wrong, wrong_size);
	}
}

void sites_compare(json_t *cases, const struct tool *tool, struct sites_score *out, char *wrong,
		   size_t wrong_size)
{
	struct sites_score score = {};
	json_t *line, *one, *place;
	size_t i, j;

	wrong[0] = '\0';
	json_array_foreach(cases, i, one)
	{
		json_array_foreach(json_object_get(one, "places"), j, place)
			add_number(one, "told", number_of(place, "cnt"));
		score.told += number_of(one, "told");
		score.kept += number_of(one, "kept");
	}
	json_array_foreach(tool->lines, i, line)
	{
		if (!strcmp(text_of(line, "kind"), "site"))
			count_site(cases, line, &score, wrong, wrong_size);
	}
	json_array_foreach(json_object_get(tool_last(tool, "sites"), "losses"), i, line)
	{
		score.lost += number_of(line, "count");
	}
	*out = score;
}

json_t *sites_ask(struct program *program, const json_t *names, const char *verb, int n)
{
	json_t *answers = json_array(), *name;
	char command[400];
	size_t i;

	json_array_foreach(names, i, name)
	{
		snprintf(command, sizeof(command), "%s %s %d", verb, json_string_value(name), n);
		json_array_append_new(answers, program_ask_json(program, command));
	}
	return answers;
}

static void open_code(pid_t pid, struct target *target, struct python *python)
{
	cr_assert(!target_open(pid, target), "no process %d", pid);
	cr_assert(!python_find(target, python), "no Python in %d", pid);
}

bool sites_has_breakpoints(pid_t pid)
{
	struct target target;
	struct python python;
	bool changed;

	open_code(pid, &target, &python);
	changed = text_changes(&target, &python) > 0;
	python_close(&python);
	target_close(&target);
	return changed;
}

void sites_wait_no_breakpoints(pid_t pid)
{
	struct target target;
	struct python python;

	open_code(pid, &target, &python);
	text_wait_unchanged(&target, &python);
	python_close(&python);
	target_close(&target);
}
