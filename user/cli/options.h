/* SPDX-License-Identifier: BSD-2-Clause */
/* The command line as plain data: parsed and checked here, const everywhere else. */
#ifndef PYLEAK_OPTIONS_H
#define PYLEAK_OPTIONS_H

#include <stdbool.h>
#include <sys/types.h>

enum verb { VERB_WATCH, VERB_RUN, VERB_TYPES, VERB_GROWTH, VERB_STAT, VERB_DOCTOR };

enum exit_status { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_LEAK = 3 };

struct options {
	enum verb verb;
	pid_t pid; /* 0 = not given */
	double interval_s;
	double duration_s; /* 0 = until interrupted */
	int limit;	   /* rows */
	bool json;
	bool fail_on_leak;
	double budget_pct;
	double max_pause_ms;
	int verbosity;
	char *const *command; /* run: what to start, NULL-terminated */
};

/* Exits with EXIT_USAGE (and a line that says why) or, for --help and --version, 0. */
void options_parse(int argc, char **argv, struct options *out);

#endif
