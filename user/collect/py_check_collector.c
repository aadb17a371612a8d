/* SPDX-License-Identifier: BSD-2-Clause */
/* What lies beside the generations, in the order of struct _gc_runtime_state: `enabled`, the flags
 * of gc.set_debug(), the generations, the permanent one, the statistics, `collecting`. */
#include "collect/py_check_collector.h"

#define STATS_BYTES 72	   /* struct gc_generation_stats[3], up to 3.14; then a pointer */
#define GC_DEBUG_MOST 0x3f /* gcmodule.c, DEBUG_* */

static bool check_one(const struct python *python, struct remote *remote,
		      const struct gc_lists *lists, uint32_t index)
{
	const struct pyleak_interpreter *one = &lists->interpreters[index];
	raddr_t stats = lists->stats[index], enabled = lists->enabled[index];
	uint64_t stride = one->heads[2] - one->heads[3];

	return one->heads[0] >= one->heads[3] + 3 * stride && stats == one->heads[0] + stride &&
	       one->collecting == stats + (python->minor >= 15 ? 8 : STATS_BYTES) &&
	       enabled < one->heads[3] && remote_word32(remote, one->collecting) <= 1 &&
	       remote_word32(remote, enabled) <= 1 &&
	       remote_word32(remote, enabled + 4) <= GC_DEBUG_MOST;
}

bool py_check_collectors(const struct python *python, struct remote *remote, struct gc_lists *lists)
{
	struct gc_lists again;

	/* 3.6 has statics, by name. */
	for (uint32_t i = 0; python->minor >= 7 && i < lists->cnt; i++) {
		/* gc.freeze() may have run when they were found. */
		if (!lists->interpreters[i].heads[0] && !gc_lists_find(python, remote, &again))
			*lists = again;
		if (!check_one(python, remote, lists, i))
			return false;
	}
	return true;
}
