/* SPDX-License-Identifier: BSD-2-Clause */
/* A census in the making: counts by address of type, and large containers. Filled from the
 * kernel maps, from outside, or from both when interpreters have locks of their own. */
#ifndef PYLEAK_COUNTS_H
#define PYLEAK_COUNTS_H

#include <stddef.h>
#include <stdint.h>

#include "attach/remote.h"

struct counted_type {
	raddr_t address;
	uint64_t live, bytes, young;
	uint32_t basic_bytes, item_bytes, kind; /* how its objects are measured */
};

struct counted_container {
	raddr_t address, type;
	uint64_t len, bytes;
};

struct counts;

int counts_create(struct counts **out);
void counts_destroy(struct counts *counts);
void counts_reset(struct counts *counts);

/* The entry of a type, new and zero when there was none. NULL: no memory. Valid until the next
 * reset. */
struct counted_type *counts_type(struct counts *counts, raddr_t address);
/* NULL: there is none. */
const struct counted_type *counts_find(const struct counts *counts, raddr_t address);
int counts_add_container(struct counts *counts, const struct counted_container *container);

/* In no order. */
size_t counts_each_type(struct counts *counts,
			void (*visit)(const struct counted_type *type, void *context),
			void *context);
const struct counted_container *counts_containers(const struct counts *counts, size_t *cnt);

#endif
