/* SPDX-License-Identifier: BSD-2-Clause */
/* Two bytes of input make one word of memory: a small number, two halves, a few bits anywhere,
 * or a pointer relative to itself. Random bytes hardly ever make a list that leads back to its
 * head; these often do. */
#ifndef PYLEAK_FUZZ_EXPAND_H
#define PYLEAK_FUZZ_EXPAND_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define EXPAND_BYTES 65536U

static inline uint64_t expand_word(uint16_t input, uint64_t address)
{
	uint64_t bits = input & 0x3fff;

	switch (input >> 14) {
	case 0:
		return bits;
	case 1: /* 64 KiB forwards and backwards */
		return address + (bits - (bits & 0x2000) * 2) * 8;
	case 2:
		return (bits & 0x7f) | bits >> 7 << 32;
	default:
		return (bits & 0xff) << (bits >> 8);
	}
}

/* The number of bytes made. */
static inline size_t expand(const uint8_t *data, size_t size, uint64_t base, uint8_t *out)
{
	size_t made = 0;

	for (; size >= 2 && made < EXPAND_BYTES; size -= 2, data += 2, made += 8) {
		uint64_t word = expand_word((uint16_t)(data[0] | data[1] << 8), base + made);

		memcpy(out + made, &word, sizeof(word));
	}
	return made;
}

#endif
