/* SPDX-License-Identifier: BSD-2-Clause */
/* What writing and reading a saved graph have in common: byte order, checksums and
 * the header. */
#include "snapshot/graph_format.h"

#include <endian.h>
#include <stddef.h>
#include <string.h>
#include <zlib.h>

/* The same in both directions, whichever order the machine has. */
void snapshot_header_swap(struct snapshot_header *header)
{
	for (int i = 0; i < WORD_CNT; i++)
		header->words[i] = htole32(header->words[i]);
	for (int i = 0; i < LONG_CNT; i++)
		header->longs[i] = htole64(header->longs[i]);
}

uint32_t snapshot_header_crc(const struct snapshot_header *header)
{
	struct snapshot_header copy = *header;

	copy.words[WORD_CRC] = 0;
	return (uint32_t)crc32(0, (const Bytef *)&copy, sizeof(copy));
}

struct block_head snapshot_block_swap(struct block_head head)
{
	return (struct block_head){
		.column = htole32(head.column),
		.raw_bytes = htole32(head.raw_bytes),
		.packed_bytes = htole32(head.packed_bytes),
		.crc = htole32(head.crc),
	};
}

uint32_t snapshot_block_crc(uint32_t before, const struct block_head *head, const void *packed)
{
	uLong crc = crc32(before, (const Bytef *)head, offsetof(struct block_head, crc));

	return (uint32_t)crc32(crc, packed, le32toh(head->packed_bytes));
}

uint32_t graph_count(const struct heap_graph *graph, enum snapshot_count which)
{
	switch (which) {
	case CNT_NODES:
		return graph->node_cnt;
	case CNT_EDGES:
		return graph->edge_cnt;
	case CNT_TYPES:
		return graph->type_cnt;
	case CNT_ROOTS:
		return graph->root_cnt;
	case CNT_NAMES:
		return graph->name_cnt;
	case CNT_TEXT:
		return graph->text_bytes;
	case CNT_CNT:
		break;
	}
	return 0;
}

static uint64_t bits_of(double value)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof(bits));
	return bits;
}

void snapshot_header_make(const struct heap_graph *graph, struct snapshot_header *out)
{
	const struct graph_info *info = &graph->info;

	*out = (struct snapshot_header){
		.words = {
			[WORD_ORDER] = SNAPSHOT_ORDER,
			[WORD_VERSION] = SNAPSHOT_VERSION,
			[WORD_HEADER_BYTES] = sizeof(*out),
			[WORD_PID] = info->pid,
			[WORD_MINOR] = info->minor,
			[WORD_MICRO] = info->micro,
			[WORD_PAUSED] = info->paused,
		},
		.longs = {
			[LONG_TIME] = bits_of(info->time),
			[LONG_PAUSE_S] = bits_of(info->pause_s),
			[LONG_BUILD_S] = bits_of(info->build_s),
			[LONG_COPIED] = info->copied,
			[LONG_TORN] = info->loss.torn,
			[LONG_UNREADABLE] = info->loss.unreadable,
			[LONG_NO_OBJECT] = info->loss.no_object,
			[LONG_LIMIT] = info->loss.limit,
		},
	};
	memcpy(out->magic, SNAPSHOT_MAGIC, sizeof(out->magic));
	/* What is behind the end of the string is not the file's business. */
	memcpy(out->program, info->program, strnlen(info->program, sizeof(out->program) - 1));
	for (int i = 0; i < CNT_CNT; i++)
		out->words[WORD_COUNTS + i] = graph_count(graph, (enum snapshot_count)i);
}

static double double_of(uint64_t bits)
{
	double value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

void snapshot_header_read(const struct snapshot_header *header, struct heap_graph *graph)
{
	graph->info = (struct graph_info){
		.pid = header->words[WORD_PID],
		.minor = header->words[WORD_MINOR],
		.micro = header->words[WORD_MICRO],
		.time = double_of(header->longs[LONG_TIME]),
		.pause_s = double_of(header->longs[LONG_PAUSE_S]),
		.build_s = double_of(header->longs[LONG_BUILD_S]),
		.copied = header->longs[LONG_COPIED],
		.paused = header->words[WORD_PAUSED],
		.loss = {
			.torn = header->longs[LONG_TORN],
			.unreadable = header->longs[LONG_UNREADABLE],
			.no_object = header->longs[LONG_NO_OBJECT],
			.limit = header->longs[LONG_LIMIT],
		},
	};
	memcpy(graph->info.program, header->program, sizeof(header->program));
	graph->node_cnt = header->words[WORD_COUNTS + CNT_NODES];
	graph->edge_cnt = header->words[WORD_COUNTS + CNT_EDGES];
	graph->type_cnt = header->words[WORD_COUNTS + CNT_TYPES];
	graph->root_cnt = header->words[WORD_COUNTS + CNT_ROOTS];
	graph->name_cnt = header->words[WORD_COUNTS + CNT_NAMES];
	graph->text_bytes = header->words[WORD_COUNTS + CNT_TEXT];
}
