/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/heap_open.h"

#include <errno.h>

#include "attach/python.h"
#include "base/log.h"
#include "collect/py_check.h"
#include "snapshot/graph_file.h"
#include "snapshot/search.h"
#include "snapshot/snapshot.h"

/* A process that starts, or that collects, is asked again for so long. */
#define LISTS_PATIENCE_MS 2000

static int find_lists(const struct python *python, struct target *target, struct gc_lists *lists)
{
	int err = gc_lists_await(python, target->remote, LISTS_PATIENCE_MS, lists);

	if (err)
		pr_error("attach: process %d: the GC's lists were not found: %s; see pyleak-bpf "
			 "doctor -p %d",
			 target->pid,
			 err == -EAGAIN ? "CPython is not initialised, or collects all the time"
					: "this build of CPython is not known",
			 target->pid);
	return err ? err : py_check(python, target->pid, target->remote, lists);
}

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
	int err = find_lists(python, target, &lists);

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
