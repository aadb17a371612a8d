/* SPDX-License-Identifier: BSD-2-Clause */
/* The format of a saved graph; docs/snapshot-format.md is the same in prose.
 *
 *   header   struct snapshot_header, 384 bytes
 *   blocks   of every column in the order of graph_columns[], until its values are complete
 *
 * Everything is little-endian. A column is one field of all nodes, edges, types, ...: a number per
 * item, small where the order of the items allows it, as a varint (7 bits per byte, the lowest
 * first, the top bit says that more follow). Fields side by side compress better and faster than
 * structs: most columns are runs and repetitions. A block holds up to 256 KiB of one column and no
 * halves of values:
 *
 *   u32      number of the column
 *   u32      bytes of varints
 *   u32      bytes that follow this head
 *   u32      CRC32 of the three words above and of these bytes, begun with that of what was before
 *   bytes    the varints, as a zlib stream
 *
 * The CRCs are a chain from the header's on, so blocks cannot be exchanged, and are checked before
 * zlib sees a byte. The file ends after the last block. */
#ifndef PYLEAK_SNAPSHOT_GRAPH_FORMAT_H
#define PYLEAK_SNAPSHOT_GRAPH_FORMAT_H

#include "snapshot/graph.h"

/* As PNG's: no text begins so, and a transfer that changes line ends or bit 7 damages it. */
#define SNAPSHOT_MAGIC "\x89PYLEAK\n"
#define SNAPSHOT_MAGIC_BYTES 8
#define SNAPSHOT_ORDER 0x01020304U
#define SNAPSHOT_VERSION                                                                           \
	1U /* a change of anything, also of an enum in graph.h, makes a new one                    \
	    */
#define SNAPSHOT_BLOCK_BYTES (256U << 10)
#define SNAPSHOT_VARINT_BYTES 10 /* of 64 bits */
#define SNAPSHOT_RATIO_MAX 1032	 /* what deflate makes of one byte at most */

enum snapshot_count { CNT_NODES, CNT_EDGES, CNT_TYPES, CNT_ROOTS, CNT_NAMES, CNT_TEXT, CNT_CNT };

enum snapshot_word {
	WORD_ORDER,
	WORD_VERSION,
	WORD_HEADER_BYTES,
	WORD_COUNTS, /* and the next ones: enum snapshot_count */
	WORD_PID = WORD_COUNTS + CNT_CNT,
	WORD_MINOR,
	WORD_MICRO,
	WORD_PAUSED,
	WORD_CRC, /* CRC32 of the header with zero here */
	WORD_CNT
};

enum snapshot_long {
	LONG_TIME, /* doubles: their bits */
	LONG_PAUSE_S,
	LONG_BUILD_S,
	LONG_COPIED,
	LONG_TORN,
	LONG_UNREADABLE,
	LONG_NO_OBJECT,
	LONG_LIMIT,
	LONG_CNT
};

struct snapshot_header {
	char magic[SNAPSHOT_MAGIC_BYTES];
	uint32_t words[WORD_CNT];
	uint64_t longs[LONG_CNT];
	char program[256];
};

_Static_assert(sizeof(struct snapshot_header) == 384, "no padding");

struct block_head {
	uint32_t column;
	uint32_t raw_bytes;
	uint32_t packed_bytes;
	uint32_t crc;
};

/* What the values of a column are told from, besides what came before. */
struct column_cursor {
	uint64_t address;  /* of the node before */
	uint32_t node;	   /* that the edge belongs to */
	uint32_t last[16]; /* target of the edge before, by kind */
};

struct graph_column {
	enum snapshot_count items;
	uint64_t (*get)(const struct heap_graph *graph, struct column_cursor *cursor, uint32_t i);
	/* False: no such value. Indexes are left to graph_is_sound(). */
	bool (*set)(struct heap_graph *graph, struct column_cursor *cursor, uint32_t i,
		    uint64_t value);
};

#define GRAPH_COLUMN_CNT 18
extern const struct graph_column graph_columns[GRAPH_COLUMN_CNT];

/* Header and graph, in the machine's byte order; magic and version are checked by the reader. */
void snapshot_header_make(const struct heap_graph *graph, struct snapshot_header *out);
void snapshot_header_read(const struct snapshot_header *header, struct heap_graph *graph);
/* Between the file's byte order and the machine's, both ways. */
void snapshot_header_swap(struct snapshot_header *header);
/* Of a header in the file's byte order. */
uint32_t snapshot_header_crc(const struct snapshot_header *header);
/* Of a block: `head` in the file's byte order. */
uint32_t snapshot_block_crc(uint32_t before, const struct block_head *head, const void *packed);
/* To the file's byte order and back. */
struct block_head snapshot_block_swap(struct block_head head);

uint32_t graph_count(const struct heap_graph *graph, enum snapshot_count which);

/* Writes the graph, which is sound, to a file. 0 or -errno; nothing logged. */
int graph_encode(const struct heap_graph *graph, int fd);

/* A file, or bytes in memory. */
struct graph_source {
	int fd;		      /* -1: bytes */
	const uint8_t *bytes; /* not owned */
	uint64_t size;
	uint64_t at;
};

/* Why a file was not read, for the line about it. */
struct graph_fault {
	uint64_t at;	  /* -EBADMSG: the first byte of what is damaged, */
	const char *what; /* and what it is */
	uint32_t version; /* -EPROTONOSUPPORT: of the file; 0 = no snapshot */
	uint64_t needed;  /* -E2BIG: bytes */
};

/* As graph_parse(). Nothing logged; `fault` says what a line needs. */
int graph_decode(struct graph_source *source, uint64_t max_bytes, struct heap_graph **out,
		 struct graph_fault *fault);

#endif
