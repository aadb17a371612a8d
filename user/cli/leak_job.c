/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/leak_job.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "analyse/totals.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "cli/heap_open.h"
#include "cli/heap_show.h"
#include "cli/report_open.h"
#include "report/dot.h"

#define MAX_TEXT (16 << 20) /* far more than a person reads */
#define PATHS_SHOWN 3
#define CYCLES_SHOWN 3
#define OVERVIEW_ROWS 10
#define MAX_CONTAINERS 256

struct leak_job {
	pid_t pid;
	int fd;
	char *text;
	size_t len, room;
};

/* ---- the child ---- */

/* The objects that a verdict is about; the caller frees them. Their number, 0: none are left. */
static size_t find_leaked(const struct heap_graph *graph, const struct verdict *leak,
			  uint32_t **nodes)
{
	uint32_t type;
	size_t cnt = 0;

	*nodes = NULL;
	if (leak->subject == SUBJECT_CONTAINER) {
		*nodes = malloc(sizeof(**nodes));
		if (*nodes)
			**nodes = heap_find_object(graph, leak->address);
		return *nodes && **nodes != NODE_NONE;
	}
	if (graph_find_types(graph, leak->name, &type, 1) != 1 ||
	    totals_instances(graph, type, nodes, &cnt))
		return 0;
	return cnt;
}

/* DIR/objects.dot and .png; of further leaks objects-2.dot and so on. */
static void draw(struct report *report, const struct session *session, const struct heap_view *view,
		 const uint32_t *nodes, size_t cnt, size_t number)
{
	const char *folder = session->options->output;
	char stem[3900], dot[4000], png[4000], sentence[8200];

	if (!folder)
		return;
	if (number)
		snprintf(stem, sizeof(stem), "%s/objects-%zu", folder, number + 1);
	else
		snprintf(stem, sizeof(stem), "%s/objects", folder);
	snprintf(dot, sizeof(dot), "%s.dot", stem);
	snprintf(png, sizeof(png), "%s.png", stem);
	if (heap_write_dot(view, nodes, cnt, 0, session->options->depth, dot, NULL))
		return;
	if (picture_render(dot, "png", png))
		snprintf(sentence, sizeof(sentence), "the picture of who holds it: %s", dot);
	else
		snprintf(sentence, sizeof(sentence), "the picture of who holds it: %s, %s", dot,
			 png);
	report->ops->note(report, session_elapsed(session), sentence);
}

static int show_leak(struct report *report, const struct session *session,
		     const struct heap_view *view, const struct verdict *leak, size_t number)
{
	bool one = leak->subject == SUBJECT_CONTAINER;
	_cleanup_free_ uint32_t *nodes = NULL;
	size_t cnt = find_leaked(view->graph, leak, &nodes);
	uint64_t sampled = view->graph->info.sampled;
	struct cycles cycles;
	int err;

	if (!cnt)
		return 0;
	/* Further objects of the type are holders. */
	if (sampled && cnt > sampled)
		cnt = sampled;
	err = heap_show_paths(report, view, nodes, cnt, one ? leak->address : 0, PATHS_SHOWN);
	if (err)
		return err;
	/* The cycles that the leaked type is part of. */
	if (!one && !sampled &&
	    heap_cycles_of(view, view->graph->nodes[nodes[0]].type, &cycles) == 0) {
		if (cycles.cnt)
			report->ops->cycles(report, view->graph, &cycles, CYCLES_SHOWN);
		free(cycles.groups);
	}
	draw(report, session, view, nodes, cnt, number);
	return 0;
}

static size_t find_untracked(struct session *session, raddr_t *out)
{
	const struct sample *sample = collector_sample(session->collector);
	size_t cnt = 0;

	for (size_t i = 0; i < sample->container_cnt && cnt < MAX_CONTAINERS; i++) {
		if (!sample->containers[i].gc_tracked)
			out[cnt++] = sample->containers[i].address;
	}
	return cnt;
}

/* What the graph is made for: when there is no memory for all of it, the first leak. */
static struct options options_of(const struct session *session, const struct verdict *leaks,
				 size_t cnt)
{
	struct options options = *session->options;

	if (!cnt)
		return options;
	options.verb = VERB_BACKREFS;
	options.type = leaks[0].name;
	options.address = leaks[0].subject == SUBJECT_CONTAINER ? leaks[0].address : 0;
	return options;
}

