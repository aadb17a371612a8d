/* SPDX-License-Identifier: BSD-2-Clause */
#include "graph_bytes.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

#include "make_graph.h"

struct heap_graph *graph_small(void)
{
	struct graph_maker *maker = maker_create();
	uint32_t types[ROLE_CNT], nodes[ROLE_CNT], thread;
	struct heap_graph *graph;
	char name[32];

	for (int role = 0; role < ROLE_CNT; role++) {
		snprintf(name, sizeof(name), "app.Type%d", role);
		types[role] = maker_type(maker, name, (enum type_role)role, role % 2);
		nodes[role] = maker_node(maker, types[role], 48 + 8 * (uint64_t)role);
	}
	thread = maker_node(maker, types[ROLE_PSEUDO], 0);
	for (uint32_t kind = 0; kind < ROOT_KIND_CNT; kind++) {
		snprintf(name, sizeof(name), "root %u", kind);
		maker_root(maker, kind ? nodes[kind] : thread, (enum root_kind)kind, name);
	}
	for (uint32_t i = 0; i < 3 * (EDGE_KIND_CNT - 1); i++) {
		enum edge_kind kind = (enum edge_kind)(1 + i % (EDGE_KIND_CNT - 1));

		maker_edge(maker, nodes[i % 7], nodes[i * 5 % ROLE_CNT], kind,
			   kind == EDGE_INDEX  ? i * 1000
			   : kind == EDGE_SCAN ? 16
					       : i % 5);
	}
	maker_excess(maker, nodes[3], 7);
	graph = maker_finish(maker);
	for (int role = 0; role < ROLE_CNT; role++)
		graph->types[types[role]].node = role % 3 ? nodes[role] : NODE_NONE;
	graph->nodes[nodes[5]].refcount = REFCOUNT_IMMORTAL;
	graph->nodes[nodes[6]].address = UINT64_MAX - 15;
	graph->nodes[thread].flags = NODE_PSEUDO | NODE_TORN | NODE_STATIC;
	graph->info = (struct graph_info){
		.pid = 4711,
		.minor = 12,
		.micro = 3,
		.program = "/usr/bin/python3 app.py",
		.time = 1.7e9,
		.pause_s = 0.25,
		.build_s = 1.5,
		.copied = 1ULL << 40,
		.paused = true,
		.loss = { .torn = 1, .unreadable = 2, .no_object = 3, .limit = UINT64_MAX },
	};
	return graph;
}

uint8_t *graph_bytes(const struct heap_graph *graph, size_t *size)
{
	int fd = memfd_create("graph", MFD_CLOEXEC);
	uint8_t *bytes;
	off_t end;

	assert(fd >= 0 && !graph_encode(graph, fd));
	end = lseek(fd, 0, SEEK_CUR);
	bytes = malloc((size_t)end);
	assert(bytes && pread(fd, bytes, (size_t)end, 0) == end);
	close(fd);
	*size = (size_t)end;
	return bytes;
}

static void set_word(void *at, uint32_t word)
{
	struct block_head head = snapshot_block_swap((struct block_head){ .crc = word });

	memcpy(at, &head.crc, sizeof(head.crc));
}

void graph_bytes_fix(uint8_t *bytes, size_t size)
{
	struct snapshot_header header;
	struct block_head head;
	uint32_t crc;

	if (size < sizeof(header))
		return;
	memcpy(&header, bytes, sizeof(header));
	crc = snapshot_header_crc(&header);
	set_word(bytes + offsetof(struct snapshot_header, words[WORD_CRC]), crc);
	for (size_t at = sizeof(header); size - at >= sizeof(head);) {
		size_t packed_bytes;

		memcpy(&head, bytes + at, sizeof(head));
		packed_bytes = snapshot_block_swap(head).packed_bytes;
		if (packed_bytes > size - at - sizeof(head))
			return;
		crc = snapshot_block_crc(crc, &head, bytes + at + sizeof(head));
		set_word(bytes + at + offsetof(struct block_head, crc), crc);
		at += sizeof(head) + packed_bytes;
	}
}

