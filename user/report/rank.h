/* SPDX-License-Identifier: BSD-2-Clause */
/* Which rows come first. */
#ifndef PYLEAK_RANK_H
#define PYLEAK_RANK_H

#include "collect/sample.h"

/* The live types of a sample, most instances first; ties by bytes, then by name, so that the
 * order is the same each time. The caller frees the array. NULL: no memory or none live. */
const struct type_count **rank_types(const struct sample *sample, size_t *out_cnt);

#endif
