/* SPDX-License-Identifier: BSD-2-Clause */
/* Where CPython's code allocates and frees GC objects. Every allocation executes
 * generations[0].count++ and every free count-- if it is positive, wherever the compiler put a
 * copy of it, so these instructions are complete where exported functions are not. */
#ifndef PYLEAK_ALLOC_SITES_H
#define PYLEAK_ALLOC_SITES_H

#include "attach/gc_lists.h"
#include "attach/python.h"

/* The most that was seen: 170, in a build that inlines much. */
#define ALLOC_MAX_SITES 384
#define ALLOC_MAX_REJECTED 16

enum alloc_kind { ALLOC_NEW, ALLOC_FREE };

/* A register of the target, numbered as in machine code. */
#define ALLOC_NO_REGISTER 0xff
/* Of a function, at its entry; the target's machine is ours. */
#if defined(__x86_64__)
#define ALLOC_FIRST_ARGUMENT 7 /* rdi */
#else
#define ALLOC_FIRST_ARGUMENT 0 /* x0 */
#endif

struct alloc_site {
	enum alloc_kind kind;
	uint64_t offset;       /* in the file, of the instruction to probe */
	uint64_t address;      /* link-time, of the same */
	uint8_t object_reg;    /* holds the object while the probe is hit, or ALLOC_NO_REGISTER */
	uint8_t object_index;  /* a second register to be added to it, or ALLOC_NO_REGISTER */
	int8_t object_bias;    /* to be added to it: sizeof(PyGC_Head) when it holds the head */
	uint8_t count_reg;     /* the count is at this register plus count_offset; without one */
	uint64_t count_offset; /* it is at this run-time address */
	bool cheap;	       /* the kernel emulates the instruction */
	/* Passed before the count changes. Frees are, at the branch on count > 0: all pass there,
	 * and not all change it. */
	bool is_early;
	char function[48]; /* the one that holds it, by symbol; "" = not known */
};

enum alloc_rejection {
	ALLOC_REJECTED_THRESHOLD, /* nothing near compares with the threshold */
	ALLOC_REJECTED_SOURCE,	  /* what is stored was not counted up from the count */
	ALLOC_REJECTED_PROBE,	  /* no instruction behind it can be probed */
	ALLOC_REJECTED_FULL,	  /* more places than there is room for */
	ALLOC_REJECTION_CNT,
};

struct alloc_sites {
	struct alloc_site items[ALLOC_MAX_SITES];
	size_t cnt;
	struct {
		uint64_t address; /* link-time */
		enum alloc_rejection why;
	} rejected[ALLOC_MAX_REJECTED];
	size_t rejected_cnt; /* may be more than are kept */
	uint32_t head_bytes;
	/* In the file, of an instruction that is passed before an object moves to other memory; the
	 * first argument is the object. 0: not found. */
	uint64_t resize_offset;
};

/* In code of the machine that the file is for. -ENOENT: the count's displacement means nothing;
 * finding no place is a result. Attaches nothing. */
int alloc_sites_find(const struct python *python, const struct gc_lists *lists,
		     struct alloc_sites *out);

struct alloc_summary {
	size_t places[2];  /* by enum alloc_kind */
	size_t decoded[2]; /* of those, with the object's register */
	size_t dear;	   /* that the kernel single-steps */
	size_t rejected[ALLOC_REJECTION_CNT];
};

/* What was found, in numbers; 0 = all that was found can be used, -ENOENT: nothing was found,
 * -ENODATA: objects of some places, or places, are lacking. */
int alloc_sites_check(const struct alloc_sites *sites, struct alloc_summary *out);
/* For a person: "33 places (33 with the object's register), 9 free places". */
void alloc_sites_words(const struct alloc_summary *summary, char *words, size_t size);
const char *alloc_rejection_words(enum alloc_rejection why);

#endif
