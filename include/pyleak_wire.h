/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The contract between bpf/ and user/: shared globals, map keys and values, loss reasons.
 * Fixed-width types only; both sides include <linux/types.h> or vmlinux.h before this file. */
#ifndef PYLEAK_WIRE_H
#define PYLEAK_WIRE_H

#define PYLEAK_MAX_INTERPRETERS 64
#define PYLEAK_GENERATIONS 3
/* Lists per interpreter, in the order in which a census walks them: permanent generation,
 * oldest to youngest. Objects move from younger to older lists only, so an object that moves
 * while a census is cut in slices is met in the list that it moved to. */
#define PYLEAK_LISTS 4
#define PYLEAK_YOUNG_LIST 3
#define PYLEAK_MAX_TYPES 32768
#define PYLEAK_MAX_CONTAINERS 16384
#define PYLEAK_PAUSE_BUCKETS 40

/* Why something was not counted. X(enum suffix, words for a person). */
#define PYLEAK_LOSSES(X)                                                                           \
	X(READ_FAULT, "memory of the target was not readable")                                     \
	X(LIST_BROKEN, "a GC list was not consistent")                                             \
	X(TYPES_FULL, "objects of more types than the kernel map holds")                           \
	X(CONTAINERS_FULL, "more large containers than are tracked one by one")                    \
	X(CURSOR_LOST, "a census in slices lost its place and began again")                        \
	X(FULL_COLLECTION, "a full collection reordered the lists between two slices")             \
	X(OVER_BUDGET, "a census waited because the budget was used up")                           \
	X(OBJECT_LIMIT, "the lists were longer than a census may follow")                          \
	X(TORN, "the target changed while it was read from outside")                               \
	X(SCAN_LIMIT, "more memory than a scan for untracked containers reads")

#define PYLEAK_LOSS_ENUM(name, words) PYLEAK_LOSS_##name,
enum pyleak_loss { PYLEAK_LOSSES(PYLEAK_LOSS_ENUM) PYLEAK_LOSS_CNT };

/* Where in the target a census was taken. */
enum pyleak_hook {
	PYLEAK_HOOK_GC = 0,	   /* start of a collection */
	PYLEAK_HOOK_SAFEPOINT = 1, /* a function entered with the GIL held */
	PYLEAK_HOOK_CNT = 2,
};

/* How the census measures objects of a type beyond tp_basicsize. */
enum pyleak_type_kind {
	PYLEAK_KIND_PLAIN = 0,
	PYLEAK_KIND_VAR = 1, /* tp_itemsize * |ob_size| */
	PYLEAK_KIND_LIST = 2,
	PYLEAK_KIND_DICT = 3,
	PYLEAK_KIND_SET = 4,
	PYLEAK_KIND_DEQUE = 5,
};

/* One interpreter of the target. Addresses in the target; 0 means "not there". */
struct pyleak_interpreter {
	__u64 heads[PYLEAK_LISTS]; /* list heads, in walking order */
	__u64 collecting;	   /* int: a collection is running */
	__u64 gil;		   /* 3.12+: address of the pointer to the GIL's state */
	__u64 address;		   /* PyInterpreterState */
	__u64 generation_marks[PYLEAK_GENERATIONS]; /* a byte that changes with every collection */
};

/* Written by user space only while no census is asked for (want == answered). */
struct pyleak_control {
	__u64 want;	    /* how many censuses were asked for; one runs while want > answered */
	__u64 max_pause_ns; /* longest stretch of one slice */
	__u64 budget_ppm;   /* share of one core that may be spent, in millionths */
	__u64 hit_ns;	    /* what a hook's trap costs, about: it cannot be seen from behind it */
	__u64 max_objects;  /* a census that meets more ends with a loss */
	__u64 current_tstate; /* up to 3.11: address of the pointer to the running thread state */
	__u64 set_types[2];   /* PySet_Type, PyFrozenSet_Type */
	__u32 interpreter_cnt;
	__u32 head_bytes;    /* sizeof(PyGC_Head): 16, 24 or 32 */
	__u32 container_min; /* containers at least this long are tracked one by one */
	__u32 minor;	     /* 6 for CPython 3.6 */
	__u32 thread_id;     /* offset of thread_id in PyThreadState (a pthread_t) */
	__u32 watch_young; /* count the youngest generation between censuses: one part in so many of
			    * the budget; 1 = as much as there is, 0 = not at all */
	__u32 measure_pauses;
	__u32 padding;
	struct pyleak_interpreter interpreters[PYLEAK_MAX_INTERPRETERS];
};

