/* SPDX-License-Identifier: BSD-2-Clause */
/* Which rows come first. The sample stays as it is: detect may still read it, so pointers are
 * sorted, not types.
 */
#include "report/rank.h"

#include <stdlib.h>
#include <string.h>

static int compare_u64_down(uint64_t a, uint64_t b)
{
	return (a < b) - (a > b);
}

static int compare_types(const void *a, const void *b)
{
	const struct type_count *left = *(const struct type_count *const *)a;
	const struct type_count *right = *(const struct type_count *const *)b;
	int order = compare_u64_down(left->live, right->live);

	if (order == 0)
		order = compare_u64_down(left->bytes, right->bytes);
	if (order == 0 && left->name && right->name)
		order = strcmp(left->name, right->name);
	return order;
}

const struct type_count **rank_types(const struct sample *sample, size_t *out_cnt)
{
	const struct type_count **ranked;
	size_t cnt = 0;

	*out_cnt = 0;
	if (!sample || sample->type_cnt == 0)
		return NULL;
	ranked = calloc(sample->type_cnt, sizeof(*ranked));
	if (!ranked)
		return NULL;
	for (size_t i = 0; i < sample->type_cnt; i++)
		if (sample->types[i].live > 0)
			ranked[cnt++] = &sample->types[i];
	qsort(ranked, cnt, sizeof(*ranked), compare_types);
	*out_cnt = cnt;
	return ranked;
}
