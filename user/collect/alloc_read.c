/* SPDX-License-Identifier: BSD-2-Clause */
/* What allocation probes saw, and what they are to do: by maps that are shared, no system call is
 * needed for most of it. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "collect/alloc_frames.h"
#include "collect/alloc_probes.h"
#include "collect/alloc_probes_state.h"

#define BATCH 512

/* Armed already: the allowance begins anew, and nothing else changes. */
/* Tried when stacks are wanted first: then Python code runs, as it may not when we begin. */
static bool knows_frames(struct alloc_probes *probes)
{
	const struct alloc_probes_options *options = &probes->options;
	int err;

	if (probes->frames_tried)
		return probes->frames_known;
	err = alloc_frames_find(options->python, options->pid, options->lists,
				&probes->control->frames);
	probes->frames_tried = err != -EAGAIN;
	probes->frames_known = !err;
	return probes->frames_known;
}

int alloc_probes_arm(struct alloc_probes *probes, uint64_t allowance_ns, bool stacks)
{
	struct pyleak_alloc_control *control = probes->control;

	__atomic_store_n(&control->spend_until_ns,
			 allowance_ns ? probes->progress->spent_ns + allowance_ns : 0,
			 __ATOMIC_RELAXED);
	__atomic_store_n(&control->stacks, stacks && knows_frames(probes), __ATOMIC_RELEASE);
	if (__atomic_load_n(&control->armed, __ATOMIC_ACQUIRE))
		return 0;
	/* Those of a window before may be gone by now. */
	for (size_t i = 0; i < PYLEAK_ALLOC_MAX_COUNTS; i++) {
		probes->states[i].pending = 0;
		probes->states[i].deferred = 0;
	}
	__atomic_store_n(&control->armed, 1, __ATOMIC_RELEASE);
	return 0;
}

int alloc_probes_disarm(struct alloc_probes *probes)
{
	__atomic_store_n(&probes->control->armed, 0, __ATOMIC_RELEASE);
	return 0;
}

const volatile struct pyleak_alloc_progress *
alloc_probes_progress(const struct alloc_probes *probes)
{
	return probes->progress;
}

const volatile struct pyleak_alloc_type *alloc_probes_types(const struct alloc_probes *probes)
{
	return probes->types;
}

size_t alloc_probes_pending(struct alloc_probes *probes, __u64 *objects, size_t room)
{
	size_t cnt = 0;

	for (size_t i = 0; i < PYLEAK_ALLOC_MAX_COUNTS; i++) {
		const volatile struct pyleak_alloc_state *state = &probes->states[i];
		__u64 pending = state->pending, deferred = state->deferred;

		if (pending && cnt < room)
			objects[cnt++] = pending;
		if (deferred && cnt < room)
			objects[cnt++] = deferred;
	}
	return cnt;
}

/* The type's slot, taken for it if it has none, as the kernel side does it; NULL: no room. */
static struct pyleak_alloc_type *take_slot(struct pyleak_alloc_type *types, __u64 type)
{
	__u32 begin = pyleak_alloc_slot(type);

	for (__u32 i = 0; i < PYLEAK_ALLOC_PROBES; i++) {
		struct pyleak_alloc_type *slot = &types[(begin + i) % PYLEAK_ALLOC_MAX_TYPES];
		__u64 holder = 0;

		if (__atomic_compare_exchange_n(&slot->type, &holder, type, false, __ATOMIC_ACQ_REL,
						__ATOMIC_ACQUIRE))
			return slot;
		if (holder == type &&
		    !(__atomic_load_n(&slot->flags, __ATOMIC_ACQUIRE) & PYLEAK_ALLOC_DEAD))
			return slot;
	}
	return NULL;
}

int alloc_probes_suspect(struct alloc_probes *probes, __u64 type, bool suspect)
{
	struct pyleak_alloc_type *slot = take_slot(probes->types, type);

	if (!slot)
		return -ENOSPC;
	if (suspect) {
		__atomic_fetch_or(&slot->flags, PYLEAK_ALLOC_SUSPECT, __ATOMIC_ACQ_REL);
		return 0;
	}
	__atomic_fetch_and(&slot->flags, ~(__u32)PYLEAK_ALLOC_SUSPECT, __ATOMIC_ACQ_REL);
	/* Places of the others become hot again when they are next met. */
	for (size_t i = 0; i < probes->options.sites->cnt; i++)
		__atomic_store_n(&probes->sites[i].is_hot, 0, __ATOMIC_RELAXED);
	return 0;
}

