/* SPDX-License-Identifier: BSD-2-Clause */
/* Its own BPF object, loaded only when asked for: the census does not wait for it. What is seldom
 * read is in alloc_read.c. */
#include "collect/alloc_probes.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/user.h>

#include "alloc.skel.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "collect/alloc_frames.h"
#include "collect/alloc_probes_state.h"
#include "collect/kernel_lacks.h"
#include "collect/probes.h"

#define STATES_BYTES (PYLEAK_ALLOC_MAX_COUNTS * sizeof(struct pyleak_alloc_state))
/* struct _gil_runtime_state (ceval_gil.h, 3.12 and later): last_holder. */
#define GIL_LAST_HOLDER 0x8

_Static_assert(ALLOC_MAX_PLACES <= PYLEAK_ALLOC_MAX_SITES, "the kernel side holds as many");
_Static_assert(sizeof(struct pyleak_alloc_state) % 8 == 0, "an array of the kernel has no holes");

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

static void tell_sites(struct alloc_probes *probes)
{
	const struct alloc_sites *sites = probes->options.sites;

	for (size_t i = 0; i < sites->cnt; i++) {
		const struct alloc_site *site = &sites->items[i];

		probes->offsets[i] = site->offset;
		probes->sites[i] = (struct pyleak_alloc_site){
			.kind = site->kind == ALLOC_FREE ? PYLEAK_ALLOC_FREE : PYLEAK_ALLOC_NEW,
			.object_at = register_offset(site->object_reg),
			.object_index_at = register_offset(site->object_index),
			.count_at = register_offset(site->count_reg),
			.object_bias = site->object_bias,
			.is_early = site->is_early,
			.count_offset = site->count_offset,
		};
	}
	probes->place_cnt = sites->cnt;
}

/* From 3.12 on collections begin where no allocation is under way (ceval.c, eval breaker). */
static bool needs_collections(const struct alloc_probes *probes)
{
	const struct alloc_probes_options *options = &probes->options;

	if (options->mode != ALLOC_COUNT || options->python->minor >= 12)
		return false;
	if (options->hook && options->hook->kind != GC_HOOK_NONE)
		return true;
	pr_debug("allocation probes: no hook where collections begin: an object that sets one off "
		 "may be counted as another type");
	return false;
}

/* Their places come behind the others. */
static void tell_collections(struct alloc_probes *probes)
{
	const struct gc_hook *hook = probes->options.hook;

	for (size_t i = 0; needs_collections(probes) && i < hook->start_cnt; i++) {
		size_t at = probes->place_cnt++;

		probes->sites[at].kind = PYLEAK_ALLOC_COLLECTION;
		probes->offsets[at] = hook->start[i].offset;
		probes->semaphores[at] = hook->start[i].semaphore;
	}
}

static void tell_resize(struct alloc_probes *probes)
{
	uint64_t offset = probes->options.sites->resize_offset;
	size_t at = probes->place_cnt;

	if (probes->options.mode != ALLOC_COUNT || !offset)
		return;
	probes->sites[at] = (struct pyleak_alloc_site){
		.kind = PYLEAK_ALLOC_RESIZE,
		.object_at = register_offset(ALLOC_FIRST_ARGUMENT),
		.object_index_at = PYLEAK_NO_REGISTER,
	};
	probes->offsets[at] = offset;
	probes->place_cnt++;
}

static __u64 count_of(const struct gc_lists *lists, size_t index)
{
	return lists->interpreters[index].heads[PYLEAK_YOUNG_LIST] + lists->head_bytes + 4;
}

/* Begins every count of the trial anew. */
static int tell_counts(struct alloc_probes *probes)
{
	const struct gc_lists *lists = probes->options.lists;
	int err = 0;

	for (uint32_t i = 0; !err && i < lists->cnt; i++) {
		const struct pyleak_interpreter *interpreter = &lists->interpreters[i];
		struct pyleak_alloc_count count = { .collecting = interpreter->collecting };
		__u64 key = count_of(lists, i);

		for (int g = 0; g < PYLEAK_GENERATIONS; g++) {
			count.marks[g] = interpreter->generation_marks[g];
			if (!count.marks[g])
				count.collecting = 0;
		}
		err = bpf_map_update_elem(probes->counts_fd, &key, &count, BPF_ANY);
	}
	return err;
}

/* An interpreter that begins later has all at the same distances. */
static void tell_interpreters(struct alloc_probes *probes)
{
	const struct pyleak_interpreter *first = &probes->options.lists->interpreters[0];
	const struct python *python = probes->options.python;
	struct pyleak_alloc_control *control = probes->control;
	__u64 count = count_of(probes->options.lists, 0);

	if (python->minor <= 11 && first->collecting)
		control->collecting_from_count = (__s64)(first->collecting - count);
	if (python->layout.interpreter_gil) {
		control->gil_from_count = (__s64)(first->gil - count);
		control->holder_from_gil = GIL_LAST_HOLDER;
	} else if (python->minor == 6) {
		control->tstate_at = python_symbol(python, "_PyThreadState_Current");
	} else if (python->layout.tstate_current) {
		control->tstate_at = python->runtime + python->layout.tstate_current;
	}
}

static int ignore_event(void *context, void *data, size_t size)
{
	(void)context;
	(void)data;
	(void)size;
	return 0;
}

