/* SPDX-License-Identifier: BSD-2-Clause */
/* The command line as plain data: parsed and checked here, const everywhere else. */
#ifndef PYLEAK_OPTIONS_H
#define PYLEAK_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum verb {
	VERB_WATCH,
	VERB_RUN,
	VERB_TYPES,
	VERB_GROWTH,
	VERB_STAT,
	VERB_DOCTOR,
	VERB_BACKREFS,
	VERB_CYCLES,
	VERB_SNAPSHOT,
	VERB_DIFF,
	VERB_SITES,
};

enum output_format {
	FORMAT_TEXT,
	FORMAT_JSON,
	FORMAT_DOT,
	FORMAT_PNG,
	FORMAT_SVG,
	FORMAT_FOLDED,
	FORMAT_PPROF,
};

enum exit_status { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_LEAK = 3 };

#define DEFAULT_BUDGET_PCT 1.0

struct options {
	enum verb verb;
	pid_t pid; /* 0 = not given */
	double interval_s;
	double duration_s; /* 0 = until interrupted */
	int limit;	   /* rows */
	enum output_format format;
	bool fail_on_leak;
	double budget_pct; /* 0: censuses only, at their default */
	double max_pause_ms;
	int verbosity;
	char *const *command; /* run: what to start, NULL-terminated */
	/* Snapshots. */
	const char *files[2]; /* saved ones, in place of a process */
	const char *type;     /* -t; NULL = not given */
	uint64_t address;     /* of one object; 0 = not given */
	const char *output;   /* -o; NULL = not given */
	unsigned int depth;   /* levels of a picture; 0 = as many as are useful */
	bool exact;	      /* count every allocation; doctor: try that */
	bool all;	      /* types: untracked objects too */
	bool no_pause;
	uint64_t max_memory; /* bytes; 0 = half of what is available */
};

/* Exits with EXIT_USAGE (and a line that says why) or, for --help and --version, 0. */
void options_parse(int argc, char **argv, struct options *out);

#endif
