/* SPDX-License-Identifier: BSD-2-Clause */
/* A python3 whose interpreter is in Debian's libpython3.*.so, as in images of containers. */
#include <dlfcn.h>
#include <glob.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	int (*run)(int, char **);
	void *library;
	glob_t found;

	if (glob("/usr/lib/*-linux-gnu/libpython3.*.so.1.0", 0, NULL, &found)) {
		fprintf(stderr, "%s: no libpython3\n", argv[0]);
		return 1;
	}
	library = dlopen(found.gl_pathv[found.gl_pathc - 1], RTLD_NOW | RTLD_GLOBAL);
	run = library ? (int (*)(int, char **))dlsym(library, "Py_BytesMain") : NULL;
	if (!run) {
		fprintf(stderr, "%s: %s\n", argv[0], dlerror());
		return 1;
	}
	return run(argc, argv);
}
