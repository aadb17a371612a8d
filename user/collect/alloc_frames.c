/* SPDX-License-Identifier: BSD-2-Clause */
/* Up to 3.12 from tables; later CPython itself says where frames are (_Py_DebugOffsets). Neither is
 * believed before a walk over real frames has met nothing but code objects. */
#include "collect/alloc_frames.h"

#include <errno.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "collect/py_frame.h"
#include "pyleak_stack.h"

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
	return at % 8 == 0 && at < limit && limit - at >= 8;
}

/* What both sides rely on when they read a frame and a code object at once. */
static bool makes_sense(const struct pyleak_frames *frames)
{
	uint32_t begin = pyleak_code_begin(frames), end = frames->code_lines + 8;
	uint32_t fields[] = { frames->code_name, frames->code_file, frames->code_lines };

	if (frames->frame_bytes > 8 * PYLEAK_FRAME_WORDS || frames->tstate_frame >= 4096 ||
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

int alloc_frames_find(const struct python *python, pid_t pid, const struct gc_lists *lists,
		      struct pyleak_frames *out)
{
	struct pyleak_frames frames;
	struct remote *remote;
	int err = alloc_frames_fill(python, &frames);

	if (!err)
		err = remote_open(pid, &remote);
	if (!err) {
		err = alloc_frames_check(python, remote, lists, &frames);
		remote_close(remote);
	}
	if (!err)
		*out = frames;
	else if (err != -EAGAIN)
		pr_warn("stacks: CPython %s keeps its frames where nobody knows: who allocates is "
			"not seen",
			python->version);
	return err;
}
