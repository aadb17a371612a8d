/* SPDX-License-Identifier: BSD-2-Clause */
/* The CPython inside a process: its file, version and layout. */
#ifndef PYLEAK_PYTHON_H
#define PYLEAK_PYTHON_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "attach/elf_file.h"
#include "attach/remote.h"
#include "attach/target.h"

#define PYTHON_OLDEST_MINOR 6
#define PYTHON_NEWEST_MINOR 15

/* What _Py_DebugOffsets says of threads, frames and code objects, unchecked. Up to 3.12 all 0. */
struct py_frame_offsets {
	uint32_t tstate_frame;
	uint32_t previous, code, instruction, owner;	      /* _PyInterpreterFrame */
	uint32_t file, qualname, lines, first_line, bytecode; /* PyCodeObject */
};

/* Offsets that differ between versions. 0 in an optional field: not in this version. */
struct py_layout {
	uint32_t interpreters_head; /* in _PyRuntime; 3.7 and later */
	uint32_t interpreter_next;
	uint32_t interpreter_modules; /* sys.modules */
	uint32_t interpreter_threads; /* the first PyThreadState */
	uint32_t interpreter_gil;     /* 3.12 and later: pointer to the GIL's state */
	uint32_t tstate_current;      /* in _PyRuntime; 3.7 to 3.11 */
	uint32_t tstate_thread_id;
	uint32_t gc;	      /* where to look for the generations: in the interpreter, */
	uint32_t gc_extent;   /* and how far */
	bool gc_is_global;    /* up to 3.8: in _PyRuntime, one for all interpreters */
	uint32_t ht_name;     /* PyHeapTypeObject */
	uint32_t string_data; /* compact ASCII: where the characters begin */
	struct py_frame_offsets frames;
};

struct python {
	int major, minor, micro;  /* others than 3.x are refused */
	char version[32];	  /* "3.11.2" */
	char file[PATH_MAX];	  /* as the target sees it */
	char open_path[PATH_MAX]; /* opens that very file */
	struct elf_file *elf;
	uint64_t bias;	 /* run-time minus link-time address */
	raddr_t runtime; /* _PyRuntime; 0 on 3.6 */
	struct py_layout layout;
};

/* Finds CPython in the executable or a shared library. Logs one line and returns -ENOEXEC (not
 * CPython), -EOPNOTSUPP (this CPython is not supported), -EAGAIN (not initialised yet; not
 * logged) or another -errno. */
int python_find(const struct target *target, struct python *out);
/* What is to be said when that stays -EAGAIN, which is not logged: who tries again decides. */
void python_report_early(const struct target *target);
/* The first half: only the file and where it is mapped, which is all there is before the runtime
 * is initialised. Nothing is logged; -ENOENT while no CPython is mapped. */
int python_find_file(const struct target *target, struct python *out);
void python_close(struct python *python);
/* Run-time address of an exported object; 0 = there is none. */
raddr_t python_symbol(const struct python *python, const char *name);

#endif
