/* SPDX-License-Identifier: BSD-2-Clause */
/* Where the fields beside the generations are, relative to the first generation. */
#ifndef PYLEAK_GC_SURROUNDINGS_H
#define PYLEAK_GC_SURROUNDINGS_H

#include "attach/remote.h"

struct gc_surroundings {
	uint32_t permanent, stats, collecting;
	uint32_t enabled_before; /* bytes before the generations */
};

/* From one generation to the next. */
uint32_t gc_stride(uint32_t head_bytes);
/* 3.7 and later. */
struct gc_surroundings gc_surroundings(int minor, raddr_t generations, uint32_t head_bytes);

#endif
