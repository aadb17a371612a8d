/* SPDX-License-Identifier: BSD-2-Clause */
#include "collect/kernel_lacks.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>

const char *kernel_lacks(void)
{
	struct btf *btf;

	if (libbpf_probe_bpf_helper(BPF_PROG_TYPE_KPROBE, BPF_FUNC_loop, NULL) == 0)
		return "has no bpf_loop() (it is in Linux 5.17 and later)";
	btf = btf__load_vmlinux_btf();
	if (!btf)
		return "has no BTF, or /sys/kernel/btf is not to be seen here "
		       "(CONFIG_DEBUG_INFO_BTF; mount /sys)";
	btf__free(btf);
	/* libbpf takes it for a kernel before 5.5 then, and asks for helpers that are forbidden. */
	if (libbpf_probe_bpf_helper(BPF_PROG_TYPE_KPROBE, BPF_FUNC_probe_read_kernel, NULL) == 0)
		return "is locked down (lockdown=confidentiality; integrity would do)";
	return NULL;
}
