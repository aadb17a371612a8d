/* SPDX-License-Identifier: BSD-2-Clause */
/* From 64-bit keys to numbers. A key is a hash of what it stands for and is taken for the thing
 * itself: among ten million, two are the same with a probability of one in 300000. */
#ifndef PYLEAK_ANALYSE_KEYMAP_H
#define PYLEAK_ANALYSE_KEYMAP_H

#include <stddef.h>
#include <stdint.h>

#define KEY_TEXT_START 0xcbf29ce484222325U /* FNV-1a, 64 bits */

struct keymap {
	uint64_t *keys; /* 0: free */
	uint32_t *values;
	size_t slots; /* a power of two */
	size_t cnt;
};

int keymap_init(struct keymap *map);
void keymap_deinit(struct keymap *map);

/* The value of `key`; one that is not there gets `fresh`. 0 or -ENOMEM. */
int keymap_add(struct keymap *map, uint64_t key, uint32_t fresh, uint32_t *value);

/* `hash` with another number in it; the order matters. */
static inline uint64_t key_mix(uint64_t hash, uint64_t number)
{
	hash = (hash ^ number) * 0x9e3779b97f4a7c15U;
	hash = (hash ^ (hash >> 29)) * 0xbf58476d1ce4e5b9U;
	return hash ^ (hash >> 32);
}

/* `hash` with a word in it: FNV-1a over its bytes and the zero at the end. */
static inline uint64_t key_text(uint64_t hash, const char *word)
{
	do
		hash = (hash ^ (uint8_t)*word) * 0x100000001b3U;
	while (*word++);
	return hash;
}

#endif
