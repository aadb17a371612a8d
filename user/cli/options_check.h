/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PYLEAK_OPTIONS_CHECK_H
#define PYLEAK_OPTIONS_CHECK_H

#include <argp.h>

#include "cli/options.h"

/* Exits with EXIT_USAGE and a line that says why. */
void options_check(struct argp_state *state, const struct options *options);

#endif
