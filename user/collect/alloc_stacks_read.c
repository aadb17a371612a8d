/* SPDX-License-Identifier: BSD-2-Clause */
/* Stacks that probes have taken so far. */
#include "collect/alloc_frames.h"
#include "collect/alloc_stacks_build.h"

int alloc_stacks_read(struct alloc_probes *probes, const struct python *python,
		      struct remote *remote, struct py_types *types, struct alloc_stacks *out)
{
	struct pyleak_frames frames;
	struct alloc_stacks_source source = {
		.probes = probes,
		.each_stack = alloc_probes_each_stack,
		.code = alloc_probes_code,
		.losses = alloc_probes_progress(probes)->losses,
		.frames = &frames,
		.remote = remote,
		.types = types,
	};
	int err = alloc_frames_fill(python, &frames);

	return err ? err : alloc_stacks_build(&source, out);
}
