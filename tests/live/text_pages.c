/* SPDX-License-Identifier: BSD-2-Clause */
#include "live/text_pages.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "live/moment.h"

#define BLOCK 65536

static size_t changes_of(int memory, int file, const struct mapping *mapping)
{
	static unsigned char there[BLOCK], here[BLOCK];
	uint64_t size = mapping->end - mapping->start;
	size_t changed = 0;

	for (uint64_t at = 0; at < size; at += BLOCK) {
		size_t want = size - at < BLOCK ? size - at : BLOCK;
		ssize_t got = pread(file, here, want, (off_t)(mapping->offset + at));

		cr_assert(got > 0);
		cr_assert_eq(pread(memory, there, (size_t)got, (off_t)(mapping->start + at)), got);
		for (ssize_t i = 0; i < got; i++)
			changed += there[i] != here[i];
	}
	return changed;
}

size_t text_changes(struct target *target, const struct python *python)
{
	_cleanup_close_ int file = open(python->open_path, O_RDONLY | O_CLOEXEC);
	_cleanup_close_ int memory = -1;
	size_t changed = 0, seen = 0;
	struct stat stat;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/mem", target->pid);
	memory = open(path, O_RDONLY | O_CLOEXEC);
	cr_assert(file >= 0 && memory >= 0 && !fstat(file, &stat) && !target_read_maps(target));
	for (size_t i = 0; i < target->maps.cnt; i++) {
		const struct mapping *mapping = &target->maps.items[i];

		if (!mapping->executable || mapping->inode != stat.st_ino)
			continue;
		seen++;
		changed += changes_of(memory, file, mapping);
	}
	cr_assert_gt(seen, 0, "no code of %s in process %d", python->file, target->pid);
	return changed;
}

void text_wait_unchanged(struct target *target, const struct python *python)
{
	uint64_t deadline = 0;

	while (text_changes(target, python))
		moment_pass(&deadline, "breakpoints stay");
}
