/* SPDX-License-Identifier: BSD-2-Clause */
/* What instructions do to generations[0].count and the threshold before it. */
#include "attach/alloc_arm64.h"

bool alloc_arm64_is_int(const struct arm64_step *step, enum arm64_kind kind)
{
	return step->kind == kind && !step->is_vector && step->bytes == 4;
}

static bool means(const struct alloc_count *count, const struct arm64_value *address, int64_t delta)
{
	if (address->root == ARM64_ROOT_NUMBER)
		return count->address && (uint64_t)address->offset == count->address + delta;
	return count->relative && address->root != ARM64_ROOT_STACK &&
	       address->offset == count->displacement + delta;
}

int alloc_arm64_accesses(const struct alloc_count *count, const struct arm64_flow *flow, size_t at,
			 int64_t delta)
{
	struct arm64_value address = arm64_flow_address(flow, at);

	if (means(count, &address, delta))
		return 1;
	return flow->steps[at].rd2 != ARM64_NO_REGISTER && means(count, &address, delta - 4) ? 2
											     : 0;
}

bool alloc_arm64_is_loaded(const struct alloc_count *count, const struct arm64_flow *flow,
			   const struct arm64_value *value)
{
	size_t at = ARM64_ROOT_STEP(value->root);

	return value->root >= 0 && alloc_arm64_is_int(&flow->steps[at], ARM64_LOAD) &&
	       alloc_arm64_accesses(count, flow, at, 0) ==
		       1 + (ARM64_ROOT_REGISTER(value->root) == flow->steps[at].rd2);
}

bool alloc_arm64_stored(const struct alloc_count *count, const struct arm64_flow *flow, size_t at,
			struct arm64_value *out)
{
	const struct arm64_step *step = &flow->steps[at];
	int which = alloc_arm64_is_int(step, ARM64_STORE) ? alloc_arm64_accesses(count, flow, at, 0)
							  : 0;
	uint8_t reg = which == 2 ? step->rd2 : step->rd;

	if (!which || reg == ARM64_R31)
		return false;
	*out = arm64_flow_value(flow, at, reg);
	return true;
}
