/* SPDX-License-Identifier: BSD-2-Clause */
/* /proc/PID/maps as an array. The path is the target's choice: it may hold anything but a
 * newline, which the kernel escapes. */
#include "attach/proc_maps.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define MAX_MAPPINGS 131072 /* twice the kernel's default vm.max_map_count */

static bool parse_line(const char *line, struct mapping *out)
{
	char flags[5];
	int path_at = 0;

	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %x:%x %" SCNu64 " %n",
		   &out->start, &out->end, flags, &out->offset, &out->dev_major, &out->dev_minor,
		   &out->inode, &path_at) < 7 ||
	    !path_at || strlen(flags) != 4 || out->end <= out->start)
		return false;
	out->readable = flags[0] == 'r';
	out->writable = flags[1] == 'w';
	out->executable = flags[2] == 'x';
	out->shared = flags[3] == 's';
	out->path = strdup(line + path_at);
	return true;
}

static int append(struct mappings *mappings, size_t *room, const struct mapping *mapping)
{
	if (mappings->cnt == *room) {
		size_t more = *room ? *room * 2 : 64;
		struct mapping *items = realloc(mappings->items, more * sizeof(*items));

		if (!items)
			return -ENOMEM;
		mappings->items = items;
		*room = more;
	}
	mappings->items[mappings->cnt++] = *mapping;
	return 0;
}

int mappings_parse(FILE *from, struct mappings *out)
{
	_cleanup_free_ char *line = NULL;
	struct mappings mappings = {};
	size_t size = 0, room = 0;
	ssize_t len;

	while ((len = getline(&line, &size, from)) >= 0) {
		struct mapping mapping;

		if (len && line[len - 1] == '\n')
			line[len - 1] = '\0';
		if (mappings.cnt >= MAX_MAPPINGS || !parse_line(line, &mapping)) {
			mappings.skipped++;
			continue;
		}
		if (!mapping.path || append(&mappings, &room, &mapping)) {
			free(mapping.path);
			mappings_deinit(&mappings);
			return -ENOMEM;
		}
	}
	*out = mappings;
	return 0;
}

void mappings_deinit(struct mappings *mappings)
{
	for (size_t i = 0; i < mappings->cnt; i++)
		free(mappings->items[i].path);
	free(mappings->items);
	memset(mappings, 0, sizeof(*mappings));
}
