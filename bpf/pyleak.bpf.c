// SPDX-License-Identifier: GPL-2.0-only
/* The kernel side: entry points only. Each runs in the target, at a probe in its code. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "pyleak_wire.h"
#include "pyleak_object.h"
#include "maps.bpf.h"
#include "read.bpf.h"
#include "object.bpf.h"
#include "census.bpf.h"
#include "pause.bpf.h"

char LICENSE[] SEC("license") = "GPL";

SEC("uprobe")
int on_gc_start(struct pt_regs *ctx)
{
	pass_hook(PYLEAK_HOOK_GC);
	if (control.measure_pauses)
		begin_pause();
	return 0;
}

SEC("uprobe")
int on_safe_point(struct pt_regs *ctx)
{
	pass_hook(PYLEAK_HOOK_SAFEPOINT);
	return 0;
}

SEC("uprobe")
int on_gc_done(struct pt_regs *ctx)
{
	end_pause();
	return 0;
}

SEC("uretprobe")
int on_gc_return(struct pt_regs *ctx)
{
	end_pause();
	return 0;
}
