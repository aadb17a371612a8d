/* SPDX-License-Identifier: BSD-2-Clause */
/* Who holds the objects of a type. A way that fits is one line; a long one, and one that goes
 * through a cycle, is a column: there the objects of the cycle can be marked.
 */
#include "report/report_text.h"

#include <inttypes.h>
#include <limits.h>
#include <string.h>

#include "report/heap_words.h"

/* Of a longer way the middle says nothing. */
#define MAX_LINES 28
/* "100.0 %  48,129  ": what stands before a way. */
#define SHARE_COLUMNS 7
/* Narrower than this, the column of steps starts further left. */
#define ROOMY_COLUMNS 60
#define ARROW "<- "
#define CYCLE_MARK_COLUMNS 9

struct way_line {
	char words[TEXT_NAME_BYTES];
	bool with_last; /* on one cycle with the object of the line before */
};

struct way {
	struct way_line *lines; /* the instance, the steps, the root */
	size_t cnt;
	int columns; /* of the widest */
};

static void add_step(struct way *way, const struct heap_graph *graph, const struct path_step *step,
		     int columns)
{
	struct way_line *line = &way->lines[way->cnt++];

	heap_step_words(line->words, sizeof(line->words), graph, step->type, step->kind, step->name,
			step->repeats ? columns - 15 : columns);
	if (step->repeats)
		strcat(line->words, ", many in a row");
	line->with_last = step->cycle;
}

static void add_gap(struct way *way, size_t steps)
{
	struct way_line *line = &way->lines[way->cnt++];

	snprintf(line->words, sizeof(line->words), "... %s more steps ...", text_count(steps).s);
	line->with_last = false;
}

static void make_way(struct way *way, const struct heap_graph *graph, uint32_t type,
		     const struct path_shape *shape, int columns)
{
	const struct path_step *own = NULL;
	size_t cnt = shape->step_cnt, half = (MAX_LINES - 3) / 2;
	struct way_line *line;

	way->cnt = 0;
	line = &way->lines[way->cnt++];
	text_name(line->words, sizeof(line->words), heap_type_raw(graph, type), columns);
	line->with_last = false;
	if (cnt > 0 && heap_step_is_root(graph, &shape->steps[cnt - 1], shape->root))
		own = &shape->steps[--cnt];
	for (size_t i = 0; i < cnt; i++) {
		if (cnt > 2 * half && i == half) {
			add_gap(way, cnt - 2 * half);
			i = cnt - half;
		}
		add_step(way, graph, &shape->steps[i], columns);
	}
	line = &way->lines[way->cnt++];
	heap_root_words(line->words, sizeof(line->words), graph, shape->root, own, columns);
	line->with_last = own && own->cycle;
}

/* "Message <- list[*] <- module mq: all" when it fits into `columns`; else "". */
static char *one_line(char *buf, size_t size, const struct way *way, int columns)
{
	size_t used = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < way->cnt; i++) {
		if (way->lines[i].with_last || used + strlen(way->lines[i].words) + 8 > size) {
			buf[0] = '\0';
			return buf;
		}
		used += (size_t)snprintf(buf + used, size - used, "%s%s", i ? " " ARROW : "",
					 way->lines[i].words);
	}
	if (text_width(buf) > columns)
		buf[0] = '\0';
	return buf;
}

char *text_way(char *buf, size_t size, const struct heap_graph *graph, uint32_t type,
	       const struct path_shape *shape, int columns)
{
	struct way_line lines[MAX_LINES];
	struct way way = { .lines = lines };

	text_name(buf, size, heap_type_raw(graph, type), columns);
	if (shape->root >= graph->root_cnt)
		return buf;
	make_way(&way, graph, type, shape, columns);
	for (size_t i = 0; i < way.cnt; i++)
		lines[i].with_last = false;
	if (*one_line(buf, size, &way, columns))
		return buf;
	/* What holds it and the root, or the root alone, or as much of that as there is room. */
	if (way.cnt > 3) {
		lines[3] = lines[way.cnt - 1];
		snprintf(lines[2].words, sizeof(lines[2].words), "...");
		way.cnt = 4;
		if (*one_line(buf, size, &way, columns))
			return buf;
	}
	if (way.cnt > 2) {
		lines[2] = lines[way.cnt - 1];
		snprintf(lines[1].words, sizeof(lines[1].words), "...");
		way.cnt = 3;
	}
	return text_cut(one_line(buf, size, &way, INT_MAX), columns);
}

/* A brace beside what is on a cycle: "} cycle" at its first object, "}" at the others. */
static const char *cycle_mark(const struct way *way, size_t i)
{
	bool before = way->lines[i].with_last;
	bool after = i + 1 < way->cnt && way->lines[i + 1].with_last;

	return before ? "  }" : after ? "  } cycle" : "";
}

