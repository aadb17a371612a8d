/* SPDX-License-Identifier: BSD-2-Clause */
/* What the kernel side must know to take Python stacks, and the same walk from outside. */
#ifndef PYLEAK_ALLOC_FRAMES_H
#define PYLEAK_ALLOC_FRAMES_H

#include <linux/types.h>

#include "attach/gc_lists.h"
#include "pyleak_alloc.h"

/* -EOPNOTSUPP: this CPython keeps its frames where nobody knows. */
int alloc_frames_fill(const struct python *python, struct pyleak_frames *out);

/* Fills and checks, in a process. Logged once it is known that no stacks can be had. */
int alloc_frames_find(const struct python *python, pid_t pid, const struct gc_lists *lists,
		      struct pyleak_frames *out);

/* ---- alloc_frames_walk.c */

/* The stack of a thread, innermost first, as the kernel side takes it, but without the checks of
 * its code objects. A thread that runs changes it meanwhile: -EFAULT, -EBADMSG (what a frame runs
 * is no code object). */
int alloc_frames_walk(struct remote *remote, const struct pyleak_frames *frames, raddr_t tstate,
		      struct pyleak_stack *out);

/* Are the frames where we think they are? Tried on every thread of the target. -EBADMSG: no.
 * -EAGAIN: no thread runs Python code now, so nobody can tell. */
int alloc_frames_check(const struct python *python, struct remote *remote,
		       const struct gc_lists *lists, const struct pyleak_frames *frames);

/* `check` of the code object at an address, as the kernel side reckons it; 0: not readable. */
uint32_t alloc_frames_code_check(struct remote *remote, const struct pyleak_frames *frames,
				 raddr_t code);

#endif
