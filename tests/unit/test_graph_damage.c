/* SPDX-License-Identifier: BSD-2-Clause */
/* Saved graphs that are damaged, or made to do damage: an error, or a sound graph. */
#include <criterion/criterion.h>

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "graph_bytes.h"
#include "snapshot/graph_file.h"

static struct heap_graph *small;
static uint8_t *bytes;
static size_t size;

static void begin(void)
{
	small = graph_small();
	bytes = graph_bytes(small, &size);
}

static void end(void)
{
	free(bytes);
	graph_destroy(small);
}

TestSuite(graph_damage, .init = begin, .fini = end);

static const uint8_t flips[] = { 0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xff, 0x7f };
#define FLIP_CNT (sizeof(flips) / sizeof(flips[0]))

/* Exactly as large as it is, so that a sanitizer sees a read beyond its end. */
static int parse(const uint8_t *from, size_t len, uint64_t max_bytes)
{
	uint8_t *exact = malloc(len);
	struct heap_graph *graph = NULL;
	int err;

	if (len)
		memcpy(exact, from, len);
	err = graph_parse(exact, len, max_bytes, &graph);
	free(exact);
	cr_expect_eq(!err, graph != NULL);
	if (!err)
		cr_expect(graph_is_sound(graph));
	graph_destroy(graph);
	return err;
}

Test(graph_damage, every_flipped_bit_is_found)
{
	cr_assert_eq(parse(bytes, size, 0), 0);
	for (size_t at = 0; at < size; at++) {
		for (size_t flip = 0; flip < FLIP_CNT; flip++) {
			int err;

			bytes[at] ^= flips[flip];
			err = parse(bytes, size, 0);
			cr_expect(err == -EBADMSG || err == -EPROTONOSUPPORT, "byte %zu: %d", at,
				  err);
			bytes[at] ^= flips[flip];
		}
	}
}

Test(graph_damage, every_missing_end_is_found_and_so_is_more)
{
	uint8_t *longer = calloc(1, size + 1);

	for (size_t len = 0; len < size; len++) {
		cr_expect_eq(parse(bytes, len, 0),
			     len < SNAPSHOT_MAGIC_BYTES ? -EPROTONOSUPPORT : -EBADMSG, "%zu bytes",
			     len);
	}
	memcpy(longer, bytes, size);
	cr_expect_eq(parse(longer, size + 1, 0), -EBADMSG);
	free(longer);
}

Test(graph_damage, with_right_checksums_flipped_bytes_are_an_error_or_a_sound_graph)
{
	uint8_t *copy = malloc(size);

	for (size_t at = 0; at < size; at++) {
		for (size_t flip = 0; flip < FLIP_CNT; flip++) {
			memcpy(copy, bytes, size);
			copy[at] ^= flips[flip];
			graph_bytes_fix(copy, size);
			parse(copy, size, 1 << 20);
		}
	}
	free(copy);
}

Test(graph_damage, flipped_values_are_an_error_or_a_sound_graph)
{
	size_t good = 0, bad = 0;
	struct raw_graph raw;

	raw_graph_open(small, &raw);
	for (size_t i = 0; i < GRAPH_COLUMN_CNT; i++) {
		struct raw_column *column = &raw.columns[i];

		for (size_t at = 0; at < column->size * FLIP_CNT; at++) {
			uint8_t flip = flips[at % FLIP_CNT];
			uint8_t *packed;
			size_t len;

			column->bytes[at / FLIP_CNT] ^= flip;
			packed = raw_graph_pack(&raw, &len);
			*(parse(packed, len, 0) ? &bad : &good) += 1;
			free(packed);
			column->bytes[at / FLIP_CNT] ^= flip;
		}
	}
	cr_expect(good > 1000 && bad > 1000, "%zu sound, %zu errors", good, bad);
	raw_graph_close(&raw);
}

