/* SPDX-License-Identifier: BSD-2-Clause */
/* Which options go together, and with which verb. */
#include "cli/options_check.h"

static void check_snapshot(struct argp_state *state, const struct options *options)
{
	bool picture = options->format >= FORMAT_DOT && options->format <= FORMAT_SVG;

	if (options->verb == VERB_BACKREFS && !options->type == !options->address)
		argp_error(state, "backrefs wants a type, as -t Message, or one --address");
	if (options->verb == VERB_SNAPSHOT && !options->output)
		argp_error(state, "snapshot wants a file to write: -o FILE");
	if (options->verb == VERB_DIFF && !options->files[1])
		argp_error(state, "diff wants two saved snapshots");
	if (picture && options->verb != VERB_BACKREFS)
		argp_error(state, "only backrefs draws pictures");
	if (options->files[0] && options->pid)
		argp_error(state, "either -p PID or a saved snapshot, not both");
}

static void check_allocations(struct argp_state *state, const struct options *options)
{
	bool counts = options->verb == VERB_WATCH || options->verb == VERB_RUN ||
		      options->verb == VERB_STAT || options->verb == VERB_SITES;

	if (options->verb == VERB_SITES && !options->type)
		argp_error(state, "sites wants a type, as -t Message");
	if (options->verb == VERB_SITES && !options->budget_pct && !options->exact)
		argp_error(state, "sites needs probes on allocations, which --budget 0 rules out");
	if (options->format >= FORMAT_FOLDED && options->verb != VERB_SITES)
		argp_error(state, "only sites writes folded stacks and pprof");
	if (options->exact && !counts && options->verb != VERB_DOCTOR)
		argp_error(state, "--exact is for watching, run, stat, sites and doctor");
}

void options_check(struct argp_state *state, const struct options *options)
{
	bool needs_no_pid = options->verb == VERB_RUN || options->verb == VERB_DOCTOR ||
			    options->verb == VERB_DIFF || options->files[0];

	if (options->verb == VERB_RUN && !options->command)
		argp_error(state, "run wants a command: pyleak-bpf run -- python3 app.py");
	if (options->verb == VERB_RUN && options->pid)
		argp_error(state, "run starts a process itself: it takes no --pid");
	check_allocations(state, options);
	check_snapshot(state, options);
	if (!needs_no_pid && !options->pid)
		argp_error(state, "which process? Give its number with -p PID");
}
