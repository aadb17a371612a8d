/* SPDX-License-Identifier: BSD-2-Clause */
/* Its own BPF object, loaded only when asked for: the census does not wait for it. One perf event
 * per place, because a link over many places (uprobe_multi) traps in every process that maps the
 * file. */
#include "collect/alloc_probes.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/user.h>

#include "alloc.skel.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "collect/probes.h"

struct alloc_probes {
	struct alloc_probes_options options;
	struct alloc_bpf *skeleton;
	struct bpf_link *links[ALLOC_MAX_SITES];
	size_t link_cnt;
	struct pyleak_alloc_control control;
};

_Static_assert(ALLOC_MAX_SITES == PYLEAK_ALLOC_MAX_SITES, "the kernel side holds as many");

/* struct pt_regs of the kernel begins as user_regs_struct does. In the order of machine code. */
static __u32 register_offset(uint8_t reg)
{
#if defined(__x86_64__)
#define AT(name) offsetof(struct user_regs_struct, name)
	static const __u32 offsets[] = { AT(rax), AT(rcx), AT(rdx), AT(rbx), AT(rsp), AT(rbp),
					 AT(rsi), AT(rdi), AT(r8),  AT(r9),  AT(r10), AT(r11),
					 AT(r12), AT(r13), AT(r14), AT(r15) };

	return reg < ARRAY_SIZE(offsets) ? offsets[reg] : PYLEAK_NO_REGISTER;
#else
	return reg < 31 ? 8U * reg : PYLEAK_NO_REGISTER;
#endif
}

static int tell_site(struct alloc_probes *probes, __u32 index, const struct alloc_site *site)
{
	struct pyleak_alloc_site told = {
		.is_free = site->kind == ALLOC_FREE,
		.object_at = register_offset(site->object_reg),
		.object_index_at = register_offset(site->object_index),
		.count_at = register_offset(site->count_reg),
		.object_bias = site->object_bias,
		.count_offset = site->count_offset,
	};

	return bpf_map_update_elem(bpf_map__fd(probes->skeleton->maps.sites), &index, &told,
				   BPF_ANY);
}

/* Begins every count anew. */
static int tell_counts(struct alloc_probes *probes, const struct gc_lists *lists)
{
	int err = 0;

	for (uint32_t i = 0; !err && i < lists->cnt; i++) {
		const struct pyleak_interpreter *interpreter = &lists->interpreters[i];
		__u64 key = interpreter->heads[PYLEAK_YOUNG_LIST] + lists->head_bytes + 4;
		struct pyleak_alloc_count count = { .collecting = interpreter->collecting };

		for (int g = 0; g < PYLEAK_GENERATIONS; g++) {
			count.marks[g] = interpreter->generation_marks[g];
			if (!count.marks[g])
				count.collecting = 0;
		}
		err = bpf_map_update_elem(bpf_map__fd(probes->skeleton->maps.counts), &key, &count,
					  BPF_ANY);
	}
	return err;
}

static int prepare(struct alloc_probes *probes)
{
	const struct alloc_sites *sites = probes->options.sites;
	int err;

	probes->skeleton = alloc_bpf__open_and_load();
	if (!probes->skeleton)
		return -errno;
	err = tell_counts(probes, probes->options.lists);
	for (size_t i = 0; !err && i < sites->cnt; i++)
		err = tell_site(probes, (__u32)i, &sites->items[i]);
	return err;
}

int alloc_probes_open(const struct alloc_probes_options *options, struct alloc_probes **out)
{
	struct alloc_probes *probes = calloc(1, sizeof(*probes));
	int err;

	if (!probes)
		return -ENOMEM;
	probes_quiet_libbpf();
	probes->options = *options;
	probes->control.look = options->mode == ALLOC_TRIAL;
	err = prepare(probes);
	if (err) {
		pr_error("allocation probes: cannot load them: %s", strerror(-err));
		alloc_probes_close(probes);
		return err;
	}
	*out = probes;
	return 0;
}

int alloc_probes_attach(struct alloc_probes *probes)
{
	const struct alloc_probes_options *options = &probes->options;

	for (size_t i = 0; i < options->sites->cnt; i++) {
		uint64_t offset = options->sites->items[i].offset;
		LIBBPF_OPTS(bpf_uprobe_opts, opts, .bpf_cookie = i);
		struct bpf_link *link = bpf_program__attach_uprobe_opts(
			probes->skeleton->progs.on_alloc_site, options->pid,
			options->python->open_path, offset, &opts);

		if (!link) {
			int err = -errno;

			pr_error("allocation probes: cannot put one at offset %#llx of %s: %s",
				 (unsigned long long)offset, options->python->open_path,
				 strerror(-err));
			alloc_probes_detach(probes);
			return err;
		}
		probes->links[probes->link_cnt++] = link;
	}
	return 0;
}

/* A perf event's breakpoint goes with the last of its descriptors; each waits for the kernel's
 * grace period, so they are closed while the program is disarmed. */
void alloc_probes_detach(struct alloc_probes *probes)
{
	while (probes->link_cnt)
		bpf_link__destroy(probes->links[--probes->link_cnt]);
}

void alloc_probes_close(struct alloc_probes *probes)
{
	if (!probes)
		return;
	alloc_probes_detach(probes);
	alloc_bpf__destroy(probes->skeleton);
	free(probes);
}

static int set_armed(struct alloc_probes *probes, bool armed)
{
	__u32 zero = 0;

	probes->control.armed = armed;
	return bpf_map_update_elem(bpf_map__fd(probes->skeleton->maps.control), &zero,
				   &probes->control, BPF_ANY);
}

int alloc_probes_arm(struct alloc_probes *probes, uint64_t allowance_ns, bool stacks)
{
	probes->control.allowance_ns = allowance_ns;
	probes->control.stacks = stacks;
	return set_armed(probes, true);
}

int alloc_probes_disarm(struct alloc_probes *probes)
{
	return set_armed(probes, false);
}

int alloc_probes_site(struct alloc_probes *probes, size_t index, struct pyleak_alloc_hits *out)
{
	__u32 key = (__u32)index;

	return bpf_map_lookup_elem(bpf_map__fd(probes->skeleton->maps.hits), &key, out);
}

int alloc_probes_read(struct alloc_probes *probes, struct alloc_seen *out)
{
	int fd = bpf_map__fd(probes->skeleton->maps.counts);
	struct alloc_seen seen = {};
	__u64 key, *last = NULL;

	while (!bpf_map_get_next_key(fd, last, &key)) {
		struct pyleak_alloc_count count;

		last = &key;
		if (bpf_map_lookup_elem(fd, &key, &count))
			continue;
		seen.interpreters += count.is_synced;
		seen.allocs += count.allocs;
		seen.frees += count.frees;
		seen.decrements += count.decrements;
		seen.missed += count.missed;
		seen.missed_frees += count.missed_frees;
		seen.resets += count.resets;
		seen.faults += count.faults;
		seen.spent_ns += count.spent_ns;
	}
	for (size_t i = 0; i < probes->link_cnt; i++) {
		struct pyleak_alloc_hits hits;
		int err = alloc_probes_site(probes, i, &hits);

		if (err)
			return err;
		seen.objects += hits.objects;
		seen.others += hits.others;
	}
	*out = seen;
	return 0;
}
