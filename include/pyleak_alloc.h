/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The contract between bpf/alloc.bpf.c and user/: probes on the instructions that count
 * allocations and frees of GC objects. Fixed-width types only. */
#ifndef PYLEAK_ALLOC_H
#define PYLEAK_ALLOC_H

#define PYLEAK_ALLOC_MAX_SITES 512 /* a power of 2 */
#define PYLEAK_ALLOC_MAX_COUNTS 64 /* interpreters */
#define PYLEAK_NO_REGISTER 0xffffffffU

/* Why something was not counted. X(enum suffix, words for a person). */
#define PYLEAK_ALLOC_LOSSES(X)                                                                     \
	X(FAULT, "an object or its type was not readable")                                         \
	X(NO_TYPE, "what was allocated proved to be no object")                                    \
	X(TYPES_FULL, "more types than the kernel map holds")                                      \
	X(COUNTS_FULL, "more interpreters than the kernel map holds")                              \
	X(NO_THREAD, "a stack was not taken: the running thread was not known")                    \
	X(NO_FRAME, "a stack was not taken: a frame was not readable")                             \
	X(NO_STACK, "the first objects of a place were made before its stacks were taken")         \
	X(STACKS_FULL, "more different stacks than the kernel map holds")                          \
	X(CODES_FULL, "more functions than the kernel map holds")                                  \
	X(LIVE_FULL, "more objects than the kernel map follows to their end")

#define PYLEAK_ALLOC_LOSS_ENUM(name, words) PYLEAK_ALLOC_LOSS_##name,
enum pyleak_alloc_loss { PYLEAK_ALLOC_LOSSES(PYLEAK_ALLOC_LOSS_ENUM) PYLEAK_ALLOC_LOSS_CNT };

enum pyleak_alloc_kind {
	PYLEAK_ALLOC_NEW = 0,
	PYLEAK_ALLOC_FREE = 1,
	PYLEAK_ALLOC_COLLECTION = 2, /* up to 3.11: one begins here, maybe inside an allocation */
	PYLEAK_ALLOC_RESIZE = 3,     /* the object moves: what it leaves may be overwritten */
};

/* One place; its index is the probe's cookie. Registers are offsets in struct pt_regs. */
struct pyleak_alloc_site {
	__u32 kind;
	__u32 object_at;       /* PYLEAK_NO_REGISTER: not known */
	__u32 object_index_at; /* a second register to be added; or PYLEAK_NO_REGISTER */
	__u32 count_at;	       /* PYLEAK_NO_REGISTER: count_offset is the address */
	__s32 object_bias;
	__u16 is_early; /* an allocation is passed here before it is counted */
	/* Kernel side: an object of a suspect type was made here, so stacks are taken here. */
	__u16 is_hot;
	__u64 count_offset;
};

struct pyleak_alloc_hits {
	__u64 cnt;
	__u64 objects; /* trial, of cnt: the object proved to be one */
	__u64 others;  /* it proved to be none; neither: not looked at */
};

/* Where frames and code objects keep what, for the version of CPython that runs. */
struct pyleak_frames {
	__u32 minor;
	__u32 tstate_frame; /* in PyThreadState: the running frame, or its C frame (3.11, 3.12) */
	__u32 cframe_frame; /* 3.11, 3.12: in the C frame; PYLEAK_NO_REGISTER: none is between */
	__u32 frame_code;   /* in a frame, as all up to frame_owner */
	__u32 frame_previous;
	__u32 frame_instruction; /* up to 3.10 f_lasti (an int); later an address */
	__u32 frame_owner;	 /* one byte; PYLEAK_NO_REGISTER: there is none */
	__u32 first_shim;	 /* frames with an owner from here on are not Python's */
	__u32 frame_bytes;	 /* one read of so many holds all of these */
	__u32 code_bytecode;	 /* in a code object; 3.11 and later */
	__u32 code_name;	 /* co_qualname where there is one */
	__u32 code_file;
	__u32 code_lines;
	__u32 code_first_line;
	__u32 string_data; /* of a compact ASCII str; of another: string_data_wide */
	__u32 string_data_wide;
};

/* Written by user space while disarmed. */
struct pyleak_alloc_control {
	__u32 armed;  /* 0: hits cost their trap and no more. The kernel side clears it, too */
	__u32 look;   /* trial: look at what the objects are */
	__u32 stacks; /* take stacks of the allocations of suspect types */
	__u32 padding;
	__u64 hit_ns; /* price of one hit, its trap included, without a stack */
	/* Once progress.spent_ns is past this, the kernel side disarms and says so
	 * (PYLEAK_ALLOC_CLOSED); 0 = never. */
	__u64 spend_until_ns;
	/* Where an interpreter that is met has what, from its count on; 0 = not known. */
	__s64 collecting_from_count; /* up to 3.11; up to 3.8 there is one count and one flag */
	__s64 gil_from_count;	     /* from 3.12 on: pointer to its lock */
	__u32 holder_from_gil;	     /* there: the thread that has it */
	__u32 padding_too;
	__u64 tstate_at; /* up to 3.11: of all of them */
	struct pyleak_frames frames;
};

/* Written by the kernel side only; user space reads differences. */
struct pyleak_alloc_progress {
	__u64 hits;
	__u64 other_hits; /* of them: where nothing is allocated or freed */
	__u64 spent_ns;	  /* hits x hit_ns, and what stacks took */
	__u64 stacks;	  /* taken */
	/* Hits while disarmed, which cost their trap: the first and the last of a window. */
	__u64 idle_hits;
	__u64 losses[PYLEAK_ALLOC_LOSS_CNT];
};

