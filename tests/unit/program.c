/* SPDX-License-Identifier: BSD-2-Clause */
#include "program.h"

#include <criterion/criterion.h>
#include <string.h>

void program_start(struct program *p, double interval_s)
{
	*p = (struct program){ 0 };
	p->sample.types = p->types;
	p->sample.containers = p->containers;
	cr_assert_eq(detector_create(interval_s, &p->detector), 0);
}

void program_set_type(struct program *p, size_t i, const char *name, bool own, double live)
{
	p->types[i] = (struct type_count){
		.name = name, .own = own, .live = (uint64_t)live, .bytes = 64 * (uint64_t)live
	};
	p->sample.type_cnt = p->sample.type_cnt > i ? p->sample.type_cnt : i + 1;
}

void program_set_container(struct program *p, size_t i, const char *name, const char *holds,
			   double len)
{
	p->containers[i] = (struct container){
		.address = 0x1000 * (i + 1), .type_name = name, .holds = holds, .len = (uint64_t)len
	};
	p->sample.container_cnt = p->sample.container_cnt > i ? p->sample.container_cnt : i + 1;
}

void program_tick(struct program *p)
{
	p->sample.time_s += 1;
	cr_assert_eq(detector_add(p->detector, &p->sample), 0);
	cr_assert_eq(detector_judge(p->detector, &p->verdicts, &p->verdict_cnt), 0);
}

const struct verdict *program_find(const struct program *p, const char *name)
{
	for (size_t i = 0; i < p->verdict_cnt; i++) {
		if (!strcmp(p->verdicts[i].name, name))
			return &p->verdicts[i];
	}
	return NULL;
}

enum verdict_kind program_kind(const struct program *p, const char *name)
{
	const struct verdict *v = program_find(p, name);

	return v ? v->kind : VERDICT_STABLE;
}