static int show_leaks(struct report *report, const struct session *session,
		      const struct heap_view *view, const struct verdict *leaks, size_t cnt)
{
	bool sampled = view->graph->info.sampled;
	int err = 0;

	for (size_t i = 0; !err && i < (sampled ? 1 : cnt); i++)
		err = show_leak(report, session, view, &leaks[i], i);
	if (!err && !sampled)
		err = heap_show_excess(report, view->graph, CYCLES_SHOWN);
	return err;
}

static int investigate(struct session *session, struct report *report, const struct verdict *leaks,
		       size_t cnt)
{
	struct options options = options_of(session, leaks, cnt);
	raddr_t containers[MAX_CONTAINERS];
	size_t container_cnt = find_untracked(session, containers);
	struct heap_graph *graph;
	struct heap_view view;
	int err = heap_take(&options, &session->target, &session->python, containers, container_cnt,
			    &graph);

	if (!err)
		err = heap_show_snapshot(report, graph);
	if (!err)
		err = heap_view_open(graph, &view);
	if (!err)
		err = cnt ? show_leaks(report, session, &view, leaks, cnt)
			  : heap_show_overview(report, graph, OVERVIEW_ROWS);
	return err; /* the process ends: nothing is freed */
}

/* Never returns, and runs nothing of the parent's: its probes are still its own. */
static void run_child(struct session *session, int fd, const struct verdict *leaks, size_t cnt)
{
	FILE *out = fdopen(fd, "w");
	struct report *report = out ? report_open_at(session->options, out) : NULL;
	int err = -ENOMEM;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (report) {
		report->pid = session->target.pid;
		err = investigate(session, report, leaks, cnt);
		fflush(out);
	}
	_exit(err ? EXIT_FAILED : EXIT_DONE);
}

/* ---- the parent ---- */

int leak_job_start(struct session *session, const struct verdict *leaks, size_t cnt,
		   struct leak_job **out)
{
	struct leak_job *job = calloc(1, sizeof(*job));
	int ends[2] = { -1, -1 }, err;

	if (!job)
		return -ENOMEM;
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK)) {
		err = -errno;
		free(job);
		return err;
	}
	fcntl(ends[1], F_SETFL, 0);
	fflush(NULL);
	job->pid = fork();
	if (job->pid == 0) {
		close(ends[0]);
		run_child(session, ends[1], leaks, cnt);
	}
	close(ends[1]);
	job->fd = ends[0];
	if (job->pid < 0) {
		err = -errno;
		pr_warn("snapshot: no process could be started for it: %s", strerror(-err));
		close(job->fd);
		free(job);
		return err;
	}
	*out = job;
	return 0;
}

int leak_job_fd(const struct leak_job *job)
{
	return job->fd;
}

static bool make_room(struct leak_job *job)
{
	size_t room = job->room ? 2 * job->room : 65536;
	char *text;

	if (job->len < job->room)
		return true;
	text = room <= MAX_TEXT ? realloc(job->text, room) : NULL;
	if (!text)
		return false;
	job->text = text;
	job->room = room;
	return true;
}

int leak_job_take(struct leak_job *job)
{
	ssize_t got;

	do {
		if (!make_room(job))
			return -ENOMEM;
		got = read(job->fd, job->text + job->len, job->room - job->len);
		if (got > 0)
			job->len += (size_t)got;
	} while (got > 0 || (got < 0 && errno == EINTR));
	if (got < 0)
		return errno == EAGAIN ? 0 : -errno;
	waitpid(job->pid, NULL, 0);
	job->pid = 0;
	return 1;
}

const char *leak_job_text(const struct leak_job *job, size_t *len)
{
	*len = job->len;
	return job->text;
}

void leak_job_close(struct leak_job *job)
{
	if (!job)
		return;
	if (job->pid) {
		kill(job->pid, SIGKILL);
		waitpid(job->pid, NULL, 0);
	}
	close(job->fd);
	free(job->text);
	free(job);
}
