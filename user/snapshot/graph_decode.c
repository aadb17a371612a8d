/* SPDX-License-Identifier: BSD-2-Clause */
/* The bytes of a file to a graph, see graph_format.h. The file may be anyone's: what it says about
 * sizes is held against its own size before it is believed. */
#include "snapshot/graph_format.h"

#include <errno.h>
#include <string.h>
#include <zlib.h>

#include "base/cleanup.h"
#include "snapshot/graph_file.h"

struct unpacker {
	struct graph_source *source;
	struct graph_fault *fault;
	uint32_t crc;
	uint32_t column;
	uint64_t block_at;	   /* in the file */
	const uint8_t *next, *end; /* of the block's values */
	uint8_t *raw;
	uint8_t *packed;
	size_t packed_max;
};

static int damaged(struct graph_fault *fault, uint64_t at, const char *what)
{
	*fault = (struct graph_fault){ .at = at, .what = what };
	return -EBADMSG;
}

/* Exactly `size` bytes. */
static int take(struct graph_source *source, void *out, size_t size, struct graph_fault *fault)
{
	if (size > source->size - source->at)
		return damaged(fault, source->size, "its end is missing");
	if (source->fd < 0 && size)
		memcpy(out, source->bytes + source->at, size);
	for (size_t done = 0; source->fd >= 0 && done < size;) {
		ssize_t len = pread(source->fd, (uint8_t *)out + done, size - done,
				    (off_t)(source->at + done));

		if (len < 0 && errno != EINTR)
			return -errno;
		if (!len)
			return damaged(fault, source->at + done, "its end is missing");
		done += len > 0 ? (size_t)len : 0;
	}
	source->at += size;
	return 0;
}

/* ---- values */

static int next_block(struct unpacker *unpacker)
{
	struct graph_source *source = unpacker->source;
	uint64_t at = unpacker->block_at = source->at;
	struct block_head head, read;
	uLongf raw_bytes;
	uLong packed_bytes;
	int err;

	err = take(source, &read, sizeof(read), unpacker->fault);
	if (err)
		return err;
	head = snapshot_block_swap(read);
	if (head.column != unpacker->column || !head.raw_bytes ||
	    head.raw_bytes > SNAPSHOT_BLOCK_BYTES || head.packed_bytes > unpacker->packed_max)
		return damaged(unpacker->fault, at, "the head of a block");
	err = take(source, unpacker->packed, head.packed_bytes, unpacker->fault);
	if (err)
		return err;
	unpacker->crc = snapshot_block_crc(unpacker->crc, &read, unpacker->packed);
	if (unpacker->crc != head.crc)
		return damaged(unpacker->fault, at, "the checksum of a block differs");
	raw_bytes = head.raw_bytes;
	packed_bytes = head.packed_bytes;
	err = uncompress2(unpacker->raw, &raw_bytes, unpacker->packed, &packed_bytes);
	if (err == Z_MEM_ERROR)
		return -ENOMEM;
	if (err != Z_OK || raw_bytes != head.raw_bytes || packed_bytes != head.packed_bytes)
		return damaged(unpacker->fault, at, "a block that zlib cannot read");
	unpacker->next = unpacker->raw;
	unpacker->end = unpacker->raw + raw_bytes;
	return 0;
}

static inline int next_value(struct unpacker *unpacker, uint64_t *out)
{
	uint64_t value = 0;
	int err;

	if (unpacker->next == unpacker->end) {
		err = next_block(unpacker);
		if (err)
			return err;
	}
	for (unsigned int shift = 0; shift < 64 && unpacker->next < unpacker->end; shift += 7) {
		uint8_t byte = *unpacker->next++;

		if (shift == 63 && byte > 1)
			break;
		value |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80)) {
			*out = value;
			return 0;
		}
	}
	return damaged(unpacker->fault, unpacker->block_at, "half a value");
}

static int take_column(struct unpacker *unpacker, struct heap_graph *graph,
		       const struct graph_column *column)
{
	uint32_t cnt = graph_count(graph, column->items);
	struct column_cursor cursor = {};

	for (uint32_t i = 0; i < cnt; i++) {
		uint64_t value;
		int err = next_value(unpacker, &value);

		if (err)
			return err;
		if (!column->set(graph, &cursor, i, value))
			return damaged(unpacker->fault, unpacker->block_at, "a value out of range");
	}
	if (unpacker->next != unpacker->end)
		return damaged(unpacker->fault, unpacker->block_at, "too many values");
	return 0;
}

/* ---- the header */

/* What is not ours is said first, then what is too new: all else may be different there. */
static int take_header(struct graph_source *source, struct snapshot_header *out,
		       struct graph_fault *fault)
{
	size_t size = source->size < sizeof(*out) ? (size_t)source->size : sizeof(*out);
	size_t until_version = offsetof(struct snapshot_header, words[WORD_VERSION + 1]);
	uint32_t crc;
	int err;

