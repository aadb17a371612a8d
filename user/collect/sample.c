/* SPDX-License-Identifier: BSD-2-Clause */
/* Words for the plain data of sample.h. */
#include "collect/sample.h"

const char *instrument_name(enum instrument instrument)
{
	static const char *const names[] = {
		[INSTRUMENT_NONE] = "none",
		[INSTRUMENT_GC] = "collection",
		[INSTRUMENT_SAFEPOINT] = "safe-point",
		[INSTRUMENT_OUTSIDE] = "outside",
		[INSTRUMENT_UNCHANGED] = "unchanged",
	};

	return instrument <= INSTRUMENT_UNCHANGED ? names[instrument] : "unknown";
}
