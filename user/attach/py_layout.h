/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PYLEAK_PY_LAYOUT_H
#define PYLEAK_PY_LAYOUT_H

#include "attach/python.h"

/* Layout of CPython 3.`minor`. From 3.13 on the offsets come from the _Py_DebugOffsets that the
 * target itself carries at the start of _PyRuntime, and are checked for sense. -EOPNOTSUPP:
 * unknown minor version, or a free-threaded build; -EBADMSG: the offsets make no sense. */
int py_layout_load(int minor, int micro, struct remote *remote, raddr_t runtime,
		   struct py_layout *out);

/* Reads the version word of _Py_DebugOffsets (PY_VERSION_HEX). False: there are none. */
bool py_layout_debug_version(struct remote *remote, raddr_t runtime, uint32_t *hex,
			     bool *free_threaded);

#endif
