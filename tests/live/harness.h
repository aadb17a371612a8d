/* SPDX-License-Identifier: BSD-2-Clause */
/* Starts real Python programs and the tool, and talks to both. Everything waits for events, with
 * a time limit that only a failure reaches. */
#ifndef PYLEAK_HARNESS_H
#define PYLEAK_HARNESS_H

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

/* The interpreters of this machine: /usr/bin/python3, those of pyenv, and $PYLEAK_PYTHONS (paths
 * with colons between); if $PYLEAK_ONLY_PYTHONS is set, the last alone. A path may be that of a
 * program that starts the interpreter and waits for it, as that of a container does. Strings are
 * from cr_malloc, for parameters of tests. */
struct python_param {
	char path[256];
};
struct python_param *live_pythons(size_t *cnt);
/* The process, or the first below it, that has a file of Python's: wrappers have one child each. */
pid_t live_interpreter_of(pid_t pid);

/* How many times slower than a real one this machine is ($PYLEAK_SLOWNESS, 1 if it is not set): one
 * that is emulated. What a test measures in time, or waits for, is to be multiplied by it. */
double live_slowness(void);

/* Skips the test, loudly, without root: uprobes need it. */
void live_needs_root(void);

struct program {
	pid_t pid;   /* the interpreter's, once it has said a line */
	pid_t child; /* what was started: the same, or what waits for it */
	FILE *to, *from;
	char name[300]; /* for messages: which interpreter */
};

/* Starts `python script args...` (NULL-terminated; script below tests/programs) with pipes, in
 * the environment `env` if not NULL ("NAME=value"). */
void program_start(struct program *program, const char *python, const char *env, ...)
	__attribute__((sentinel));
/* The next line without its newline; fails the test after 30 s (live_slowness()). Free with free().
 */
char *program_line(struct program *program);
/* Says a command and returns the answer. */
char *program_ask(struct program *program, const char *command);
/* The same for an answer that is JSON. */
json_t *program_ask_json(struct program *program, const char *command);
/* Starts as program_start() and waits for READY. */
void program_start_ready(struct program *program, const char *python, ...)
	__attribute__((sentinel));
bool program_is_running(const struct program *program);
/* Closes its input and reaps it; the wait status. */
int program_stop(struct program *program);

/* One run of the tool. */
struct tool {
	pid_t pid;
	FILE *out;
	char errors[4096]; /* after tool_wait() */
	char error_path[64];
	json_t *lines; /* array of the objects it printed, as far as read */
	int status;    /* exit status, or 128 + signal */
};

/* Starts $PYLEAK_BPF with these arguments. */
void tool_start(struct tool *tool, ...) __attribute__((sentinel));
/* Reads on to the next object of a kind; NULL = the tool ended. Borrowed. */
json_t *tool_read(struct tool *tool, const char *kind);
bool tool_is_running(const struct tool *tool);
void tool_wait(struct tool *tool);
void tool_run(struct tool *tool, ...) __attribute__((sentinel));
/* The last object of a kind; NULL = none. Borrowed. */
json_t *tool_last(const struct tool *tool, const char *kind);
void tool_free(struct tool *tool);
const char *pid_text(pid_t pid);

/* Fails the test unless the types of a `types` or `census` object equal the counts by name. */
void check_types_equal(const json_t *types, const json_t *truth, const char *name);
/* live of one type; 0 = not there. */
json_int_t live_of(const json_t *object, const char *type);

#endif
