/* SPDX-License-Identifier: BSD-2-Clause */
/* The inside of an alloc_watch: alloc_watch_open.c finds the places and opens the probes,
 * alloc_watch.c works with them. */
#ifndef PYLEAK_ALLOC_WATCH_STATE_H
#define PYLEAK_ALLOC_WATCH_STATE_H

#include "attach/alloc_sites.h"
#include "cli/alloc_watch.h"
#include "collect/alloc_windows.h"
#include "collect/exact.h"

#define ALLOC_MAX_SUSPECTS 64

struct alloc_watch {
	struct session *session;
	struct alloc_sites sites;
	struct alloc_price price;
	struct alloc_probes *probes;
	struct alloc_windows *windows;	  /* NULL: none, or all the time */
	struct alloc_windows_seen seen;	  /* by those that are closed */
	struct exact *exact;		  /* NULL: in windows */
	uint64_t begin_ns, end_ns;	  /* of the time in which windows could be open */
	bool met[PYLEAK_ALLOC_MAX_TYPES]; /* slots whose name was looked at */
	char *names[ALLOC_MAX_SUSPECTS];
	size_t name_cnt;
	uint64_t suspects; /* types of these names that were met */
	char words[200];
};

#endif
