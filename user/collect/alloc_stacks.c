/* SPDX-License-Identifier: BSD-2-Clause */
/* Stacks that differ for the kernel side may read the same: code that is made anew again and again,
 * instructions of one line. They are one for a person. */
#include "collect/alloc_stacks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/cleanup.h"
#include "collect/alloc_stacks_build.h"

/* By what it reads: each text is there once, so addresses are compared. */
struct merged {
	UT_hash_handle hh;
	uint64_t allocs, bytes, frees, freed_bytes;
	size_t frame_cnt;
	struct {
		const char *type;
		uint64_t is_cut;
		struct stack_frame frames[];
	} read;
};

/* All that a table points into. */
struct table_memory {
	struct alloc_functions *functions;
	struct merged *merged;
	struct alloc_stack *items;
	struct loss losses[PYLEAK_ALLOC_LOSS_CNT + 1];
};

struct building {
	const struct alloc_stacks_source *source;
	struct table_memory *memory;
};

static void destroy(struct table_memory *memory)
{
	struct merged *merged, *next;

	if (!memory)
		return;
	HASH_ITER (hh, memory->merged, merged, next) {
		HASH_DEL(memory->merged, merged);
		free(merged);
	}
	alloc_functions_destroy(memory->functions);
	free(memory->items);
	free(memory);
}

void alloc_stacks_deinit(struct alloc_stacks *stacks)
{
	destroy(stacks->memory);
	memset(stacks, 0, sizeof(*stacks));
}

static size_t read_bytes(size_t frame_cnt)
{
	struct merged *any;

	return sizeof(any->read) + frame_cnt * sizeof(any->read.frames[0]);
}

/* What it reads; NULL: no memory. */
static struct merged *resolve(struct building *building, const struct pyleak_stack_key *key,
			      const struct pyleak_stack *stack)
{
	size_t cnt = stack->cnt < PYLEAK_STACK_FRAMES ? stack->cnt : PYLEAK_STACK_FRAMES;
	const struct py_type *type = py_types_get(building->source->types, key->type);
	struct alloc_functions *functions = building->memory->functions;
	_cleanup_free_ struct merged *fresh =
		calloc(1, sizeof(*fresh) + cnt * sizeof(struct stack_frame));

	if (!type || !fresh)
		return NULL;
	fresh->read.type = alloc_functions_text(functions, type->name);
	fresh->read.is_cut = stack->is_cut != 0;
	fresh->frame_cnt = cnt;
	if (!fresh->read.type)
		return NULL;
	for (size_t i = 0; i < cnt; i++) {
		if (alloc_functions_frame(functions, &stack->frames[i], &fresh->read.frames[i]))
			return NULL;
	}
	return take_ptr(fresh);
}

static int add_stack(const struct pyleak_stack_key *key, const struct pyleak_stack_value *value,
		     void *context)
{
	struct building *building = context;
	struct table_memory *memory = building->memory;
	struct merged *fresh, *merged;
	size_t size;

	if (!value->allocs) /* it is just being made */
		return 0;
	fresh = resolve(building, key, &value->stack);
	if (!fresh)
		return -ENOMEM;
	size = read_bytes(fresh->frame_cnt);
	HASH_FIND(hh, memory->merged, &fresh->read, size, merged);
	if (merged) {
		free(fresh);
	} else {
		merged = fresh;
		HASH_ADD_KEYPTR(hh, memory->merged, &merged->read, size, merged);
	}
	merged->allocs += value->allocs;
	merged->bytes += value->bytes;
	merged->frees += value->frees;
	merged->freed_bytes += value->freed_bytes;
	return 0;
}

static int compare_frames(const struct alloc_stack *a, const struct alloc_stack *b)
{
	for (size_t i = 0; i < a->frame_cnt && i < b->frame_cnt; i++) {
		const struct stack_frame *one = &a->frames[i], *other = &b->frames[i];
		int order = strcmp(one->file, other->file);

		if (order)
			return order;
		if (one->line != other->line)
			return one->line < other->line ? -1 : 1;
	}
	return a->frame_cnt < b->frame_cnt ? -1 : a->frame_cnt > b->frame_cnt;
}

static int compare(const void *left, const void *right)
{
	const struct alloc_stack *a = left, *b = right;
	int order = strcmp(a->type, b->type);

	if (order)
		return order;
	if (a->allocs != b->allocs)
		return a->allocs > b->allocs ? -1 : 1;
	return compare_frames(a, b);
}

static uint64_t rest(uint64_t all, uint64_t gone)
{
	return gone < all ? all - gone : 0;
}

static int list_items(struct table_memory *memory, struct alloc_stacks *out)
{
	size_t cnt = HASH_COUNT(memory->merged), i = 0;
	struct merged *merged, *next;

	memory->items = calloc(cnt + 1, sizeof(*memory->items));
	if (!memory->items)
		return -ENOMEM;
	HASH_ITER (hh, memory->merged, merged, next) {
		memory->items[i++] = (struct alloc_stack){
			.type = merged->read.type,
			.frames = merged->read.frames,
			.frame_cnt = merged->frame_cnt,
			.is_cut = merged->read.is_cut,
			.allocs = merged->allocs,
			.bytes = merged->bytes,
			.alive = rest(merged->allocs, merged->frees),
			.alive_bytes = rest(merged->bytes, merged->freed_bytes),
		};
	}
	qsort(memory->items, cnt, sizeof(*memory->items), compare);
	out->items = memory->items;
	out->cnt = cnt;
	return 0;
}

static void list_losses(const struct building *building, struct alloc_stacks *out)
{
#define LOSS(name, words) { #name, words, 0 },
	static const struct loss kinds[] = { PYLEAK_ALLOC_LOSSES(LOSS) };
	struct table_memory *memory = building->memory;
	uint64_t nameless = alloc_functions_lost(memory->functions);
	size_t cnt = 0;

	for (size_t i = 0; building->source->losses && i < ARRAY_SIZE(kinds); i++) {
		uint64_t lost = building->source->losses[i];

		if (!lost)
			continue;
		memory->losses[cnt] = kinds[i];
		memory->losses[cnt++].cnt = lost;
	}
	if (nameless)
		memory->losses[cnt++] =
			(struct loss){ "NO_CODE", "frames of functions whose names were not copied",
				       nameless };
	out->losses = memory->losses;
	out->loss_cnt = cnt;
}

int alloc_stacks_build(const struct alloc_stacks_source *source, struct alloc_stacks *out)
{
	struct building building = { .source = source };
	struct alloc_stacks stacks = {};
	int err;

	building.memory = calloc(1, sizeof(*building.memory));
	if (!building.memory)
		return -ENOMEM;
	err = alloc_functions_create(source, &building.memory->functions);
	if (!err)
		err = source->each_stack(source->probes, add_stack, &building);
	if (!err)
		err = list_items(building.memory, &stacks);
	if (err) {
		destroy(building.memory);
		return err;
	}
	list_losses(&building, &stacks);
	stacks.memory = building.memory;
	*out = stacks;
	return 0;
}
