/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel side compiled for the host, as tests drive it and look at it. */
#ifndef KERNEL_SIDE_H
#define KERNEL_SIDE_H

#include "shim.h"

#include "pyleak_wire.h"
#include "pyleak_object.h"

struct pt_regs;

extern struct pyleak_control control;
extern struct pyleak_progress progress;
extern struct pyleak_pauses pauses;

int on_gc_start(struct pt_regs *ctx);
int on_safe_point(struct pt_regs *ctx);
int on_gc_done(struct pt_regs *ctx);

/* Values in the maps; NULL: not there. Those of the newest census only, where it says so. */
struct pyleak_type_count *type_in_map(__u64 type);
const struct pyleak_container *container_in_map(__u64 object);
__u64 live_of(__u64 type);  /* in the newest census; 0 if its counts are void */
__u64 bytes_of(__u64 type); /* likewise */
__u64 young_of(__u64 type);
__u64 loss_of(enum pyleak_loss reason);
__u64 losses(void); /* of any kind */

/* Fills a map with entries of no use, up to `room` less than it holds. */
void fill_types(size_t room);
void fill_containers(size_t room);

#define SECOND 1000000000ULL

/* Asks for a census; is the answer there? */
void ask(void);
bool answered(void);
/* Passes the hook, seconds apart, until the answer is there; how often. Fails after `most`. */
int pass_until_answered(int (*hook)(struct pt_regs *ctx), int most);
/* A census in one pass through a safe point. */
void take_census(void);
/* From now on each look at the clock finds the slice over: one slice is 127 steps. */
void cut_slices(void);

#endif
