/* SPDX-License-Identifier: BSD-2-Clause */
/* The main job to its end: a leak is called, and a snapshot says who holds it. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "live/harness.h"

#define PYTHON "/usr/bin/python3"

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

/* Does a step of the path say: an object of `type` holds it by `name`? */
static bool has_step(const json_t *path, const char *type, const char *name)
{
	json_t *step;
	size_t i;

	json_array_foreach(json_object_get(path, "steps"), i, step)
	{
		if (!strcmp(text_of(step, "type"), type) && !strcmp(text_of(step, "name"), name))
			return true;
	}
	return false;
}

static void check_file(const char *folder, const char *name, const char *begins)
{
	char path[512], head[16] = "";
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "re");
	cr_assert(file, "there is no %s", path);
	cr_expect(fread(head, 1, sizeof(head) - 1, file) > 0);
	cr_expect(!strncmp(head, begins, strlen(begins)), "%s begins with %s", path, head);
	fclose(file);
	unlink(path);
}

Test(leak_job, a_leak_is_looked_into, .timeout = 120)
{
	char folder[] = "/tmp/pyleak-test-XXXXXX";
	struct program program;
	struct tool tool;
	json_t *path, *root;

	live_needs_root();
	cr_assert(mkdtemp(folder));
	program_start_ready(&program, PYTHON, "../../contrib/demo/mqdaemon.py", NULL);
	tool_start(&tool, "-p", pid_text(program.pid), "--format", "json", "-o", folder, NULL);
	path = tool_read(&tool, "path");
	cr_assert(path, "no path was told");
	cr_expect_str_eq(text_of(path, "type"), "mq.Message");
	cr_expect(has_step(path, "mq.Channel", "incoming"));
	cr_expect(has_step(path, "mq.NonBlockingConnection", "channels"));
	root = json_object_get(path, "root");
	cr_expect_str_eq(text_of(root, "kind"), "module");
	cr_expect_str_eq(text_of(root, "name"), "mq");
	cr_expect(strlen(text_of(path, "fingerprint")) == 16);
	cr_assert(tool_read(&tool, "cycle"), "no cycle was told");
	cr_assert(tool_read(&tool, "note"), "no picture was told");
	check_file(folder, "objects.dot", "digraph");
	check_file(folder, "objects.png", "\x89PNG");
	kill(tool.pid, SIGINT);
	tool_wait(&tool);
	cr_expect(tool.status == 0, "%d: %s", tool.status, tool.errors);
	cr_expect(tool_last(&tool, "summary"));
	cr_expect(program_is_running(&program));
	tool_free(&tool);
	program_stop(&program);
	rmdir(folder);
}

Test(leak_job, sigusr1_asks_for_a_snapshot, .timeout = 60)
{
	struct program program;
	struct tool tool;

	live_needs_root();
	program_start_ready(&program, PYTHON, "truth.py", NULL);
	tool_start(&tool, "-p", pid_text(program.pid), "--format", "json", NULL);
	cr_assert(tool_read(&tool, "census"));
	kill(tool.pid, SIGUSR1);
	cr_assert(tool_read(&tool, "snapshot"), "%s", tool.errors);
	cr_assert(tool_read(&tool, "holder"));
	/* And it goes on. */
	cr_assert(tool_read(&tool, "census"));
	kill(tool.pid, SIGTERM);
	tool_wait(&tool);
	cr_expect(tool.status == 0, "%d: %s", tool.status, tool.errors);
	tool_free(&tool);
	program_stop(&program);
}

/* The child that takes the snapshot dies with the tool, and lets the target go. */
Test(leak_job, kill_of_the_tool_ends_the_snapshot, .timeout = 60)
{
	struct program program;
	struct tool tool;

	live_needs_root();
	program_start_ready(&program, PYTHON, "truth.py", NULL);
	free(program_ask(&program, "big 300000"));
	tool_start(&tool, "-p", pid_text(program.pid), "--format", "json", NULL);
	cr_assert(tool_read(&tool, "census"));
	kill(tool.pid, SIGUSR1);
	kill(tool.pid, SIGKILL);
	tool_wait(&tool);
	cr_expect(tool.status == 128 + SIGKILL, "%d", tool.status);
	free(program_ask(&program, "rest"));
	cr_expect(program_is_running(&program));
	tool_free(&tool);
	program_stop(&program);
}