/* Only the programs of the mode, so that the kernel verifies no others. */
static int load(struct alloc_probes *probes)
{
	struct alloc_bpf *skeleton = alloc_bpf__open();
	bool counts = probes->options.mode == ALLOC_COUNT;
	struct bpf_program *program;
	int err = 0;

	probes->skeleton = skeleton;
	if (!skeleton)
		return -errno;
	probes->multi = !probes->options.per_place && alloc_link_can_multi();
	bpf_program__set_autoload(skeleton->progs.on_alloc, counts);
	bpf_program__set_autoload(skeleton->progs.on_alloc_trial, !counts);
	bpf_object__for_each_program(program, skeleton->obj)
	{
		if (probes->multi)
			bpf_program__set_expected_attach_type(
				program, (enum bpf_attach_type)ALLOC_LINK_MULTI);
	}
	if (counts && probes->options.epoch_fd >= 0)
		err = bpf_map__reuse_fd(skeleton->maps.census_epoch, probes->options.epoch_fd);
	return err ?: alloc_bpf__load(skeleton);
}

static int share(struct alloc_probes *probes)
{
	struct alloc_bpf *skeleton = probes->skeleton;
	void *states = mmap(NULL, STATES_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED,
			    bpf_map__fd(skeleton->maps.states), 0);

	if (states == MAP_FAILED)
		return -errno;
	probes->states = states;
	probes->events = ring_buffer__new(bpf_map__fd(skeleton->maps.alloc_events), ignore_event,
					  NULL, NULL);
	if (!probes->events)
		return -errno;
	probes->control = &skeleton->bss->control;
	probes->progress = &skeleton->bss->progress;
	probes->hits = skeleton->bss->hits;
	probes->sites = skeleton->bss->sites;
	probes->types = skeleton->bss->types;
	probes->counts_fd = bpf_map__fd(skeleton->maps.counts);
	probes->stacks_fd = bpf_map__fd(skeleton->maps.stacks);
	probes->live_fd = bpf_map__fd(skeleton->maps.live);
	probes->codes_fd = bpf_map__fd(skeleton->maps.codes);
	return 0;
}

static int prepare(struct alloc_probes *probes)
{
	int err = load(probes);

	if (!err)
		err = share(probes);
	if (!err)
		err = tell_counts(probes);
	if (err)
		return err;
	probes->control->look = probes->options.mode == ALLOC_TRIAL;
	probes->control->hit_ns = probes->options.hit_ns;
	tell_sites(probes);
	tell_collections(probes);
	tell_resize(probes);
	tell_interpreters(probes);
	return probes->options.mode == ALLOC_COUNT
		       ? alloc_frames_fill(probes->options.python, &probes->control->frames)
		       : 0;
}

static int start_keeper(struct alloc_probes *probes)
{
	const struct alloc_probes_options *options = &probes->options;
	const struct alloc_link_options wanted = {
		.program = options->mode == ALLOC_COUNT ? probes->skeleton->progs.on_alloc
							: probes->skeleton->progs.on_alloc_trial,
		.multi = probes->multi,
		.pid = options->pid,
		.path = options->python->open_path,
		.offsets = probes->offsets,
		.semaphores = probes->semaphores,
		.cnt = probes->place_cnt,
	};

	return alloc_keeper_open(&wanted, &probes->keeper);
}

static int report_load(int err)
{
	const char *lack = kernel_lacks();

	if (!lack) {
		pr_error("allocation probes: cannot load them: %s", strerror(-err));
		return err;
	}
	pr_error("allocation probes: this kernel %s: allocations cannot be seen; pyleak-bpf doctor "
		 "tells what to do",
		 lack);
	return -EOPNOTSUPP;
}

int alloc_probes_open(const struct alloc_probes_options *options, struct alloc_probes **out)
{
	struct alloc_probes *probes = calloc(1, sizeof(*probes));
	int err;

	if (!probes)
		return -ENOMEM;
	probes_quiet_libbpf();
	probes->options = *options;
	err = prepare(probes);
	if (err)
		err = report_load(err);
	else
		err = start_keeper(probes);
	if (err) {
		alloc_probes_close(probes);
		return err;
	}
	*out = probes;
	return 0;
}

void alloc_probes_close(struct alloc_probes *probes)
{
	if (!probes)
		return;
	alloc_keeper_close(probes->keeper);
	ring_buffer__free(probes->events);
	if (probes->states)
		munmap(probes->states, STATES_BYTES);
	alloc_bpf__destroy(probes->skeleton);
	free(probes);
}

int alloc_probes_attach(struct alloc_probes *probes)
{
	int err = alloc_keeper_attach(probes->keeper);

	probes->attached = !err;
	return err;
}

void alloc_probes_detach(struct alloc_probes *probes)
{
	if (probes->attached)
		alloc_keeper_detach(probes->keeper);
	probes->attached = false;
}

bool alloc_probes_are_quick(const struct alloc_probes *probes)
{
	return probes->multi;
}

int alloc_probes_event_fd(struct alloc_probes *probes)
{
	return ring_buffer__epoll_fd(probes->events);
}

void alloc_probes_drain(struct alloc_probes *probes)
{
	ring_buffer__consume(probes->events);
}
