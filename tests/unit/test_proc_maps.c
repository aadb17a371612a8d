/* SPDX-License-Identifier: BSD-2-Clause */
/* /proc/PID/maps, as the kernel writes it and as a hostile path could make it look. */
#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

#include "attach/proc_maps.h"

static struct mappings parse(const char *text)
{
	FILE *from = fmemopen((char *)text, strlen(text), "r");
	struct mappings mappings;

	cr_assert_not_null(from);
	cr_assert_eq(mappings_parse(from, &mappings), 0);
	fclose(from);
	return mappings;
}

Test(proc_maps, a_line_of_the_kernel_is_understood)
{
	struct mappings maps =
		parse("55d1c0a00000-55d1c0a5b000 r-xp 0001f000 fe:01 1048602                    "
		      "/usr/bin/python3.11\n"
		      "7ffc1b3f2000-7ffc1b413000 rw-s 00000000 00:00 0\n");

	cr_assert_eq(maps.cnt, 2);
	cr_expect_eq(maps.skipped, 0);
	cr_expect_eq(maps.items[0].start, 0x55d1c0a00000ULL);
	cr_expect_eq(maps.items[0].end, 0x55d1c0a5b000ULL);
	cr_expect_eq(maps.items[0].offset, 0x1f000);
	cr_expect_eq(maps.items[0].inode, 1048602);
	cr_expect_eq(maps.items[0].dev_major, 0xfe);
	cr_expect_eq(maps.items[0].dev_minor, 1);
	cr_expect(maps.items[0].readable && maps.items[0].executable);
	cr_expect_not(maps.items[0].writable || maps.items[0].shared);
	cr_expect_str_eq(maps.items[0].path, "/usr/bin/python3.11");
	cr_expect(maps.items[1].writable && maps.items[1].shared);
	cr_expect_str_empty(maps.items[1].path);
	mappings_deinit(&maps);
	cr_expect_eq(maps.cnt, 0);
}

Test(proc_maps, paths_keep_their_spaces_and_the_mark_of_a_deleted_file)
{
	struct mappings maps =
		parse("1000-2000 r--p 00000000 08:01 7    /opt/my app/lib python.so (deleted)\n"
		      "2000-3000 rw-p 00000000 00:00 0    [heap]\n"
		      "3000-4000 rw-p 00000000 00:00 0    [anon:  pymalloc ]\n"
		      "4000-5000 r--p 00000000 08:01 8    /tmp/\\012 r-xp 0 0:0 1 /evil\n");

	cr_assert_eq(maps.cnt, 4);
	cr_expect_str_eq(maps.items[0].path, "/opt/my app/lib python.so (deleted)");
	cr_expect_str_eq(maps.items[1].path, "[heap]");
	cr_expect_str_eq(maps.items[2].path, "[anon:  pymalloc ]");
	cr_expect_str_eq(maps.items[3].path, "/tmp/\\012 r-xp 0 0:0 1 /evil");
	cr_expect_not(maps.items[3].executable, "permissions taken from the path");
	mappings_deinit(&maps);
}

Test(proc_maps, lines_that_make_no_sense_are_counted)
{
	struct mappings maps = parse("\n"
				     "hello\n"
				     "1000-2000\n"
				     "1000-2000 r-xp 0 fe:01\n"
				     "2000-1000 r-xp 00000000 fe:01 1 /backwards\n"
				     "1000-1000 r-xp 00000000 fe:01 1 /empty\n"
				     "1000-2000 rx 00000000 fe:01 1 /flags\n"
				     "1000-2000 r-xpp 00000000 fe:01 1 /flags\n"
				     "zzzz-2000 r-xp 00000000 fe:01 1 /hex\n"
				     "1000-2000 r-xp 00000000 fe:01 1 /good\n");

	cr_expect_eq(maps.skipped, 9);
	cr_assert_eq(maps.cnt, 1);
	cr_expect_str_eq(maps.items[0].path, "/good");
	mappings_deinit(&maps);
}

Test(proc_maps, the_last_line_may_lack_its_newline)
{
	struct mappings maps = parse("1000-2000 r-xp 00000000 fe:01 1 /cut");

	cr_assert_eq(maps.cnt, 1);
	cr_expect_str_eq(maps.items[0].path, "/cut");
	mappings_deinit(&maps);
}

#define LINES 131172U /* 100 more than are kept */

Test(proc_maps, a_process_with_more_mappings_than_the_limit_is_cut)
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);
	struct mappings maps;

	cr_assert_not_null(to);
	for (unsigned long i = 1; i <= LINES; i++)
		fprintf(to, "%lx-%lx rw-p 00000000 00:00 0\n", i << 12, (i + 1) << 12);
	fclose(to);
	maps = parse(text);
	cr_expect_eq(maps.cnt, 131072);
	cr_expect_eq(maps.skipped, 100);
	cr_expect_eq(maps.items[maps.cnt - 1].start, 131072UL << 12);
	mappings_deinit(&maps);
	free(text);
}

Test(proc_maps, a_path_of_any_length_is_kept_whole)
{
	size_t len = 100000;
	char *text = malloc(len + 64);
	int used = snprintf(text, 64, "1000-2000 r-xp 00000000 fe:01 1 /");
	struct mappings maps;

	memset(text + used, 'a', len);
	strcpy(text + used + len, "\n");
	maps = parse(text);
	cr_assert_eq(maps.cnt, 1);
	cr_expect_eq(strlen(maps.items[0].path), len + 1);
	mappings_deinit(&maps);
	free(text);
}
