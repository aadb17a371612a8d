/* SPDX-License-Identifier: BSD-2-Clause */
#include "collect/py_lists.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "collect/py_check.h"

static int report(const struct python *python, pid_t pid, int err)
{
	if (err == -ENOENT)
		pr_error("attach: CPython %s in process %d (%s) has no interpreter: it is not "
			 "initialised yet, or was finalised; try again when it runs Python",
			 python->version, pid, python->file);
	else if (err == -EAGAIN)
		pr_error("attach: CPython %s in process %d (%s) has no consistent GC lists: it "
			 "collects all the time, or is not a build that is known; try again, and "
			 "if this stays, report the build",
			 python->version, pid, python->file);
	else
		pr_error("attach: the GC lists of process %d cannot be read: %s", pid,
			 strerror(-err));
	return err;
}

int py_lists_open(const struct python *python, const struct target *target,
		  unsigned int patience_ms, struct gc_lists *out)
{
	int err = gc_lists_await(python, target->remote, patience_ms, out);

	return err ? report(python, target->pid, err)
		   : py_check(python, target->pid, target->remote, out);
}
