/* SPDX-License-Identifier: BSD-2-Clause */
#include "golden.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#ifndef GOLDEN_DIR
#define GOLDEN_DIR "tests/golden"
#endif

static char *file_read(const char *path)
{
	_cleanup_fclose_ FILE *file = fopen(path, "r");
	FILE *memory;
	char *text = NULL;
	size_t len;
	int c;

	if (!file)
		return NULL;
	memory = open_memstream(&text, &len);
	while ((c = getc(file)) != EOF)
		putc(c, memory);
	/* Closing may move the text. */
	fclose(memory);
	return text;
}

void golden_assert(const char *name, const char *got)
{
	_cleanup_free_ char *want = NULL;
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", GOLDEN_DIR, name);
	if (getenv("GOLDEN_UPDATE")) {
		FILE *file = fopen(path, "w");

		cr_assert_not_null(file, "cannot write %s", path);
		fputs(got, file);
		fclose(file);
		cr_assert_fail("%s was rewritten", path);
	}
	want = file_read(path);
	cr_assert_not_null(want, "%s cannot be read", path);
	cr_assert(strcmp(got, want) == 0, "%s differs; got:\n%s", path, got);
}
