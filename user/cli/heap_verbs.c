/* SPDX-License-Identifier: BSD-2-Clause */
/* The verbs that work on a graph: of a process, or of a saved snapshot. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyse/diff.h"
#include "analyse/totals.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "cli/heap_open.h"
#include "cli/heap_show.h"
#include "cli/report_open.h"
#include "cli/verbs.h"
#include "report/dot.h"
#include "snapshot/graph_file.h"

#define DEFAULT_ROWS 20
#define DEFAULT_PATHS 5

static struct report *open_report(const struct options *options, const struct heap_graph *graph)
{
	struct report *report = report_open(options);

	if (report)
		report->pid = (int)graph->info.pid;
	return report;
}

static int finish(struct report *report, struct heap_graph *graph, int err)
{
	report_destroy(report);
	graph_destroy(graph);
	if (err == -ENOMEM)
		pr_error("snapshot: out of memory; --max-memory sets a limit beforehand");
	return err ? EXIT_FAILED : EXIT_DONE;
}

/* The objects that the command line names; the caller frees them. */
static int find_objects(const struct options *options, const struct heap_graph *graph,
			uint32_t **nodes, size_t *cnt)
{
	uint32_t type;
	int err;

	if (!options->address) {
		err = heap_find_type(graph, options->type, &type);
		return err ? err : totals_instances(graph, type, nodes, cnt);
	}
	*nodes = malloc(sizeof(**nodes));
	if (!*nodes)
		return -ENOMEM;
	**nodes = heap_find_object(graph, options->address);
	*cnt = 1;
	if (**nodes != NODE_NONE)
		return 0;
	pr_error("backrefs: no object at %#llx: it has gone, or it is no object",
		 (unsigned long long)options->address);
	return -ENOENT;
}

static int draw(const struct options *options, const struct heap_view *view, const uint32_t *nodes,
		size_t cnt)
{
	const char *format = options->format == FORMAT_PNG ? "png" : "svg";
	char path[4096], dot_path[4200];
	int err;

	if (options->format == FORMAT_DOT)
		return heap_write_dot(view, nodes, cnt, (unsigned int)options->limit,
				      options->depth, options->output, stdout);
	if (options->output)
		snprintf(path, sizeof(path), "%s", options->output);
	else
		snprintf(path, sizeof(path), "objects.%s", format);
	snprintf(dot_path, sizeof(dot_path), "%s.dot", path);
	err = heap_write_dot(view, nodes, cnt, (unsigned int)options->limit, options->depth,
			     dot_path, NULL);
	if (!err)
		err = picture_render(dot_path, format, path);
	if (!err) {
		unlink(dot_path);
		printf("%s\n", path);
	}
	return err;
}

static int show_backrefs(const struct options *options, const struct heap_graph *graph)
{
	_cleanup_free_ uint32_t *nodes = NULL;
	struct heap_view view;
	struct report *report;
	size_t cnt;
	int err = find_objects(options, graph, &nodes, &cnt);

	if (err)
		return err;
	/* Further objects of the type are holders. */
	if (graph->info.sampled && cnt > graph->info.sampled)
		cnt = graph->info.sampled;
	err = heap_view_open(graph, &view);
	if (err)
		return err;
	if (options->format >= FORMAT_DOT) {
		err = draw(options, &view, nodes, cnt);
	} else {
		report = open_report(options, graph);
		err = report ? heap_show_snapshot(report, graph) : -ENOMEM;
		if (!err)
			err = heap_show_paths(report, &view, nodes, cnt, options->address,
					      report_rows(options, DEFAULT_PATHS));
		report_destroy(report);
	}
	heap_view_close(&view);
	return err;
}

int verb_backrefs(const struct options *options)
{
	struct heap_graph *graph;

	if (heap_open(options, &graph))
		return EXIT_FAILED;
	return finish(NULL, graph, show_backrefs(options, graph));
}

int verb_cycles(const struct options *options)
{
	struct heap_graph *graph;
	struct report *report;
	struct cycles cycles;
	int err;

	if (heap_open(options, &graph))
		return EXIT_FAILED;
	report = open_report(options, graph);
	err = report ? heap_show_snapshot(report, graph) : -ENOMEM;
	if (!err)
		err = cycles_find(graph, &cycles);
	if (!err) {
		report->ops->cycles(report, graph, &cycles, report_rows(options, DEFAULT_ROWS));
		cycles_deinit(&cycles);
	}
	return finish(report, graph, err);
}

int verb_snapshot(const struct options *options)
{
	struct heap_graph *graph;
	struct report *report = NULL;
	int err;

	if (heap_open(options, &graph))
		return EXIT_FAILED;
	err = graph_save(graph, options->output);
	if (!err) {
		report = open_report(options, graph);
		err = report ? heap_show_snapshot(report, graph) : -ENOMEM;
	}
	if (!err)
		err = heap_show_overview(report, graph,
					 options->limit ? (size_t)options->limit : 10);
	return finish(report, graph, err);
}

int verb_all_types(const struct options *options)
{
	_cleanup_free_ struct type_total *rows = NULL;
	struct heap_totals totals;
	struct heap_graph *graph;
	struct report *report;
	size_t cnt;
	int err;

	if (heap_open(options, &graph))
		return EXIT_FAILED;
	report = open_report(options, graph);
	err = report ? totals_by_type(graph, &totals, &rows, &cnt) : -ENOMEM;
	if (!err) {
		report->ops->snapshot(report, &graph->info, &totals);
		report->ops->all_types(report, graph, rows, cnt,
				       report_rows(options, DEFAULT_ROWS));
	}
	return finish(report, graph, err);
}

/* Who holds the objects of a type that are new since `before`. */
static int show_fresh(const struct options *options, struct report *report,
		      const struct heap_graph *before, const struct heap_graph *after)
{
	_cleanup_free_ uint32_t *nodes = NULL;
	struct heap_view view;
	uint32_t type;
	int64_t fresh;
	size_t cnt;
	int err = heap_find_type(after, options->type, &type);

	if (!err)
		err = totals_instances(after, type, &nodes, &cnt);
	if (err)
		return err;
	fresh = diff_fresh(before, after, type, nodes);
	if (fresh < 0)
		return (int)fresh;
	err = heap_view_open(after, &view);
	if (err)
		return err;
	err = heap_show_paths(report, &view, nodes, (size_t)fresh, 0,
			      report_rows(options, DEFAULT_PATHS));
	heap_view_close(&view);
	return err;
}

static int show_diff(const struct options *options, struct report *report,
		     const struct heap_graph *before, const struct heap_graph *after)
{
	struct diff diff;
	int err = diff_graphs(before, after, &diff);

	if (err)
		return err;
	report->ops->diff(report, &diff, report_rows(options, DEFAULT_ROWS));
	diff_deinit(&diff);
	return options->type ? show_fresh(options, report, before, after) : 0;
}

int verb_diff(const struct options *options)
{
	struct options second = *options;
	struct heap_graph *before, *after;
	struct report *report;
	int err;

	if (heap_open(options, &before))
		return EXIT_FAILED;
	second.files[0] = options->files[1];
	if (heap_open(&second, &after)) {
		graph_destroy(before);
		return EXIT_FAILED;
	}
	report = open_report(options, after);
	err = report ? show_diff(options, report, before, after) : -ENOMEM;
	graph_destroy(before);
	return finish(report, after, err);
}
