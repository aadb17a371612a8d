// SPDX-License-Identifier: GPL-2.0-only
/* Probes on the instructions that count allocations and frees: entry points only. Loaded only when
 * asked for. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#include "pyleak_wire.h"
#include "pyleak_alloc.h"
#include "pyleak_object.h"
#include "pyleak_stack.h"
#include "read_user.bpf.h"
#include "alloc_maps.bpf.h"
#include "alloc_site.bpf.h"
#include "alloc_types.bpf.h"
#include "alloc_stack.bpf.h"
#include "alloc_count.bpf.h"
#include "alloc_trial.bpf.h"

char LICENSE[] SEC("license") = "GPL";

SEC("uprobe")
int on_alloc(struct pt_regs *ctx)
{
	if (control.armed)
		pass_site(ctx, bpf_get_attach_cookie(ctx));
	else
		pass_disarmed();
	return 0;
}

SEC("uprobe")
int on_alloc_trial(struct pt_regs *ctx)
{
	if (control.armed)
		try_site(ctx, bpf_get_attach_cookie(ctx));
	return 0;
}
