/* SPDX-License-Identifier: BSD-2-Clause */
/* Machine code of the target: where a probe is cheap. */
#ifndef PYLEAK_INSN_H
#define PYLEAK_INSN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Offset of the first instruction that the kernel emulates instead of single-stepping, in the
 * straight run of code from a function's entry: up to and with its first branch, so that it is
 * executed as often as the function is entered. -ENOENT: there is none. Code of this machine. */
int insn_cheap_probe(const uint8_t *code, size_t size, uint64_t address, uint32_t *offset);

/* Does the kernel emulate the (whole, valid) instruction that begins here? */
bool insn_x86_is_cheap(const uint8_t *bytes);
bool insn_arm64_is_cheap(uint32_t word);

#endif
