/* SPDX-License-Identifier: BSD-2-Clause */
/* Stacks of allocations as a profile for `go tool pprof`, speedscope and their relatives. */
#ifndef PYLEAK_PPROF_H
#define PYLEAK_PPROF_H

#include <stdio.h>

#include "collect/alloc_stacks.h"

/* A compressed profile.proto. Values: alloc_objects, alloc_space, inuse_objects, inuse_space; in
 * use is what was alive at the end of the window in which it was made. Each sample has the label
 * `type`. The windows are taken to end now. 0, -ENOMEM, or -EIO when `out` failed. */
int pprof_write(FILE *out, const struct alloc_stacks *stacks);

#endif
