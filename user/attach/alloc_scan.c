/* SPDX-License-Identifier: BSD-2-Clause */
/* What the scans for all machines share: the list of places. */
#include "attach/alloc_scan.h"

#include <string.h>

void alloc_scan_reject(uint64_t address, enum alloc_rejection why, struct alloc_sites *out)
{
	if (out->rejected_cnt < ALLOC_MAX_REJECTED) {
		out->rejected[out->rejected_cnt].address = address;
		out->rejected[out->rejected_cnt].why = why;
	}
	out->rejected_cnt++;
}

struct alloc_site *alloc_scan_add(uint64_t address, enum alloc_kind kind, bool cheap,
				  struct alloc_sites *out)
{
	struct alloc_site *site;

	for (size_t i = 0; i < out->cnt; i++) {
		if (out->items[i].address == address)
			return NULL;
	}
	if (out->cnt == ALLOC_MAX_SITES) {
		alloc_scan_reject(address, ALLOC_REJECTED_FULL, out);
		return NULL;
	}
	site = &out->items[out->cnt++];
	memset(site, 0, sizeof(*site));
	site->kind = kind;
	site->address = site->offset = address;
	site->cheap = cheap;
	site->object_reg = site->object_index = site->count_reg = ALLOC_NO_REGISTER;
	return site;
}
