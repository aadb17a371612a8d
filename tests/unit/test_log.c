/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"

static char last_line[2048];
static enum log_level last_level;
static int line_cnt;

static void keep_line(enum log_level level, const char *line)
{
	snprintf(last_line, sizeof(last_line), "%s", line);
	last_level = level;
	line_cnt++;
	errno = ENOTTY;
}

static void use_own_sink(void)
{
	log_set_sink(keep_line);
	log_set_level(LOG_INFO);
}

TestSuite(log, .init = use_own_sink);

Test(log, a_message_reaches_the_sink_without_a_newline)
{
	pr_warn("maps: %d of %s", 3, "them");
	cr_expect_eq(last_level, LOG_WARN);
	cr_expect_str_eq(last_line, "maps: 3 of them");
}

Test(log, messages_above_the_level_are_dropped)
{
	pr_debug("no");
	cr_expect_eq(line_cnt, 0);
	log_set_level(LOG_ERROR);
	pr_warn("no");
	pr_error("yes");
	cr_expect_eq(line_cnt, 1);
	cr_expect_eq(log_level(), LOG_ERROR);
	log_set_level(LOG_DEBUG);
	pr_debug("yes");
	cr_expect_eq(line_cnt, 2);
}

Test(log, errno_survives_whatever_the_sink_does)
{
	errno = EACCES;
	pr_error("cannot read it: %m");
	cr_expect_eq(errno, EACCES);
	cr_expect_str_eq(last_line, "cannot read it: Permission denied");
}

Test(log, a_line_that_is_too_long_is_cut)
{
	char text[3000];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	pr_info("%s", text);
	cr_expect_eq(strlen(last_line), 999);
	cr_expect_eq(strspn(last_line, "x"), 999);
}
