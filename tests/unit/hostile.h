/* SPDX-License-Identifier: BSD-2-Clause */
/* Names that a watched program could choose to hurt those who read about it. */
#ifndef PYLEAK_TESTS_HOSTILE_H
#define PYLEAK_TESTS_HOSTILE_H

#include <stddef.h>

extern const size_t hostile_cnt;
const char *hostile_name(size_t i);

#endif
