/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PYLEAK_PY_CHECK_FRAME_H
#define PYLEAK_PY_CHECK_FRAME_H

#include "collect/py_object.h"

/* Do the offsets of a frame's fields agree with each other? */
bool py_check_frame_table(int minor);

/* Is the outermost frame of one thread, from `tstate` on, where the tables say? Also true when no
 * thread has a frame. Others may be changing while they are read. */
bool py_check_frames(const struct py_reader *reader, raddr_t tstate);

#endif
