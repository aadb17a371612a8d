/* SPDX-License-Identifier: BSD-2-Clause */
/* The GC's lists of a process whose CPython is known, and that all is where the tables say. */
#ifndef PYLEAK_PY_LISTS_H
#define PYLEAK_PY_LISTS_H

#include "attach/gc_lists.h"

/* A process that starts, or that collects, is asked again for `patience_ms`. Logs one line and
 * returns -errno: -ENOENT (no interpreter), as gc_lists_find() and py_check() do. */
int py_lists_open(const struct python *python, const struct target *target,
		  unsigned int patience_ms, struct gc_lists *out);

#endif
