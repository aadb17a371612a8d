/* SPDX-License-Identifier: BSD-2-Clause */
/* Verbs first, then options, with argp. What they may be together is in
 * options_check.c. */
#include "cli/options.h"

#include <argp.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/options_check.h"

/* As long as backrefs and the like may take: sites answers by itself. */
#define DEFAULT_SITES_S 10

enum long_option {
	OPT_FORMAT = 1000,
	OPT_BUDGET,
	OPT_MAX_PAUSE,
	OPT_FAIL_ON_LEAK,
	OPT_ADDRESS,
	OPT_DEPTH,
	OPT_ALL,
	OPT_NO_PAUSE,
	OPT_MAX_MEMORY,
	OPT_EXACT,
};

static const struct argp_option option_table[] = {
	{ "pid", 'p', "PID", 0, "The process to watch", 1 },
	{ "interval", 'i', "S", 0, "Seconds between censuses (default 1)", 1 },
	{ "duration", 'd', "S", 0,
	  "Stop after so many seconds (default: sites 10; the others go on until Ctrl-C)", 1 },
	{ "limit", 'n', "N", 0, "Rows to show (default 10; types and growth: 20)", 1 },
	{ "type", 't', "NAME", 0,
	  "backrefs, sites: the type, with or without its module; diff: who holds its new objects",
	  1 },
	{ "output", 'o', "PATH", 0,
	  "snapshot: the file to write; a picture: likewise; watching: the folder for the picture "
	  "of a leak",
	  1 },
	{ "format", OPT_FORMAT, "FORMAT", 0,
	  "text for a person, json lines for a program; backrefs also dot, png, svg; sites also "
	  "folded (for flame graphs) and pprof",
	  2 },
	{ "address", OPT_ADDRESS, "ADDR", 0, "backrefs: the object at this address alone", 2 },
	{ "depth", OPT_DEPTH, "N", 0, "Levels of a picture (default 10)", 2 },
	{ "all", OPT_ALL, NULL, 0, "types: also what the GC does not track, from a snapshot", 2 },
	{ "no-pause", OPT_NO_PAUSE, NULL, 0,
	  "Copy the memory for a snapshot without stopping the process", 2 },
	{ "max-memory", OPT_MAX_MEMORY, "SIZE", 0,
	  "Most memory that a snapshot may take: 800M, 4G (default: half of what is available)",
	  2 },
	{ "budget", OPT_BUDGET, "PCT", 0,
	  "What watching may cost the target, in percent of one core (default 1); 0: censuses "
	  "only, "
	  "no probes on allocations",
	  2 },
	{ "max-pause", OPT_MAX_PAUSE, "MS", 0,
	  "Longest time that a census holds a thread of the target at once (default 10)", 2 },
	{ "fail-on-leak", OPT_FAIL_ON_LEAK, NULL, 0, "Exit with status 3 when a leak was found",
	  2 },
	{ "exact", OPT_EXACT, NULL, 0,
	  "Count every allocation and free, whatever it costs the process (watching, run, stat, "
	  "sites); doctor: try whether that works",
	  2 },
	{ "verbose", 'v', NULL, 0, "Say more on standard error; twice: everything", 3 },
	{},
};

static const char usage[] = "-p PID\n"
			    "run [OPTION...] -- COMMAND [ARG...]\n"
			    "types -p PID\n"
			    "growth -p PID -d S\n"
			    "backrefs -p PID -t TYPE\n"
			    "cycles -p PID\n"
			    "sites -p PID -t TYPE\n"
			    "snapshot -p PID -o FILE\n"
			    "diff FILE FILE [-t TYPE]\n"
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
	"  backrefs   who holds the objects of a type: paths, and a picture\n"
	"  cycles     reference cycles, and where to cut them\n"
	"  sites      who allocates the objects of a type: Python stacks\n"
	"  snapshot   save the graph of the heap; FILE stands in for -p PID in backrefs, cycles,\n"
	"             types and diff\n"
	"  diff       what changed between two snapshots\n"
	"  stat       collections, pauses and promoted objects over the duration\n"
	"  doctor     what works on this machine and this process, and what to do\n"
	"\n"
	"Exit status: 0 done, 1 failed, 2 wrong usage, 3 a leak was found and --fail-on-leak was "
	"given.";

static const struct {
	const char *name;
	enum verb verb;
} verbs[] = {
	{ "run", VERB_RUN },	   { "types", VERB_TYPES },   { "growth", VERB_GROWTH },
	{ "stat", VERB_STAT },	   { "doctor", VERB_DOCTOR }, { "backrefs", VERB_BACKREFS },
	{ "cycles", VERB_CYCLES }, { "diff", VERB_DIFF },     { "snapshot", VERB_SNAPSHOT },
	{ "sites", VERB_SITES },
};