/* Trial only. One count, that is one interpreter; the key is its address. Guarded by that
 * interpreter's lock, which whoever allocates holds. */
struct pyleak_alloc_count {
	/* From user space; 0 = not known. */
	__u64 collecting;
	__u64 marks[3];
	/* From the kernel side. */
	__u64 allocs;
	__u64 frees;
	__u64 decrements; /* of the frees: those that found the count positive */
	__u64 missed;	  /* the count moved up by so much more than was seen */
	__u64 missed_frees;
	__u64 resets; /* by collections */
	__u64 faults;
	__u64 spent_ns;	   /* in the program, without the trap */
	__u64 last_object; /* to be looked at once its type is set */
	__u32 last_site;
	__s32 expected;
	__u32 is_synced;
	__u8 seen_marks[4];
};

/* ---- counts by type */

#define PYLEAK_ALLOC_MAX_TYPES 16384 /* a power of 2 */
#define PYLEAK_ALLOC_PROBES 16	     /* slots that are tried for one type */

enum pyleak_alloc_type_flags {
	PYLEAK_ALLOC_META = 1,	  /* its objects are types: when one is freed, its slot is dead */
	PYLEAK_ALLOC_DEAD = 2,	  /* the type was freed; what is there later is another */
	PYLEAK_ALLOC_SUSPECT = 4, /* set by user space: take stacks */
};

/* Where the search for a type's slot begins. Objects of 16 bytes and more, so low bits say nothing;
 * the factor is 2^64 / the golden ratio. */
static inline __u32 pyleak_alloc_slot(__u64 type)
{
	return (__u32)((type >> 4) * 0x9e3779b97f4a7c15ULL >> 32) & (PYLEAK_ALLOC_MAX_TYPES - 1);
}

/* A slot of the table of types, found by the type's address (open addressing); never moved or
 * emptied while probes are in. */
struct pyleak_alloc_type {
	__u64 type; /* 0: free */
	__u64 allocs, frees;
	/* As they stood when the newest census was complete, if `epoch` is its number; else the
	 * type has not moved since, and allocs and frees are what they were then. */
	__u64 epoch;
	__u64 allocs_at, frees_at;
	__u32 flags;
	__u32 item_bytes;  /* tp_itemsize, as basic_bytes read when the slot was taken */
	__u64 basic_bytes; /* 0: the kernel side has not met it yet */
};

/* ---- stacks */

#define PYLEAK_STACK_FRAMES 48
#define PYLEAK_ALLOC_MAX_STACKS 4096
#define PYLEAK_ALLOC_MAX_CODES 4096
#define PYLEAK_ALLOC_MAX_LIVE 65536

#define PYLEAK_NOT_BEGUN 0xffffffffU /* up to 3.10: the frame is at the line of its function */

struct pyleak_frame {
	__u64 code;  /* of the code object */
	__u32 at;    /* the instruction, in bytes from the start of the code */
	__u32 check; /* of what the code object is: another at its address has another */
};

/* Innermost first. */
struct pyleak_stack {
	__u32 cnt;
	__u32 is_cut; /* there were more frames */
	struct pyleak_frame frames[PYLEAK_STACK_FRAMES];
};

/* Key of the map of stacks. */
struct pyleak_stack_key {
	__u64 type;
	__u64 hash; /* of the frames */
};

struct pyleak_stack_value {
	__u64 allocs;
	__u64 bytes;
	__u64 frees; /* of these objects, while probes were in */
	__u64 freed_bytes;
	struct pyleak_stack stack;
};

/* Value of the map of sampled objects that live; the key is the object's address. */
struct pyleak_live_object {
	struct pyleak_stack_key made;
	__u64 bytes;
};

struct pyleak_code_key {
	__u64 code;
	__u64 check;
};

#define PYLEAK_CODE_NAME 128
#define PYLEAK_CODE_FILE 256
#define PYLEAK_CODE_LINES 4096

/* What a function is called and where its lines are, copied when it is first met: it may be gone
 * when it is asked for. */
struct pyleak_code {
	__u32 first_line;
	__u32 name_state, file_state; /* PyASCIIObject.state: which characters */
	__u32 name_len, file_len;     /* in characters, of the whole */
	__u32 lines_bytes;	      /* of the whole; more than PYLEAK_CODE_LINES: cut */
	__u8 name[PYLEAK_CODE_NAME];  /* its beginning */
	__u8 file[PYLEAK_CODE_FILE];  /* its end */
	__u8 lines[PYLEAK_CODE_LINES];
};

/* ---- interpreters */

/* Guarded by the interpreter's lock. The address of its count stands at the same index in an array
 * of its own. All is from the kernel side. */
struct pyleak_alloc_state {
	/* 0 = not known. */
	__u64 tstate_at;  /* address of the pointer to the running thread's state */
	__u64 collecting; /* up to 3.11: int */
	__u64 pending;	  /* the newest object; its type is set by the next event */
	__u64 deferred;	  /* up to 3.11: it set off a collection, and has no type until that ends */
	__u64 allocs, frees;
	__u64 pending_epoch; /* the census after which it was made */
	__u32 pending_site;
	__u32 pending_has_stack, deferred_has_stack;
	__u32 padding;
	struct pyleak_stack stack, deferred_stack;
};

/* Sent through the ring buffer. */
enum pyleak_alloc_event { PYLEAK_ALLOC_CLOSED = 1 /* the allowance is used up */ };

#endif
