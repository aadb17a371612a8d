/* SPDX-License-Identifier: BSD-2-Clause */
#include "analyse/places.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#define DIGIT_BITS 11
#define DIGITS (1U << DIGIT_BITS)

static bool in_order(const struct place *places, size_t cnt)
{
	for (size_t i = 1; i < cnt; i++) {
		if (places[i].address < places[i - 1].address)
			return false;
	}
	return true;
}

/* One pass, by one digit; equal ones stay in order. */
static void sort_digit(const struct place *from, size_t cnt, uint32_t shift, struct place *to)
{
	size_t first[DIGITS] = { 0 }, at = 0;

	for (size_t i = 0; i < cnt; i++)
		first[from[i].address >> shift & (DIGITS - 1)]++;
	for (uint32_t d = 0; d < DIGITS; d++) {
		size_t here = first[d];

		first[d] = at;
		at += here;
	}
	for (size_t i = 0; i < cnt; i++)
		to[first[from[i].address >> shift & (DIGITS - 1)]++] = from[i];
}

int places_sort(struct place **places, size_t cnt)
{
	struct place *from = *places, *to;
	uint64_t differ = 0; /* the bits in which addresses differ */

	if (in_order(from, cnt))
		return 0;
	to = malloc(cnt * sizeof(*to));
	if (!to)
		return -ENOMEM;
	for (size_t i = 0; i < cnt; i++)
		differ |= from[i].address ^ from[0].address;
	for (uint32_t shift = (uint32_t)__builtin_ctzll(differ); shift < 64; shift += DIGIT_BITS) {
		struct place *sorted = to;

		if (!(differ >> shift & (DIGITS - 1)))
			continue;
		sort_digit(from, cnt, shift, sorted);
		to = from;
		from = sorted;
	}
	free(to);
	*places = from;
	return 0;
}

size_t places_subtract(struct place *places, size_t cnt, const struct place *others,
		       size_t other_cnt)
{
	size_t at = 0, kept = 0;

	for (size_t i = 0; i < cnt; i++) {
		bool found = false;

		while (at < other_cnt && others[at].address < places[i].address)
			at++;
		for (size_t o = at; o < other_cnt && others[o].address == places[i].address; o++)
			found |= others[o].name == places[i].name;
		if (!found)
			places[kept++] = places[i];
	}
	return kept;
}
