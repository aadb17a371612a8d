/* SPDX-License-Identifier: BSD-2-Clause */
/* `doctor`: what works on this machine and this process, and what to do about the rest. It
 * only looks, except with --exact: then probes are tried on the process.
 * What lower layers log becomes the text of the check that met it, so that nothing is said twice.
 */
#include "cli/doctor.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "cli/report_open.h"
#include "cli/verbs.h"

/* The newest error or warning; a sink has no context of its own. */
static char logged[1000];

static void keep_log(enum log_level level, const char *line)
{
	if (level <= LOG_WARN)
		snprintf(logged, sizeof(logged), "%s", line);
	else
		fprintf(stderr, "pyleak-bpf: %s\n", line);
}

struct check *checks_add(struct checks *checks, enum check_state state, const char *what,
			 const char *format, ...)
{
	/* Too many: the last is overwritten rather than memory that is not ours. */
	size_t index = checks->cnt < DOCTOR_MAX_CHECKS ? checks->cnt++ : DOCTOR_MAX_CHECKS - 1;
	struct check *check = &checks->items[index];
	va_list args;

	check->state = state;
	check->what = what;
	check->advice[0] = '\0';
	va_start(args, format);
	vsnprintf(check->found, sizeof(check->found), format, args);
	va_end(args);
	return check;
}

void check_advise(struct check *check, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(check->advice, sizeof(check->advice), format, args);
	va_end(args);
}

struct check *checks_add_logged(struct checks *checks, const char *what, const char *otherwise)
{
	struct check *check = checks_add(checks, CHECK_BAD, what, "%s", "");

	doctor_split_message(logged[0] ? logged : otherwise, check->found, sizeof(check->found),
			     check->advice, sizeof(check->advice));
	logged[0] = '\0';
	return check;
}

ssize_t doctor_read(const char *path, char *to, size_t size)
{
	_cleanup_fclose_ FILE *file = fopen(path, "re");
	size_t len;

	to[0] = '\0';
	if (!file)
		return -errno;
	errno = 0;
	len = fread(to, 1, size - 1, file);
	if (ferror(file))
		return errno ? -errno : -EIO;
	while (len && to[len - 1] == '\n')
		len--;
	to[len] = '\0';
	return (ssize_t)len;
}

uint64_t doctor_own_caps(void)
{
	char status[4096];
	const char *caps;

	if (doctor_read("/proc/self/status", status, sizeof(status)) < 0)
		return 0;
	caps = doctor_field(status, "CapEff");
	return caps ? strtoull(caps, NULL, 16) : 0;
}

int verb_doctor(const struct options *options)
{
	struct report *report = report_open(options);
	struct checks checks = {};
	int status = EXIT_DONE;
	double hit_s = 0;
	enum doctor_probes probes;

	if (!report) {
		pr_error("doctor: %s", strerror(ENOMEM));
		return EXIT_FAILED;
	}
	report->pid = options->pid;
	log_set_sink(keep_log);
	probes = doctor_check_machine(&checks, &hit_s);
	if (options->pid)
		doctor_check_process(&checks, options->pid, probes, options->exact, hit_s);
	log_set_sink(NULL);
	for (size_t i = 0; i < checks.cnt; i++) {
		if (checks.items[i].state == CHECK_BAD)
			status = EXIT_FAILED;
	}
	report->ops->doctor(report, checks.items, checks.cnt);
	report_destroy(report);
	return status;
}
