/* SPDX-License-Identifier: BSD-2-Clause */
#include "report/pprof_tables.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/cleanup.h"
#include "report/stack_words.h"

/* Numbers count from 1, in the order of the table; 0 is "". */
struct pprof_string {
	int64_t number;
	char *text;
	UT_hash_handle hh;
};

struct function_key {
	int64_t name, file;
	int64_t first_line;
};

struct pprof_function {
	struct function_key key;
	Pyleak__Function message;
	UT_hash_handle hh;
};

struct location_key {
	uint64_t function;
	int64_t line;
};

struct pprof_location {
	struct location_key key;
	Pyleak__Location message;
	Pyleak__Line line;
	Pyleak__Line *lines[1];
	UT_hash_handle hh;
};

static int64_t failed(struct pprof_tables *tables)
{
	tables->failed = true;
	return 0;
}

int64_t pprof_tables_string(struct pprof_tables *tables, const char *text)
{
	char safe[STACK_NAME_BYTES];
	struct pprof_string *string;

	if (!text || !*text)
		return 0;
	stack_safe_name(safe, sizeof(safe), text);
	HASH_FIND_STR(tables->strings, safe, string);
	if (string)
		return string->number;
	string = calloc(1, sizeof(*string));
	if (!string)
		return failed(tables);
	string->text = strdup(safe);
	if (!string->text) {
		free(string);
		return failed(tables);
	}
	string->number = HASH_COUNT(tables->strings) + 1;
	HASH_ADD_KEYPTR(hh, tables->strings, string->text, strlen(string->text), string);
	return string->number;
}

/* `system_name` stays empty: pprof takes a function with two like names for one of C++, and
 * "<module>" for a template without a name. */
static uint64_t function_of(struct pprof_tables *tables, const struct stack_frame *frame)
{
	const char *name = frame->function && *frame->function ? frame->function : "?";
	const struct function_key key = {
		.name = pprof_tables_string(tables, name),
		.file = pprof_tables_string(tables, frame->file),
		.first_line = frame->first_line,
	};
	struct pprof_function *function;

	HASH_FIND(hh, tables->functions, &key, sizeof(key), function);
	if (function)
		return function->message.id;
	function = calloc(1, sizeof(*function));
	if (!function)
		return (uint64_t)failed(tables);
	function->key = key;
	pyleak__function__init(&function->message);
	function->message.id = HASH_COUNT(tables->functions) + 1;
	function->message.name = key.name;
	function->message.filename = key.file;
	function->message.start_line = key.first_line;
	HASH_ADD(hh, tables->functions, key, sizeof(key), function);
	return function->message.id;
}

uint64_t pprof_tables_location(struct pprof_tables *tables, const struct stack_frame *frame)
{
	const struct location_key key = { function_of(tables, frame), frame->line };
	struct pprof_location *location;

	HASH_FIND(hh, tables->locations, &key, sizeof(key), location);
	if (location)
		return location->message.id;
	location = calloc(1, sizeof(*location));
	if (!location)
		return (uint64_t)failed(tables);
	location->key = key;
	pyleak__line__init(&location->line);
	location->line.function_id = key.function;
	location->line.line = key.line;
	location->lines[0] = &location->line;
	pyleak__location__init(&location->message);
	location->message.id = HASH_COUNT(tables->locations) + 1;
	location->message.line = location->lines;
	location->message.n_line = 1;
	HASH_ADD(hh, tables->locations, key, sizeof(key), location);
	return location->message.id;
}

int pprof_tables_fill(struct pprof_tables *tables, Pyleak__Profile *profile)
{
	static char empty[] = "";
	struct pprof_function *function;
	struct pprof_location *location;
	struct pprof_string *string;

	profile->string_table = calloc(HASH_COUNT(tables->strings) + 1, sizeof(char *));
	profile->function = calloc(HASH_COUNT(tables->functions) + 1, sizeof(void *));
	profile->location = calloc(HASH_COUNT(tables->locations) + 1, sizeof(void *));
	if (!profile->string_table || !profile->function || !profile->location || tables->failed)
		return -ENOMEM;
	profile->string_table[profile->n_string_table++] = empty;
	/* A table is walked in the order in which it was filled. */
	for (string = tables->strings; string; string = string->hh.next)
		profile->string_table[profile->n_string_table++] = string->text;
	for (function = tables->functions; function; function = function->hh.next)
		profile->function[profile->n_function++] = &function->message;
	for (location = tables->locations; location; location = location->hh.next)
		profile->location[profile->n_location++] = &location->message;
	return 0;
}

void pprof_tables_deinit(struct pprof_tables *tables, Pyleak__Profile *profile)
{
	struct pprof_function *function, *next_function;
	struct pprof_location *location, *next_location;
	struct pprof_string *string, *next_string;

	free(profile->string_table);
	free(profile->function);
	free(profile->location);
	HASH_ITER (hh, tables->strings, string, next_string) {
		HASH_DEL(tables->strings, string);
		free(string->text);
		free(string);
	}
	HASH_ITER (hh, tables->functions, function, next_function) {
		HASH_DEL(tables->functions, function);
		free(function);
	}
	HASH_ITER (hh, tables->locations, location, next_location) {
		HASH_DEL(tables->locations, location);
		free(location);
	}
}
