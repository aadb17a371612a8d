/* SPDX-License-Identifier: BSD-2-Clause */
/* Where in CPython's code the probes go. */
#ifndef PYLEAK_HOOKS_H
#define PYLEAK_HOOKS_H

#include "attach/gc_lists.h"
#include "attach/python.h"

#define HOOK_MAX_SITES 8

enum gc_hook_kind {
	GC_HOOK_NONE,	 /* nowhere: censuses run at safe points or from outside */
	GC_HOOK_USDT,	 /* python:gc__start */
	GC_HOOK_SYMBOL,	 /* the collector, by name */
	GC_HOOK_LOCATED, /* the collector, by what its code does */
};

/* One place for a uprobe. */
struct probe_site {
	uint64_t offset;    /* in the file */
	uint64_t semaphore; /* file offset of the USDT semaphore, 0 = none */
	bool cheap;	    /* the kernel emulates the instruction */
	char name[64];
};

struct gc_hook {
	enum gc_hook_kind kind;
	struct probe_site start[HOOK_MAX_SITES];
	size_t start_cnt;
	struct probe_site done; /* USDT only; else the end is the return from `start` */
	char words[160];	/* for a person */
};

/* Finds the start of a collection. Not finding it is no error: kind is GC_HOOK_NONE. `lists` is
 * NULL while the process has none yet; a stripped file then needs a second call. */
void gc_hook_find(const struct python *python, const struct gc_lists *lists, struct gc_hook *out);

/* The first instruction of a function that a probe is cheap on. False: the file does not name it.
 */
bool hook_find_function(const struct python *python, const char *name, struct probe_site *out);

/* Functions that are entered with the GIL held, the least hot first. The number found. */
size_t safe_points_find(const struct python *python, struct probe_site *out, size_t max);

#endif
