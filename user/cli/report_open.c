/* SPDX-License-Identifier: BSD-2-Clause */
/* Which report fits standard output: its format, width, and whether it can be rewritten. */
#include "cli/report_open.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static struct report *open_at(const struct options *options, FILE *out, bool live)
{
	struct winsize size = {};
	bool terminal = isatty(STDOUT_FILENO);
	const char *term = getenv("TERM");

	if (options->format == FORMAT_JSON)
		return report_json_create(out);
	if (terminal)
		ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
	if (terminal && (!term || !strcmp(term, "dumb")))
		terminal = false;
	return report_text_create(out, size.ws_col, live && terminal,
				  terminal && !getenv("NO_COLOR"));
}

struct report *report_open(const struct options *options)
{
	/* A profile on standard output must stand alone there. */
	if (options->format >= FORMAT_FOLDED)
		return open_at(options, stderr, false);
	return open_at(options, stdout, true);
}

struct report *report_open_at(const struct options *options, FILE *out)
{
	return open_at(options, out, false);
}

size_t report_rows(const struct options *options, size_t text_rows)
{
	if (options->limit)
		return (size_t)options->limit;
	return options->format == FORMAT_JSON ? 0 : text_rows;
}
