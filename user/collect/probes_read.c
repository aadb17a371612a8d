/* SPDX-License-Identifier: BSD-2-Clause */
/* What the kernel side has counted. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "collect/probes_state.h"

#define BATCH 512

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

	return each_entry(probes->types_fd, sizeof(struct pyleak_type_count), visit_type, &wanted);
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

	return each_entry(probes->containers_fd, sizeof(struct pyleak_container), visit_container,
			  &wanted);
}

void probes_forget_type(struct probes *probes, __u64 type)
{
	bpf_map_delete_elem(probes->types_fd, &type);
}

void probes_forget_container(struct probes *probes, __u64 object)
{
	bpf_map_delete_elem(probes->containers_fd, &object);
}

void probes_set_kind(struct probes *probes, __u64 type, __u32 kind)
{
	int fd = probes->types_fd;
	struct pyleak_type_count count;

	if (bpf_map_lookup_elem(fd, &type, &count) || count.kind == kind)
		return;
	count.kind = kind;
	bpf_map_update_elem(fd, &type, &count, BPF_EXIST);
}
