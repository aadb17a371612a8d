/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames of a snapshot; where they keep what is in collect/py_frame.h. */
#ifndef PYLEAK_SNAPSHOT_FRAMES_H
#define PYLEAK_SNAPSHOT_FRAMES_H

#include "collect/py_frame.h"
#include "snapshot/heap.h"

/* frame_lines.c: the line of an instruction: its index in bytes from the start of the code. 0 =
 * not known. */
uint32_t frame_line(struct heap *heap, raddr_t code, uint64_t at);

#endif
