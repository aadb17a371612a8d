/* SPDX-License-Identifier: GPL-2.0-only */
/* Stands in for the kernel's types when the BPF side is compiled for the host. */
#ifndef SHIM_VMLINUX_H
#define SHIM_VMLINUX_H

#include <linux/types.h>
#include <stdbool.h>

struct pt_regs;

/* The fields of every architecture: the production code picks its own. */
struct task_struct {
	struct {
		unsigned long fsbase;
		struct {
			unsigned long tp_value;
		} uw;
	} thread;
};

enum bpf_map_type {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_RINGBUF = 27,
};

enum { BPF_F_NO_PREALLOC = 1 };

enum { BPF_ANY = 0, BPF_NOEXIST = 1, BPF_EXIST = 2 };

enum { BPF_F_MMAPABLE = 1024 };

#endif
