/* SPDX-License-Identifier: BSD-2-Clause */
/* Interpreters in other programs: libpython that comes and goes, and one that uWSGI's plugin
 * brings, in processes that are forked after the application was loaded. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "live/embedder.h"

#define UWSGI "/usr/bin/uwsgi-core"
#define WORKERS 2
#define WATCH_S "40"
#define REQUEST_US 100000

/* ---- an interpreter that is not there */

static void expect_refusal(pid_t pid, const char *words, const struct embedded *embedded)
{
	static const char *const verbs[] = { "types", "cycles", "stat" };

	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		struct tool tool;

		tool_run(&tool, verbs[i], "-p", pid_text(pid), NULL);
		cr_expect_eq(tool.status, 1, "%s: %s: status %d", embedded->library, verbs[i],
			     tool.status);
		cr_expect(strstr(tool.errors, words), "%s: %s: %s", embedded->library, verbs[i],
			  tool.errors);
		cr_expect(strchr(tool.errors, '\n') == tool.errors + strlen(tool.errors) - 1,
			  "%s: %s", embedded->library, tool.errors);
		tool_free(&tool);
	}
}

static void expect_types(pid_t pid, const struct embedded *embedded)
{
	struct tool tool;

	tool_run(&tool, "types", "-p", pid_text(pid), "--format", "json", NULL);
	cr_expect_eq(tool.status, 0, "%s: %s", embedded->library, tool.errors);
	cr_expect_eq(live_of(tool_last(&tool, "types"), "__main__.Marked"), 12, "%s",
		     embedded->library);
	tool_free(&tool);
}

ParameterizedTestParameters(embedded, an_interpreter_that_comes_and_goes)
{
	return embedder_libraries();
}

ParameterizedTest(struct embedded *param, embedded, an_interpreter_that_comes_and_goes,
		  .timeout = 120)
{
	struct embedder embedder;

	live_needs_root();
	embedder_start(&embedder, param, "idle");
	/* What is known before Py_Initialize() differs by version. */
	expect_refusal(embedder.program.pid, "not initialised yet", param);
	for (int i = 0; i < 2; i++) {
		embedder_say(&embedder, "begin", "ok");
		embedder_say(
			&embedder,
			"run exec(\"class Marked: pass\\nkept = [Marked() for _ in range(12)]\")",
			"ok");
		expect_types(embedder.program.pid, param);
		embedder_say(&embedder, "end", "ok");
		expect_refusal(embedder.program.pid, "has no interpreter", param);
	}
	embedder_stop(&embedder);
}

/* ---- uWSGI */

struct uwsgi {
	pid_t pid;
	FILE *log;
	char folder[64];
};

static void wait_for_log(struct uwsgi *uwsgi, const char *words)
{
	char line[1000] = "";

	while (!strstr(line, words))
		cr_assert(fgets(line, sizeof(line), uwsgi->log), "uWSGI does not say '%s'", words);
}

/* Each worker has a socket of its own. */
static void uwsgi_start(struct uwsgi *uwsgi)
{
	char sockets[WORKERS][100];
	int log[2];

	strcpy(uwsgi->folder, "/tmp/pyleak-uwsgi-XXXXXX");
	cr_assert(mkdtemp(uwsgi->folder) && !pipe2(log, O_CLOEXEC));
	for (int i = 0; i < WORKERS; i++)
		snprintf(sockets[i], sizeof(sockets[i]), "%s/%d", uwsgi->folder, i);
	uwsgi->pid = fork();
	cr_assert_geq(uwsgi->pid, 0);
	if (!uwsgi->pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* also of a test that failed */
		dup2(log[1], STDOUT_FILENO);
		dup2(log[1], STDERR_FILENO);
		execl(UWSGI, UWSGI, "--plugin", "python3", "--master", "--die-on-term",
		      "--no-orphans", "--disable-logging", "--workers", "2", "--threads", "2",
		      "--http-socket", sockets[0], "--http-socket", sockets[1], "--map-socket",
		      "0:1", "--map-socket", "1:2", "--pythonpath", "tests/programs", "--module",
		      "wsgi_app", NULL);
		_exit(127);
	}
	close(log[1]);
	uwsgi->log = fdopen(log[0], "r");
	wait_for_log(uwsgi, "spawned uWSGI worker 2");
}

static void uwsgi_stop(struct uwsgi *uwsgi)
{
	char command[100];
	int status;

	kill(uwsgi->pid, SIGTERM);
	cr_assert_eq(waitpid(uwsgi->pid, &status, 0), uwsgi->pid);
	cr_expect(WIFEXITED(status), "uWSGI was ended by signal %d", WTERMSIG(status));
	fclose(uwsgi->log);
	snprintf(command, sizeof(command), "rm -r '%s'", uwsgi->folder);
	cr_expect(!system(command));
}

