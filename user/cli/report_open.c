/* SPDX-License-Identifier: BSD-2-Clause */
/* Which report fits standard output: its format, width, and whether it can be rewritten. */
#include "cli/report_open.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct report *report_open(const struct options *options)
{
	struct winsize size = {};
	bool live = isatty(STDOUT_FILENO);
	const char *term = getenv("TERM");

	if (options->format == FORMAT_JSON)
		return report_json_create(stdout);
	if (live)
		ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
	if (live && (!term || !strcmp(term, "dumb")))
		live = false;
	return report_text_create(stdout, size.ws_col, live, live && !getenv("NO_COLOR"));
}
