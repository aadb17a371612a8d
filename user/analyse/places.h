/* SPDX-License-Identifier: BSD-2-Clause */
/* Which objects of one snapshot were there in another: what is at the same address and of a type
 * of the same name. An object that took the place of a freed one of its type passes for it. */
#ifndef PYLEAK_ANALYSE_PLACES_H
#define PYLEAK_ANALYSE_PLACES_H

#include <stddef.h>
#include <stdint.h>

struct place {
	uint64_t address;
	uint32_t what; /* the caller's */
	uint32_t name; /* a number for the type's name, the same in both snapshots */
};

/* By address. A radix sort; no time at all if they are in order already, as a graph's nodes mostly
 * are. 0 or -ENOMEM. */
int places_sort(struct place **places, size_t cnt);

/* Keeps those of `places` that are not among the `others`; both sorted. Their number. */
size_t places_subtract(struct place *places, size_t cnt, const struct place *others,
		       size_t other_cnt);

#endif