static int parse_with_word(enum snapshot_word word, uint32_t value)
{
	struct raw_graph raw;
	uint8_t *packed;
	size_t len;
	int err;

	raw_graph_open(small, &raw);
	raw.header.words[word] = value;
	packed = raw_graph_pack(&raw, &len);
	err = parse(packed, len, 0);
	free(packed);
	raw_graph_close(&raw);
	return err;
}

Test(graph_damage, counts_in_the_header_are_not_believed)
{
	static const uint32_t counts[] = { 1U << 20, 1U << 28, GRAPH_CNT_MAX, 1U << 31,
					   UINT32_MAX };

	for (uint32_t i = 0; i < CNT_CNT; i++) {
		uint32_t count = graph_count(small, (enum snapshot_count)i);

		for (size_t j = 0; j < 5; j++)
			cr_expect_eq(parse_with_word(WORD_COUNTS + i, counts[j]), -EBADMSG);
		cr_expect_eq(parse_with_word(WORD_COUNTS + i, 0), -EBADMSG);
		cr_expect_eq(parse_with_word(WORD_COUNTS + i, count + 1), -EBADMSG);
		cr_expect_eq(parse_with_word(WORD_COUNTS + i, count - 1), -EBADMSG);
	}
	cr_expect_eq(parse_with_word(WORD_VERSION, 0), -EBADMSG);
	cr_expect_eq(parse_with_word(WORD_VERSION, 2), -EPROTONOSUPPORT);
	cr_expect_eq(parse_with_word(WORD_ORDER, 0x04030201), -EBADMSG);
	cr_expect_eq(parse_with_word(WORD_HEADER_BYTES, 383), -EBADMSG);
}

/* Zeros are what zlib makes the most of. */
Test(graph_damage, what_unpacks_to_far_more_than_it_is_has_the_limit_of_the_caller)
{
	struct raw_column *text;
	struct raw_graph raw;
	uint8_t *packed;
	size_t len;

	raw_graph_open(small, &raw);
	text = &raw.columns[0];
	text->bytes = realloc(text->bytes, SNAPSHOT_BLOCK_BYTES + 1);
	cr_assert_not_null(text->bytes);
	memset(text->bytes + text->size, 0, SNAPSHOT_BLOCK_BYTES + 1 - text->size);
	text->size = SNAPSHOT_BLOCK_BYTES;
	raw.header.words[WORD_COUNTS + CNT_TEXT] = (uint32_t)text->size;
	packed = raw_graph_pack(&raw, &len);
	cr_expect(len < 4000, "%zu", len);
	cr_expect_eq(parse(packed, len, 0), 0);
	cr_expect_eq(parse(packed, len, SNAPSHOT_BLOCK_BYTES), -E2BIG);
	free(packed);
	text->size++;
	raw.header.words[WORD_COUNTS + CNT_TEXT]++;
	packed = raw_graph_pack(&raw, &len);
	cr_expect_eq(parse(packed, len, 0), -EBADMSG, "a block larger than blocks are");
	free(packed);
	raw_graph_close(&raw);
}

Test(graph_damage, blocks_cannot_change_places)
{
	struct raw_graph raw;
	struct raw_column column;
	uint8_t *packed;
	size_t len;

	raw_graph_open(small, &raw);
	packed = raw_graph_pack(&raw, &len);
	/* The checksum of another header, so of another file. */
	packed[offsetof(struct snapshot_header, words[WORD_PID])] ^= 1;
	graph_bytes_fix(packed, sizeof(struct snapshot_header));
	cr_expect_eq(parse(packed, len, 0), -EBADMSG);
	free(packed);
	column = raw.columns[2];
	raw.columns[2] = raw.columns[13];
	raw.columns[13] = column;
	packed = raw_graph_pack(&raw, &len);
	cr_expect_eq(parse(packed, len, 0), -EBADMSG);
	free(packed);
	raw_graph_close(&raw);
}

