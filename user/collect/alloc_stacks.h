/* SPDX-License-Identifier: BSD-2-Clause */
/* Who allocates: Python stacks of the allocations of some types. Plain data, owned by the table;
 * who made it is not known here, so that reports are tested without BPF, root or a process. */
#ifndef PYLEAK_ALLOC_STACKS_H
#define PYLEAK_ALLOC_STACKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collect/sample.h"

struct stack_frame {
	const char *function; /* qualified where the version knows it (3.11 and later) */
	const char *file;     /* as Python names it; "" = not known */
	uint32_t line;	      /* 0 = not known */
	uint32_t first_line;  /* of the function */
};

struct alloc_stack {
	const char *type;		  /* "module.Class"; builtins without module */
	const struct stack_frame *frames; /* innermost first */
	size_t frame_cnt;
	bool is_cut;		     /* there were more frames */
	uint64_t allocs;	     /* seen */
	uint64_t bytes;		     /* shallow: tp_basicsize and items in the object */
	uint64_t alive, alive_bytes; /* of these, at the end of the window they were made in */
};

/* Stacks sorted by type, and within a type most allocations first. */
struct alloc_stacks {
	struct alloc_stack *items;
	size_t cnt;
	double elapsed_s; /* from first to last window */
	double open_s;	  /* of it, how long windows were open */
	uint64_t windows;
	uint64_t cut_short;	   /* of them: closed because they had cost their share */
	uint64_t hits;		   /* allocations and frees of any type that passed meanwhile */
	double target_share;	   /* what the windows cost, of one core over elapsed_s */
	const struct loss *losses; /* those that are not zero */
	size_t loss_cnt;
	void *memory; /* that all of it points into */
};

void alloc_stacks_deinit(struct alloc_stacks *stacks);

#endif
