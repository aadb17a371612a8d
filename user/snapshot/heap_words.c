/* SPDX-License-Identifier: BSD-2-Clause */
/* Words of the copy, and what they refer to. */
#include "snapshot/heap.h"

#define MAX_GUESSED_REFCOUNT (8U << 20)

#define TIMES 8		     /* that a word is read, at most, on the average */
#define FEW_WORDS (1U << 17) /* in any case */
#define LIVE_WORDS                                                                                 \
	(32ULL << 20) /* that are not counted as copied: of files, see copy_untouched() */

void heap_limit_words(struct heap *heap)
{
	heap->words_most = heap->image->copied / 8 + FEW_WORDS;
	if (heap->image->target)
		heap->words_most += LIVE_WORDS;
	heap->words_left = TIMES * heap->words_most;
}

bool heap_pay(struct heap *heap, uint64_t words)
{
	if (words <= heap->words_left) {
		heap->words_left -= words;
		return true;
	}
	heap->graph->info.loss.limit++;
	heap->exact = false;
	return false;
}

const uint64_t *heap_table(struct heap *heap, raddr_t at, size_t cnt)
{
	const uint64_t *words = heap_words(heap, at, cnt);

	return words && heap_pay(heap, cnt) ? words : NULL;
}

static bool region_has(const struct image_region *region, const void *word)
{
	const uint8_t *byte = word;

	return byte >= region->bytes && byte < region->bytes + (region->end - region->start);
}

/* The index of the region whose copy the word lies in; region_cnt: none. Two are remembered:
 * objects and their tables often lie apart. */
static size_t region_of_word(struct heap *heap, const uint64_t *word)
{
	const struct image *image = heap->image;
	size_t found;

	for (int i = 0; i < 2; i++) {
		if (heap->recent[i] < image->region_cnt &&
		    region_has(&image->regions[heap->recent[i]], word))
			return heap->recent[i];
	}
	for (found = 0; found < image->region_cnt; found++) {
		if (region_has(&image->regions[found], word))
			break;
	}
	heap->recent[1] = heap->recent[0];
	heap->recent[0] = found;
	return found;
}

/* Notes that the word was read as a reference, so that the search for native holders does not
 * take it for one. */
static void mark_seen(struct heap *heap, const uint64_t *word)
{
	size_t region = region_of_word(heap, word), at;

	if (region == heap->image->region_cnt || !heap->seen[region])
		return;
	at = (size_t)((const uint8_t *)word - heap->image->regions[region].bytes) / 8;
	heap->seen[region][at / 64] |= 1ULL << at % 64;
}

bool heap_was_seen(const struct heap *heap, size_t region, size_t word)
{
	return heap->seen[region] && heap->seen[region][word / 64] >> word % 64 & 1;
}

static void refer(struct heap *heap, const uint64_t *word, enum edge_kind kind, uint32_t value,
		  bool hidden)
{
	uint32_t to;

	if (!*word || !heap_wants(heap, *word))
		return;
	to = heap_node(heap, *word);
	if (to == NODE_NONE) {
		if (heap_words(heap, *word & ~7ULL, 2))
			heap->graph->info.loss.no_object++;
		else
			heap->graph->info.loss.unreadable++;
		heap->exact = false;
		return;
	}
	mark_seen(heap, word);
	heap_edge(heap, to, kind, value, hidden);
}

void heap_refer(struct heap *heap, const uint64_t *word, enum edge_kind kind, uint32_t value)
{
	refer(heap, word, kind, value, false);
}

void heap_refer_hidden(struct heap *heap, const uint64_t *word, enum edge_kind kind, uint32_t value)
{
	refer(heap, word, kind, value, true);
}

static void guess(struct heap *heap, const uint64_t *word, enum edge_kind kind, uint32_t value,
		  bool hidden)
{
	uint64_t count = *word && heap_wants(heap, *word) ? heap_word(heap, *word) : 0;
	uint32_t to;

	/* A program's heap begins above this: such a count is an address, of a struct that begins
	 * with two pointers to types. */
	if (!count || ((uint32_t)count > MAX_GUESSED_REFCOUNT && count < IMMORTAL_REFCOUNT))
		return;
	to = heap_node(heap, *word);
	if (to == NODE_NONE)
		return;
	mark_seen(heap, word);
	heap_edge(heap, to, kind, value, hidden);
}

void heap_guess(struct heap *heap, const uint64_t *word, enum edge_kind kind, uint32_t value)
{
	guess(heap, word, kind, value, false);
}

void heap_guess_hidden(struct heap *heap, const uint64_t *word, enum edge_kind kind, uint32_t value)
{
	guess(heap, word, kind, value, true);
}

void heap_guess_words(struct heap *heap, raddr_t from, size_t bytes, uint32_t first_offset)
{
	const uint64_t *words = heap_table(heap, from, bytes / 8);

	for (size_t i = 0; words && i < bytes / 8; i++)
		heap_guess(heap, &words[i], EDGE_SCAN, first_offset + (uint32_t)(8 * i));
}
