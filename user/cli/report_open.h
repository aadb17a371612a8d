/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PYLEAK_REPORT_OPEN_H
#define PYLEAK_REPORT_OPEN_H

#include "cli/options.h"
#include "report/report.h"

/* The report that the options ask for, on standard output. NULL: no memory. Ends with
 * report_destroy(). */
struct report *report_open(const struct options *options);
/* The same into another file, which is no terminal but will be shown on standard output. */
struct report *report_open_at(const struct options *options, FILE *out);

/* How many rows to show: a program gets everything unless it asks for less: 0 means all. */
size_t report_rows(const struct options *options, size_t text_rows);

#endif
