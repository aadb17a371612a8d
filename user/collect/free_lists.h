/* SPDX-License-Identifier: BSD-2-Clause */
/* How many objects of a type CPython keeps for their next use. They were not freed, as far as the
 * collector's count tells, and are not alive. */
#ifndef PYLEAK_FREE_LISTS_H
#define PYLEAK_FREE_LISTS_H

#include <stdint.h>

/* The most that wait, by the type's name; 0: it has no free list. Frames, up to 3.10: without the
 * one that each code object may keep. */
uint64_t free_list_most(int minor, const char *type, uint32_t interpreters);

#endif
