/* SPDX-License-Identifier: GPL-2.0-only */
/* Who runs in the target. */
#ifndef PYLEAK_READ_BPF_H
#define PYLEAK_READ_BPF_H

#include "read_user.bpf.h"

/* Is `thread_id`, a pthread_t, the running thread? The C library puts it at the thread pointer
 * on x86-64, and a fixed distance below it on arm64. */
static __always_inline bool is_current_thread(__u64 thread_id)
{
	/* Read as it stands there, by the verifier's leave, without a helper. */
	struct task_struct *task = bpf_get_current_task_btf();
	__u64 pointer;

	if (!thread_id)
		return false;
#if defined(__TARGET_ARCH_arm64)
	pointer = task->thread.uw.tp_value;
	return pointer - thread_id < 8192;
#else
	pointer = task->thread.fsbase;
	return pointer == thread_id;
#endif
}

#define TSTATE_INTERPRETER 0x10 /* PyThreadState.interp, CPython 3.6 to 3.15 */
#define GIL_LAST_HOLDER 0x8	/* struct _gil_runtime_state, 3.12 and later */
#define GIL_LOCKED 0x10

static __always_inline const struct pyleak_interpreter *interpreter_at(__u32 index)
{
	return &control.interpreters[index & (PYLEAK_MAX_INTERPRETERS - 1)];
}

/* The interpreter in which the running thread holds the lock, if that lock guards
 * the interpreter at `index`; else 0. Up to 3.11 one lock guards all of them, and whoever runs
 * Python code holds it. From 3.12 on an interpreter may have its own. */
__noinline __u64 lock_holder(__u32 index)
{
	const struct pyleak_interpreter *interpreter = interpreter_at(index);
	__u64 gil, tstate;
	__u32 locked = 0;

	if (!interpreter->gil) {
		tstate = control.current_tstate ? read_word(control.current_tstate) : 0;
		return tstate ? read_word(tstate + TSTATE_INTERPRETER) : interpreter->address;
	}
	gil = read_word(interpreter->gil);
	if (!gil || !read_user(&locked, sizeof(locked), gil + GIL_LOCKED) || locked != 1)
		return 0;
	tstate = read_word(gil + GIL_LAST_HOLDER);
	if (!tstate || !is_current_thread(read_word(tstate + control.thread_id)))
		return 0;
	return read_word(tstate + TSTATE_INTERPRETER);
}

static __always_inline bool is_collecting(const struct pyleak_interpreter *interpreter)
{
	__u32 collecting = 0;

	return interpreter->collecting &&
	       read_user(&collecting, sizeof(collecting), interpreter->collecting) && collecting;
}

#endif
