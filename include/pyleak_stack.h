/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What stacks and code objects are told apart by, for both sides: pure functions on words that
 * were read from the target. */
#ifndef PYLEAK_STACK_H
#define PYLEAK_STACK_H

/* The words of a code object from its first line to its table of lines: names, constants, cells;
 * from 3.12 on a number of its own. None of them changes once the code runs (code.h, 3.6 to
 * 3.15). */
#define PYLEAK_CODE_WORDS 12

#define PYLEAK_FRAME_WORDS 16 /* of a frame are read at once */
/* Frames that are not Python's are passed over; a chain without an end is not. */
#define PYLEAK_STACK_STEPS (2 * PYLEAK_STACK_FRAMES)

/* PyASCIIObject (unicodeobject.h) and PyBytesObject, 3.6 to 3.15. */
#define PYLEAK_STR_LENGTH 0x10
#define PYLEAK_STR_HASH 0x18
#define PYLEAK_STR_STATE 0x20
#define PYLEAK_STR_KIND(state) ((state) >> 2 & 7)
#define PYLEAK_STR_COMPACT (1U << 5)
#define PYLEAK_STR_ASCII (1U << 6)
#define PYLEAK_BYTES_SIZE 0x10
#define PYLEAK_BYTES_DATA 0x20

static inline __u32 pyleak_code_begin(const struct pyleak_frames *frames)
{
	return frames->code_first_line & ~7U;
}

static inline __u64 pyleak_mix(__u64 hash, __u64 word)
{
	hash = (hash ^ word) * 0x9e3779b97f4a7c15ULL; /* 2^64 / the golden ratio */
	return hash ^ hash >> 32;
}

/* Up to 3.11 a code object has no number, and one that is made right after another was freed may
 * have all its words: functions that exec() makes in turn. So the hash of its name counts, and the
 * beginning of its table of lines. */
static inline bool pyleak_code_needs_more(const struct pyleak_frames *frames)
{
	return frames->minor < 12;
}

/* From PYLEAK_BYTES_SIZE on: length, hash, data; there is room for so many in the smallest. */
#define PYLEAK_LINES_WORDS 4

static inline __u64 pyleak_code_more(__u64 name_hash, const __u64 *lines)
{
	return pyleak_mix(pyleak_mix(pyleak_mix(name_hash, lines[0]), lines[2]), lines[3]);
}

/* `words` of a code object, 0 where it has less of them; `more`: 0 or pyleak_code_more(). Never
 * 0. */
static inline __u32 pyleak_code_check(const __u64 *words, __u64 more)
{
	__u64 hash = more;

	for (int i = 0; i < PYLEAK_CODE_WORDS; i++)
		hash = pyleak_mix(hash, words[i]);
	return (__u32)hash | 1;
}

static inline __u64 pyleak_frame_hash(__u64 hash, const struct pyleak_frame *frame)
{
	return pyleak_mix(pyleak_mix(hash, frame->code), (__u64)frame->check << 32 | frame->at);
}

#endif
