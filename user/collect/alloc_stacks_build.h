/* SPDX-License-Identifier: BSD-2-Clause */
/* From what the kernel side counted to a table for people: functions, files and lines by name. */
#ifndef PYLEAK_ALLOC_STACKS_BUILD_H
#define PYLEAK_ALLOC_STACKS_BUILD_H

#include "collect/alloc_probes.h"
#include "collect/alloc_stacks.h"
#include "collect/py_type.h"

/* Where stacks and code objects are from: alloc_probes_each_stack() and alloc_probes_code(), or
 * what a test has instead. */
struct alloc_stacks_source {
	struct alloc_probes *probes;
	int (*each_stack)(struct alloc_probes *probes,
			  int (*visit)(const struct pyleak_stack_key *key,
				       const struct pyleak_stack_value *value, void *context),
			  void *context);
	int (*code)(struct alloc_probes *probes, const struct pyleak_frame *frame,
		    struct pyleak_code *out);
	const volatile __u64 *losses; /* by enum pyleak_alloc_loss, so far */
	const struct pyleak_frames *frames;
	struct remote *remote;
	struct py_types *types;
};

/* Fills the stacks and the losses, nothing of the windows. Ends with alloc_stacks_deinit(). */
int alloc_stacks_build(const struct alloc_stacks_source *source, struct alloc_stacks *out);

/* The same from probes in a process. -EOPNOTSUPP: no stacks can be taken there. */
int alloc_stacks_read(struct alloc_probes *probes, const struct python *python,
		      struct remote *remote, struct py_types *types, struct alloc_stacks *out);

/* ---- alloc_functions.c: code objects by name, each decoded once */

struct alloc_functions;

int alloc_functions_create(const struct alloc_stacks_source *source, struct alloc_functions **out);
void alloc_functions_destroy(struct alloc_functions *functions);

/* What a frame is called; its strings live as long as `functions`. -ENOMEM. */
int alloc_functions_frame(struct alloc_functions *functions, const struct pyleak_frame *frame,
			  struct stack_frame *out);
/* Frames whose code was not there. */
uint64_t alloc_functions_lost(const struct alloc_functions *functions);
/* One copy of each text, for so long as `functions` live; NULL: no memory. */
const char *alloc_functions_text(struct alloc_functions *functions, const char *text);

#endif