/* The body of the answer of a worker. */
static const char *ask(const struct uwsgi *uwsgi, int worker, const char *path)
{
	static char answer[4096];
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	const char *body;
	size_t len = 0;
	ssize_t got;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/%d", uwsgi->folder, worker);
	cr_assert(!connect(fd, (struct sockaddr *)&address, sizeof(address)), "%s: %s",
		  address.sun_path, strerror(errno));
	dprintf(fd, "GET %s HTTP/1.0\r\n\r\n", path);
	while ((got = read(fd, answer + len, sizeof(answer) - 1 - len)) > 0)
		len += (size_t)got;
	close(fd);
	answer[len] = '\0';
	body = strstr(answer, "\r\n\r\n");
	cr_assert(body, "%s: '%s'", path, answer);
	return body + 4;
}

static void expect_counts(pid_t pid, json_int_t leaked, json_int_t inherited)
{
	struct tool tool;
	json_t *types;

	tool_run(&tool, "types", "-p", pid_text(pid), "--format", "json", NULL);
	cr_assert_eq(tool.status, 0, "%s", tool.errors);
	types = tool_last(&tool, "types");
	cr_expect_eq(live_of(types, "wsgi_app.Leaked"), leaked, "process %d: %lld of %lld", pid,
		     (long long)live_of(types, "wsgi_app.Leaked"), (long long)leaked);
	cr_expect_eq(live_of(types, "wsgi_app.Inherited"), inherited, "process %d", pid);
	tool_free(&tool);
}

static void expect_holder(pid_t pid)
{
	struct tool tool;
	json_t *steps, *last;

	tool_run(&tool, "backrefs", "-p", pid_text(pid), "-t", "wsgi_app.Leaked", "--format",
		 "json", NULL);
	cr_assert_eq(tool.status, 0, "%s", tool.errors);
	steps = json_object_get(tool_last(&tool, "path"), "steps");
	last = json_array_get(steps, json_array_size(steps) - 1);
	cr_expect_str_eq(json_string_value(json_object_get(last, "type")), "module");
	cr_expect_str_eq(json_string_value(json_object_get(last, "name")), "kept");
	last = json_object_get(tool_last(&tool, "path"), "root");
	cr_expect_str_eq(json_string_value(json_object_get(last, "name")), "wsgi_app");
	tool_free(&tool);
}

static void needs_uwsgi(void)
{
	live_needs_root();
	if (access(UWSGI, X_OK))
		cr_skip_test("needs uWSGI: contrib/packages.sh uwsgi-core uwsgi-plugin-python3");
}

Test(embedded, workers_of_uwsgi_are_told_apart, .timeout = 120)
{
	struct uwsgi uwsgi;
	pid_t workers[WORKERS];

	needs_uwsgi();
	uwsgi_start(&uwsgi);
	ask(&uwsgi, 0, "/make/700");
	ask(&uwsgi, 1, "/make/30");
	for (int i = 0; i < WORKERS; i++) {
		long long leaked, inherited;

		workers[i] = atoi(ask(&uwsgi, i, "/pid"));
		cr_assert_eq(sscanf(ask(&uwsgi, i, "/count"), "%lld %lld", &leaked, &inherited), 2);
		cr_expect_eq(leaked, i ? 30 : 700);
		expect_counts(workers[i], leaked, inherited);
	}
	/* The master has what it had before the fork. */
	cr_assert(workers[0] != workers[1] && workers[0] != uwsgi.pid);
	expect_counts(uwsgi.pid, 0, 100);
	expect_holder(workers[0]);
	uwsgi_stop(&uwsgi);
}

/* A process that asks for more ten times a second, until it is killed. */
static pid_t start_load(const struct uwsgi *uwsgi)
{
	pid_t pid = fork();

	cr_assert_geq(pid, 0);
	while (!pid) {
		ask(uwsgi, 0, "/make/5");
		usleep(REQUEST_US);
	}
	return pid;
}

/* One class leaks, and no other of the application's is blamed. */
Test(embedded, a_leak_in_a_worker_of_uwsgi_is_found, .timeout = 120)
{
	struct uwsgi uwsgi;
	struct tool tool;
	bool found = false;
	json_t *line;
	pid_t load;
	size_t i;

	needs_uwsgi();
	uwsgi_start(&uwsgi);
	load = start_load(&uwsgi);
	tool_start(&tool, "-p", ask(&uwsgi, 0, "/pid"), "-d", WATCH_S, "--format", "json", NULL);
	tool_wait(&tool);
	kill(load, SIGKILL);
	waitpid(load, NULL, 0);
	cr_expect_eq(tool.status, 0, "%s", tool.errors);
	json_array_foreach(tool.lines, i, line)
	{
		const char *verdict = json_string_value(json_object_get(line, "verdict"));
		const char *type = json_string_value(json_object_get(line, "type"));

		if (!verdict || !type || strcmp(verdict, "leak"))
			continue;
		found |= !strcmp(type, "wsgi_app.Leaked");
		cr_expect(strcmp(type, "wsgi_app.Inherited"), "%s is blamed", type);
	}
	cr_expect(found, "wsgi_app.Leaked is not called a leak");
	tool_free(&tool);
	uwsgi_stop(&uwsgi);
}
