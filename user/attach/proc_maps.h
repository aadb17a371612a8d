/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PYLEAK_PROC_MAPS_H
#define PYLEAK_PROC_MAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct mapping {
	uint64_t start, end;
	uint64_t offset; /* in the file */
	uint64_t inode;	 /* 0: anonymous */
	unsigned int dev_major, dev_minor;
	bool readable, writable, executable, shared;
	char *path; /* "" for anonymous; "[heap]"; a deleted file ends in " (deleted)" */
};

struct mappings {
	struct mapping *items;
	size_t cnt;
	size_t skipped; /* lines that could not be understood, or were over the limit */
};

/* Reads the format of /proc/PID/maps. 0 or -ENOMEM. */
int mappings_parse(FILE *from, struct mappings *out);
void mappings_deinit(struct mappings *mappings);

#endif
