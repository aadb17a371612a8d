/* SPDX-License-Identifier: BSD-2-Clause */
/* embedded LIBPYTHON ARGUMENT...: a program that loads a libpython and has it do what python3 with
 * these arguments does. Its own file knows nothing of Python. */
#include <dlfcn.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	int (*run)(int argc, char **argv);
	void *library;

	if (argc < 2)
		return 2;
	/* Extension modules take the interpreter's symbols from the process. */
	library = dlopen(argv[1], RTLD_NOW | RTLD_GLOBAL);
	run = library ? (int (*)(int, char **))dlsym(library, "Py_BytesMain") : NULL;
	if (!run) {
		fprintf(stderr, "embedded: %s\n", dlerror());
		return 125;
	}
	argv[1] = argv[0];
	return run(argc - 1, argv + 1);
}
