/* SPDX-License-Identifier: BSD-2-Clause */
/* Probes on the instructions that count allocations and frees, and what they saw. Owned by file
 * descriptors, as all probes: when the tool dies, the kernel takes them out. */
#ifndef PYLEAK_ALLOC_PROBES_H
#define PYLEAK_ALLOC_PROBES_H

#include <stdbool.h>
#include <sys/types.h>

#include <linux/types.h>

#include "attach/alloc_sites.h"
#include "attach/hooks.h"
#include "pyleak_alloc.h"

struct alloc_probes;

enum alloc_mode {
	ALLOC_TRIAL, /* compares with the interpreter's own count, and looks at the objects */
	ALLOC_COUNT, /* counts by type, and takes stacks of suspect types */
};

struct alloc_probes_options {
	pid_t pid;
	const struct python *python;
	const struct alloc_sites *sites;
	const struct gc_lists *lists;
	enum alloc_mode mode;
	const struct gc_hook *hook; /* COUNT: where collections begin; up to 3.11 an object that
				     * sets one off has no type yet */
	int epoch_fd;		    /* COUNT: probes_epoch_fd(), or -1: no censuses */
	uint64_t hit_ns;	    /* COUNT: price of a hit, from alloc_price() */
	bool per_place;		    /* a perf event each, as on older kernels, in any case */
};

/* Loads the programs and tells them where to look; no probe is in yet. All options must outlive the
 * probes. Logs one line and returns -errno. */
int alloc_probes_open(const struct alloc_probes_options *options, struct alloc_probes **out);
void alloc_probes_close(struct alloc_probes *probes);

/* Puts a probe on each place, disarmed: 30 ms or so. Logged. */
int alloc_probes_attach(struct alloc_probes *probes);
/* Takes them out. Milliseconds where alloc_probes_are_quick(), else 0.1 s per place. */
void alloc_probes_detach(struct alloc_probes *probes);
/* One link over all places (uprobe_multi, Linux 6.11 and later): only then can a window be closed
 * before a burst costs much. Known once attached. */
bool alloc_probes_are_quick(const struct alloc_probes *probes);

/* From now on hits count, until they have cost `allowance_ns` (0 = no limit), or
 * alloc_probes_disarm(). Once more while armed: the allowance begins anew. */
int alloc_probes_arm(struct alloc_probes *probes, uint64_t allowance_ns, bool stacks);
int alloc_probes_disarm(struct alloc_probes *probes);
/* Readable (epoll) when the kernel side disarmed itself; alloc_probes_drain() makes it quiet. */
int alloc_probes_event_fd(struct alloc_probes *probes);
void alloc_probes_drain(struct alloc_probes *probes);

const volatile struct pyleak_alloc_progress *
alloc_probes_progress(const struct alloc_probes *probes);

/* ---- COUNT */

/* The table of types, as it is now; every slot whose type is not 0 counts. Shared with the kernel
 * side, read only. */
const volatile struct pyleak_alloc_type *alloc_probes_types(const struct alloc_probes *probes);
/* Objects whose type was not read yet: one or none per interpreter. They are in no type's count;
 * at rest their type can be read in the target. */
size_t alloc_probes_pending(struct alloc_probes *probes, __u64 *objects, size_t room);
/* Stacks of this type's allocations are wanted, or no longer. -ENOSPC: the table is full. */
int alloc_probes_suspect(struct alloc_probes *probes, __u64 type, bool suspect);

/* Call `visit` for each; non-zero ends and is returned. */
int alloc_probes_each_stack(struct alloc_probes *probes,
			    int (*visit)(const struct pyleak_stack_key *key,
					 const struct pyleak_stack_value *value, void *context),
			    void *context);
int alloc_probes_each_live(struct alloc_probes *probes,
			   int (*visit)(__u64 object, const struct pyleak_live_object *live,
					void *context),
			   void *context);
/* -ENOENT: not known. */
int alloc_probes_code(struct alloc_probes *probes, const struct pyleak_frame *frame,
		      struct pyleak_code *out);
/* Objects that were made so far are no longer followed to their end: after a window. */
void alloc_probes_forget_live(struct alloc_probes *probes);

/* ---- TRIAL */

/* Sums over the interpreters since alloc_probes_arm(). */
struct alloc_seen {
	uint64_t allocs;
	uint64_t frees; /* also those that left the count as it was, 0 */
	uint64_t decrements;
	uint64_t missed; /* allocations that moved the count without a hit */
	uint64_t missed_frees;
	uint64_t resets;   /* collections that were met */
	uint64_t objects;  /* whose type proved that they are objects */
	uint64_t others;   /* what the register held was none */
	uint64_t faults;   /* the count was not readable where it should be */
	uint64_t spent_ns; /* by the programs, without the traps */
	uint32_t interpreters;
};

int alloc_probes_read(struct alloc_probes *probes, struct alloc_seen *out);
/* What one place saw; `index` as in the sites. */
int alloc_probes_site(struct alloc_probes *probes, size_t index, struct pyleak_alloc_hits *out);

/* ---- what a hit costs */

struct alloc_price {
	uint64_t trap_ns; /* a probe with a program that does nothing */
	uint64_t hit_ns;  /* one that counts an allocation or a free by type */
};

/* Measured on ourselves, with the real program; some milliseconds. Logged. */
int alloc_price(struct alloc_price *out);
/* What a target that runs loses while probes are put into so many places and taken out again. */
uint64_t alloc_price_window(const struct alloc_price *price, size_t places);

#endif
