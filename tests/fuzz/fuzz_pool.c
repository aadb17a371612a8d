/* SPDX-License-Identifier: BSD-2-Clause */
/* Pages that may be pools of pymalloc: any page of the target's memory is tried. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "collect/memory.h"

#define HEADER_BYTES 48

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t address, used = 0;

	if (size < HEADER_BYTES + sizeof(address))
		return 0;
	memcpy(&address, data + HEADER_BYTES, sizeof(address));
	for (uint64_t pool_bytes = 4096; pool_bytes <= 16384; pool_bytes *= 4) {
		if (memory_parse_pool(data, pool_bytes, address & ~(pool_bytes - 1), &used) &&
		    used > pool_bytes)
			abort();
	}
	return 0;
}
