/* SPDX-License-Identifier: BSD-2-Clause */
/* The census from outside: for a process that does not run, so that no probe is ever hit. */
#ifndef PYLEAK_OUTSIDE_H
#define PYLEAK_OUTSIDE_H

#include <stdbool.h>

#include "attach/gc_lists.h"
#include "collect/counts.h"
#include "collect/py_object.h"

struct outside_walk {
	const struct py_reader *reader;
	const struct gc_lists *lists;
	raddr_t set_types[2]; /* PySet_Type, PyFrozenSet_Type */
	uint64_t max_objects;
	uint64_t container_min; /* containers at least this long are noted one by one */
	uint64_t skip;		/* bit per interpreter that is already counted */
	/* The process runs meanwhile: where a list changed under the walk, it goes on from the
	 * newest node that is still linked. Each time, a few objects are counted twice or not at
	 * all: `repairs` says how often. */
	bool moving;
	uint64_t repairs;
	uint64_t containers_lost; /* long enough, but over PYLEAK_MAX_CONTAINERS */
	/* Called for every object, when not NULL; not 0 ends the walk and is returned. */
	int (*visit)(raddr_t object, raddr_t type, void *context);
	void *context;
};

/* Counts every object on the GC lists into `counts`. It says nothing of whether the process ran
 * meanwhile: the caller compares before and after. -EBADMSG: a list was not consistent,
 * -EFAULT: unreadable, -E2BIG: more than max_objects, -EAGAIN: a collection is running. */
int outside_count(struct outside_walk *walk, struct counts *counts, uint64_t *objects);

/* A number that changes when the lists change: to compare before and after. */
uint64_t outside_fingerprint(const struct outside_walk *walk);

#endif
