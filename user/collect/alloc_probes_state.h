/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the allocation probes share. */
#ifndef PYLEAK_ALLOC_PROBES_STATE_H
#define PYLEAK_ALLOC_PROBES_STATE_H

#include "collect/alloc_keeper.h"
#include "collect/alloc_probes.h"

#define ALLOC_MAX_PLACES (ALLOC_MAX_SITES + HOOK_MAX_SITES + 1)

struct alloc_bpf;
struct ring_buffer;

struct alloc_probes {
	struct alloc_probes_options options;
	struct alloc_bpf *skeleton;
	struct alloc_keeper *keeper;
	bool attached;
	size_t place_cnt;
	uint64_t offsets[ALLOC_MAX_PLACES], semaphores[ALLOC_MAX_PLACES];
	struct ring_buffer *events;
	bool multi;
	bool frames_tried, frames_known;
	/* Shared with the kernel side. */
	struct pyleak_alloc_control *control;
	struct pyleak_alloc_progress *progress;
	struct pyleak_alloc_hits *hits;
	struct pyleak_alloc_site *sites;
	struct pyleak_alloc_type *types;
	struct pyleak_alloc_state *states;
	/* Maps. */
	int counts_fd, stacks_fd, live_fd, codes_fd;
};

#endif
