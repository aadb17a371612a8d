/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PYLEAK_SNAPSHOT_NATIVE_DATA_H
#define PYLEAK_SNAPSHOT_NATIVE_DATA_H

#include "attach/proc_maps.h"
#include "attach/remote.h"

/* The file that the memory of a mapping belongs to: its own, or that of the data segment whose
 * zero-initialised part it begins with. NULL: none. */
const char *native_file_of(const struct mappings *maps, size_t mapping);

/* From the start of the mapping to here is data of a program or library; what follows is
 * allocated. */
raddr_t native_data_end(struct remote *remote, const struct mappings *maps, size_t mapping);

#endif
