/* SPDX-License-Identifier: BSD-2-Clause */
/* Tries a uprobe on ourselves: whether the kernel lets us is not to be told from capabilities and
 * settings. CAP_PERFMON was enough from 5.8 on, until the fix of CVE-2025-38466 (6.16, and stable
 * kernels since July 2025, 6.1.146 and 6.12.39 among them) asked for CAP_SYS_ADMIN again. */
#include "cli/doctor.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "attach/proc_maps.h"
#include "base/cleanup.h"

#define HITS 2000

/* What the probe is put on. */
static void __attribute__((noinline)) probed_function(void)
{
	__asm__ volatile("nop");
}

/* Where an address of our own code is in our file. */
static int find_offset(uint64_t address, uint64_t *offset)
{
	_cleanup_fclose_ FILE *file = fopen("/proc/self/maps", "re");
	struct mappings maps;
	int err = file ? mappings_parse(file, &maps) : -errno;

	if (err)
		return err;
	err = -ENOENT;
	for (size_t i = 0; err && i < maps.cnt; i++) {
		const struct mapping *mapping = &maps.items[i];

		if (address < mapping->start || address >= mapping->end)
			continue;
		*offset = address - mapping->start + mapping->offset;
		err = 0;
	}
	mappings_deinit(&maps);
	return err;
}

static double time_calls(void)
{
	struct timespec begin, end;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	for (int i = 0; i < HITS; i++)
		probed_function();
	clock_gettime(CLOCK_MONOTONIC, &end);
	return (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9;
}

int doctor_try_uprobe(unsigned int pmu_type, double *hit_s)
{
	struct perf_event_attr attr = {
		.type = pmu_type,
		.size = sizeof(attr),
		.uprobe_path = (uintptr_t) "/proc/self/exe",
	};
	_cleanup_close_ int fd = -1;
	uint64_t offset, hits = 0;
	double plain_s = time_calls();
	int err = find_offset((uintptr_t)probed_function, &offset);

	if (err)
		return err;
	attr.probe_offset = offset;
	fd = (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
	if (fd < 0)
		return -errno;
	*hit_s = (time_calls() - plain_s) / HITS;
	if (read(fd, &hits, sizeof(hits)) != sizeof(hits))
		return -EIO;
	return hits == HITS ? 0 : -ENODATA;
}
