/* SPDX-License-Identifier: BSD-2-Clause */
#include "snapshot/snapshot.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "snapshot/build.h"
#include "snapshot/image.h"

/* The graph of a heap of small objects takes about as much as its copy. */
#define COPY_SHARE 2
#define LEAST_MEMORY (256ULL << 20)

uint64_t snapshot_default_memory(void)
{
	_cleanup_fclose_ FILE *file = fopen("/proc/meminfo", "re");
	unsigned long long kib;
	char line[128];

	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "MemAvailable: %llu kB", &kib) == 1)
			return kib * 1024 / 2;
	}
	return LEAST_MEMORY;
}

int snapshot_take(struct target *target, const struct python *python, const struct gc_lists *lists,
		  const struct snapshot_options *options, struct heap_graph **out)
{
	uint64_t memory = options->max_memory ? options->max_memory : snapshot_default_memory();
	struct image_options image_options = {
		.no_pause = options->no_pause,
		.can_search = options->can_search,
		.max_memory = memory / COPY_SHARE,
	};
	struct build_source source = build_source_of(python);
	struct image *image;
	struct timespec now;
	int err = image_take(target, lists, &image_options, &image);

	if (err)
		return err;
	clock_gettime(CLOCK_REALTIME, &now);
	err = graph_build(image, &source, lists, options->containers, options->container_cnt, out);
	image_destroy(image);
	if (err)
		return err;
	(*out)->info.pid = (uint32_t)target->pid;
	(*out)->info.time = (double)now.tv_sec + (double)now.tv_nsec / 1e9;
	snprintf((*out)->info.program, sizeof((*out)->info.program), "%s", target->program);
	return 0;
}
