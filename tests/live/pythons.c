/* SPDX-License-Identifier: BSD-2-Clause */
/* Which interpreters live tests run, and which process is one. */
#include "live/harness.h"

#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_PYTHONS 32

static size_t add_python(struct python_param *all, size_t cnt, const char *path)
{
	if (cnt == MAX_PYTHONS || access(path, X_OK))
		return cnt;
	snprintf(all[cnt].path, sizeof(all[cnt].path), "%s", path);
	return cnt + 1;
}

struct python_param *live_pythons(size_t *cnt)
{
	struct python_param *all = cr_malloc(MAX_PYTHONS * sizeof(*all));
	const char *root = getenv("PYENV_ROOT"), *home = getenv("HOME");
	char pattern[300], more[1024], *rest = more, *path;
	bool only = getenv("PYLEAK_ONLY_PYTHONS");
	glob_t found;

	*cnt = only ? 0 : add_python(all, 0, "/usr/bin/python3");
	if (root)
		snprintf(pattern, sizeof(pattern), "%s/versions/3.*/bin/python3", root);
	else
		snprintf(pattern, sizeof(pattern), "%s/.pyenv/versions/3.*/bin/python3",
			 home ? home : "");
	if (!only && !glob(pattern, 0, NULL, &found)) {
		for (size_t i = 0; i < found.gl_pathc; i++)
			*cnt = add_python(all, *cnt, found.gl_pathv[i]);
		globfree(&found);
	}
	snprintf(more, sizeof(more), "%s",
		 getenv("PYLEAK_PYTHONS") ? getenv("PYLEAK_PYTHONS") : "");
	while ((path = strsep(&rest, ":")))
		*cnt = add_python(all, *cnt, path);
	return all;
}

/* Whether a file of that process is called something with python in it. */
static bool has_python(pid_t pid)
{
	char path[64], line[4096];
	bool has = false;
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	maps = fopen(path, "re");
	while (maps && !has && fgets(line, sizeof(line), maps)) {
		const char *file = strrchr(line, '/');

		has = file && strstr(file, "python");
	}
	if (maps)
		fclose(maps);
	return has;
}

pid_t live_interpreter_of(pid_t pid)
{
	char path[64];
	pid_t child;
	FILE *children;
	bool found = true;

	while (found && !has_python(pid)) {
		snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
		children = fopen(path, "re");
		found = children && fscanf(children, "%d", &child) == 1;
		if (found)
			pid = child;
		if (children)
			fclose(children);
	}
	return pid;
}
