/* SPDX-License-Identifier: BSD-2-Clause */
/* One made-up program under the detector's watch: the test writes its counts, sample by sample. */
#ifndef PYLEAK_TEST_PROGRAM_H
#define PYLEAK_TEST_PROGRAM_H

#include "synthetic.h"

#define PROGRAM_TYPES_MAX 8
#define PROGRAM_CONTAINERS_MAX 4

struct program {
	struct detector *detector; /* to be destroyed by the test */
	struct sample sample;	   /* the next; time_s is of the one before */
	struct type_count types[PROGRAM_TYPES_MAX];
	struct container containers[PROGRAM_CONTAINERS_MAX];
	/* Of the newest sample. */
	const struct verdict *verdicts;
	size_t verdict_cnt;
};

void program_start(struct program *p, double interval_s);
void program_set_type(struct program *p, size_t i, const char *name, bool own, double live);
void program_set_container(struct program *p, size_t i, const char *name, const char *holds,
			   double len);
/* One second later: the sample is added and judged. */
void program_tick(struct program *p);
/* The verdict on what has this name; NULL: none, it is stable. */
const struct verdict *program_find(const struct program *p, const char *name);
enum verdict_kind program_kind(const struct program *p, const char *name);

#endif
