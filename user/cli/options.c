/* SPDX-License-Identifier: BSD-2-Clause */
/* Verbs first, then options, with argp. Every check of a value is in options_check(). */
#include "cli/options.h"

#include <argp.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

enum long_option {
	OPT_FORMAT = 1000,
	OPT_BUDGET,
	OPT_MAX_PAUSE,
	OPT_FAIL_ON_LEAK,
};

static const struct argp_option option_table[] = {
	{ "pid", 'p', "PID", 0, "The process to watch", 1 },
	{ "interval", 'i', "S", 0, "Seconds between censuses (default 1)", 1 },
	{ "duration", 'd', "S", 0, "Stop after so many seconds", 1 },
	{ "limit", 'n', "N", 0, "Rows to show (default 10; types and growth: 20)", 1 },
	{ "format", OPT_FORMAT, "text|json", 0, "text for a person, json lines for a program", 2 },
	{ "budget", OPT_BUDGET, "PCT", 0,
	  "What the censuses may cost the target, in percent of one core (default 1)", 2 },
	{ "max-pause", OPT_MAX_PAUSE, "MS", 0,
	  "Longest time that a census holds a thread of the target at once (default 10)", 2 },
	{ "fail-on-leak", OPT_FAIL_ON_LEAK, NULL, 0, "Exit with status 3 when a leak was found",
	  2 },
	{ "verbose", 'v', NULL, 0, "Say more on standard error; twice: everything", 3 },
	{},
};

static const char usage[] = "-p PID\n"
			    "run [OPTION...] -- COMMAND [ARG...]\n"
			    "types -p PID\n"
			    "growth -p PID -d S\n"
			    "stat -p PID -d S\n"
			    "doctor [-p PID]";

static const char description[] =
	"Finds memory leaks in a running CPython process, from outside, with BPF: counts the live "
	"objects of every type in the kernel and says which of them leak."
	"\v"
	"  (no verb)  watch and judge: which types and containers leak\n"
	"  run        the same for a program that it starts\n"
	"  types      the most common types, once\n"
	"  growth     how the types grew over the duration\n"
	"  stat       collections, pauses and promoted objects over the duration\n"
	"  doctor     what works on this machine and this process, and what to do\n"
	"\n"
	"Exit status: 0 done, 1 failed, 2 wrong usage, 3 a leak was found and --fail-on-leak was "
	"given.";

static const struct {
	const char *name;
	enum verb verb;
} verbs[] = {
	{ "run", VERB_RUN },   { "types", VERB_TYPES },	  { "growth", VERB_GROWTH },
	{ "stat", VERB_STAT }, { "doctor", VERB_DOCTOR },
};

static double parse_number(struct argp_state *state, const char *text, double least, double most,
			   const char *name)
{
	char *end;
	double value = strtod(text, &end);

	if (!text[0] || *end || !isfinite(value) || value < least || value > most)
		argp_error(state, "%s wants a number from %g to %g, not '%s'", name, least, most,
			   text);
	return value;
}

static void parse_format(struct argp_state *state, const char *text, struct options *options)
{
	if (strcmp(text, "text") && strcmp(text, "json"))
		argp_error(state, "--format wants text or json, not '%s'", text);
	options->json = !strcmp(text, "json");
}

static bool parse_verb(struct argp_state *state, const char *text, struct options *options)
{
	for (size_t i = 0; state->arg_num == 0 && i < ARRAY_SIZE(verbs); i++) {
		if (!strcmp(text, verbs[i].name)) {
			options->verb = verbs[i].verb;
			return true;
		}
	}
	return false;
}

static void take_argument(struct argp_state *state, const char *text, struct options *options)
{
	if (parse_verb(state, text, options))
		return;
	if (options->verb != VERB_RUN)
		argp_error(state, "'%s' is not a verb; see --help", text);
	/* The rest is the command, its options too. */
	options->command = &state->argv[state->next - 1];
	state->next = state->argc;
}

static void options_check(struct argp_state *state, const struct options *options)
{
	if (options->verb == VERB_RUN && !options->command)
		argp_error(state, "run wants a command: pyleak-bpf run -- python3 app.py");
	if (options->verb == VERB_RUN && options->pid)
		argp_error(state, "run starts a process itself: it takes no --pid");
	if (options->verb != VERB_RUN && options->verb != VERB_DOCTOR && !options->pid)
		argp_error(state, "which process? Give its number with -p PID");
}

static error_t parse_option(int key, char *text, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case 'p':
		options->pid = (pid_t)parse_number(state, text, 1, 1 << 22, "--pid");
		break;
	case 'i':
		options->interval_s = parse_number(state, text, 0.1, 86400, "--interval");
		break;
	case 'd':
		options->duration_s = parse_number(state, text, 0.1, 1e9, "--duration");
		break;
	case 'n':
		options->limit = (int)parse_number(state, text, 1, 100000, "--limit");
		break;
	case OPT_FORMAT:
		parse_format(state, text, options);
		break;
	case OPT_BUDGET:
		options->budget_pct = parse_number(state, text, 0.01, 100, "--budget");
		break;
	case OPT_MAX_PAUSE:
		options->max_pause_ms = parse_number(state, text, 0.1, 10000, "--max-pause");
		break;
	case OPT_FAIL_ON_LEAK:
		options->fail_on_leak = true;
		break;
	case 'v':
		options->verbosity++;
		break;
	case ARGP_KEY_ARG:
		take_argument(state, text, options);
		break;
	case ARGP_KEY_END:
		options_check(state, options);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

const char *argp_program_version = "pyleak-bpf " PYLEAK_VERSION;

void options_parse(int argc, char **argv, struct options *out)
{
	static const struct argp argp = {
		.options = option_table,
		.parser = parse_option,
		.args_doc = usage,
		.doc = description,
	};
	struct options options = {
		.interval_s = 1,
		.budget_pct = 1,
		.max_pause_ms = 10,
	};

	argp_err_exit_status = EXIT_USAGE;
	/* In order: what follows the command of `run` is not ours. */
	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &options);
	*out = options;
}
