/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PYLEAK_PY_CHECK_COLLECTOR_H
#define PYLEAK_PY_CHECK_COLLECTOR_H

#include "attach/gc_lists.h"

/* Is what each interpreter's collector keeps beside its lists there? The lists are found again
 * where the permanent one was just changing. */
bool py_check_collectors(const struct python *python, struct remote *remote,
			 struct gc_lists *lists);

#endif
