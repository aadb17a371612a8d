/* SPDX-License-Identifier: BSD-2-Clause */
/* Are things where the tables of offsets say? */
#ifndef PYLEAK_PY_CHECK_H
#define PYLEAK_PY_CHECK_H

#include "attach/gc_lists.h"

/* Looks through the layout at objects that every CPython has and whose contents are known. A
 * program that is only starting gets a second. Logs one line and returns -EBADMSG: something is
 * elsewhere. `lists` are found again where one of them was just changing. */
int py_check(const struct python *python, pid_t pid, struct remote *remote, struct gc_lists *lists);

#endif