static double parse_number(struct argp_state *state, const char *text, double least, double most,
			   const char *name)
{
	char *end;
	double value = strtod(text, &end);

	if (!text[0] || *end || !isfinite(value) || value < least || value > most)
		argp_error(state, "%s wants a number from %.10g to %.10g, not '%s'", name, least,
			   most, text);
	return value;
}

static double parse_budget(struct argp_state *state, const char *text)
{
	double value = parse_number(state, text, 0, 100, "--budget");

	if (value > 0 && value < 0.01)
		argp_error(state, "--budget wants 0, or at least 0.01, not '%s'", text);
	return value;
}

static void parse_format(struct argp_state *state, const char *text, struct options *options)
{
	static const char *const formats[] = {
		[FORMAT_TEXT] = "text",	  [FORMAT_JSON] = "json", [FORMAT_DOT] = "dot",
		[FORMAT_PNG] = "png",	  [FORMAT_SVG] = "svg",	  [FORMAT_FOLDED] = "folded",
		[FORMAT_PPROF] = "pprof",
	};

	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		if (!strcmp(text, formats[i])) {
			options->format = (enum output_format)i;
			return;
		}
	}
	argp_error(state, "--format wants text, json, dot, png, svg, folded or pprof, not '%s'",
		   text);
}

static uint64_t parse_size(struct argp_state *state, const char *text)
{
	char *end;
	double value = strtod(text, &end);
	uint64_t unit = !*end		    ? 1
			: !strcmp(end, "K") ? 1 << 10
			: !strcmp(end, "M") ? 1 << 20
			: !strcmp(end, "G") ? 1 << 30
					    : 0;

	if (end == text || !unit || !isfinite(value) || value * (double)unit < 1 << 20 ||
	    value * (double)unit > 1e15)
		argp_error(state, "--max-memory wants a size from 1M on, as 800M or 4G, not '%s'",
			   text);
	return (uint64_t)(value * (double)unit);
}

static uint64_t parse_address(struct argp_state *state, const char *text)
{
	char *end;
	uint64_t value = strtoull(text, &end, 0);

	if (!text[0] || *end || !value)
		argp_error(state, "--address wants an address as id() gives it, not '%s'", text);
	return value;
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

/* Verbs that work on a snapshot, and thus on a saved one. */
static bool takes_file(const struct options *options)
{
	switch (options->verb) {
	case VERB_BACKREFS:
	case VERB_CYCLES:
	case VERB_DIFF:
	case VERB_TYPES:
		return true;
	default:
		return false;
	}
}

static void take_argument(struct argp_state *state, const char *text, struct options *options)
{
	if (parse_verb(state, text, options))
		return;
	if (takes_file(options) && !options->files[options->verb == VERB_DIFF]) {
		options->files[options->files[0] != NULL] = text;
		return;
	}
	if (options->verb != VERB_RUN)
		argp_error(state, "'%s' is not a verb; see --help", text);
	/* The rest is the command, its options too. */
	options->command = &state->argv[state->next - 1];
	state->next = state->argc;
}

static error_t take_snapshot_option(int key, char *text, struct argp_state *state,
				    struct options *options)
{
	switch (key) {
	case 't':
		options->type = text;
		break;
	case 'o':
		options->output = text;
		break;
	case OPT_ADDRESS:
		options->address = parse_address(state, text);
		break;
	case OPT_DEPTH:
		options->depth = (unsigned int)parse_number(state, text, 1, 1000, "--depth");
		break;
	case OPT_ALL:
		options->all = true;
		break;
	case OPT_NO_PAUSE:
		options->no_pause = true;
		break;
	case OPT_MAX_MEMORY:
		options->max_memory = parse_size(state, text);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
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
		options->budget_pct = parse_budget(state, text);
		break;
	case OPT_MAX_PAUSE:
		options->max_pause_ms = parse_number(state, text, 0.1, 10000, "--max-pause");
		break;
	case OPT_EXACT:
		options->exact = true;
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
		return take_snapshot_option(key, text, state, options);
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
		.budget_pct = DEFAULT_BUDGET_PCT,
		.max_pause_ms = 10,
	};

	argp_err_exit_status = EXIT_USAGE;
	/* In order: what follows the command of `run` is not ours. */
	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &options);
	if (options.verb == VERB_SITES && options.duration_s <= 0)
		options.duration_s = DEFAULT_SITES_S;
	*out = options;
}
