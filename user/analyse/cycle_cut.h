/* SPDX-License-Identifier: BSD-2-Clause */
/* Which links to do without, so that the components of a group are cycles no more. */
#ifndef PYLEAK_ANALYSE_CYCLE_CUT_H
#define PYLEAK_ANALYSE_CYCLE_CUT_H

#include "analyse/cycle_group.h"

/* Fills in `cut`, `cut_cnt`, `cut_breaks` and `examined`, from a sample of the components with the
 * numbers given. 0 or -ENOMEM. */
int cycle_cut_find(struct cycle_finder *finder, const uint32_t *numbers, size_t cnt,
		   struct cycle_group *out);

#endif
