/* SPDX-License-Identifier: BSD-2-Clause */
/* The only file that knows the skeleton; the maps are read in probes_read.c. Probes are perf-event
 * uprobes with a pid: unlike uprobe_multi, they put no breakpoint into other processes that map the
 * same file. */
#include "collect/probes.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/log.h"
#include "collect/kernel_lacks.h"
#include "collect/probes_state.h"
#include "pyleak.skel.h"

static int print_libbpf(enum libbpf_print_level level, const char *format, va_list args)
{
	char line[900];

	/* libbpf repeats at warning level what we report ourselves with a reason. */
	(void)level;
	vsnprintf(line, sizeof(line), format, args);
	line[strcspn(line, "\n")] = '\0';
	pr_debug("%s", line);
	return 0;
}

void probes_quiet_libbpf(void)
{
	libbpf_set_print(print_libbpf);
	libbpf_set_strict_mode(LIBBPF_STRICT_ALL);
}

static int ignore_event(void *context, void *data, size_t size)
{
	(void)context;
	(void)data;
	(void)size;
	return 0;
}

static int report_load(int err)
{
	const char *lack = kernel_lacks();

	if (lack) {
		pr_warn("probes: this kernel %s; censuses are read from outside, and miss some of "
			"what a busy process has just made",
			lack);
		return -EOPNOTSUPP;
	}
	if (err == -EPERM || err == -EACCES)
		pr_error("probes: the kernel refused the BPF programs: %s; run as root (in a "
			 "container: --privileged): pyleak-bpf doctor names the capabilities that "
			 "are missing",
			 strerror(-err));
	else if (err == -EMFILE)
		pr_error("probes: cannot load the BPF programs: %s; raise the limit: ulimit -n 256",
			 strerror(-err));
	else
		pr_error("probes: cannot load the BPF programs: %s; pyleak-bpf doctor tells what "
			 "this "
			 "kernel lacks",
			 strerror(-err));
	return err;
}

int probes_open(bool pauses, struct probes **out)
{
	struct probes *probes = calloc(1, sizeof(*probes));
	int err;

	if (!probes)
		return -ENOMEM;
	probes_quiet_libbpf();
	probes->skeleton = pyleak_bpf__open();
	if (!probes->skeleton) {
		err = -errno;
		goto fail;
	}
	bpf_program__set_autoload(probes->skeleton->progs.on_gc_done, pauses);
	bpf_program__set_autoload(probes->skeleton->progs.on_gc_return, pauses);
	err = pyleak_bpf__load(probes->skeleton);
	if (err)
		goto fail;
	probes->control = &probes->skeleton->bss->control;
	probes->progress = &probes->skeleton->bss->progress;
	probes->pauses = &probes->skeleton->bss->pauses;
	probes->types_fd = bpf_map__fd(probes->skeleton->maps.types);
	probes->containers_fd = bpf_map__fd(probes->skeleton->maps.containers);
	probes->control->measure_pauses = pauses;
	probes->events = ring_buffer__new(bpf_map__fd(probes->skeleton->maps.events), ignore_event,
					  NULL, NULL);
	if (!probes->events) {
		err = -errno;
		goto fail;
	}
	*out = probes;
	return 0;
fail:
	probes_close(probes);
	return report_load(err);
}

int probes_open_none(struct probes **out)
{
	struct probes *probes = calloc(1, sizeof(*probes));
	struct probes_unshared *unshared = calloc(1, sizeof(*unshared));

	if (!probes || !unshared) {
		free(probes);
		free(unshared);
		return -ENOMEM;
	}
	probes->unshared = unshared;
	probes->control = &unshared->control;
	probes->progress = &unshared->progress;
	probes->pauses = &unshared->pauses;
	*out = probes;
	return 0;
}

bool probes_can_count(const struct probes *probes)
{
	return probes->skeleton;
}

static void detach(struct held_link *held)
{
	bpf_link__destroy(held->link);
	keeper_close(&held->keeper);
}

void probes_close(struct probes *probes)
{
	if (!probes)
		return;
	probes_detach_safe_points(probes);
	while (probes->link_cnt)
		detach(&probes->links[--probes->link_cnt]);
	ring_buffer__free(probes->events);
	pyleak_bpf__destroy(probes->skeleton);
	free(probes->unshared);
	free(probes);
}

