/* SPDX-License-Identifier: BSD-2-Clause */
/* The only file that knows the skeleton. Probes are perf-event uprobes with a pid: unlike
 * uprobe_multi, they put no breakpoint into other processes that map the same file. */
#include "collect/probes.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "pyleak.skel.h"

#define MAX_LINKS (3 * HOOK_MAX_SITES)
#define BATCH 512

struct probes {
	struct pyleak_bpf *skeleton;
	struct ring_buffer *events;
	struct bpf_link *links[MAX_LINKS];
	size_t link_cnt;
	struct bpf_link *safe_points[HOOK_MAX_SITES];
	size_t safe_point_cnt;
};

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
	if (err == -EPERM || err == -EACCES)
		pr_error("probes: the kernel refused the BPF programs: %s; run as root",
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
	probes->skeleton->bss->control.measure_pauses = pauses;
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

void probes_close(struct probes *probes)
{
	if (!probes)
		return;
	probes_detach_safe_points(probes);
	while (probes->link_cnt)
		bpf_link__destroy(probes->links[--probes->link_cnt]);
	ring_buffer__free(probes->events);
	pyleak_bpf__destroy(probes->skeleton);
	free(probes);
}

static struct bpf_link *attach(struct bpf_program *program, pid_t pid, const char *path,
			       const struct probe_site *site, bool at_return)
{
	LIBBPF_OPTS(bpf_uprobe_opts, opts, .ref_ctr_offset = site->semaphore,
		    .retprobe = at_return);
	struct bpf_link *link =
		bpf_program__attach_uprobe_opts(program, pid, path, site->offset, &opts);

	if (!link)
		pr_error("probes: cannot put a probe at %s (%s, offset %#llx) of process %d: %s",
			 site->name, path, (unsigned long long)site->offset, pid, strerror(errno));
	return link;
}

static int attach_link(struct probes *probes, struct bpf_program *program, pid_t pid,
		       const char *path, const struct probe_site *site, bool at_return)
{
	struct bpf_link *link;

	if (probes->link_cnt == MAX_LINKS)
		return -E2BIG;
	link = attach(program, pid, path, site, at_return);
	if (!link)
		return -errno;
	probes->links[probes->link_cnt++] = link;
	return 0;
}

int probes_attach_gc(struct probes *probes, pid_t pid, const char *path, const struct gc_hook *hook)
{
	struct pyleak_bpf *skeleton = probes->skeleton;
	bool pauses = skeleton->bss->control.measure_pauses;
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
	struct bpf_link *link;

	if (probes->safe_point_cnt == HOOK_MAX_SITES)
		return -E2BIG;
	link = attach(probes->skeleton->progs.on_safe_point, pid, path, site, false);
	if (!link)
		return -errno;
	probes->safe_points[probes->safe_point_cnt++] = link;
	return 0;
}

void probes_detach_safe_points(struct probes *probes)
{
	while (probes->safe_point_cnt)
		bpf_link__destroy(probes->safe_points[--probes->safe_point_cnt]);
}

struct pyleak_control *probes_control(struct probes *probes)
{
	return &probes->skeleton->bss->control;
}

const volatile struct pyleak_progress *probes_progress(struct probes *probes)
{
	return &probes->skeleton->bss->progress;
}

const volatile struct pyleak_pauses *probes_pauses(struct probes *probes)
{
	return &probes->skeleton->bss->pauses;
}

uint64_t probes_epoch(const struct probes *probes)
{
	__u32 zero = 0;
	__u64 epoch = 0;

	bpf_map_lookup_elem(probes_epoch_fd(probes), &zero, &epoch);
	return epoch;
}

int probes_epoch_fd(const struct probes *probes)
{
	return bpf_map__fd(probes->skeleton->maps.census_epoch);
}

int probes_event_fd(struct probes *probes)
{
	return ring_buffer__epoll_fd(probes->events);
}

void probes_drain(struct probes *probes)
{
	ring_buffer__consume(probes->events);
}

/* Reads a whole map in batches. An entry that moves to another bucket meanwhile may be seen
 * twice or not at all; nobody writes while no census is asked for. */
static int each_entry(int fd, size_t value_bytes,
		      int (*visit)(__u64 key, const void *value, void *context), void *context)
{
	_cleanup_free_ __u64 *keys = malloc(BATCH * sizeof(*keys));
	_cleanup_free_ char *values = malloc(BATCH * value_bytes);
	__u64 position = 0;
	bool more = true, first = true;

	if (!keys || !values)
		return -ENOMEM;
	while (more) {
		__u32 cnt = BATCH;
		int err = bpf_map_lookup_batch(fd, first ? NULL : &position, &position, keys,
					       values, &cnt, NULL);

		if (err && err != -ENOENT)
			return err;
		more = !err;
		first = false;
		for (__u32 i = 0; i < cnt; i++) {
			err = visit(keys[i], values + i * value_bytes, context);
			if (err)
				return err;
		}
	}
	return 0;
}

struct type_visit {
	int (*visit)(__u64 type, const struct pyleak_type_count *count, void *context);
	void *context;
};

static int visit_type(__u64 key, const void *value, void *context)
{
	const struct type_visit *wanted = context;

	return wanted->visit(key, value, wanted->context);
}

int probes_each_type(struct probes *probes,
		     int (*visit)(__u64 type, const struct pyleak_type_count *count, void *context),
		     void *context)
{
	struct type_visit wanted = { visit, context };

	return each_entry(bpf_map__fd(probes->skeleton->maps.types),
			  sizeof(struct pyleak_type_count), visit_type, &wanted);
}

struct container_visit {
	int (*visit)(__u64 object, const struct pyleak_container *container, void *context);
	void *context;
};

static int visit_container(__u64 key, const void *value, void *context)
{
	const struct container_visit *wanted = context;

	return wanted->visit(key, value, wanted->context);
}

int probes_each_container(struct probes *probes,
			  int (*visit)(__u64 object, const struct pyleak_container *container,
				       void *context),
			  void *context)
{
	struct container_visit wanted = { visit, context };

	return each_entry(bpf_map__fd(probes->skeleton->maps.containers),
			  sizeof(struct pyleak_container), visit_container, &wanted);
}

void probes_forget_type(struct probes *probes, __u64 type)
{
	bpf_map_delete_elem(bpf_map__fd(probes->skeleton->maps.types), &type);
}

void probes_forget_container(struct probes *probes, __u64 object)
{
	bpf_map_delete_elem(bpf_map__fd(probes->skeleton->maps.containers), &object);
}

void probes_set_kind(struct probes *probes, __u64 type, __u32 kind)
{
	int fd = bpf_map__fd(probes->skeleton->maps.types);
	struct pyleak_type_count count;

	if (bpf_map_lookup_elem(fd, &type, &count) || count.kind == kind)
		return;
	count.kind = kind;
	bpf_map_update_elem(fd, &type, &count, BPF_EXIST);
}

const char *probes_libbpf_version(void)
{
	return libbpf_version_string();
}
