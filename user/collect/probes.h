/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel side as user space sees it. Everything is owned by file descriptors: when the tool
 * dies, the kernel takes the probes out. */
#ifndef PYLEAK_PROBES_H
#define PYLEAK_PROBES_H

#include <stdbool.h>
#include <sys/types.h>

#include <linux/types.h>

#include "attach/hooks.h"
#include "pyleak_wire.h"

struct probes;

/* Loads the kernel side. `pauses`: with the programs that measure them. Logs one line and
 * returns -errno; -EOPNOTSUPP: this kernel lacks what they need. */
int probes_open(bool pauses, struct probes **out);
/* Nothing in the kernel, and nothing to attach: what is shared with it stays as user space leaves
 * it, so no census is ever answered. */
int probes_open_none(struct probes **out);
/* Is there a kernel side? What says "kernel" below may be called only then. */
bool probes_can_count(const struct probes *probes);
void probes_close(struct probes *probes);

/* Kernel. Puts the census at the start of collections of the process; logged. */
int probes_attach_gc(struct probes *probes, pid_t pid, const char *path,
		     const struct gc_hook *hook);
int probes_attach_safe_point(struct probes *probes, pid_t pid, const char *path,
			     const struct probe_site *site);
void probes_detach_safe_points(struct probes *probes);

/* Shared with the kernel side, see pyleak_wire.h for who may write what. */
struct pyleak_control *probes_control(struct probes *probes);
const volatile struct pyleak_progress *probes_progress(struct probes *probes);
const volatile struct pyleak_pauses *probes_pauses(struct probes *probes);

/* The kernel map with the number of complete censuses, for programs that count allocations; -1:
 * there is none. */
int probes_epoch_fd(const struct probes *probes);
/* How many there were. */
uint64_t probes_epoch(const struct probes *probes);

/* Readable (epoll) when a census is complete; probes_drain() makes it quiet again. -1: never. */
int probes_event_fd(struct probes *probes);
void probes_drain(struct probes *probes);

/* Kernel, down to probes_set_kind(). Calls `visit` for every entry; non-zero ends and is returned.
 * Entries may be deleted by probes_forget_*() in between. */
int probes_each_type(struct probes *probes,
		     int (*visit)(__u64 type, const struct pyleak_type_count *count, void *context),
		     void *context);
int probes_each_container(struct probes *probes,
			  int (*visit)(__u64 object, const struct pyleak_container *container,
				       void *context),
			  void *context);
void probes_forget_type(struct probes *probes, __u64 type);
void probes_forget_container(struct probes *probes, __u64 object);
/* Changes how a type is measured (enum pyleak_type_kind). */
void probes_set_kind(struct probes *probes, __u64 type, __u32 kind);

/* From now on what libbpf says goes to the debug log. */
void probes_quiet_libbpf(void);
/* "v1.1". */
const char *probes_libbpf_version(void);

#endif
