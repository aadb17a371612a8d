/* SPDX-License-Identifier: BSD-2-Clause */
/* Pictures as Graphviz reads them: byte for byte, and with hostile names. */
#include <criterion/criterion.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../golden/heap_fixture.h"
#include "base/log.h"
#include "golden.h"
#include "hostile.h"
#include "report/dot.h"
#include "report/utf8.h"

static struct heap_fixture fixture;

/* The caller frees it. */
static char *draw(const char *name, bool single, unsigned int limit)
{
	const struct picture_options options = { .limit = limit };
	struct referrers referrers;
	struct picture picture;
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	heap_fixture_make(&fixture, name);
	cr_assert_eq(graph_referrers(fixture.graph, &referrers), 0);
	if (single)
		cr_assert_eq(picture_of_object(fixture.graph, &referrers, &fixture.cycles,
					       fixture.messages[0], &options, &picture),
			     0);
	else
		cr_assert_eq(picture_of_objects(fixture.graph, &referrers, &fixture.cycles,
						fixture.messages, HEAP_MESSAGES, &options,
						&picture),
			     0);
	cr_assert_eq(dot_write(out, fixture.graph, &picture), 0);
	picture_deinit(&picture);
	referrers_deinit(&referrers);
	graph_destroy(fixture.graph);
	fclose(out);
	cr_assert_eq(strlen(text), len, "a NUL byte was printed");
	return text;
}

static void check(const char *golden, bool single, unsigned int limit)
{
	_cleanup_free_ char *text = draw(NULL, single, limit);

	golden_assert(golden, text);
}

Test(dot, golden_of_a_type)
{
	check("picture_type.dot", false, 0);
}

Test(dot, golden_of_one_object)
{
	check("picture_object.dot", true, 0);
}

Test(dot, golden_of_a_type_with_a_rest)
{
	check("picture_rest.dot", false, 5);
}

/* Within HTML, every '<' is a tag of ours, and every '&' an entity of ours. */
static void assert_label_is_safe(const char *p, const char *end, const char *line)
{
	static const char *const ours[] = {
		"<b>",	  "</b>",  "<br/>", "<font ", "</font>", "&amp;",
		"&#160;", "&#92;", "&lt;",  "&gt;",   "&quot;",
	};

	for (; p < end; p++) {
		bool known = *p != '<' && *p != '&';

		cr_assert_neq(*p, '\\', "%s", line);
		for (size_t i = 0; i < ARRAY_SIZE(ours); i++)
			known |= !strncmp(p, ours[i], strlen(ours[i]));
		cr_assert(known, "%.20s in %s", p, line);
	}
}

static void assert_dot_is_safe(const char *name)
{
	_cleanup_free_ char *text = draw(name, false, 0), *plain = draw(NULL, false, 0);
	char *save = NULL;
	size_t lines = 0, want = 0;

	for (const char *p = text; *p;) {
		uint32_t cp;

		p += utf8_decode(p, &cp);
		cr_assert(cp == '\n' || cp == '\t' || (cp != UTF8_INVALID && utf8_is_printable(cp)),
			  "U+%04x printed", cp);
	}
	for (char *p = plain; *p; p++)
		want += *p == '\n';
	for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		char *label = strstr(l, "label=<"), *end;

		lines++;
		cr_assert(!strcmp(l, "digraph pyleak {") || !strcmp(l, "}") || l[0] == '\t', "%s",
			  l);
		if (!label)
			continue;
		end = strstr(l, "> style=");
		end = end ? end : strstr(l, "> penwidth=");
		end = end ? end : strstr(l, ">];");
		cr_assert_not_null(end, "%s", l);
		assert_label_is_safe(label + strlen("label=<"), end, l);
	}
	/* Equal names make other groups, never more. */
	cr_assert_leq(lines, want, "%zu lines, not %zu", lines, want);
}

Test(dot, hostile_names_stay_in_their_labels)
{
	for (size_t i = 0; i < hostile_cnt; i++)
		assert_dot_is_safe(hostile_name(i));
}

static bool has_graphviz(void)
{
	return system("command -v dot >/dev/null 2>&1") == 0;
}

static void ignore(enum log_level level, const char *line)
{
	(void)level;
	(void)line;
}

static char last_line[1000];
static void keep(enum log_level level, const char *line)
{
	(void)level;
	snprintf(last_line, sizeof(last_line), "%s", line);
}

static int render(const char *text, const char *format, char *svg, size_t size)
{
	char in[] = "/tmp/test_dot_XXXXXX", out[sizeof(in) + 4];
	int fd = mkstemp(in), err;
	FILE *file;

	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	snprintf(out, sizeof(out), "%s.out", in);
	err = picture_render(in, format, out);
	file = err ? NULL : fopen(out, "r");
	svg[0] = '\0';
	if (file) {
		svg[fread(svg, 1, size - 1, file)] = '\0';
		fclose(file);
	}
	unlink(in);
	unlink(out);
	return err;
}

Test(dot, graphviz_reads_hostile_names)
{
	static char svg[1 << 20];

	if (!has_graphviz())
		cr_skip_test("dot is not installed");
	for (size_t i = 0; i < hostile_cnt; i++) {
		_cleanup_free_ char *text = draw(hostile_name(i), false, 0);

		cr_assert_eq(render(text, "svg", svg, sizeof(svg)), 0, "%.30s", hostile_name(i));
		cr_assert_not_null(strstr(svg, "</svg>"));
		cr_assert_null(strstr(svg, "owned</text>"), "%.30s", hostile_name(i));
	}
}

/* text_name() doubles a backslash; Graphviz must neither halve it nor take it for its own. */
Test(dot, graphviz_keeps_backslashes)
{
	static char svg[1 << 20];
	_cleanup_free_ char *text = draw("x\\N\\G", false, 0);

	if (!has_graphviz())
		cr_skip_test("dot is not installed");
	cr_assert_eq(render(text, "svg", svg, sizeof(svg)), 0);
	cr_assert(strstr(svg, "x\\\\N\\\\G") || strstr(svg, "x&#92;&#92;N&#92;&#92;G"), "%s", svg);
}

Test(dot, failures_are_told)
{
	static char svg[1 << 10];

	log_set_sink(keep);
	if (has_graphviz()) {
		cr_assert_eq(render("digraph {", "svg", svg, sizeof(svg)), -EIO);
		cr_assert_not_null(strstr(last_line, "failed on /tmp/test_dot_"));
	}
	setenv("PATH", "/nonexistent", 1);
	cr_assert_eq(render("digraph {}", "png", svg, sizeof(svg)), -ENOENT);
	cr_assert_not_null(strstr(last_line, "apt-get install graphviz"));
	log_set_sink(ignore);
}
