/* SPDX-License-Identifier: BSD-2-Clause */
#include "analyse/shape_trie.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Node, next, node, next is a block of two; no structure in the wild was seen with more than three
 * links to come round. */
#define PERIOD_MAX 3
#define ANCESTORS (2 * PERIOD_MAX - 1)
#define KEY_ROOT 1
#define KEY_STEP 2

int shape_trie_init(struct shape_trie *trie, const struct heap_graph *graph)
{
	memset(trie, 0, sizeof(*trie));
	trie->graph = graph;
	return keymap_init(&trie->map);
}

void shape_trie_deinit(struct shape_trie *trie)
{
	free(trie->shapes);
	trie->shapes = NULL;
	keymap_deinit(&trie->map);
}

static int reserve(struct shape_trie *trie)
{
	uint32_t room = trie->room ? 2 * trie->room : 256;
	struct shape *shapes;

	if (trie->cnt < trie->room)
		return 0;
	shapes = realloc(trie->shapes, room * sizeof(*shapes));
	if (!shapes)
		return -ENOMEM;
	trie->shapes = shapes;
	trie->room = room;
	return 0;
}

/* Of "work (app.py:12)" without the line, and of other names that the program did not choose
 * without the numbers: they are addresses, thread ids, versions. */
static uint64_t root_text(uint64_t hash, uint32_t kind, const char *name)
{
	const char *open = strrchr(name, '(');
	const char *colon = kind == ROOT_FRAME && open ? strrchr(open, ':') : NULL;
	const char *end = colon ? colon : name + strlen(name);
	bool numbers = kind == ROOT_MODULE || kind == ROOT_TYPE || kind == ROOT_FRAME;

	for (const char *c = name; c < end; c++) {
		if (!numbers && c[0] == '0' && c[1] == 'x') {
			while (c + 2 < end && isxdigit((unsigned char)c[2]))
				c++;
			c++;
		} else if (numbers || !isdigit((unsigned char)*c)) {
			hash = (hash ^ (uint8_t)*c) * 0x100000001b3U;
		}
	}
	return key_text(hash, "");
}

static uint64_t number_text(uint64_t hash, uint32_t number)
{
	char digits[3] = { (char)('0' + number / 10 % 10), (char)('0' + number % 10) };

	return key_text(hash, digits + (number < 10));
}

static uint64_t step_text(const struct heap_graph *graph, uint64_t hash,
			  const struct path_step *step)
{
	hash = key_text(hash, graph_name(graph, graph->types[step->type].name));
	hash = number_text(hash, step->kind);
	return key_text(hash, graph_name(graph, step->name));
}

int shape_trie_root(struct shape_trie *trie, uint32_t root, uint32_t *out)
{
	const struct graph_root *from = &trie->graph->roots[root];
	uint32_t found;
	uint64_t hash;

	if (reserve(trie) ||
	    keymap_add(&trie->map, key_mix(key_mix(0, KEY_ROOT), root), trie->cnt, &found))
		return -ENOMEM;
	if (found == trie->cnt) {
		hash = number_text(KEY_TEXT_START, from->kind);
		hash = root_text(hash, from->kind, graph_name(trie->graph, from->name));
		trie->shapes[trie->cnt++] = (struct shape){
			.fingerprint = hash,
			.root = root,
			.above = NODE_NONE,
		};
	}
	*out = found;
	return 0;
}

/* Without looking for repetitions. */
static int append(struct shape_trie *trie, uint32_t above, struct path_step step, uint32_t *out)
{
	uint64_t key = key_mix(key_mix(0, KEY_STEP), (uint64_t)above << 32 | step.type);
	uint32_t found;

	key = key_mix(key, (uint64_t)step.name << 32 | step.kind << 1 | step.repeats);
	if (reserve(trie) || keymap_add(&trie->map, key, trie->cnt, &found))
		return -ENOMEM;
	if (found == trie->cnt) {
		const struct shape *parent = &trie->shapes[above];

		trie->shapes[trie->cnt++] = (struct shape){
			.fingerprint = step_text(trie->graph, parent->fingerprint, &step),
			.root = parent->root,
			.above = above,
			.depth = parent->depth + 1,
			.step = step,
		};
	}
	trie->shapes[found].step.cycle |= step.cycle;
	*out = found;
	return 0;
}

static bool same_step(const struct path_step *a, const struct path_step *b)
{
	return a->type == b->type && a->kind == b->kind && a->name == b->name;
}

/* With `step`, do the last `period` steps say the same as those before? line[0] is the last step
 * so far, line[1] the one before. */
static bool repeats(const struct shape_trie *trie, const uint32_t *line, uint32_t cnt,
		    const struct path_step *step, uint32_t period)
{
	if (cnt < 2 * period - 1 || !same_step(step, &trie->shapes[line[period - 1]].step))
		return false;
	for (uint32_t i = 0; i + 1 < period; i++) {
		if (!same_step(&trie->shapes[line[i]].step, &trie->shapes[line[i + period]].step))
			return false;
	}
	return true;
}

/* The block before stands for the new one too. */
static int fold(struct shape_trie *trie, const uint32_t *line, const struct path_step *step,
		uint32_t period, uint32_t *out)
{
	uint32_t above = trie->shapes[line[2 * period - 2]].above;

	for (uint32_t i = 2 * period - 1; i-- > period - 1;) {
		struct path_step block = trie->shapes[line[i]].step;
		const struct path_step *twin =
			i == period - 1 ? step : &trie->shapes[line[i - period]].step;

		block.repeats = true;
		block.cycle |= twin->cycle;
		if (append(trie, above, block, &above))
			return -ENOMEM;
	}
	*out = above;
	return 0;
}

int shape_trie_add(struct shape_trie *trie, uint32_t above, const struct path_step *step,
		   uint32_t *out)
{
	uint32_t line[ANCESTORS], cnt = 0;
	struct path_step rest = *step;

	for (uint32_t s = above; cnt < ANCESTORS && trie->shapes[s].depth;
	     s = trie->shapes[s].above)
		line[cnt++] = s;
	for (uint32_t period = 1; period <= PERIOD_MAX; period++) {
		if (repeats(trie, line, cnt, step, period))
			return fold(trie, line, step, period, out);
	}
	if (trie->shapes[above].depth < PATH_STEPS_MAX)
		return append(trie, above, rest, out);
	rest.repeats = true;
	return append(trie, trie->shapes[above].above, rest, out);
}
