/* SPDX-License-Identifier: BSD-2-Clause */
#include "collect/kernel_lacks.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <unistd.h>

#include <linux/bpf.h>

#include "base/cleanup.h"

/* libbpf's own probe of helpers looks for words of the verifier that newer kernels say otherwise
 * (1.1 of them on 6.12). False also where this can't be tried. */
static bool is_reading_forbidden(void)
{
	const struct bpf_insn read_nothing[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = 1, .src_reg = 10 },
		{ .code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = 1, .imm = -8 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 2, .imm = 8 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 3 },
		{ .code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_probe_read_kernel },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	_cleanup_close_ int fd = bpf_prog_load(BPF_PROG_TYPE_KPROBE, NULL, "GPL", read_nothing,
					       ARRAY_SIZE(read_nothing), NULL);

	return fd == -EINVAL;
}

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
	if (is_reading_forbidden())
		return "is locked down (lockdown=confidentiality; integrity would do)";
	return NULL;
}