static int marked_columns(const struct way *way)
{
	int columns = 0;

	for (size_t i = 0; i < way->cnt; i++) {
		int width = text_width(way->lines[i].words) + (i ? (int)strlen(ARROW) : 0);

		if (*cycle_mark(way, i) && width > columns)
			columns = width;
	}
	return columns;
}

static void put_column(struct report_text *rt, const char *head, int indent, const struct way *way)
{
	int pad_columns = marked_columns(way);

	for (size_t i = 0; i < way->cnt; i++) {
		char words[TEXT_NAME_BYTES + 8];
		const char *mark = cycle_mark(way, i);

		snprintf(words, sizeof(words), "%s%.1000s", i ? ARROW : "", way->lines[i].words);
		if (*mark)
			text_pad(words, sizeof(words), pad_columns);
		if (i == 0)
			text_line(&rt->o, indent, "%s%s%s", head, words, mark);
		else
			text_line(&rt->o, indent + 3, "%*s%s%s", indent, "", words, mark);
	}
}

static void put_shape(struct report_text *rt, const struct heap_graph *graph,
		      const struct type_paths *tp, const struct path_shape *shape,
		      int count_columns)
{
	struct way_line lines[MAX_LINES];
	struct way way = { .lines = lines };
	double all = tp->paths->instances ? (double)tp->paths->instances : 1;
	double percent = 100 * (double)shape->instances / all;
	char share[24], head[80], line[4 * TEXT_NAME_BYTES];
	int indent, left;

	snprintf(share, sizeof(share), percent < 0.05 ? "<0.1 %%" : "%.1f %%", percent);
	snprintf(head, sizeof(head), "%*s  %*s  ", SHARE_COLUMNS, share, count_columns,
		 text_count(shape->instances).s);
	indent = rt->o.columns < ROOMY_COLUMNS ? 4 : (int)strlen(head);
	left = rt->o.columns - indent - (int)strlen(ARROW) - CYCLE_MARK_COLUMNS;
	make_way(&way, graph, tp->type, shape, left < 8 ? 8 : left);
	if (*one_line(line, sizeof(line), &way, rt->o.columns - (int)strlen(head)))
		text_line(&rt->o, indent, "%s%s", head, line);
	else
		put_column(rt, head, indent, &way);
	text_line(&rt->o, indent, "%*spath %016" PRIx64, indent, "", shape->fingerprint);
}

static void put_head(struct report_text *rt, const struct heap_graph *graph,
		     const struct type_paths *tp)
{
	char name[TEXT_NAME_BYTES], kept[160] = "";

	text_name(name, sizeof(name), heap_type_raw(graph, tp->type), TEXT_NAME_COLUMNS);
	if (tp->retained.objects > 0)
		snprintf(kept, sizeof(kept), ", retaining %s in %s object%s",
			 text_bytes((double)tp->retained.bytes).s,
			 text_count(tp->retained.objects).s,
			 tp->retained.objects == 1 ? "" : "s");
	if (tp->address)
		text_lead(&rt->o, TEXT_BOLD, "who holds", 2, " %s @0x%" PRIx64 ": %s%s", name,
			  tp->address, text_bytes((double)tp->paths->bytes).s, kept);
	else
		text_lead(&rt->o, TEXT_BOLD, "who holds", 2, " %s: %s object%s, %s%s", name,
			  text_count(tp->paths->instances).s, tp->paths->instances == 1 ? "" : "s",
			  text_bytes((double)tp->paths->bytes).s, kept);
}

void text_put_paths(struct report *report, const struct heap_graph *graph,
		    const struct type_paths *tp, size_t limit)
{
	struct report_text *rt = text_of(report);
	const struct paths *paths = tp->paths;
	size_t shown = limit > 0 && limit < paths->cnt ? limit : paths->cnt;
	uint64_t others = paths->others;

	text_gap(rt);
	put_head(rt, graph, tp);
	for (size_t i = 0; i < paths->cnt; i++) {
		if (i < shown)
			put_shape(rt, graph, tp, &paths->shapes[i],
				  (int)strlen(text_count(paths->shapes[0].instances).s));
		else
			others += paths->shapes[i].instances;
	}
	if (others > 0)
		text_line(&rt->o, 4, "  %s held in other ways", text_count(others).s);
	if (paths->unreachable > 0)
		text_line(&rt->o, 4, "  %s held by no root: %s for the collector",
			  text_count(paths->unreachable).s,
			  paths->unreachable == 1 ? "it waits" : "they wait");
	fflush(rt->o.out);
}
