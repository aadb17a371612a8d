/* SPDX-License-Identifier: BSD-2-Clause */
/* The inside of struct probes, shared by the files that make it up and by nobody else: probes.c
 * (load, attach) and probes_read.c (the maps). */
#ifndef PYLEAK_PROBES_STATE_H
#define PYLEAK_PROBES_STATE_H

#include "collect/keeper.h"
#include "collect/probes.h"

#define PROBES_MAX_LINKS (3 * HOOK_MAX_SITES)

/* What is shared with the kernel side, where there is none. */
struct probes_unshared {
	struct pyleak_control control;
	struct pyleak_progress progress;
	struct pyleak_pauses pauses;
};

struct held_link {
	struct bpf_link *link;
	struct keeper keeper;
};

struct probes {
	struct pyleak_bpf *skeleton; /* NULL: nothing is in the kernel */
	struct probes_unshared *unshared;
	struct pyleak_control *control;
	const volatile struct pyleak_progress *progress;
	const volatile struct pyleak_pauses *pauses;
	int types_fd, containers_fd; /* the skeleton's */
	struct ring_buffer *events;
	struct held_link links[PROBES_MAX_LINKS];
	size_t link_cnt;
	struct held_link safe_points[HOOK_MAX_SITES];
	size_t safe_point_cnt;
};

#endif