/* Written by the kernel side only. */
struct pyleak_progress {
	__u64 busy;	 /* 1 while a thread of the target is inside a census */
	__u64 answered;	 /* how many of the censuses asked for are complete */
	__u64 serial;	 /* of the newest census begun; marks what belongs to it in the maps */
	__u64 done_hook; /* enum pyleak_hook of the slice that completed it */
	/* The census under way, or the newest. */
	__u64 began;			/* the request (want) that it answers */
	__u64 waiting;			/* the request that already waited for the budget */
	__u64 failed;			/* the request that a fault or a broken list ended */
	__u64 visited;			/* bit per interpreter that is counted */
	__u64 cursor;			/* last node counted, 0 = begin the interpreter's lists */
	__u64 cursor_next, cursor_prev; /* its neighbours: memory that was used again has others */
	__u64 cursor_interpreter;
	__u64 cursor_list;
	__u64 objects;
	__u64 slices;
	__u64 full_mark; /* mark of the oldest generation when the slice before ended */
	/* Cost to the target. */
	__u64 spent_ns;
	__u64 counted; /* objects walked over in that time */
	__u64 longest_ns;
	__s64 credit_ns; /* what the budget allows to spend now; negative = overdrawn */
	__u64 credit_at_ns;
	__u64 credit_hits; /* hits whose traps are paid */
	__u64 hits[PYLEAK_HOOK_CNT];
	__u64 young_walks; /* collections whose youngest generation was counted */
	__u64 young_objects;
	__u64 young_skipped;
	__u64 young_due_ns; /* none before, so that they leave the budget to censuses */
	__u64 losses[PYLEAK_LOSS_CNT];
};

/* Kernel side only: where the walk over the lists is. */
struct pyleak_walk {
	__u64 node; /* to be counted next; a list's head ends the list */
	__u64 previous;
	__u64 head;
	__u64 lowest_head;
	__u64 deadline_ns;
	__u64 objects;
	__u32 interpreter;
	__u32 list;
	__u32 end;   /* enum walk_end */
	__u32 young; /* also count what is in the youngest generation as young */
	__u32 young_only;
	__u32 young_seen; /* the youngest list was counted as young to its end */
	__u64 turn;	  /* number of the slice: what was read ahead in another is stale */
	__u32 hook;	  /* enum pyleak_hook */
};

/* Kernel side only: a page of the target, as it was in slice `turn`. */
#define PYLEAK_PAGES 2048
struct pyleak_page {
	__u64 base;
	__u64 turn;
	__u64 copied;
	__u64 words[512 + 16]; /* the verifier sees no end of the page, only a mask */
};

/* Kernel side only: counts of one type that are not in the map yet. */
#define PYLEAK_TALLIES 64
struct pyleak_tally {
	__u64 type;
	__u64 live, bytes, young;
	__u32 basic_bytes, item_bytes, kind, padding;
};

/* Value of the map of types; the key is the address of the type object. Counts of another
 * census than the newest are void. User space reads while none is asked for, so that it never
 * sees one half done. */
struct pyleak_type_count {
	__u64 census;
	__u64 live;
	__u64 bytes;
	__u64 young; /* seen in the youngest generation at collections, since the attach */
	__u32 basic_bytes;
	__u32 item_bytes;
	__u32 kind;	 /* enum pyleak_type_kind */
	__u32 flags_low; /* low word of tp_flags */
};

/* Value of the map of large containers; the key is the address of the object. */
struct pyleak_container {
	__u64 type;
	__u64 census; /* the newest that met it */
	__u64 len;
	__u64 bytes;
};

/* GC pauses, one per generation. */
struct pyleak_pauses {
	__u64 log2_us[PYLEAK_GENERATIONS][PYLEAK_PAUSE_BUCKETS];
	__u64 total_ns[PYLEAK_GENERATIONS];
	__u64 longest_ns[PYLEAK_GENERATIONS];
	__u64 cnt[PYLEAK_GENERATIONS];
	__u64 unknown; /* ends without a start, or of no known generation */
};

/* Sent through the ring buffer when a census is complete. */
struct pyleak_event {
	__u64 serial;
};

#endif
