/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether breakpoints are in a process: its code against the file that it is from. */
#ifndef PYLEAK_TEXT_PAGES_H
#define PYLEAK_TEXT_PAGES_H

#include <stddef.h>

#include "attach/python.h"
#include "attach/target.h"

/* Bytes of CPython's code that are not as in the file. Fails the test when it cannot be read. */
size_t text_changes(struct target *target, const struct python *python);
/* Waits until there are none: the kernel takes probes out after their owner has died. */
void text_wait_unchanged(struct target *target, const struct python *python);

#endif
