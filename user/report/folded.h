/* SPDX-License-Identifier: BSD-2-Clause */
/* Stacks of allocations as folded stacks, which flame graphs are made of. */
#ifndef PYLEAK_FOLDED_H
#define PYLEAK_FOLDED_H

#include <stdio.h>

#include "collect/alloc_stacks.h"

/* One line per stack: "outermost;...;innermost ALLOCATIONS", a frame being "function (file:line)".
 * Of several types the type is the innermost frame. 0, or -EIO when `out` failed. */
int folded_write(FILE *out, const struct alloc_stacks *stacks);

#endif
