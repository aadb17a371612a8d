/* SPDX-License-Identifier: BSD-2-Clause */
/* struct _gc_runtime_state, pycore_gc.h. */
#include "attach/gc_surroundings.h"

static uint32_t align_up(uint32_t value, uint32_t to)
{
	return (value + to - 1) & ~(to - 1);
}

/* A 32-byte head is aligned to 16, and so is what follows it. */
uint32_t gc_stride(uint32_t head_bytes)
{
	return head_bytes == 32 ? 48 : head_bytes + 8;
}

struct gc_surroundings gc_surroundings(int minor, raddr_t generations, uint32_t head_bytes)
{
	uint32_t stride = gc_stride(head_bytes);
	uint32_t pad = generations % 8; /* Debian's 3.13 */
	struct gc_surroundings around = {};

	if (minor >= 14) {
		around.permanent = 3 * stride;
		around.stats = 4 * stride;
	} else {
		/* PyGC_Head *generation0 stands between, aligned to 8. */
		around.permanent = align_up(3 * stride + 8, head_bytes == 32 ? 16 : 8) + pad;
		around.stats = around.permanent + stride;
	}
	/* gc_generation_stats: 3 words for each generation; from 3.15 on a pointer to them. */
	around.collecting = around.stats + (minor >= 15 ? 8 : 3 * 24);
	around.enabled_before = minor >= 15 ? 8 : head_bytes == 32 ? 0x14 : 0xc - pad;
	return around;
}
