/* SPDX-License-Identifier: BSD-2-Clause */
/* What tests/programs/sites.py knows of where it allocates, held against what `pyleak-bpf sites`
 * tells of it. */
#ifndef PYLEAK_SITES_TRUTH_H
#define PYLEAK_SITES_TRUTH_H

#include "live/harness.h"

/* Starts `pyleak-bpf sites -p PID -t TYPE`, with --exact or another option, and waits until it
 * sees. */
void sites_start(struct tool *tool, const struct program *program, const char *type,
		 const char *option);
/* Reads on until it says from when on it sees: once more when a type comes to be. */
void sites_await(struct tool *tool);
/* Has it end now instead of after its time, and waits for what it tells. */
void sites_end(struct tool *tool);

/* What the whole of a run comes to: allocations of the type. */
struct sites_score {
	json_int_t told;    /* by the program: made */
	json_int_t kept;    /* by the program: of these */
	json_int_t seen;    /* by the tool */
	json_int_t right;   /* of the seen: function, file and line of the innermost frame */
	json_int_t callers; /* of the right: all other frames, as far as a stack goes */
	json_int_t alive;   /* of the seen */
	json_int_t lost;    /* the tool says that it lost so many */
};

/* Compares; `cases` are answers of sites.py, which get the counts of their own places as "seen",
 * "full" and "alive". The first sites that are wrong are written into `wrong`. */
void sites_compare(json_t *cases, const struct tool *tool, struct sites_score *out, char *wrong,
		   size_t wrong_size);
/* Has the program run (`verb` = "run") or learn all its cases of one type; their answers. */
json_t *sites_ask(struct program *program, const json_t *names, const char *verb, int n);

/* Whether breakpoints are in the interpreter's code; waits until none are. */
bool sites_has_breakpoints(pid_t pid);
void sites_wait_no_breakpoints(pid_t pid);

#endif
