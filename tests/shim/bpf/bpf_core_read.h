/* SPDX-License-Identifier: GPL-2.0-only */
/* Stands in for libbpf's header: `path` is what follows the pointer, `thread.fsbase`. */
#ifndef SHIM_BPF_CORE_READ_H
#define SHIM_BPF_CORE_READ_H

#define BPF_CORE_READ(from, path) ((from)->path)

#endif
