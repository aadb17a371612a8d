/* SPDX-License-Identifier: BSD-2-Clause */
/* HTML as Graphviz reads it. In a label it still replaces \N, \G, ... after it has resolved
 * entities (strdup_and_subst_obj() in lib/common/htmltable.c): a backslash is always written as
 * two, each as an entity.
 */
#include "report/dot_html.h"

#include <stdio.h>
#include <string.h>

#include "report/text_util.h"
#include "report/utf8.h"

void dot_put_html(FILE *out, const char *safe)
{
	while (*safe) {
		uint32_t cp;
		size_t bytes = utf8_decode(safe, &cp);

		switch (cp) {
		case '&':
			fputs("&amp;", out);
			break;
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		case '\\':
			fputs("&#92;&#92;", out);
			break;
		case ' ':
			/* Leading and double blanks are layout to Graphviz. */
			fputs("&#160;", out);
			break;
		default:
			/* What the escaping let through is printable UTF-8; make sure. */
			if (cp == UTF8_INVALID || !utf8_is_printable(cp))
				fputc('?', out);
			else
				fprintf(out, "%.*s", (int)bytes, safe);
		}
		safe += bytes;
	}
}

void dot_put_type_name(FILE *out, const char *safe, bool bold)
{
	const char *dot = strrchr(safe, '.'), *tail = dot && dot[1] ? dot + 1 : safe;
	char module[TEXT_NAME_BYTES];

	if (tail > safe) {
		snprintf(module, sizeof(module), "%.*s", (int)(tail - safe), safe);
		fputs("<font color=\"" DOT_FAINT "\">", out);
		dot_put_html(out, module);
		fputs("</font>", out);
	}
	fputs(bold ? "<b>" : "", out);
	dot_put_html(out, tail);
	fputs(bold ? "</b>" : "", out);
}

void dot_put_small(FILE *out, const char *safe)
{
	fputs("<br/><font point-size=\"10\" color=\"" DOT_FAINT "\">", out);
	dot_put_html(out, safe);
	fputs("</font>", out);
}
