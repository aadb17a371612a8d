/* SPDX-License-Identifier: BSD-2-Clause */
/* Line tables of code objects. */
#ifndef PYLEAK_PY_LINES_H
#define PYLEAK_PY_LINES_H

#include <stddef.h>
#include <stdint.h>

/* co_lnotab and co_linetable are bytes. */
#define PY_LINES_MAX 65536

/* The line of an instruction: `at` is its index in bytes from the start of the code, `first` the
 * line where the function begins. 0 = not known: it has none, or the table is cut or garbage. */
uint32_t py_line(int minor, const uint8_t *bytes, size_t size, uint32_t first, uint64_t at);

#endif
