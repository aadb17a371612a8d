/* SPDX-License-Identifier: BSD-2-Clause */
/* The names of verdicts, as reports print them. They are part of the JSON that scripts read:
 * a rename breaks users, whatever the enum is called. */
#include "detect/verdict.h"

#include "base/cleanup.h"

const char *verdict_name(enum verdict_kind kind)
{
	static const char *const names[] = {
		[VERDICT_STABLE] = "stable",
		[VERDICT_SAWTOOTH] = "sawtooth",
		[VERDICT_SATURATING] = "saturating",
		[VERDICT_GC_LAG] = "gc-lag",
		[VERDICT_SUSPECT] = "suspect",
		[VERDICT_NATIVE] = "native",
		[VERDICT_LEAK] = "leak",
	};

	return (size_t)kind < ARRAY_SIZE(names) ? names[kind] : "unknown";
}