/* Changes one thing, asks, and takes it back. */
#define EXPECT_UNSOUND(field, value)                                                               \
	do {                                                                                       \
		__typeof__(small->field + 0) kept_ = small->field;                                 \
		small->field = (value);                                                            \
		cr_expect_not(graph_is_sound(small), #field " = " #value);                         \
		small->field = kept_;                                                              \
		cr_expect(graph_is_sound(small));                                                  \
	} while (0)

static uint32_t edge_of(enum edge_kind kind)
{
	uint32_t e = 0;

	while (small->edges[e].kind != kind)
		e++;
	return e;
}

Test(graph_damage, indexes_and_kinds_out_of_range_are_unsound)
{
	EXPECT_UNSOUND(nodes[4].type, small->type_cnt);
	EXPECT_UNSOUND(nodes[4].flags, NODE_NAMESPACE * 2);
	EXPECT_UNSOUND(nodes[GRAPH_ROOT].flags, 0);
	EXPECT_UNSOUND(first[0], 1);
	EXPECT_UNSOUND(first[2], small->first[3] + 1);
	EXPECT_UNSOUND(first[2], UINT32_MAX);
	EXPECT_UNSOUND(first[small->node_cnt], small->edge_cnt - 1);
	EXPECT_UNSOUND(edges[12].to, small->node_cnt);
	EXPECT_UNSOUND(edges[12].to, GRAPH_ROOT);
	EXPECT_UNSOUND(edges[small->edge_cnt - 1].kind, EDGE_KIND_CNT);
	EXPECT_UNSOUND(edges[small->edge_cnt - 1].kind, EDGE_ROOT);
	EXPECT_UNSOUND(edges[0].kind, EDGE_FIELD);
	EXPECT_UNSOUND(edges[0].value, small->root_cnt);
	EXPECT_UNSOUND(edges[0].value, 1);
	EXPECT_UNSOUND(edges[edge_of(EDGE_FIELD)].value, small->name_cnt);
	EXPECT_UNSOUND(edges[edge_of(EDGE_ATTRIBUTE)].value, small->name_cnt);
	EXPECT_UNSOUND(edges[edge_of(EDGE_VALUE)].value, small->name_cnt);
	EXPECT_UNSOUND(edges[edge_of(EDGE_LOCAL)].value, small->name_cnt);
	EXPECT_UNSOUND(types[1].name, small->name_cnt);
	EXPECT_UNSOUND(types[1].node, small->node_cnt);
	EXPECT_UNSOUND(types[1].role, ROLE_CNT);
	EXPECT_UNSOUND(roots[1].name, small->name_cnt);
	EXPECT_UNSOUND(roots[1].node, small->node_cnt);
	EXPECT_UNSOUND(roots[1].kind, ROOT_KIND_CNT);
	/* No edge leads to this one any more. */
	small->edges[1] = small->edges[0];
	EXPECT_UNSOUND(roots[1].node, small->node_cnt);
	EXPECT_UNSOUND(names[2], small->text_bytes);
	EXPECT_UNSOUND(names[0], 1);
	EXPECT_UNSOUND(text[small->text_bytes - 1], 'x');
}

Test(graph_damage, what_is_said_of_the_process_is_checked_too)
{
	EXPECT_UNSOUND(info.time, (double)NAN);
	EXPECT_UNSOUND(info.time, 1e300);
	EXPECT_UNSOUND(info.pause_s, (double)INFINITY);
	EXPECT_UNSOUND(info.build_s, -1);
	EXPECT_UNSOUND(info.minor, 256);
	EXPECT_UNSOUND(info.micro, 256);
	EXPECT_UNSOUND(node_cnt, 0);
	EXPECT_UNSOUND(type_cnt, 0);
	EXPECT_UNSOUND(name_cnt, 0);
	EXPECT_UNSOUND(text_bytes, 0);
	EXPECT_UNSOUND(edge_cnt, UINT32_MAX);
	memset(small->info.program, 'x', sizeof(small->info.program));
	cr_expect_not(graph_is_sound(small));
}
