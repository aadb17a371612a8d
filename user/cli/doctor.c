/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/verbs.h"
int verb_doctor(const struct options *options)
{
	(void)options;
	return EXIT_DONE;
}