void raw_graph_open(const struct heap_graph *graph, struct raw_graph *out)
{
	size_t size, at = sizeof(out->header);
	uint8_t *bytes = graph_bytes(graph, &size);

	memset(out, 0, sizeof(*out));
	memcpy(&out->header, bytes, sizeof(out->header));
	snapshot_header_swap(&out->header);
	while (at < size) {
		struct raw_column *column;
		struct block_head head;
		uLongf room;

		memcpy(&head, bytes + at, sizeof(head));
		head = snapshot_block_swap(head);
		at += sizeof(head);
		column = &out->columns[head.column];
		room = head.raw_bytes;
		column->bytes = realloc(column->bytes, column->size + room);
		assert(column->bytes && uncompress(column->bytes + column->size, &room, bytes + at,
						   head.packed_bytes) == Z_OK);
		column->size += room;
		at += head.packed_bytes;
	}
	free(bytes);
}

void raw_graph_close(struct raw_graph *raw)
{
	for (size_t i = 0; i < GRAPH_COLUMN_CNT; i++)
		free(raw->columns[i].bytes);
}

uint8_t *raw_graph_pack(const struct raw_graph *raw, size_t *size)
{
	size_t at = sizeof(raw->header), room = at;
	struct snapshot_header header = raw->header;
	uint8_t *bytes;

	for (size_t i = 0; i < GRAPH_COLUMN_CNT; i++)
		room += sizeof(struct block_head) + compressBound(raw->columns[i].size);
	bytes = malloc(room);
	assert(bytes);
	snapshot_header_swap(&header);
	memcpy(bytes, &header, sizeof(header));
	for (uint32_t i = 0; i < GRAPH_COLUMN_CNT; i++) {
		const struct raw_column *column = &raw->columns[i];
		uLongf packed_bytes = room - at - sizeof(struct block_head);
		struct block_head head = { .column = i, .raw_bytes = (uint32_t)column->size };

		if (!column->size)
			continue;
		assert(compress2(bytes + at + sizeof(head), &packed_bytes, column->bytes,
				 column->size, 1) == Z_OK);
		head.packed_bytes = (uint32_t)packed_bytes;
		head = snapshot_block_swap(head);
		memcpy(bytes + at, &head, sizeof(head));
		at += sizeof(head) + packed_bytes;
	}
	graph_bytes_fix(bytes, at);
	*size = at;
	return bytes;
}

static bool infos_equal(const struct graph_info *a, const struct graph_info *b)
{
	return a->pid == b->pid && a->minor == b->minor && a->micro == b->micro &&
	       !strcmp(a->program, b->program) && a->time == b->time && a->pause_s == b->pause_s &&
	       a->build_s == b->build_s && a->copied == b->copied && a->paused == b->paused &&
	       !memcmp(&a->loss, &b->loss, sizeof(a->loss));
}

static bool edges_equal(const struct heap_graph *a, const struct heap_graph *b)
{
	for (uint32_t i = 0; i < a->edge_cnt; i++) {
		const struct graph_edge *x = &a->edges[i], *y = &b->edges[i];

		if (x->to != y->to || x->kind != y->kind || x->value != y->value)
			return false;
	}
	return !memcmp(a->first, b->first, (a->node_cnt + 1UL) * sizeof(*a->first));
}

static bool nodes_equal(const struct heap_graph *a, const struct heap_graph *b)
{
	for (uint32_t i = 0; i < a->node_cnt; i++) {
		const struct graph_node *x = &a->nodes[i], *y = &b->nodes[i];

		if (x->address != y->address || x->bytes != y->bytes || x->flags != y->flags ||
		    x->refcount != y->refcount || x->type != y->type)
			return false;
	}
	return true;
}

bool graphs_equal(const struct heap_graph *a, const struct heap_graph *b)
{
	if (a->node_cnt != b->node_cnt || a->edge_cnt != b->edge_cnt ||
	    a->type_cnt != b->type_cnt || a->root_cnt != b->root_cnt ||
	    a->name_cnt != b->name_cnt || a->text_bytes != b->text_bytes)
		return false;
	for (uint32_t i = 0; i < a->type_cnt; i++) {
		const struct graph_type *x = &a->types[i], *y = &b->types[i];

		if (x->name != y->name || x->node != y->node || x->role != y->role ||
		    x->own != y->own)
			return false;
	}
	for (uint32_t i = 0; i < a->root_cnt; i++) {
		const struct graph_root *x = &a->roots[i], *y = &b->roots[i];

		if (x->node != y->node || x->name != y->name || x->kind != y->kind)
			return false;
	}
	return infos_equal(&a->info, &b->info) && edges_equal(a, b) && nodes_equal(a, b) &&
	       !memcmp(a->text, b->text, a->text_bytes) &&
	       !memcmp(a->names, b->names, a->name_cnt * sizeof(*a->names));
}