/* Says what failed; returns its error. */
static int report_attach(const struct probe_site *site, const char *path, pid_t pid, int err)
{
	pr_error("probes: cannot put a probe at %s (%s, offset %#llx) of process %d: %s%s",
		 site->name, path, (unsigned long long)site->offset, pid, strerror(-err),
		 err == -EACCES || err == -EPERM
			 ? "; run as root (in a container: --privileged): most kernels want "
			   "CAP_SYS_ADMIN for it"
			 : "");
	return err;
}

static int attach(struct bpf_program *program, pid_t pid, const char *path,
		  const struct probe_site *site, bool at_return, struct held_link *out)
{
	LIBBPF_OPTS(bpf_uprobe_opts, opts, .ref_ctr_offset = site->semaphore,
		    .retprobe = at_return);
	struct held_link held = {};
	int err;

	held.link = bpf_program__attach_uprobe_opts(program, pid, path, site->offset, &opts);
	if (!held.link)
		return report_attach(site, path, pid, -errno);
	err = keeper_open(bpf_link__fd(held.link), &held.keeper);
	if (err) {
		detach(&held);
		return report_attach(site, path, pid, err);
	}
	*out = held;
	return 0;
}

static int attach_link(struct probes *probes, struct bpf_program *program, pid_t pid,
		       const char *path, const struct probe_site *site, bool at_return)
{
	int err = probes->link_cnt == PROBES_MAX_LINKS ? -E2BIG
						       : attach(program, pid, path, site, at_return,
								&probes->links[probes->link_cnt]);

	if (!err)
		probes->link_cnt++;
	return err;
}

int probes_attach_gc(struct probes *probes, pid_t pid, const char *path, const struct gc_hook *hook)
{
	struct pyleak_bpf *skeleton = probes->skeleton;
	bool pauses = probes->control->measure_pauses;
	int err = 0;

	for (size_t i = 0; !err && i < hook->start_cnt; i++) {
		err = attach_link(probes, skeleton->progs.on_gc_start, pid, path, &hook->start[i],
				  false);
		if (!err && pauses && hook->kind != GC_HOOK_USDT)
			err = attach_link(probes, skeleton->progs.on_gc_return, pid, path,
					  &hook->start[i], true);
	}
	if (!err && pauses && hook->kind == GC_HOOK_USDT)
		err = attach_link(probes, skeleton->progs.on_gc_done, pid, path, &hook->done,
				  false);
	return err;
}

int probes_attach_safe_point(struct probes *probes, pid_t pid, const char *path,
			     const struct probe_site *site)
{
	int err = probes->safe_point_cnt == HOOK_MAX_SITES
			  ? -E2BIG
			  : attach(probes->skeleton->progs.on_safe_point, pid, path, site, false,
				   &probes->safe_points[probes->safe_point_cnt]);

	if (!err)
		probes->safe_point_cnt++;
	return err;
}

void probes_detach_safe_points(struct probes *probes)
{
	while (probes->safe_point_cnt)
		detach(&probes->safe_points[--probes->safe_point_cnt]);
}

struct pyleak_control *probes_control(struct probes *probes)
{
	return probes->control;
}

const volatile struct pyleak_progress *probes_progress(struct probes *probes)
{
	return probes->progress;
}

const volatile struct pyleak_pauses *probes_pauses(struct probes *probes)
{
	return probes->pauses;
}

uint64_t probes_epoch(const struct probes *probes)
{
	__u32 zero = 0;
	__u64 epoch = 0;

	if (probes->skeleton)
		bpf_map_lookup_elem(probes_epoch_fd(probes), &zero, &epoch);
	return epoch;
}

int probes_epoch_fd(const struct probes *probes)
{
	return probes->skeleton ? bpf_map__fd(probes->skeleton->maps.census_epoch) : -1;
}

int probes_event_fd(struct probes *probes)
{
	return probes->events ? ring_buffer__epoll_fd(probes->events) : -1;
}

void probes_drain(struct probes *probes)
{
	if (probes->events)
		ring_buffer__consume(probes->events);
}

const char *probes_libbpf_version(void)
{
	return libbpf_version_string();
}
