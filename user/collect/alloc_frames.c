/* SPDX-License-Identifier: BSD-2-Clause */
/* Up to 3.12 from tables; later CPython itself says where frames are (_Py_DebugOffsets). Neither is
 * believed before a walk over real frames has met nothing but code objects. */
#include "collect/alloc_frames.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/cleanup.h"
#include "collect/py_frame.h"
#include "pyleak_object.h"
#include "pyleak_stack.h"

#define MAX_INTERPRETERS 256
#define MAX_THREADS 4096 /* that are looked at */
#define MAX_STEPS (2 * PYLEAK_STACK_FRAMES)
/* A thread that runs changes its frames while they are read. */
#define TRIES 50
#define ROUNDS 3

#define OB_TYPE 0x8
#define LAST_HOLDER 0x8 /* struct _gil_runtime_state, 3.12 and later */

#define FRAME_BYTES_MAX 0x80 /* one read of the kernel side */

raddr_t alloc_frames_tstate_at(const struct python *python, struct remote *remote,
			       const struct pyleak_interpreter *interpreter)
{
	raddr_t gil;

	if (python->minor == 6)
		return python_symbol(python, "_PyThreadState_Current");
	if (python->minor <= 11)
		return python->runtime + python->layout.tstate_current;
	gil = interpreter->gil ? remote_word(remote, interpreter->gil) : 0;
	return gil ? gil + LAST_HOLDER : 0;
}

static void fill_old(int minor, struct pyleak_frames *out)
{
	out->tstate_frame = TSTATE_OLD_FRAME;
	out->frame_code = PY_OLD_FRAME_CODE;
	out->frame_previous = PY_OLD_FRAME_BACK;
	out->frame_instruction = py_old_frame_layout(minor)->last;
	out->frame_bytes = out->frame_instruction + 4;
}

/* 3.11 and 3.12. */
static void fill_cframe(int minor, struct pyleak_frames *out)
{
	const struct py_frame_layout *layout = py_frame_layout(minor);

	out->tstate_frame = TSTATE_CFRAME;
	out->cframe_frame = py_cframe_frame(minor);
	out->frame_code = layout->code;
	out->frame_previous = layout->previous;
	out->frame_instruction = layout->instruction;
	out->frame_owner = layout->owner;
	out->frame_bytes = layout->owner + 1;
}

static void fill_code(int minor, struct pyleak_frames *out)
{
	const struct py_code_layout *layout = py_code_layout(minor);

	out->code_bytecode = layout->bytecode;
	out->code_name = layout->qualname ? layout->qualname : layout->name;
	out->code_file = layout->file;
	out->code_lines = layout->lines;
	out->code_first_line = layout->first_line;
}

static void fill_published(const struct py_frame_offsets *said, struct pyleak_frames *out)
{
	out->tstate_frame = said->tstate_frame;
	out->frame_code = said->code;
	out->frame_previous = said->previous;
	out->frame_instruction = said->instruction;
	out->frame_owner = said->owner;
	out->frame_bytes = said->owner + 1;
	out->code_bytecode = said->bytecode;
	out->code_name = said->qualname;
	out->code_file = said->file;
	out->code_lines = said->lines;
	out->code_first_line = said->first_line;
}

static bool is_word(uint32_t at, uint32_t limit)
{
	return at % 8 == 0 && at + 8 <= limit;
}

/* What both sides rely on when they read a frame and a code object at once. */
static bool makes_sense(const struct pyleak_frames *frames)
{
	uint32_t begin = pyleak_code_begin(frames), end = frames->code_lines + 8;
	uint32_t fields[] = { frames->code_name, frames->code_file, frames->code_lines };

	if (frames->frame_bytes > FRAME_BYTES_MAX || frames->tstate_frame >= 4096 ||
	    frames->tstate_frame % 8 || !is_word(frames->frame_code, frames->frame_bytes) ||
	    !is_word(frames->frame_previous, frames->frame_bytes) ||
	    frames->frame_code == frames->frame_previous ||
	    (frames->minor >= 11 && !is_word(frames->frame_instruction, frames->frame_bytes)))
		return false;
	if (frames->code_first_line % 4 || frames->code_lines > 4096 || end <= begin ||
	    end - begin > 8 * PYLEAK_CODE_WORDS || frames->code_bytecode > 4096)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		if (fields[i] < begin || !is_word(fields[i], end))
			return false;
	}
	return frames->minor < 11 || frames->code_bytecode >= end;
}

int alloc_frames_fill(const struct python *python, struct pyleak_frames *out)
{
	struct pyleak_frames frames = {
		.minor = (uint32_t)python->minor,
		.cframe_frame = PYLEAK_NO_REGISTER,
		.frame_owner = PYLEAK_NO_REGISTER,
		.first_shim = FRAME_SHIM,
		.string_data = python->layout.string_data,
		/* utf8_length, utf8, and up to 3.11 wstr_length. */
		.string_data_wide =
			python->layout.string_data + (python->minor >= 12 ? 0x10 : 0x18),
	};

	if (python->minor < PYTHON_OLDEST_MINOR || python->minor > PYTHON_NEWEST_MINOR)
		return -EOPNOTSUPP;
	if (python->minor >= 13)
		fill_published(&python->layout.frames, &frames);
	else if (python->minor >= 11)
		fill_cframe(python->minor, &frames);
	else
		fill_old(python->minor, &frames);
	if (python->minor <= 12)
		fill_code(python->minor, &frames);
	if (!makes_sense(&frames))
		return -EOPNOTSUPP;
	*out = frames;
	return 0;
}

/* ---- the walk */

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
	uint8_t bytes[FRAME_BYTES_MAX] = {};
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
		out->instruction = last < 0 ? 0 : (uint64_t)last * (frames->minor == 10 ? 2 : 1);
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
	for (int i = 0; frame && i < MAX_STEPS; i++) {
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
	struct pyleak_stack stack;
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
	__u64 words[PYLEAK_CODE_WORDS] = {}, hash = 0;
	uint32_t begin = pyleak_code_begin(frames);

	if (remote_read(remote, code + begin, words, frames->code_lines + 8 - begin))
		return 0;
	if (pyleak_code_needs_name(frames) &&
	    remote_read(remote, words[(frames->code_name - begin) / 8] + PYLEAK_STR_HASH, &hash,
			sizeof(hash)))
		return 0;
	return pyleak_code_check(words, hash);
}
