// SPDX-License-Identifier: GPL-2.0-only
/* The whole kernel side in one object: its globals may exist only once. */
#include "pyleak.bpf.c"

#include "kernel_side.h"

#include <criterion/criterion.h>

struct pyleak_type_count *type_in_map(__u64 type)
{
	return bpf_map_lookup_elem(&types, &type);
}

const struct pyleak_container *container_in_map(__u64 object)
{
	return bpf_map_lookup_elem(&containers, &object);
}

__u64 live_of(__u64 type)
{
	const struct pyleak_type_count *count = type_in_map(type);

	return count && count->census == progress.serial ? count->live : 0;
}

__u64 bytes_of(__u64 type)
{
	const struct pyleak_type_count *count = type_in_map(type);

	return count && count->census == progress.serial ? count->bytes : 0;
}

__u64 young_of(__u64 type)
{
	const struct pyleak_type_count *count = type_in_map(type);

	return count ? count->young : 0;
}

__u64 loss_of(enum pyleak_loss reason)
{
	return progress.losses[reason];
}

__u64 losses(void)
{
	__u64 sum = 0;

	for (int i = 0; i < PYLEAK_LOSS_CNT; i++)
		sum += progress.losses[i];
	return sum;
}

void fill_types(size_t room)
{
	struct pyleak_type_count nothing = {};

	for (__u64 key = 1; key <= PYLEAK_MAX_TYPES - room; key++)
		bpf_map_update_elem(&types, &key, &nothing, BPF_ANY);
}

void fill_containers(size_t room)
{
	struct pyleak_container nothing = {};

	for (__u64 key = 1; key <= PYLEAK_MAX_CONTAINERS - room; key++)
		bpf_map_update_elem(&containers, &key, &nothing, BPF_ANY);
}

void ask(void)
{
	control.want++;
}

bool answered(void)
{
	return progress.answered >= control.want;
}

int pass_until_answered(int (*hook)(struct pt_regs *ctx), int most)
{
	for (int i = 1; i <= most; i++) {
		hook(NULL);
		if (answered())
			return i;
		shim.now_ns += SECOND;
	}
	cr_assert_fail("no census after %d hooks", most);
	return 0;
}

void take_census(void)
{
	ask();
	pass_until_answered(on_safe_point, 1);
}

void cut_slices(void)
{
	shim.step_ns = control.max_pause_ns;
}
