/* SPDX-License-Identifier: BSD-2-Clause */
/* A picture in Graphviz's language: roots on top, what leaks at the bottom, arrows from the holder
 * to what it holds. A reference that leads up again, away from the start, is written turned round
 * with its arrow turned round too: Graphviz breaks cycles where it likes, and would put the
 * root into the middle.
 */
#include "report/dot.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "report/dot_html.h"
#include "report/heap_words.h"

#define NAME_COLUMNS 44
#define EDGE_COLUMNS 30

#define INK "#1f2933"
#define START_FILL "#fde0dc"
#define START_LINE "#c62828"
#define ROOT_FILL "#e3f2e6"
#define ROOT_LINE "#2e7d32"
#define OBJECT_FILL "#e8eef7"
#define OBJECT_LINE "#5b7aa8"
#define GLUE_FILL "#ffffff"
#define GLUE_LINE "#aab4c0"
#define CYCLE_LINE "#8e24aa"
#define CYCLE_TINT "#f6eafa"

static bool is_glue(const struct heap_graph *graph, const struct picture_node *node)
{
	return graph->types[node->type].role != ROLE_INSTANCE && !graph->types[node->type].own;
}

static void put_node_name(FILE *out, const struct heap_graph *graph,
			  const struct picture_node *node)
{
	char name[TEXT_NAME_BYTES];

	if (node->root != NODE_NONE) {
		heap_root_words(name, sizeof(name), graph, node->root, NULL, NAME_COLUMNS);
		fputs("<b>", out);
		dot_put_html(out, name);
		fputs("</b>", out);
		return;
	}
	if (node->class != NODE_NONE)
		fputs("class ", out);
	text_name(name, sizeof(name),
		  heap_type_raw(graph, node->class != NODE_NONE ? node->class : node->type),
		  NAME_COLUMNS);
	dot_put_type_name(out, name,
			  node->class != NODE_NONE || !is_glue(graph, node) || node->start);
}

static void put_node_label(FILE *out, const struct heap_graph *graph, const struct picture *picture,
			   const struct picture_node *node)
{
	char small[160];

	fputs("label=<", out);
	if (node->type == NODE_NONE) {
		snprintf(small, sizeof(small), "%s more", text_count(node->groups).s);
		dot_put_html(out, small);
		if (node->groups != node->objects) {
			snprintf(small, sizeof(small), "%s objects", text_count(node->objects).s);
			dot_put_small(out, small);
		}
		fputs(">", out);
		return;
	}
	put_node_name(out, graph, node);
	if (node->start && !picture->single) {
		snprintf(small, sizeof(small), "%s object%s, %s", text_count(node->objects).s,
			 node->objects == 1 ? "" : "s", text_bytes((double)node->bytes).s);
		dot_put_small(out, small);
	} else if (picture->single && node->root == NODE_NONE) {
		snprintf(small, sizeof(small), "0x%" PRIx64, graph->nodes[node->example].address);
		dot_put_small(out, small);
	} else if (node->objects > 1) {
		dot_put_small(out, text_count(node->objects).s);
	}
	if (node->open)
		dot_put_small(out, "held by more");
	fputs(">", out);
}

static void put_node_colours(FILE *out, const struct heap_graph *graph,
			     const struct picture_node *node)
{
	const char *fill = OBJECT_FILL, *line = OBJECT_LINE, *style = "filled,rounded";
	double width = 1;

	if (node->type == NODE_NONE) {
		fill = GLUE_FILL;
		line = GLUE_LINE;
		style = "filled,rounded,dashed";
	} else if (node->start) {
		fill = START_FILL;
		line = START_LINE;
		width = 2.5;
	} else if (node->end) {
		fill = ROOT_FILL;
		line = ROOT_LINE;
		style = "filled";
		width = 1.2;
	} else if (is_glue(graph, node)) {
		fill = GLUE_FILL;
		line = GLUE_LINE;
	}
	if (node->cycle && !node->start && !node->end && node->type != NODE_NONE) {
		fill = is_glue(graph, node) ? GLUE_FILL : CYCLE_TINT;
		line = CYCLE_LINE;
	}
	if (node->open)
		style = "filled,rounded,dashed";
	fprintf(out, " style=\"%s\" fillcolor=\"%s\" color=\"%s\" penwidth=%.1f", style, fill, line,
		width);
	if (node->end && node->type != NODE_NONE)
		fputs(" peripheries=2", out);
}

