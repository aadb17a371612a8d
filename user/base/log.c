/* SPDX-License-Identifier: BSD-2-Clause */
/* One place through which every message for a person leaves the tool. */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

static enum log_level threshold = LOG_INFO;

static void write_to_stderr(enum log_level level, const char *line)
{
	(void)level;
	fprintf(stderr, "pyleak-bpf: %s\n", line);
}

static log_sink sink = write_to_stderr;

void log_set_level(enum log_level level)
{
	threshold = level;
}

enum log_level log_level(void)
{
	return threshold;
}

void log_set_sink(log_sink new_sink)
{
	sink = new_sink ? new_sink : write_to_stderr;
}

void log_write(enum log_level level, const char *format, ...)
{
	char line[1000];
	int saved_errno = errno;
	va_list args;

	if (level > threshold)
		return;
	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	sink(level, line);
	errno = saved_errno;
}
