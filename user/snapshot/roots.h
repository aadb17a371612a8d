/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PYLEAK_SNAPSHOT_ROOTS_H
#define PYLEAK_SNAPSHOT_ROOTS_H

#include "snapshot/heap.h"

#define PSEUDO_FRAME "<frame>"
#define PSEUDO_THREAD "<thread state>"
#define PSEUDO_INTERPRETER "<interpreter>"
#define PSEUDO_NATIVE "<native>"

/* Modules, threads with their frames, interpreters: roots, whose references are added later. */
void add_python_roots(struct heap *heap);
/* The references of a pseudo node, heap->source. */
void refer_pseudo(struct heap *heap, uint32_t node);

/* sizeof(PyInterpreterState), and of PyThreadState what may hold references. */
size_t interpreter_bytes(int minor);
#define TSTATE_BYTES 0x180

/* roots_native.c: holders outside Python for the references that nothing else accounts for, as
 * pseudo nodes with their edges. What remains without
 * a holder, and unreachable, becomes a root of its own. 0 or -ENOMEM. */
int add_native_roots(struct heap *heap);

#endif
