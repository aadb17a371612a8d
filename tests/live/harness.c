/* SPDX-License-Identifier: BSD-2-Clause */
#include "live/harness.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define LINE_TIMEOUT_MS 30000
#define MAX_ARGS 32

double live_slowness(void)
{
	const char *text = getenv("PYLEAK_SLOWNESS");
	double slowness = text ? atof(text) : 1;

	return slowness > 1 ? slowness : 1;
}

void live_needs_root(void)
{
	if (geteuid() != 0)
		cr_skip_test("needs root: uprobes cannot be attached without");
}

const char *pid_text(pid_t pid)
{
	static char text[4][16];
	static int next;

	next = (next + 1) % 4;
	snprintf(text[next], sizeof(text[next]), "%d", pid);
	return text[next];
}

/* Starts argv with stdin and stdout on pipes; stderr goes to `errors` if that is given. */
static pid_t spawn(char *const *argv, const char *env, int *to, int *from, const char *errors)
{
	int in[2], out[2];
	pid_t pid;

	cr_assert(!pipe2(in, O_CLOEXEC) && !pipe2(out, O_CLOEXEC), "pipe: %s", strerror(errno));
	pid = fork();
	cr_assert(pid >= 0, "fork: %s", strerror(errno));
	if (!pid) {
		dup2(in[0], STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		if (errors && !freopen(errors, "w", stderr))
			_exit(126);
		if (env)
			putenv(strdup(env));
		execv(argv[0], argv);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	*to = in[1];
	*from = out[0];
	return pid;
}

static void start(struct program *program, const char *python, const char *env, va_list args)
{
	char script[256], *argv[MAX_ARGS] = { (char *)python, script };
	int to, from, cnt = 2;

	memset(program, 0, sizeof(*program));
	snprintf(script, sizeof(script), "tests/programs/%s", va_arg(args, const char *));
	while (cnt < MAX_ARGS - 1 && (argv[cnt] = va_arg(args, char *)))
		cnt++;
	program->pid = program->child = spawn(argv, env, &to, &from, NULL);
	program->to = fdopen(to, "w");
	program->from = fdopen(from, "r");
	setvbuf(program->from, NULL, _IONBF, 0);
	snprintf(program->name, sizeof(program->name), "%s %s", python, script);
}

void program_start(struct program *program, const char *python, const char *env, ...)
{
	va_list args;

	va_start(args, env);
	start(program, python, env, args);
	va_end(args);
}

static bool wait_readable(FILE *file)
{
	struct pollfd fd = { .fd = fileno(file), .events = POLLIN };

	return poll(&fd, 1, (int)(LINE_TIMEOUT_MS * live_slowness())) == 1;
}

static char *read_line(struct program *program)
{
	size_t size = 0, len = 0;
	char *line = NULL;

	for (;;) {
		if (len + 2 > size)
			line = realloc(line, size = size * 2 + 256);
		cr_assert(wait_readable(program->from), "%s: no answer", program->name);
		if (read(fileno(program->from), line + len, 1) != 1)
			cr_assert(false, "%s ended", program->name);
		if (line[len] == '\n')
			break;
		len++;
	}
	line[len] = '\0';
	return line;
}

char *program_line(struct program *program)
{
	char *line = read_line(program);

	/* What speaks has begun, so the wrappers have become what they are going to be. */
	if (program->pid == program->child)
		program->pid = live_interpreter_of(program->child);
	return line;
}

char *program_ask(struct program *program, const char *command)
{
	fprintf(program->to, "%s\n", command);
	fflush(program->to);
	return program_line(program);
}

json_t *program_ask_json(struct program *program, const char *command)
{
	char *line = program_ask(program, command);
	json_t *answer = json_loads(line, 0, NULL);

	cr_assert(answer, "%s: '%s' answered '%.200s'", program->name, command, line);
	free(line);
	return answer;
}

void program_start_ready(struct program *program, const char *python, ...)
{
	va_list args;
	char *line;

	va_start(args, python);
	start(program, python, NULL, args);
	va_end(args);
	line = program_line(program);
	cr_assert(!strncmp(line, "READY ", 6), "%s: '%s'", program->name, line);
	free(line);
}

bool program_is_running(const struct program *program)
{
	return !waitpid(program->child, NULL, WNOHANG);
}

int program_stop(struct program *program)
{
	int status = 0;

	fclose(program->to);
	waitpid(program->child, &status, 0);
	fclose(program->from);
	return status;
}

static void tool_begin(struct tool *tool, va_list args)
{
	char *argv[MAX_ARGS] = { getenv("PYLEAK_BPF") };
	int to, from, cnt = 1;

	cr_assert(argv[0], "PYLEAK_BPF does not name the tool: run make check-live");
	memset(tool, 0, sizeof(*tool));
	snprintf(tool->error_path, sizeof(tool->error_path), "/tmp/pyleak-live-XXXXXX");
	close(mkstemp(tool->error_path));
	while (cnt < MAX_ARGS - 1 && (argv[cnt] = va_arg(args, char *)))
		cnt++;
	tool->pid = spawn(argv, NULL, &to, &from, tool->error_path);
	close(to);
	tool->out = fdopen(from, "r");
	tool->lines = json_array();
}

void tool_start(struct tool *tool, ...)
{
	va_list args;

	va_start(args, tool);
	tool_begin(tool, args);
	va_end(args);
}

json_t *tool_read(struct tool *tool, const char *kind)
{
	char *line = NULL;
	size_t size = 0;
	json_t *found = NULL;

	while (!found && getline(&line, &size, tool->out) >= 0) {
		json_t *object = json_loads(line, 0, NULL);

		if (!object)
			continue; /* text output */
		json_array_append_new(tool->lines, object);
		if (kind && !strcmp(json_string_value(json_object_get(object, "kind")), kind))
			found = object;
	}
	free(line);
	return found;
}

bool tool_is_running(const struct tool *tool)
{
	siginfo_t info = {};

	/* Leaves it to be reaped by tool_wait(). */
	return !waitid(P_PID, (id_t)tool->pid, &info, WEXITED | WNOHANG | WNOWAIT) && !info.si_pid;
}

void tool_wait(struct tool *tool)
{
	FILE *errors;
	int status;

	while (tool_read(tool, NULL))
		;
	waitpid(tool->pid, &status, 0);
	tool->status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	errors = fopen(tool->error_path, "r");
	if (errors) {
		tool->errors[fread(tool->errors, 1, sizeof(tool->errors) - 1, errors)] = '\0';
		fclose(errors);
	}
	unlink(tool->error_path);
}

void tool_run(struct tool *tool, ...)
{
	va_list args;

	va_start(args, tool);
	tool_begin(tool, args);
	va_end(args);
	tool_wait(tool);
}

json_t *tool_last(const struct tool *tool, const char *kind)
{
	for (size_t i = json_array_size(tool->lines); i; i--) {
		json_t *object = json_array_get(tool->lines, i - 1);

		if (!strcmp(json_string_value(json_object_get(object, "kind")), kind))
			return object;
	}
	return NULL;
}

void tool_free(struct tool *tool)
{
	fclose(tool->out);
	json_decref(tool->lines);
}

json_int_t live_of(const json_t *object, const char *type)
{
	json_t *rows = json_object_get(object, "types"), *row;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		if (!strcmp(json_string_value(json_object_get(row, "name")), type))
			return json_integer_value(json_object_get(row, "live"));
	}
	return 0;
}

void check_types_equal(const json_t *types, const json_t *truth, const char *name)
{
	json_t *rows = json_object_get(types, "types"), *row, *count;
	size_t i, seen = 0;
	const char *type;

	cr_assert(json_array_size(rows) > 50, "%s: only %zu types", name, json_array_size(rows));
	json_object_foreach((json_t *)truth, type, count)
	{
		json_int_t live = live_of(types, type);

		cr_expect(live == json_integer_value(count), "%s: %s: %lld live, in truth %lld",
			  name, type, (long long)live, (long long)json_integer_value(count));
	}
	json_array_foreach(rows, i, row)
	{
		const char *found = json_string_value(json_object_get(row, "name"));

		seen += json_object_get(truth, found) != NULL;
		cr_expect(json_object_get(truth, found) ||
				  !json_integer_value(json_object_get(row, "live")),
			  "%s: %s is not there in truth", name, found);
	}
	cr_expect(seen == json_object_size(truth), "%s: %zu of %zu types", name, seen,
		  json_object_size(truth));
}
