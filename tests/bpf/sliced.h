/* SPDX-License-Identifier: GPL-2.0-only */
/* A census in slices that has begun. */
#ifndef SLICED_H
#define SLICED_H

#include "fake_interpreter.h"

#define SLICE 127 /* steps; the change to the next list is one */
#define MANY 40	  /* hooks; more than any census here needs */

extern __u64 sliced_type; /* of every object */

/* Lists of so many objects, and a first slice. */
void sliced_start(int old, int middle, int young);
/* One more. */
void sliced_step(void);
/* It ends with that count, and loses its place so often on the way. */
void sliced_expect(__u64 live, enum pyleak_loss reason, __u64 cnt);

#endif
