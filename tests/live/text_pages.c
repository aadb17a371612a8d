/* SPDX-License-Identifier: BSD-2-Clause */
#include "live/text_pages.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "live/harness.h"

#define TRIES 1000
#define CHUNK 65536

/* map_files reaches files that are deleted, or in another root. */
static size_t compare(pid_t pid, int memory, unsigned long start, unsigned long end,
		      unsigned long offset, size_t *seen)
{
	static char here[CHUNK], there[CHUNK];
	size_t changed = 0;
	char path[100];
	int file;

	snprintf(path, sizeof(path), "/proc/%d/map_files/%lx-%lx", pid, start, end);
	file = open(path, O_RDONLY | O_CLOEXEC);
	if (file < 0)
		return 0;
	for (unsigned long at = start; at < end; at += CHUNK) {
		size_t size = end - at < CHUNK ? end - at : CHUNK;
		ssize_t got = pread(file, there, size, (off_t)(offset + (at - start)));

		if (got <= 0 || pread(memory, here, (size_t)got, (off_t)at) != got)
			continue;
		for (ssize_t i = 0; i < got; i++)
			changed += here[i] != there[i];
		*seen += (size_t)got;
	}
	close(file);
	return changed;
}

size_t text_pages_changed(pid_t pid, size_t *seen)
{
	char path[64], line[1024];
	size_t changed = 0;
	FILE *maps;
	int memory;

	*seen = 0;
	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	memory = open(path, O_RDONLY | O_CLOEXEC);
	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	maps = fopen(path, "re");
	cr_assert(memory >= 0 && maps, "no memory of %d", pid);
	while (fgets(line, sizeof(line), maps)) {
		unsigned long start, end, offset;
		char rights[8];

		if (sscanf(line, "%lx-%lx %7s %lx", &start, &end, rights, &offset) == 4 &&
		    rights[2] == 'x' && strstr(line, "python"))
			changed += compare(pid, memory, start, end, offset, seen);
	}
	fclose(maps);
	close(memory);
	return changed;
}

size_t text_pages_changed_at_last(pid_t pid, size_t *seen)
{
	static const struct timespec wait = { .tv_nsec = 10000000 };
	size_t changed = text_pages_changed(pid, seen);

	for (int i = 0; i < TRIES && changed; i++) {
		nanosleep(&wait, NULL);
		changed = text_pages_changed(pid, seen);
	}
	return changed;
}