	memset(out, 0, sizeof(*out));
	err = take(source, out, size, fault);
	if (err)
		return err;
	if (memcmp(out->magic, SNAPSHOT_MAGIC, sizeof(out->magic)))
		return -EPROTONOSUPPORT;
	crc = snapshot_header_crc(out);
	snapshot_header_swap(out);
	if (size >= until_version && out->words[WORD_ORDER] != SNAPSHOT_ORDER)
		return damaged(fault, sizeof(out->magic), "the order of bytes");
	if (size >= until_version && out->words[WORD_VERSION] > SNAPSHOT_VERSION) {
		fault->version = out->words[WORD_VERSION];
		return -EPROTONOSUPPORT;
	}
	if (size < sizeof(*out))
		return damaged(fault, source->size, "its end is missing");
	if (crc != out->words[WORD_CRC] || out->words[WORD_VERSION] != SNAPSHOT_VERSION ||
	    out->words[WORD_HEADER_BYTES] != sizeof(*out))
		return damaged(fault, 0, "the header");
	return 0;
}

/* A value has at least one byte, and so many bytes can the blocks become at most. */
static bool counts_are_plausible(const struct heap_graph *graph, uint64_t blocks_bytes)
{
	uint64_t values = 0;

	for (int i = 0; i < CNT_CNT; i++) {
		if (graph_count(graph, (enum snapshot_count)i) > GRAPH_CNT_MAX)
			return false;
	}
	for (int i = 0; i < GRAPH_COLUMN_CNT; i++)
		values += graph_count(graph, graph_columns[i].items);
	return graph->node_cnt && values / SNAPSHOT_RATIO_MAX <= blocks_bytes;
}

static int make_room(struct heap_graph *graph, uint64_t max_bytes, uint64_t *needed)
{
	struct {
		void *array; /* a pointer to the array's pointer */
		size_t cnt, size;
	} parts[] = {
		{ &graph->nodes, graph->node_cnt, sizeof(*graph->nodes) },
		{ &graph->first, graph->node_cnt + 1UL, sizeof(*graph->first) },
		{ &graph->edges, graph->edge_cnt, sizeof(*graph->edges) },
		{ &graph->types, graph->type_cnt, sizeof(*graph->types) },
		{ &graph->roots, graph->root_cnt, sizeof(*graph->roots) },
		{ &graph->text, graph->text_bytes, sizeof(*graph->text) },
		{ &graph->names, graph->name_cnt, sizeof(*graph->names) },
	};

	*needed = sizeof(*graph);
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		*needed += parts[i].cnt * parts[i].size;
	if (max_bytes && *needed > max_bytes)
		return -E2BIG;
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		void *items = calloc(parts[i].cnt + 1, parts[i].size);

		if (!items)
			return -ENOMEM;
		memcpy(parts[i].array, &items, sizeof(items));
	}
	return 0;
}

/* ---- the whole */

static int take_columns(struct unpacker *unpacker, struct heap_graph *graph)
{
	struct graph_source *source = unpacker->source;
	int err = 0;

	for (uint32_t i = 0; i < GRAPH_COLUMN_CNT && !err; i++) {
		unpacker->column = i;
		err = take_column(unpacker, graph, &graph_columns[i]);
	}
	if (err)
		return err;
	if (source->at != source->size)
		return damaged(unpacker->fault, source->at, "more follows after its end");
	/* The checksums are right: whoever wrote it wrote it so. */
	if (!graph_is_sound(graph))
		return damaged(unpacker->fault, source->at, "its parts do not fit each other");
	return 0;
}

static int take_graph(struct unpacker *unpacker, uint64_t max_bytes, struct heap_graph *graph)
{
	struct graph_source *source = unpacker->source;
	struct snapshot_header header;
	int err = take_header(source, &header, unpacker->fault);

	if (err)
		return err;
	snapshot_header_read(&header, graph);
	if (!counts_are_plausible(graph, source->size - source->at))
		return damaged(unpacker->fault, 0, "the header: more than the file can hold");
	unpacker->crc = header.words[WORD_CRC];
	err = make_room(graph, max_bytes, &unpacker->fault->needed);
	return err ?: take_columns(unpacker, graph);
}

int graph_decode(struct graph_source *source, uint64_t max_bytes, struct heap_graph **out,
		 struct graph_fault *fault)
{
	size_t packed_max = compressBound(SNAPSHOT_BLOCK_BYTES);
	_cleanup_free_ uint8_t *raw = malloc(SNAPSHOT_BLOCK_BYTES);
	_cleanup_free_ uint8_t *packed = malloc(packed_max);
	struct heap_graph *graph = calloc(1, sizeof(*graph));
	struct unpacker unpacker = {
		.source = source,
		.fault = fault,
		.next = raw,
		.end = raw,
		.raw = raw,
		.packed = packed,
		.packed_max = packed_max,
	};
	int err = -ENOMEM;

	memset(fault, 0, sizeof(*fault));
	if (graph && raw && packed)
		err = take_graph(&unpacker, max_bytes, graph);
	if (err) {
		graph_destroy(graph);
		return err;
	}
	*out = graph;
	return 0;
}
