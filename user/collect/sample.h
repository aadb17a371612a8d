/* SPDX-License-Identifier: BSD-2-Clause */
/* What one interval saw: the noun between collect and detect. Plain data; who made it is not
 * known here, so that detect and report are tested without BPF, root or a process. */
#ifndef PYLEAK_SAMPLE_H
#define PYLEAK_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Which instrument took the census, cheapest first (docs/design.md, "collect"). */
enum instrument {
	INSTRUMENT_NONE,      /* no census in this interval */
	INSTRUMENT_GC,	      /* BPF, at the start of a collection */
	INSTRUMENT_SAFEPOINT, /* BPF, at a function entered with the GIL held */
	INSTRUMENT_OUTSIDE,   /* read from outside, the process was idle */
	INSTRUMENT_UNCHANGED, /* the process did not run since the census before */
};

const char *instrument_name(enum instrument instrument);

/* What was not counted, by reason. */
struct loss {
	const char *name;  /* "READ_FAULT" */
	const char *words; /* "memory of the target was not readable" */
	uint64_t cnt;
};

struct type_count {
	const char *name; /* "module.Class"; builtins without module: "dict" */
	bool own;	  /* a class defined in Python code outside the standard library */
	uint64_t live;	  /* live count */
	uint64_t bytes;	  /* shallow, as sys.getsizeof counts */
	uint64_t young;	  /* seen in the youngest generation at collections, since the start */
};

struct container {
	uint64_t address;      /* in the target */
	const char *type_name; /* "list", "dict", "collections.deque", ... */
	const char *holds;     /* type of its elements ("str", "str -> int"), or NULL */
	bool gc_tracked;       /* false: found by scanning memory, see docs/design.md */
	uint64_t len;
	uint64_t bytes; /* shallow */
};

struct gc_counters {
	uint64_t collections[3]; /* per generation, since the program started */
	uint64_t collected[3];	 /* garbage objects found, likewise */
	bool known;		 /* false: the counters could not be read */
	bool enabled;		 /* gc.isenabled() */
};

struct memory {
	uint64_t rss;	       /* bytes, as the kernel counts */
	uint64_t small_used;   /* bytes of pymalloc blocks in use: Python objects up to 512 bytes */
	uint64_t small_held;   /* bytes of pymalloc pools, used or not */
	uint64_t large_tables; /* bytes of item arrays and hash tables over 512 bytes */
	bool small_known;      /* false: no pymalloc pools found or not measured */
};

struct sample {
	double time_s; /* since the watch began, at the end of the census */
	enum instrument instrument;
	uint64_t objects; /* live GC-tracked objects */
	uint64_t bytes;	  /* their shallow bytes */
	const struct type_count *types;
	size_t type_cnt;
	const struct container *containers;
	size_t container_cnt;
	struct gc_counters gc;
	struct memory memory;
};

#endif
