/* SPDX-License-Identifier: BSD-2-Clause */
#include "analyse/keymap.h"

#include <errno.h>
#include <stdlib.h>

#define SLOTS_MIN 64

int keymap_init(struct keymap *map)
{
	map->cnt = 0;
	map->slots = SLOTS_MIN;
	map->keys = calloc(map->slots, sizeof(*map->keys));
	map->values = calloc(map->slots, sizeof(*map->values));
	if (map->keys && map->values)
		return 0;
	keymap_deinit(map);
	return -ENOMEM;
}

void keymap_deinit(struct keymap *map)
{
	free(map->keys);
	free(map->values);
	map->keys = NULL;
	map->values = NULL;
}

/* Where the key is, or the free slot where it belongs. */
static size_t slot_of(const struct keymap *map, uint64_t key)
{
	size_t slot = key_mix(0, key) & (map->slots - 1);

	while (map->keys[slot] && map->keys[slot] != key)
		slot = (slot + 1) & (map->slots - 1);
	return slot;
}

static int grow(struct keymap *map)
{
	struct keymap larger = { .slots = 2 * map->slots, .cnt = map->cnt };

	larger.keys = calloc(larger.slots, sizeof(*larger.keys));
	larger.values = calloc(larger.slots, sizeof(*larger.values));
	if (!larger.keys || !larger.values) {
		keymap_deinit(&larger);
		return -ENOMEM;
	}
	for (size_t i = 0; i < map->slots; i++) {
		size_t slot;

		if (!map->keys[i])
			continue;
		slot = slot_of(&larger, map->keys[i]);
		larger.keys[slot] = map->keys[i];
		larger.values[slot] = map->values[i];
	}
	keymap_deinit(map);
	*map = larger;
	return 0;
}

int keymap_add(struct keymap *map, uint64_t key, uint32_t fresh, uint32_t *value)
{
	size_t slot;

	key += !key;
	slot = slot_of(map, key);
	if (!map->keys[slot]) {
		if (2 * map->cnt >= map->slots) {
			if (grow(map))
				return -ENOMEM;
			slot = slot_of(map, key);
		}
		map->keys[slot] = key;
		map->values[slot] = fresh;
		map->cnt++;
	}
	*value = map->values[slot];
	return 0;
}
