/* SPDX-License-Identifier: BSD-2-Clause */
#include "analyse/audit.h"

#include <errno.h>
#include <string.h>

#include "analyse/reach.h"
#include "base/cleanup.h"

/* Roots that are objects of the interpreter's, not words that look like references. */
#define ROOTS_KNOWN                                                                                \
	(1U << ROOT_MODULE | 1U << ROOT_FRAME | 1U << ROOT_TYPE | 1U << ROOT_THREAD |              \
	 1U << ROOT_INTERPRETER)

/* The node that stands for the holders that were not found has edges to what they hold; these are
 * not found references. */
static void forget_unknown(const struct heap_graph *graph, uint32_t *found, uint8_t *done)
{
	for (uint32_t r = 0; r < graph->root_cnt; r++) {
		uint32_t node = graph->roots[r].node;

		if (graph->roots[r].kind != ROOT_UNKNOWN || done[node] ||
		    !(graph->nodes[node].flags & NODE_PSEUDO))
			continue;
		done[node] = 1;
		for (uint32_t e = graph->first[node]; e < graph->first[node + 1]; e++)
			found[graph->edges[e].to] -= graph_edge_counts(&graph->edges[e]);
	}
	for (uint32_t r = 0; r < graph->root_cnt; r++)
		done[graph->roots[r].node] = 0;
}

static void count_references(const struct heap_graph *graph, uint32_t *found)
{
	graph_count_references(graph, found);
	/* The loop that runs a frame object, or a generator, holds it. */
	for (uint32_t r = 0; r < graph->root_cnt; r++) {
		uint32_t node = graph->roots[r].node;

		if (graph->roots[r].kind == ROOT_FRAME && graph->nodes[node].refcount > found[node])
			found[node]++;
	}
}

/* Texts and numbers are kept by native code everywhere, and their tables do not always count. */
static bool is_audited(const struct heap_graph *graph, uint32_t node)
{
	uint8_t role = graph_node_type(graph, node)->role;

	return !(graph->nodes[node].flags & (NODE_PSEUDO | NODE_TORN | NODE_STATIC)) &&
	       graph->nodes[node].refcount != REFCOUNT_IMMORTAL && role != ROLE_TYPE &&
	       role != ROLE_MODULE && role != ROLE_STR && role != ROLE_NUMBER;
}

static void audit_nodes(const struct heap_graph *graph, const uint32_t *found,
			const uint8_t *reached, struct audit_row *by_type, struct audit *out)
{
	for (uint32_t n = 0; n < graph->node_cnt; n++) {
		const struct graph_node *node = &graph->nodes[n];
		struct audit_row *row = &by_type[node->type];

		out->immortal +=
			!(node->flags & NODE_PSEUDO) && node->refcount == REFCOUNT_IMMORTAL;
		if (!is_audited(graph, n))
			continue;
		out->objects++;
		out->negative += node->refcount < found[n];
		if (node->refcount <= found[n])
			continue;
		if (!row->objects++)
			row->example = n;
		row->excess += node->refcount - found[n];
		row->only += !reached[n];
	}
}

static int most_excess_first(const void *a, const void *b)
{
	const struct audit_row *x = a, *y = b;

	if (x->excess != y->excess)
		return x->excess > y->excess ? -1 : 1;
	return (x->type > y->type) - (x->type < y->type);
}

int audit_refcounts(const struct heap_graph *graph, struct audit *out)
{
	size_t cnt = (size_t)graph->node_cnt + 1;
	_cleanup_free_ uint32_t *found = calloc(cnt, sizeof(*found));
	_cleanup_free_ uint8_t *reached = calloc(cnt, sizeof(*reached));
	_cleanup_free_ struct audit_row *rows = calloc((size_t)graph->type_cnt + 1, sizeof(*rows));
	struct audit audit = { 0 };

	if (!found || !reached || !rows)
		return -ENOMEM;
	count_references(graph, found);
	forget_unknown(graph, found, reached);
	if (reach_from_roots(graph, ROOTS_KNOWN, 1, reached))
		return -ENOMEM;
	audit_nodes(graph, found, reached, rows, &audit);
	for (uint32_t t = 0; t < graph->type_cnt; t++) {
		if (!rows[t].objects)
			continue;
		rows[t].type = t;
		rows[audit.cnt++] = rows[t];
	}
	qsort(rows, audit.cnt, sizeof(*rows), most_excess_first);
	audit.rows = take_ptr(rows);
	*out = audit;
	return 0;
}

void audit_deinit(struct audit *audit)
{
	free(audit->rows);
	memset(audit, 0, sizeof(*audit));
}
