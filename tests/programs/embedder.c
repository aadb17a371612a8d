/* SPDX-License-Identifier: BSD-2-Clause */
/* Loads an interpreter for a while: embedder - LIBPYTHON [idle]. Obeys one command a line: `run
 * CODE` has Python run it, `unload` ends the interpreter and unloads the library and answers MAPPED
 * or GONE, `load` loads it again, `end` and `begin` leave the library mapped; idle: it does not
 * begin by itself. Answers one line each. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *library;

static void *function(const char *name)
{
	void *found = dlsym(library, name);

	if (!found) {
		fprintf(stderr, "%s\n", dlerror());
		exit(1);
	}
	return found;
}

static void begin(void)
{
	*(int *)function("Py_NoSiteFlag") = 1;
	((void (*)(int))function("Py_InitializeEx"))(0);
}

static void end(void)
{
	((int (*)(void))function("Py_FinalizeEx"))();
}

static void load(const char *path)
{
	library = dlopen(path, RTLD_NOW | RTLD_GLOBAL);
	if (!library) {
		fprintf(stderr, "%s\n", dlerror());
		exit(1);
	}
}

static const char *unload(void)
{
	static char line[4096];
	const char *answer = "GONE";
	FILE *maps;

	end();
	dlclose(library);
	maps = fopen("/proc/self/maps", "r");
	while (fgets(line, sizeof(line), maps)) {
		if (strstr(line, "libpython"))
			answer = "MAPPED";
	}
	fclose(maps);
	return answer;
}

int main(int argc, char **argv)
{
	static char line[65536];

	if (argc < 3)
		return 2;
	load(argv[2]);
	if (argc == 3)
		begin();
	printf("READY %d\n", getpid());
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		const char *answer = "ok";

		line[strcspn(line, "\n")] = '\0';
		if (!strncmp(line, "run ", 4))
			answer = ((int (*)(const char *))function("PyRun_SimpleString"))(line + 4)
					 ? "failed"
					 : "ok";
		else if (!strcmp(line, "unload"))
			answer = unload();
		else if (!strcmp(line, "load")) {
			load(argv[2]);
			begin();
		} else if (!strcmp(line, "begin"))
			begin();
		else if (!strcmp(line, "end"))
			end();
		puts(answer);
		fflush(stdout);
	}
	return 0;
}
