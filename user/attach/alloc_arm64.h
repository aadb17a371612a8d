/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the parts of the search in arm64 code. */
#ifndef PYLEAK_ALLOC_ARM64_H
#define PYLEAK_ALLOC_ARM64_H

#include "attach/alloc_scan.h"
#include "attach/flow_arm64.h"

/* A load or store of 32 bits, or of two of them. */
bool alloc_arm64_is_int(const struct arm64_step *step, enum arm64_kind kind);

/* Which register of a load or store (1, 2) has the count (`delta` 0) or the threshold (-4); 0 =
 * none. */
int alloc_arm64_accesses(const struct alloc_count *count, const struct arm64_flow *flow, size_t at,
			 int64_t delta);

/* Is what `value` is made from loaded from the count? */
bool alloc_arm64_is_loaded(const struct alloc_count *count, const struct arm64_flow *flow,
			   const struct arm64_value *value);

/* What steps[at] stores to the count; false: it does not change the count, or to 0. */
bool alloc_arm64_stored(const struct alloc_count *count, const struct arm64_flow *flow, size_t at,
			struct arm64_value *out);

/* Sets the object's register as it is when steps[probe] is reached; false: not decoded. */
bool alloc_arm64_decode_new(const struct alloc_count *count, const struct arm64_flow *flow,
			    size_t probe, struct alloc_site *out);
bool alloc_arm64_decode_freed(const struct alloc_count *count, const struct arm64_flow *flow,
			      size_t probe, struct alloc_site *out);

#endif