static void put_node(FILE *out, const struct heap_graph *graph, const struct picture *picture,
		     size_t i)
{
	const struct picture_node *node = &picture->nodes[i];

	fprintf(out, "\tn%zu [", i);
	put_node_label(out, graph, picture, node);
	put_node_colours(out, graph, node);
	/* The address of one of them, to look at it with a debugger. */
	if (node->type == NODE_NONE)
		fprintf(out, " tooltip=\"%" PRIu64 " objects\"", node->objects);
	else
		fprintf(out, " tooltip=\"%s0x%" PRIx64 "\"",
			node->objects > 1 ? "one of them: " : "",
			graph->nodes[node->example].address);
	fputs("];\n", out);
}

/* "" for an item of a container: the arrow says it. */
static char *label_words(char *buf, size_t size, const struct heap_graph *graph,
			 const struct picture *picture, const struct picture_edge *edge,
			 const struct picture_label *label)
{
	const struct picture_node *from = &picture->nodes[edge->from];

	buf[0] = '\0';
	if (label->kind == EDGE_ELEMENT || label->kind == EDGE_SCAN ||
	    (label->kind == EDGE_VALUE && !*graph_name(graph, label->name)))
		return buf;
	if (label->kind == EDGE_INDEX) {
		if (picture->single)
			snprintf(buf, size, "[%" PRIu32 "]", label->name);
		return buf;
	}
	heap_edge_words(buf, size, graph, from->type, label->kind, label->name, EDGE_COLUMNS);
	/* ", local x" belongs behind a word; and a module's global has no dot. */
	if (buf[0] == ',')
		memmove(buf, buf + 2, strlen(buf + 2) + 1);
	else if (buf[0] == '.' && from->root != NODE_NONE)
		memmove(buf, buf + 1, strlen(buf + 1) + 1);
	return buf;
}

static bool is_rest(const struct picture *picture, uint32_t node)
{
	return picture->nodes[node].type == NODE_NONE;
}

/* Nothing when there is nothing to say: an empty label takes room. */
static void put_edge_label(FILE *out, const struct heap_graph *graph, const struct picture *picture,
			   const struct picture_edge *edge)
{
	bool rest = is_rest(picture, edge->from) || is_rest(picture, edge->to);
	char words[TEXT_NAME_BYTES], more[60];
	uint32_t shown = 0;

	for (uint32_t i = 0; !rest && i < edge->label_cnt && i < PICTURE_LABELS; i++) {
		label_words(words, sizeof(words), graph, picture, edge, &edge->labels[i]);
		if (!*words)
			continue;
		/* A blank on both sides keeps the words off the line. */
		fputs(shown++ ? "<br/>&#160;" : "label=<&#160;", out);
		dot_put_html(out, words);
		fputs("&#160;", out);
	}
	if (shown > 0 && edge->label_cnt > PICTURE_LABELS) {
		uint32_t left = edge->label_cnt - PICTURE_LABELS;

		snprintf(more, sizeof(more), "%" PRIu32 " more name%s", left, left == 1 ? "" : "s");
		dot_put_small(out, more);
	}
	/* One reference to each is what anyone expects. */
	if (edge->references > 1 && edge->references != picture->nodes[edge->to].objects) {
		fputs(shown++ ? "<br/>" : "label=<", out);
		fputs("<font color=\"" DOT_FAINT "\">&#160;", out);
		dot_put_html(out, text_count(edge->references).s);
		fputs("&#160;</font>", out);
	}
	fputs(shown ? "> " : "", out);
}

