/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The contract between bpf/alloc.bpf.c and user/: probes on the instructions that count
 * allocations and frees. Fixed-width types only. */
#ifndef PYLEAK_ALLOC_H
#define PYLEAK_ALLOC_H

#define PYLEAK_ALLOC_MAX_SITES 384
#define PYLEAK_ALLOC_MAX_COUNTS 256
#define PYLEAK_NO_REGISTER 0xffffffffU

/* One place; its index is the probe's cookie. Registers are offsets in struct pt_regs. */
struct pyleak_alloc_site {
	__u32 is_free;
	__u32 object_at;       /* PYLEAK_NO_REGISTER: not known */
	__u32 object_index_at; /* a second register to be added; or PYLEAK_NO_REGISTER */
	__u32 count_at;	       /* PYLEAK_NO_REGISTER: count_offset is the address */
	__s32 object_bias;
	__u32 padding;
	__u64 count_offset;
};

struct pyleak_alloc_hits {
	__u64 cnt;
	__u64 objects; /* of cnt: the object proved to be one */
	__u64 others;  /* it proved to be none; neither: not looked at */
};

/* Written by user space before `armed`. */
struct pyleak_alloc_control {
	__u32 armed; /* count now */
	__u32 look;  /* look at what the objects are */
};

/* One count, that is one interpreter; the key is its address. Guarded by that interpreter's
 * lock, which whoever allocates holds. */
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

#endif