/* ---- stacks */

/* Reads a whole map in batches, and empties it if `take`. An entry that moves meanwhile may be seen
 * twice or not at all. */
static int each_entry(int fd, size_t key_bytes, size_t value_bytes, bool take,
		      int (*visit)(const void *key, const void *value, void *context),
		      void *context)
{
	_cleanup_free_ char *keys = malloc(BATCH * key_bytes);
	_cleanup_free_ char *values = malloc(BATCH * value_bytes);
	__u64 position = 0;
	bool more = true, first = true;

	if (!keys || !values)
		return -ENOMEM;
	while (more) {
		void *from = first ? NULL : &position;
		__u32 cnt = BATCH;
		int err =
			take ? bpf_map_lookup_and_delete_batch(fd, from, &position, keys, values,
							       &cnt, NULL)
			     : bpf_map_lookup_batch(fd, from, &position, keys, values, &cnt, NULL);

		if (err && err != -ENOENT)
			return err;
		more = !err;
		first = false;
		for (__u32 i = 0; visit && i < cnt; i++) {
			err = visit(keys + i * key_bytes, values + i * value_bytes, context);
			if (err)
				return err;
		}
	}
	return 0;
}

struct stack_visit {
	int (*visit)(const struct pyleak_stack_key *key, const struct pyleak_stack_value *value,
		     void *context);
	void *context;
};

static int visit_stack(const void *key, const void *value, void *context)
{
	const struct stack_visit *wanted = context;

	return wanted->visit(key, value, wanted->context);
}

int alloc_probes_each_stack(struct alloc_probes *probes,
			    int (*visit)(const struct pyleak_stack_key *key,
					 const struct pyleak_stack_value *value, void *context),
			    void *context)
{
	struct stack_visit wanted = { visit, context };

	return each_entry(probes->stacks_fd, sizeof(struct pyleak_stack_key),
			  sizeof(struct pyleak_stack_value), false, visit_stack, &wanted);
}

struct live_visit {
	int (*visit)(__u64 object, const struct pyleak_live_object *live, void *context);
	void *context;
};

static int visit_live(const void *key, const void *value, void *context)
{
	const struct live_visit *wanted = context;

	return wanted->visit(*(const __u64 *)key, value, wanted->context);
}

int alloc_probes_each_live(struct alloc_probes *probes,
			   int (*visit)(__u64 object, const struct pyleak_live_object *live,
					void *context),
			   void *context)
{
	struct live_visit wanted = { visit, context };

	return each_entry(probes->live_fd, sizeof(__u64), sizeof(struct pyleak_live_object), false,
			  visit_live, &wanted);
}

int alloc_probes_code(struct alloc_probes *probes, const struct pyleak_frame *frame,
		      struct pyleak_code *out)
{
	const struct pyleak_code_key key = { .code = frame->code, .check = frame->check };

	return bpf_map_lookup_elem(probes->codes_fd, &key, out);
}

void alloc_probes_forget_live(struct alloc_probes *probes)
{
	each_entry(probes->live_fd, sizeof(__u64), sizeof(struct pyleak_live_object), true, NULL,
		   NULL);
}

/* ---- the trial */

int alloc_probes_site(struct alloc_probes *probes, size_t index, struct pyleak_alloc_hits *out)
{
	if (index >= probes->options.sites->cnt)
		return -ENOENT;
	*out = probes->hits[index];
	return 0;
}

int alloc_probes_read(struct alloc_probes *probes, struct alloc_seen *out)
{
	struct alloc_seen seen = {};
	__u64 key, *last = NULL;

	while (!bpf_map_get_next_key(probes->counts_fd, last, &key)) {
		struct pyleak_alloc_count count;

		last = &key;
		if (bpf_map_lookup_elem(probes->counts_fd, &key, &count))
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
	for (size_t i = 0; i < probes->options.sites->cnt; i++) {
		seen.objects += probes->hits[i].objects;
		seen.others += probes->hits[i].others;
	}
	*out = seen;
	return 0;
}