static void put_edge(FILE *out, const struct heap_graph *graph, const struct picture *picture,
		     const struct picture_edge *edge)
{
	bool rest = is_rest(picture, edge->from) || is_rest(picture, edge->to);
	bool up = picture->nodes[edge->from].level < picture->nodes[edge->to].level;
	double width = 1 + log10((double)edge->references) * 0.35;

	if (up)
		fprintf(out, "\tn%" PRIu32 " -> n%" PRIu32 " [dir=back ", edge->to, edge->from);
	else
		fprintf(out, "\tn%" PRIu32 " -> n%" PRIu32 " [", edge->from, edge->to);
	put_edge_label(out, graph, picture, edge);
	fprintf(out, "penwidth=%.1f", width < 3 ? width : 3.0);
	if (edge->cycle && !rest)
		fputs(" color=\"" CYCLE_LINE "\" fontcolor=\"" CYCLE_LINE "\"", out);
	if (rest)
		fputs(" style=dashed color=\"" GLUE_LINE "\"", out);
	fputs("];\n", out);
}

/* The legend names what is in the picture only. */
static void put_title(FILE *out, const struct heap_graph *graph, const struct picture *picture)
{
	const struct picture_node *start = &picture->nodes[0];
	bool cycle = false, end = false, open = false;
	char name[TEXT_NAME_BYTES], address[40] = "";

	for (size_t i = 0; i < picture->node_cnt; i++) {
		end |= picture->nodes[i].end && picture->nodes[i].type != NODE_NONE;
		open |= picture->nodes[i].open;
	}
	for (size_t i = 0; i < picture->edge_cnt; i++)
		cycle |= picture->edges[i].cycle;
	text_name(name, sizeof(name), heap_type_raw(graph, start->type), NAME_COLUMNS);
	if (picture->single)
		snprintf(address, sizeof(address), " @0x%" PRIx64,
			 graph->nodes[start->example].address);
	fputs("label=<<font point-size=\"15\">who holds <b>", out);
	dot_put_html(out, name);
	fputs("</b>", out);
	dot_put_html(out, address);
	fputs("</font>", out);
	if (!end && !cycle && !open && !picture->hidden_edges) {
		fputs("<br/>&#160;>", out);
		return;
	}
	fputs("<br/><font point-size=\"10\" color=\"" DOT_FAINT "\">", out);
	if (end)
		fputs("&#160;<font color=\"" ROOT_LINE "\">double frame: a root</font>&#160;", out);
	if (cycle)
		fputs("&#160;<font color=\"" CYCLE_LINE "\">violet: a reference cycle</font>&#160;",
		      out);
	if (open)
		fputs("&#160;dashed: held by more&#160;", out);
	if (picture->hidden_edges > 0)
		fprintf(out, "&#160;%s weaker arrows are not drawn&#160;",
			text_count(picture->hidden_edges).s);
	fputs("</font><br/>&#160;>", out);
}

int dot_write(FILE *out, const struct heap_graph *graph, const struct picture *picture)
{
	static const char font[] = "fontname=\"Helvetica,Arial,DejaVu Sans,sans-serif\"";

	fprintf(out,
		"digraph pyleak {\n\tgraph [rankdir=TB charset=\"UTF-8\" bgcolor=white "
		"nodesep=0.35 ranksep=0.4 pad=0.2 labelloc=t fontcolor=\"" INK "\" %s ",
		font);
	put_title(out, graph, picture);
	fprintf(out,
		"];\n\tnode [shape=box fontsize=12 margin=\"0.14,0.06\" height=0.3 fontcolor=\"" INK
		"\" %s];\n\tedge [fontsize=10 arrowsize=0.7 color=\"#52606d\" fontcolor=\"" INK
		"\" %s];\n",
		font, font);
	for (size_t i = 0; i < picture->node_cnt; i++)
		put_node(out, graph, picture, i);
	for (size_t i = 0; i < picture->edge_cnt; i++)
		put_edge(out, graph, picture, &picture->edges[i]);
	fputs("}\n", out);
	return fflush(out) || ferror(out) ? -EIO : 0;
}
