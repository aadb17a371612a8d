/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PYLEAK_ASSEMBLE_H
#define PYLEAK_ASSEMBLE_H

#include "collect/counts.h"
#include "collect/holds.h"
#include "collect/py_type.h"
#include "collect/sample.h"

/* The arrays of a sample, and the strings in them, which outlive the types they name. */
struct sample_store {
	struct sample sample;
	struct type_count *types;
	size_t type_room;
	struct container *containers;
	size_t container_room;
	size_t tracked_cnt;	 /* containers from the census come first, */
	uint64_t tracked_tables; /* and what of large_tables is theirs */
	char *strings;
	size_t strings_used, strings_room;
};

void sample_store_deinit(struct sample_store *store);

/* Fills types, containers, objects and bytes of the sample from the counts: types by name, those
 * of one name as one. 0 or -ENOMEM. What was in the store before becomes invalid. */
int assemble_sample(struct counts *counts, struct py_types *types, struct holds *holds,
		    struct sample_store *store);

/* Puts the containers that the GC does not track, in order of their addresses, in the place of
 * those that the sample had. Valid until the next census. 0, or -ENOMEM: then it has none. */
int assemble_untracked(const struct counted_container *found, size_t cnt, struct py_types *types,
		       struct holds *holds, struct sample_store *store);

#endif
