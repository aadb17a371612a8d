/* SPDX-License-Identifier: BSD-2-Clause */
#include "live/embedder.h"

#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct criterion_test_params embedder_libraries(void)
{
	size_t cnt, kept = 0;
	struct python_param *all = live_pythons(&cnt);
	struct embedded *found = cr_malloc((cnt + 1) * sizeof(*found));

	for (size_t i = 0; i < cnt; i++) {
		char pattern[400];
		glob_t libs;
		int home_len = (int)(strlen(all[i].path) - strlen("/bin/python3"));

		snprintf(pattern, sizeof(pattern), "%.*s/lib/libpython3.*.so.1.0", home_len,
			 all[i].path);
		if (!glob(pattern, 0, NULL, &libs) && libs.gl_pathc) {
			snprintf(found[kept].home, sizeof(found[kept].home), "%.*s", home_len,
				 all[i].path);
			snprintf(found[kept++].library, sizeof(found[0].library), "%s",
				 libs.gl_pathv[0]);
		}
		globfree(&libs);
	}
	return cr_make_param_array(struct embedded, found, kept);
}

void embedder_start(struct embedder *embedder, const struct embedded *embedded, const char *mode)
{
	char command[600], home[300], *line;

	snprintf(embedder->path, sizeof(embedder->path), "/tmp/pyleak-embedder-XXXXXX");
	close(mkstemp(embedder->path));
	snprintf(command, sizeof(command), "cc -o %s tests/programs/embedder.c -ldl",
		 embedder->path);
	cr_assert(!system(command), "%s", command);
	snprintf(home, sizeof(home), "PYTHONHOME=%s", embedded->home);
	program_start(&embedder->program, embedder->path, home, "-", embedded->library, mode, NULL);
	line = program_line(&embedder->program);
	cr_assert(!strncmp(line, "READY", 5), "%s: %s", embedded->library, line);
	free(line);
}

void embedder_say(struct embedder *embedder, const char *command, const char *answer)
{
	char *line = program_ask(&embedder->program, command);

	cr_assert_str_eq(line, answer, "%s: %s: %s", embedder->program.name, command, line);
	free(line);
}

void embedder_stop(struct embedder *embedder)
{
	cr_expect_eq(program_stop(&embedder->program), 0, "%s: it did not end well",
		     embedder->program.name);
	unlink(embedder->path);
}
