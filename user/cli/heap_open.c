/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/heap_open.h"

#include <errno.h>

#include "attach/python.h"
#include "base/log.h"
#include "collect/py_lists.h"
#include "snapshot/graph_file.h"
#include "snapshot/search.h"
#include "snapshot/snapshot.h"

/* A process that starts, or that collects, is asked again for so long. */
#define LISTS_PATIENCE_MS 2000

int heap_take(const struct options *options, struct target *target, const struct python *python,
	      const raddr_t *containers, size_t cnt, struct heap_graph **out)
{
	struct snapshot_options snapshot = {
		.no_pause = options->no_pause,
		.max_memory = options->max_memory,
		.can_search = options->verb == VERB_BACKREFS,
		.containers = containers,
		.container_cnt = cnt,
	};
	struct search_options search = {
		.type = options->address ? NULL : options->type,
		.address = options->address,
		.depth = options->depth,
	};
	struct gc_lists lists;
	int err = py_lists_open(python, target, LISTS_PATIENCE_MS, &lists);

	if (!err)
		err = snapshot_take(target, python, &lists, &snapshot, out);
	if (err == -E2BIG && snapshot.can_search)
		err = search_holders(target, python, &lists, &search, out);
	return err;
}

static int open_live(const struct options *options, struct heap_graph **out)
{
	static struct python python;
	struct target target;
	int err = target_open(options->pid, &target);

	if (err)
		return err;
	err = python_find(&target, &python);
	if (err == -EAGAIN)
		python_report_early(&target);
	if (!err) {
		err = heap_take(options, &target, &python, NULL, 0, out);
		python_close(&python);
	}
	target_close(&target);
	return err;
}

int heap_open(const struct options *options, struct heap_graph **out)
{
	uint64_t limit = options->max_memory ? options->max_memory : snapshot_default_memory();

	if (options->files[0])
		return graph_load(options->files[0], limit, out);
	return open_live(options, out);
}
