/* SPDX-License-Identifier: BSD-2-Clause */
/* /proc/PID/maps: the paths in it are the target's choice. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "attach/proc_maps.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	FILE *from = size ? fmemopen((void *)data, size, "r") : NULL;
	struct mappings maps;
	size_t lines = 1, path_bytes = 0;

	if (!from)
		return 0;
	for (size_t i = 0; i < size; i++)
		lines += data[i] == '\n';
	if (!mappings_parse(from, &maps)) {
		for (size_t i = 0; i < maps.cnt; i++) {
			path_bytes += strlen(maps.items[i].path);
			if (maps.items[i].end <= maps.items[i].start)
				abort();
		}
		/* Every line is either understood or counted. */
		if (maps.cnt + maps.skipped > lines || path_bytes > size)
			abort();
		mappings_deinit(&maps);
	}
	fclose(from);
	return 0;
}
