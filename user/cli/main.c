/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/log.h"
#include "cli/verbs.h"

int main(int argc, char **argv)
{
	struct options options;

	options_parse(argc, argv, &options);
	log_set_level(options.verbosity > 1   ? LOG_DEBUG
		      : options.verbosity > 0 ? LOG_INFO
					      : LOG_WARN);
	switch (options.verb) {
	case VERB_WATCH:
		return verb_watch(&options);
	case VERB_RUN:
		return verb_run(&options);
	case VERB_TYPES:
		return verb_types(&options);
	case VERB_GROWTH:
		return verb_growth(&options);
	case VERB_STAT:
		return verb_stat(&options);
	case VERB_DOCTOR:
		return verb_doctor(&options);
	case VERB_BACKREFS:
		return verb_backrefs(&options);
	case VERB_CYCLES:
		return verb_cycles(&options);
	case VERB_SNAPSHOT:
		return verb_snapshot(&options);
	case VERB_DIFF:
		return verb_diff(&options);
	case VERB_SITES:
		return verb_sites(&options);
	}
	return EXIT_USAGE;
}
