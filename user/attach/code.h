/* SPDX-License-Identifier: BSD-2-Clause */
/* Machine code of the target, of whichever machine. */
#ifndef PYLEAK_CODE_H
#define PYLEAK_CODE_H

#include <stddef.h>
#include <stdint.h>

struct code_text {
	const uint8_t *bytes;
	size_t size;
	uint64_t address; /* link-time */
	/* The start of the function that holds an address; NULL: `address` is the only one. */
	int (*function_start)(void *context, uint64_t address, uint64_t *out);
	void *context;
};

#endif
