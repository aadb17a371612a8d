/* SPDX-License-Identifier: BSD-2-Clause */
/* `sites`: who allocates the objects of a type, as Python stacks. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "cli/alloc_watch.h"
#include "cli/report_open.h"
#include "cli/verbs.h"
#include "collect/alloc_windows.h"
#include "report/folded.h"
#include "report/pprof.h"

#define DEFAULT_STACKS 10
#define MAX_LISTED 20

struct sites_run {
	struct alloc_watch *watch;
	bool asked; /* the type was looked for */
	bool found;
};

/* Several types of the name that was given: which one is meant? */
static int refuse_ambiguous(const struct sample *sample, const char *wanted)
{
	char names[1000] = "";
	size_t cnt = 0, used = 0;

	for (size_t i = 0; i < sample->type_cnt; i++) {
		const char *name = sample->types[i].name;

		if (!py_type_is_called(name, wanted))
			continue;
		cnt++;
		if (cnt <= MAX_LISTED && used < sizeof(names))
			used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s",
						 used ? ", " : "", name);
	}
	if (cnt < 2)
		return 0;
	pr_error("sites: %zu types are called %s: %s; name one of them", cnt, wanted, names);
	return -EINVAL;
}

static void tell(struct session *session, const struct sites_run *run)
{
	const char *type = session->options->type;
	char sentence[400];

	if (run->found)
		snprintf(sentence, sizeof(sentence), "allocations of %s are seen from here: %s",
			 type, alloc_watch_words(run->watch));
	else
		snprintf(sentence, sizeof(sentence),
			 "no type %s so far: its allocations are seen from the second on; %s", type,
			 alloc_watch_words(run->watch));
	session->report->ops->note(session->report, session_elapsed(session), sentence);
	fflush(session->report->out);
}

static int on_sample(struct session *session, void *context)
{
	struct sites_run *run = context;
	const struct sample *sample = collector_sample(session->collector);
	int err;

	if (run->asked) {
		err = alloc_watch_step(run->watch);
		if (!err && !run->found && alloc_watch_has_suspects(run->watch)) {
			run->found = true;
			tell(session, run);
		}
		return err;
	}
	if (sample->instrument == INSTRUMENT_NONE)
		return 0;
	run->asked = true;
	err = refuse_ambiguous(sample, session->options->type);
	if (err)
		return err;
	err = alloc_watch_suspect(run->watch, session->options->type);
	run->found = !err;
	if (err == -ENOENT)
		err = alloc_watch_step(run->watch);
	if (!err)
		tell(session, run);
	return err;
}

/* Bytes do not belong on a terminal. */
static int write_profile(const struct options *options, const struct alloc_stacks *stacks)
{
	bool pprof = options->format == FORMAT_PPROF;
	const char *path = options->output ? options->output : pprof ? "allocations.pb.gz" : NULL;
	_cleanup_fclose_ FILE *file = path ? fopen(path, "we") : NULL;
	FILE *out = path ? file : stdout;
	int err;

	if (!out) {
		err = -errno;
		pr_error("sites: cannot write %s: %s; name another with -o", path, strerror(-err));
		return err;
	}
	err = pprof ? pprof_write(out, stacks) : folded_write(out, stacks);
	if (!err && (fflush(out) || ferror(out)))
		err = -EIO;
	if (err)
		pr_error("sites: cannot write %s: %s", path ? path : "the stacks", strerror(-err));
	else if (path)
		printf("%s\n", path);
	return err;
}

static int show(struct session *session, struct sites_run *run)
{
	const struct options *options = session->options;
	struct alloc_stacks stacks;
	int err;

	alloc_watch_rest(run->watch);
	if (!run->asked) {
		pr_error("sites: process %d: no census came in the time of the watch, so its types "
			 "are not known; watch longer (-d)",
			 session->target.pid);
		return -EINVAL;
	}
	if (!alloc_watch_has_suspects(run->watch)) {
		pr_error("sites: process %d has no objects of a type %s, and none were made; "
			 "pyleak-bpf types -p %d lists its types",
			 session->target.pid, options->type, session->target.pid);
		return -EINVAL;
	}
	err = alloc_watch_stacks(run->watch, &stacks);
	if (err)
		return err;
	if (options->format >= FORMAT_FOLDED)
		err = write_profile(options, &stacks);
	else
		session->report->ops->stacks(session->report, &stacks,
					     report_rows(options, DEFAULT_STACKS));
	alloc_stacks_deinit(&stacks);
	return err;
}

int verb_sites(const struct options *options)
{
	struct sites_run run = {};
	struct session session;
	enum watch_end end;
	int err;

	if (session_open(options, options->pid, (struct session_wants){}, 0, &session))
		return EXIT_FAILED;
	err = alloc_watch_open(&session, options->exact, &run.watch);
	if (err) {
		session_close(&session);
		return EXIT_FAILED; /* said there */
	}
	err = session_loop(&session, on_sample, &run, &end);
	if (!err)
		err = show(&session, &run);
	if (err && err != -EINVAL)
		pr_error("sites: process %d: %s", session.target.pid,
			 err == -EOPNOTSUPP ? ALLOC_WINDOWS_LACK : strerror(-err));
	alloc_watch_close(run.watch);
	session_close(&session);
	return err ? EXIT_FAILED : EXIT_DONE;
}
