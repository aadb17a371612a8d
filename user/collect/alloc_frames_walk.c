/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel side's walk, from outside: to see whether frames are where we think they are. */
#include "collect/alloc_frames.h"

#include <errno.h>
#include <string.h>

#include "collect/py_frame.h"
#include "pyleak_object.h"
#include "pyleak_stack.h"

#define MAX_INTERPRETERS 256
#define MAX_THREADS 4096 /* that are looked at */
/* A thread that runs changes its frames while they are read. */
#define TRIES 50
#define ROUNDS 3

#define OB_TYPE 0x8

struct frame_seen {
	raddr_t code, previous;
	uint64_t instruction;
	bool is_shim;
};

static uint64_t word_at(const uint8_t *bytes, uint32_t at)
{
	uint64_t word;

	memcpy(&word, bytes + at, sizeof(word));
	return word;
}

static int read_frame(struct remote *remote, const struct pyleak_frames *frames, raddr_t frame,
		      struct frame_seen *out)
{
	uint8_t bytes[8 * PYLEAK_FRAME_WORDS] = {};
	int32_t last;

	if (remote_read(remote, frame, bytes, frames->frame_bytes))
		return -EFAULT;
	out->code = word_at(bytes, frames->frame_code);
	if (frames->minor >= 14)
		out->code &= ~3ULL;
	out->previous = word_at(bytes, frames->frame_previous);
	out->is_shim = frames->frame_owner != PYLEAK_NO_REGISTER &&
		       bytes[frames->frame_owner] >= frames->first_shim;
	if (frames->minor >= 11) {
		uint64_t start = out->code + frames->code_bytecode;

		out->instruction = word_at(bytes, frames->frame_instruction);
		out->instruction = out->instruction > start ? out->instruction - start : 0;
	} else {
		memcpy(&last, bytes + frames->frame_instruction, sizeof(last));
		out->instruction = last < 0 ? PYLEAK_NOT_BEGUN
					    : (uint64_t)last * (frames->minor == 10 ? 2 : 1);
	}
	return 0;
}

static bool is_code(struct remote *remote, raddr_t object)
{
	raddr_t type = object ? remote_word(remote, object + OB_TYPE) : 0;
	raddr_t name = type ? remote_word(remote, type + PYLEAK_TP_NAME) : 0;
	char text[8];

	return name && remote_string(remote, name, text, sizeof(text)) == 4 &&
	       !strcmp(text, "code");
}

int alloc_frames_walk(struct remote *remote, const struct pyleak_frames *frames, raddr_t tstate,
		      struct pyleak_stack *out)
{
	raddr_t frame = remote_word(remote, tstate + frames->tstate_frame);

	if (frame && frames->cframe_frame != PYLEAK_NO_REGISTER)
		frame = remote_word(remote, frame + frames->cframe_frame);
	out->cnt = 0;
	out->is_cut = 0;
	for (int i = 0; frame && i < PYLEAK_STACK_STEPS; i++) {
		struct frame_seen seen;

		if (read_frame(remote, frames, frame, &seen))
			return -EFAULT;
		frame = seen.previous;
		if (seen.is_shim)
			continue;
		if (!is_code(remote, seen.code))
			return -EBADMSG;
		if (out->cnt == PYLEAK_STACK_FRAMES)
			break;
		out->frames[out->cnt++] = (struct pyleak_frame){ .code = seen.code,
								 .at = (uint32_t)seen.instruction };
	}
	out->is_cut = frame != 0;
	return 0;
}

/* ---- the check */

/* Its frames, 0 or -errno. */
static int check_thread(struct remote *remote, const struct pyleak_frames *frames, raddr_t tstate)
{
	struct pyleak_stack stack = {};
	int err = -EFAULT;

	for (int i = 0; err && i < TRIES; i++)
		err = alloc_frames_walk(remote, frames, tstate, &stack);
	return err ? err : (int)stack.cnt;
}

static int check_all(const struct python *python, struct remote *remote,
		     const struct gc_lists *lists, const struct pyleak_frames *frames)
{
	raddr_t interpreter = lists->newest_interpreter;
	uint64_t seen = 0;

	for (int i = 0; interpreter && i < MAX_INTERPRETERS; i++) {
		raddr_t tstate =
			remote_word(remote, interpreter + python->layout.interpreter_threads);

		for (int n = 0; tstate && n < MAX_THREADS; n++) {
			int cnt = check_thread(remote, frames, tstate);
			raddr_t next = remote_word(remote, tstate + TSTATE_NEXT);

			if (cnt < 0)
				return -EBADMSG;
			seen += (uint64_t)cnt;
			tstate = next;
		}
		interpreter = remote_word(remote, interpreter + python->layout.interpreter_next);
	}
	return seen ? 0 : -EAGAIN;
}

int alloc_frames_check(const struct python *python, struct remote *remote,
		       const struct gc_lists *lists, const struct pyleak_frames *frames)
{
	int err = -EBADMSG;

	/* A thread may end while its frames are read. */
	for (int i = 0; err == -EBADMSG && i < ROUNDS; i++)
		err = check_all(python, remote, lists, frames);
	return err;
}

/* ---- code objects */

uint32_t alloc_frames_code_check(struct remote *remote, const struct pyleak_frames *frames,
				 raddr_t code)
{
	__u64 words[PYLEAK_CODE_WORDS] = {}, lines[PYLEAK_LINES_WORDS], hash = 0;
	uint32_t begin = pyleak_code_begin(frames);

	if (remote_read(remote, code + begin, words, frames->code_lines + 8 - begin))
		return 0;
	if (!pyleak_code_needs_more(frames))
		return pyleak_code_check(words, 0);
	if (remote_read(remote, words[(frames->code_name - begin) / 8] + PYLEAK_STR_HASH, &hash,
			sizeof(hash)) ||
	    remote_read(remote, words[(frames->code_lines - begin) / 8] + PYLEAK_BYTES_SIZE, lines,
			sizeof(lines)))
		return 0;
	return pyleak_code_check(words, pyleak_code_more(hash, lines));
}
