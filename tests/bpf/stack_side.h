/* SPDX-License-Identifier: GPL-2.0-only */
/* bpf/alloc_stack.bpf.h compiled for the host, and threads of a CPython made up in the target's
 * memory, laid out as each version does (from DWARF of real builds). */
#ifndef STACK_SIDE_H
#define STACK_SIDE_H

#include "shim.h"

#include "pyleak_alloc.h"
#include "pyleak_stack.h"

extern struct pyleak_alloc_state thread_state;

/* One of each family of layouts. */
extern const __u32 minors[];
extern const size_t minor_cnt;

/* A thread without a frame runs in CPython 3.`minor`. */
void start_thread(__u32 minor);
__u64 make_room(size_t bytes);
void put_word(__u64 address, __u64 word);
void put_bytes(__u64 address, const void *bytes, size_t size);

/* An ASCII str; a str of `kind` bytes per character, all of them `fill`. */
__u64 make_str(const char *text);
__u64 make_wide_str(__u32 kind, __u8 fill, __u64 len);
__u64 make_bytes(__u8 fill, __u64 size);
/* A code object that begins in line 7; `lines` is from make_bytes(). */
__u64 make_code(__u64 name, __u64 file, __u64 lines);
/* Of a function of that name in "file.py". */
__u64 make_function(const char *name);
/* Another one at its address. */
void rename_code(__u64 code, __u64 name);

enum { OWNER_THREAD = 0, OWNER_GENERATOR = 1, OWNER_SHIM = 3, OWNER_SHIM_TOO = 4 };

/* A frame at the byte `at` of its code, called by `previous` (0: by nobody). It runs. */
__u64 push_frame(__u64 code, __u32 at, int owner);
void set_previous(__u64 frame, __u64 previous);
void run_frame(__u64 frame);

bool take(void);
void made(__u64 object, __u64 type, __u64 items);
void freed(__u64 object);
__u64 lost(enum pyleak_alloc_loss reason);
__u64 lost_all(void);

const struct pyleak_code *code_of(const struct pyleak_frame *frame);
size_t codes_known(void);
size_t stacks_known(void);
size_t objects_live(void);
/* Of `thread_state.stack` and a type; NULL: none. */
struct pyleak_stack_value *counted(__u64 type);
struct pyleak_stack_value *stack_at(__u64 type, __u64 hash);
__u64 state_hash(void);
void put_stack(__u64 type, __u64 hash, const struct pyleak_stack_value *value);
void fill_codes(size_t room);
void fill_stacks(size_t room);
void fill_live(size_t room);

#endif
