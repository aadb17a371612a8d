/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PYLEAK_HOLDS_H
#define PYLEAK_HOLDS_H

#include "collect/counts.h"
#include "collect/py_type.h"

/* What the elements of growing containers are, remembered per container. */
struct holds;

int holds_create(const struct py_reader *reader, struct py_types *types, struct holds **out);
void holds_destroy(struct holds *holds);

/* Type name of the newest elements, "str", or "str -> int" for a dict; NULL while the container
 * has not grown since it was first asked for. Valid until the next holds_sweep(). */
const char *holds_get(struct holds *holds, const struct counted_container *container,
		      uint32_t kind);
/* Forgets containers that were not asked for since the sweep before. */
void holds_sweep(struct holds *holds);

#endif
